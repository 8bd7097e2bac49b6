"""Values that make something happen in the sandbox (`magic.yaml`): told at the door, done by the usual code."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

import yaml
from sqlalchemy.orm import Session

from adapters.canonical import Intent, Job, OrderLine, PlaceOrder, SupportOrder
from gateway.errors import CATALOGUE, Problem
from gateway.sandbox import planning, runs
from gateway.sandbox.planning import NoWay, Planned
from gateway.sandbox.runs import NewRun
from gateway.sandbox.scenarios import Scenario, scenarios
from gateway.tenant import Tenant

SANDBOX = "sandbox"
NOTHING: Mapping[str, str] = MappingProxyType({})
SECONDS: Mapping[int, str] = {429: "1", 503: "1", 409: "1"}
"""`Retry-After` of what passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What is looked for, all of what is named; and what it stands for: a `reason` or a `scenario`."""

    sku: str | None = None
    country: str | None = None
    postcode: str | None = None
    family_name: str | None = None
    reason: str | None = None
    scenario: str | None = None

    def fits(self, order: SupportOrder, line: OrderLine | None = None) -> bool:
        found = (line.sku if line else None, order.service_address.country, order.service_address.postcode)
        wanted = (self.sku, self.country, self.postcode, self.family_name)
        return all(
            want is None or want == have
            for want, have in zip(wanted, (*found, order.customer.family_name), strict=True)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Magic:
    """The whole of it; `orders` are problems by the partner's number."""

    orders: Mapping[str, str]
    lines: Sequence[Sign]
    jobs: Sequence[Sign]


@lru_cache(maxsize=1)
def magic() -> Magic:
    said = yaml.safe_load(files(__package__).joinpath("magic.yaml").read_text(encoding="utf-8"))
    lines, jobs = (tuple(Sign(**row) for row in said[kind]) for kind in ("lines", "jobs"))
    return Magic(orders=said["orders"], lines=lines, jobs=jobs)


def provoke(tenant: Tenant, intents: Iterable[Intent]) -> None:
    """Raises the `Problem` that an order's number asks for."""
    if tenant.environment != SANDBOX:
        return
    for intent in intents:
        code = magic().orders.get(intent.order.partner_order_id) if isinstance(intent, PlaceOrder) else None
        if code is not None:
            status = CATALOGUE[code][0]
            headers = {"Retry-After": SECONDS[status]} if status in SECONDS else {}
            raise Problem(code=code, detail="The number of this order asks for this problem.", headers=headers)


def refusals(tenant: Tenant, order: SupportOrder) -> Mapping[str, str]:
    """Why a line is rejected, by its id; only those that are."""
    if tenant.environment != SANDBOX:
        return NOTHING
    return {line.line_id: sign.reason for line in order.lines for sign in magic().lines if sign.fits(order, line)}  # type: ignore[misc]


def scenario(tenant: Tenant, order: SupportOrder) -> Scenario | None:
    """Which way its jobs go by themselves."""
    if tenant.environment != SANDBOX:
        return None
    return next((scenarios()[sign.scenario or ""] for sign in magic().jobs if sign.fits(order)), None)


def walk(session: Session, tenant: Tenant, scenario: Scenario, jobs: Sequence[Job], now: datetime) -> None:
    """Write down that the jobs of an order go this way; those that were rejected do not."""
    plan = [step for job in jobs for step in _way(scenario, job)]
    if plan:
        new = NewRun(
            order_id=jobs[0].order_id,
            scenario=scenario.name,
            until=None,
            pace="instant",
            seed=None,
            at=None,
            plan=plan,
        )
        runs.begin(session, tenant, new, now)


def _way(scenario: Scenario, job: Job) -> Sequence[Planned]:
    try:
        return planning.joined(scenario, job)
    except NoWay:
        return ()
