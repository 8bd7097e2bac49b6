"""The scenarios (`specs/scenarios`, a file each): an order, and what happens to its jobs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from adapters.canonical import JobState
from specs import scenarios as folder

LENGTH = re.compile(r"(\d+)([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Exactly one of `service` and `sku`. `wished_in` are the seconds to the visit, where one is wished."""

    line_id: str
    service: str | None = None
    sku: str | None = None
    wished_in: int | None = None
    after_delivery_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`after` so many seconds. `days` is how far a new window lies behind the old one, `technician` is 1 or 2."""

    after: int
    event: str
    to: JobState
    actor: str
    line: str
    reason: str | None = None
    note: str | None = None
    days: int = 1
    technician: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`ends` are the states in which the jobs of its lines are left."""

    name: str
    title: str
    teaches: str
    lines: tuple[Line, ...]
    steps: tuple[Step, ...]
    ends: Mapping[str, JobState]


@lru_cache(maxsize=1)
def scenarios() -> Mapping[str, Scenario]:
    """Every scenario by its name, which is that of its file."""
    found = [piece for piece in files(folder).iterdir() if piece.name.endswith(".yaml")]
    texts = {piece.name.removesuffix(".yaml"): piece.read_text(encoding="utf-8") for piece in found}
    return {name: scenario(name, yaml.safe_load(texts[name])) for name in sorted(texts)}


def scenario(name: str, said: Mapping[str, Any]) -> Scenario:
    """Raises `KeyError`, `TypeError` or `ValueError` where the file is not one of these."""
    lines = tuple(_line(row) for row in said["order"]["lines"])
    return Scenario(
        name=name,
        title=said["title"],
        teaches=said["teaches"],
        lines=lines,
        steps=tuple(_step(row, lines[0].line_id) for row in said["steps"]),
        ends={line_id: JobState(state) for line_id, state in said["ends"].items()},
    )


def _line(row: Mapping[str, Any]) -> Line:
    wished = row.get("in")
    others = {name: value for name, value in row.items() if name != "in"}
    return Line(**others, wished_in=seconds(wished) if wished else None)


def _step(row: Mapping[str, Any], first: str) -> Step:
    return Step(**{"line": first, **row, "after": seconds(row["after"]), "to": JobState(row["to"])})


def seconds(text: str) -> int:
    """`90s`, `5m`, `2h`, `1d`."""
    match = LENGTH.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no length of time")
    return int(match[1]) * SECONDS[match[2]]


def shown(one: Scenario) -> dict[str, Any]:
    """As partners see it."""
    return {
        "name": one.name,
        "title": one.title,
        "teaches": one.teaches,
        "lines": [
            {"line_id": line.line_id, "service": line.service, "sku": line.sku, "ends": one.ends[line.line_id]}
            for line in one.lines
        ],
        "steps": [
            {
                "line_id": step.line,
                "event": step.event,
                "to": step.to,
                "actor": step.actor,
                "reason": step.reason,
                "after_seconds": step.after,
            }
            for step in one.steps
        ],
        "lasts_seconds": sum(step.after for step in one.steps),
    }
