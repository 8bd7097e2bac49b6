"""How a command lays out what it says: facts under each other, rows in columns."""

import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime

import click

WIDTH = 100


def facts(pairs: Mapping[str, object]) -> None:
    """One fact a line, names aligned; what is not there is left out, what is long goes on below itself."""
    width = max(map(len, pairs)) + 2
    for name, value in pairs.items():
        lines = textwrap.wrap(
            "" if value is None else str(value), WIDTH - width, break_long_words=False, break_on_hyphens=False
        )
        for label, line in zip((name, *[""] * len(lines)), lines, strict=False):
            click.echo(f"{label:<{width}}{line}")


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Rows under a head, as wide as their widest cell."""
    cells = [head, *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def moment(at: datetime) -> str:
    """To the second; every time that a command shows is UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


def _cell(value: object) -> str:
    return "-" if value in (None, "") else str(value)
