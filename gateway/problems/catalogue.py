"""The catalogue (`catalogue.yaml`): what a problem means, where it comes from, the way out, how to provoke it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from gateway.errors import CATALOGUE
from gateway.problems.trigger import Request, request


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One problem, as its page tells it. The last of the `requests` provokes it; `says` is that in words."""

    code: str
    status: int
    title: str
    meaning: str
    cause: str
    remedy: str
    says: str
    requests: tuple[Request, ...]


@lru_cache(maxsize=1)
def _said() -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load(files(__package__).joinpath("catalogue.yaml").read_text(encoding="utf-8"))
    return said


def faults() -> Mapping[str, str]:
    """What the codes inside `errors` mean, those of all interfaces in JSON."""
    found: Mapping[str, str] = _said()["faults"]
    return found


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Entry]:
    """Every problem by its code, by status. Raises `KeyError` where one is without a page, or a page without one."""
    said = _said()
    odd = set(said["problems"]) ^ set(CATALOGUE)
    if odd:
        raise KeyError(f"a page or a problem is missing: {', '.join(sorted(odd))}")
    return {code: _entry(code, said["problems"][code], said["samples"]) for code in CATALOGUE}


def _entry(code: str, row: Mapping[str, Any], samples: Mapping[str, Any]) -> Entry:
    status, title = CATALOGUE[code]
    return Entry(
        code=code,
        status=status,
        title=title,
        meaning=row["meaning"],
        cause=row["cause"],
        remedy=row["remedy"],
        says=row["trigger"]["says"],
        requests=tuple(request(one, samples) for one in row["trigger"]["requests"]),
    )
