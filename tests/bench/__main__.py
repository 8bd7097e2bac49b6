"""The benchmarks: `python -m tests.bench [ROW …]` prints a table and writes bench.json."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import click

from tests.bench import delivery, dialects, fan_out, growth, intake, latency, neighbour, report
from tests.bench.report import Row
from tests.bench.size import DEFAULT, Size
from tests.bench.system import durable_servers
from tests.support.servers import Servers

ROWS: dict[str, Callable[[Servers, Size], Iterator[Row]]] = {
    "intake": intake.rows,
    "delivery": delivery.rows,
    "latency": latency.rows,
    "neighbour": neighbour.rows,
    "fan-out": fan_out.rows,
    "growth": growth.rows,
    "dialects": dialects.rows,
}


@click.command()
@click.argument("names", metavar="[ROW]...", nargs=-1, type=click.Choice(list(ROWS)))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default="bench.json", show_default=True)
@click.option("--latency-seconds", type=click.FloatRange(min=1), default=DEFAULT.latency_seconds, show_default=True)
@click.option("--grown-jobs", type=click.IntRange(min=1), default=DEFAULT.grown_jobs, show_default=True)
def main(names: tuple[str, ...], out: Path, latency_seconds: float, grown_jobs: int) -> None:
    """Measure all rows, or these."""
    about, size = report.machine(), replace(DEFAULT, latency_seconds=latency_seconds, grown_jobs=grown_jobs)
    with durable_servers() as running:
        found = [row for name in names or ROWS for row in ROWS[name](running, size)]
    print(report.heading(about))
    print(report.table(found))
    report.write(out, found, about)


if __name__ == "__main__":
    main()
