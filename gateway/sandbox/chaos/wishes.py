"""What a partner asks for, checked: every fault at once, each saying what would be legal."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from adapters.errors import Problem as Fault
from gateway.call import Call
from gateway.endpoints import signatures
from gateway.errors import Problem
from gateway.runtime import Runtime
from gateway.sandbox.chaos import plans
from gateway.sandbox.chaos.kinds import KINDS, LASTS, NARROWING, NEVER, NUMBERS, TIMES
from gateway.sandbox.chaos.service import NewChaos
from webhooks import endpoints, schemes
from webhooks.calling import INBOX
from webhooks.tables import Endpoint
from webhooks.tenant import Tenant as Owner

MANY = 100
"""Endpoints of a partner that are looked at."""


def wish(call: Call) -> NewChaos:
    """Raises `Problem`."""
    said = call.document
    faults = [_explained(fault) for fault in call.faults]
    if isinstance(said, Mapping):
        faults += _faults(said)
    if faults:
        raise Problem(code="invalid", detail="This chaos cannot be.", faults=tuple(faults))
    kind = KINDS[said["kind"]]
    return NewChaos(
        kind=said["kind"],
        times=said.get("times", TIMES.usual),
        lasts=timedelta(seconds=said.get("lasts_seconds", LASTS.usual)),
        numbers={name: said.get(name, bounds.usual) for name, bounds in kind.numbers.items()},
        **{name: said.get(name) for names in NARROWING.values() for name in names},
    )


def _explained(fault: Fault) -> Fault:
    """With what would be legal there."""
    name = fault.pointer.removeprefix("/")
    if name == "kind":
        return replace(fault, detail=f"The kinds are {', '.join(KINDS)}.")
    if name in NUMBERS and fault.code != "unknown_field":
        bounds = NUMBERS[name]
        ends = " There is no chaos without end." if name in ("times", "lasts_seconds") else ""
        detail = f"A whole number from {bounds.least} to {bounds.most}; {bounds.usual} where it is left out.{ends}"
        return replace(fault, detail=detail)
    return fault


def _faults(said: Mapping[str, Any]) -> Iterator[Fault]:
    """What the specification cannot say."""
    kind = KINDS.get(str(said.get("kind")))
    if kind is None:
        return
    takes = {"kind", "times", "lasts_seconds", *kind.numbers, *NARROWING[kind.place]}
    others = [name for names in NARROWING.values() for name in names]
    for name in [*NUMBERS, *others]:
        if name in said and name not in takes:
            detail = f"This kind knows nothing of it; it takes {', '.join(sorted(takes - {'kind'}))}."
            yield Fault(pointer=f"/{name}", code="not_for_this_kind", detail=detail)
    path = said.get("path")
    if isinstance(path, str) and path.startswith(NEVER):
        yield Fault(pointer="/path", code="never_disturbed", detail=f"What begins so never is: {', '.join(NEVER)}.")


def check_endpoint(session: Session, runtime: Runtime, owner: Owner, new: NewChaos, now: datetime) -> None:
    """Raises `Problem` where the endpoint is none of theirs, or where nothing could ever be disturbed so."""
    if KINDS[new.kind].place != "webhooks":
        return
    if new.endpoint_id is None:
        found = list(endpoints.page(session, owner, after=None, limit=MANY))
    else:
        one = endpoints.get(session, owner, new.endpoint_id)
        if one is None:
            detail = "You have no such webhook endpoint in the sandbox; GET /v1/webhook-endpoints lists those you have."
            fault = Fault(pointer="/endpoint_id", code="unknown_endpoint", detail=detail)
            raise Problem(code="invalid", detail="This chaos cannot be.", faults=(fault,))
        found = [one]
        for is_so, kinds, words in _NEVER:
            if new.kind in kinds and is_so(one):
                raise Problem(code="conflict", detail=f"This endpoint cannot be disturbed so: {words}.")
    if new.kind == "old_secret" and not any(_has_old(runtime, one, now) for one in found):
        detail = "No secret is being replaced: rotate one first at /v1/webhook-endpoints/{id}/rotate-secret."
        raise Problem(code="conflict", detail=detail)


# Of which endpoints what can never be done, and why.
_NEVER: tuple[tuple[Callable[[Endpoint], bool], Collection[str], str], ...] = (
    (lambda one: one.scheme == schemes.FOLDER, plans.PLANS, "it takes files, and nothing is sent there"),
    (lambda one: not one.ordered, plans.OVERTAKING, "none of its messages waits for another one"),
    (lambda one: one.scheme not in schemes.SIGNING, plans.SIGNATURES, "its calls are not signed"),
    (lambda one: one.format == "dialect", plans.UNKNOWN_KINDS, "its messages are in your own terms"),
    (lambda one: one.url == INBOX, {"slow_body"}, "it is an inbox, and nothing is sent there"),
)


def _has_old(runtime: Runtime, endpoint: Endpoint, now: datetime) -> bool:
    return any(one.holds(now) for one in signatures.generations(runtime.vault, endpoint)[1:])
