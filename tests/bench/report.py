"""What a row says, the table, and bench.json."""

import json
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("connexion", "flask", "uvicorn", "sqlalchemy", "psycopg", "requests", "rq")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. `samples` are what its median is of; a row without a goal is for information."""

    row: str
    value: float
    unit: str
    samples: Sequence[float]
    goal: float | None = None
    lower_is_better: bool = False
    note: str = ""

    @property
    def reached(self) -> bool | None:
        if self.goal is None:
            return None
        return self.value <= self.goal if self.lower_is_better else self.value >= self.goal

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "reached": self.reached}


def median_of(samples: Sequence[float], **row: Any) -> Row:
    """The row of these samples."""
    return Row(value=statistics.median(samples), samples=tuple(samples), **row)


def table(rows: Iterable[Row]) -> str:
    """One line a row: figure, goal, spread and count of the samples."""
    lines = [f"{'row':<36} {'median':>9} {'unit':<12} {'goal':<8} {'reached':<8} {'spread':<19} n"]
    for row in rows:
        goal = "" if row.goal is None else f"{'<=' if row.lower_is_better else '>='} {row.goal:g}"
        reached = {None: "", True: "yes", False: "no"}[row.reached]
        spread = f"{_figure(min(row.samples))} – {_figure(max(row.samples))}"
        figure = f"{row.row:<36} {_figure(row.value):>9} {row.unit:<12} {goal:<8} {reached:<8} {spread:<19}"
        lines.append(f"{figure} {len(row.samples)}{'   ' + row.note if row.note else ''}")
    return "\n".join(lines)


def heading(about: dict[str, Any]) -> str:
    """The machine, how busy it was, and what runs on it."""
    first = f"{about['processor']}, {about['cores']} cores, load {about['load_before']} before, {about['system']}"
    return f"{first}\n{', '.join(f'{name} {number}' for name, number in versions().items())}\n"


def _figure(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"


def machine() -> dict[str, Any]:
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def write(path: Path, rows: Iterable[Row], about: dict[str, Any]) -> None:
    document = {"machine": about, "versions": versions(), "rows": [row.document() for row in rows]}
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor()
