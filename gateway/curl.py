"""Requests as lines for a shell: single quotes keep a word as it is, in double ones `$NAME` is filled in."""

import shlex
from collections.abc import Sequence


def expanding(text: str) -> str:
    """A word in which the shell fills in `$NAME` and `$(…)`, and nothing else."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`")
    return f'"{escaped}"'


def header(name: str, value: str) -> str:
    return f"-H {shlex.quote(f'{name}: {value}')}"


def bearer(variable: str) -> str:
    """The token out of this variable."""
    return f"-H {expanding(f'Authorization: Bearer {variable}')}"


def idempotency_key(key: str | None) -> str:
    """This key; a new one for each time that the line is run where it is None."""
    return f"-H {expanding('Idempotency-Key: $(date +%s)-$RANDOM')}" if key is None else header("Idempotency-Key", key)


def data(body: str) -> str:
    return f"--data-binary {shlex.quote(body)}"


def command(method: str, url: str, words: Sequence[str], *, options: str = "-i") -> str:
    """One command over several lines. `url` and `words` are words for the shell already."""
    verb = "" if method == "GET" else f"-X {method} "
    return " \\\n  ".join([f"curl {options} {verb}{url}", *words])
