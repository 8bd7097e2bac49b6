"""The catalogue (`services.csv`, one row a service) and the way from a partner's word to a service."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files

from sqlalchemy.orm import Session

from adapters.canonical import Money, OrderLine
from gateway import driver

# The countries that are served, with the zone in which their windows are said.
TIMEZONES: Mapping[str, str] = {
    "CH": "Europe/Zurich",
    "DE": "Europe/Berlin",
    "AT": "Europe/Vienna",
    "GB": "Europe/London",
    "FR": "Europe/Paris",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """`minutes` of work, by so many `persons` of this `skill`; one gross list price a country."""

    code: str
    category: str
    title: str
    minutes: int
    skill: str
    persons: int
    prices: Mapping[str, Money]


@lru_cache(maxsize=1)
def services() -> Mapping[str, Service]:
    """Every service by its code."""
    with files(__package__).joinpath("services.csv").open(encoding="utf-8") as file:
        return {row["code"]: _service(row) for row in csv.DictReader(file)}


def _service(row: Mapping[str, str]) -> Service:
    prices = [name.split("_") for name in row if name[2:3] == "_" and name[:2] in TIMEZONES]
    return Service(
        code=row["code"],
        category=row["category"],
        title=row["title_en"],
        minutes=int(row["minutes"]),
        skill=row["skill"],
        persons=int(row["persons"]),
        prices={
            country: Money(amount=Decimal(row[f"{country}_{currency}"]), currency=currency)
            for country, currency in prices
        },
    )


_ARTICLES = """
    SELECT kind, code, service FROM partner_article
     WHERE partner_id = %(partner_id)s AND environment = %(environment)s AND code = ANY(%(codes)s)
     ORDER BY kind, code
"""


def resolve(session: Session, partner_id: str, environment: str, lines: Iterable[OrderLine]) -> dict[str, str | None]:
    """Our service code per line id; None where nobody knows what the line names."""
    lines = tuple(lines)
    codes = {line.sku or line.gtin for line in lines if line.service is None}
    known: dict[tuple[str, str], str] = {}
    if codes:
        values = {"partner_id": partner_id, "environment": environment, "codes": sorted(filter(None, codes))}
        rows = driver.recall(session, _ARTICLES, values)
        known = {(kind, code): service for kind, code, service in rows}
    return {line.line_id: _named(line, known) for line in lines}


def _named(line: OrderLine, known: Mapping[tuple[str, str], str]) -> str | None:
    if line.service is not None:
        return line.service if line.service in services() else None
    return known.get(("sku", line.sku)) if line.sku else known.get(("gtin", line.gtin or ""))
