"""From a disturbance to what is done to one attempt. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from gateway.conformance.messages import UNKNOWN, add_unknown, minified, turn_unknown
from gateway.endpoints.shapes import JSON, SHAPES
from gateway.ids import new_id
from gateway.sandbox.chaos.service import Taken
from webhooks import policy, schemes
from webhooks.calling import INBOX
from webhooks.chaos import Plan, Shot
from webhooks.delivery import Claimed
from webhooks.outbox import APART
from webhooks.schemes import Scheme

LAST = len(policy.SANDBOX.delays)
"""So many attempts are before the last one of the schedule, which is never disturbed: every message has its chance."""

HOLDS = 3
"""So many attempts a message waits for the next one of its job: some 17 seconds."""

HOLDING = frozenset({"reorder", "sequence_gap", "delay", "drop_first"})
OVERTAKING = frozenset({"reorder", "sequence_gap"})
UNKNOWN_KINDS = frozenset({"unknown_field", "unknown_enum"})
SIGNATURES = frozenset({"wrong_signature", "old_secret"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An attempt that is to be disturbed. `again`: its message was held back for this before. `following` is the next
    message of its job, where it was looked for and is there.
    """

    taken: Taken
    claimed: Claimed
    scheme: Scheme
    at: datetime
    again: bool
    following: Claimed | None

    @property
    def usual(self) -> Shot:
        return Shot(self.claimed, self.scheme, self.claimed.body)

    def plan(self, detail: str, **more: Any) -> Plan:
        record = {"id": self.taken.id, "detail": detail, "waits": more.pop("waits", False)}
        return Plan(kind=self.taken.kind, record=record, **more)

    def one(self, detail: str, shot: Shot, **more: Any) -> Plan:
        return self.plan(detail, shots=(shot,), main=0, **more)


def fitting(claimed: Claimed, scheme: Scheme, at: datetime) -> set[str]:
    """The kinds that can be done to this attempt."""
    if claimed.attempts >= LAST:
        return set()
    found = set(PLANS)
    if claimed.attempts:
        found -= HOLDING
    if APART in claimed.subject:
        found -= OVERTAKING
    if claimed.scheme not in schemes.SIGNING:
        found -= SIGNATURES
    if schemes.before(scheme, at) is None:
        found.discard("old_secret")
    if claimed.format not in SHAPES or claimed.media_type not in READABLE:
        found -= UNKNOWN_KINDS
    if claimed.url == INBOX:
        found.discard("slow_body")
    return found


READABLE = frozenset({JSON, "application/cloudevents+json"})


def plan(case: Case) -> Plan | None:
    """None where the attempt is to be made as usual after all."""
    return PLANS[case.taken.kind](case)


def _duplicate(case: Case) -> Plan:
    copies = case.taken.numbers["copies"]
    return case.plan(
        f"It was sent {1 + copies} times, one after the other.", shots=(case.usual,) * (1 + copies), main=0
    )


def _delay(case: Case) -> Plan:
    if case.again:
        return case.one("It was held back before.", case.usual)
    seconds = case.taken.numbers["delay_seconds"]
    return case.plan(f"It is held back for {seconds} seconds.", wait=seconds, waits=True)


def _drop_first(case: Case) -> Plan | None:
    attempts, number = case.taken.numbers["attempts"], case.claimed.attempts + 1
    if number > attempts:
        return None
    return case.plan(f"Attempt {number} of {attempts} that are not sent.", waits=number < attempts)


def _reorder(case: Case) -> Plan | None:
    if case.following is None:
        return _wait(case)
    detail = "The next message of the job was sent first; it comes again in its turn."
    return case.plan(detail, shots=(_alone(case, case.following), case.usual), main=1)


def _sequence_gap(case: Case) -> Plan | None:
    if case.following is None:
        return _wait(case)
    detail = "The next message of the job was sent, and this one was not: it follows with the next attempt."
    return case.plan(detail, shots=(_alone(case, case.following),))


def _wait(case: Case) -> Plan | None:
    if case.claimed.attempts >= HOLDS:
        return None
    return case.plan("It waits for the next message of the job, which is to overtake it.", waits=True)


def _wrong_signature(case: Case) -> Plan:
    detail = "It was signed as if it were another one: whoever takes it does not check. It comes again."
    return case.one(detail, case.usual._replace(signed=case.claimed.body + b"\n"), counts=False)


def _old_secret(case: Case) -> Plan | None:
    before = schemes.before(case.scheme, case.at)
    if before is None:
        return None
    detail = "It was signed by the secret before alone, which is good until it has been replaced."
    return case.one(detail, case.usual._replace(scheme=before))


def _slow_body(case: Case) -> Plan:
    seconds = case.taken.numbers["body_seconds"]
    return case.one(f"Its body took {seconds} seconds.", case.usual._replace(drip=seconds))


def _redirect(case: Case) -> Plan:
    detail = "It came as what a redirect leaves of it: a GET without a body. Nobody should take that. It comes again."
    left = case.claimed._replace(method="GET", body=b"")
    return case.one(detail, case.usual._replace(claimed=left), counts=False)


def _unknown_field(case: Case) -> Plan:
    document = orjson.loads(case.claimed.body)
    add_unknown(_event(document))
    detail = "It had fields that no version of ours knows."
    return case.one(detail, _alone(case, case.claimed._replace(body=minified(document))))


def _unknown_enum(case: Case) -> Plan:
    document = orjson.loads(case.claimed.body)
    event, event_id = _event(document), new_id("evt", case.at)
    turn_unknown(event)
    # As if it had been before: nothing that is true is taken for old news then.
    event["data"]["sequence"] -= 1
    for part in (document, event):
        part["id"], part["type"] = event_id, f"job.{UNKNOWN}"
    unknown = case.claimed._replace(message_id=new_id("whm", case.at), event_id=event_id, body=minified(document))
    detail = "Before it came a message of a type, and of a state, that no version of ours knows."
    return case.plan(detail, shots=(_alone(case, unknown), case.usual), main=1)


def _alone(case: Case, message: Claimed) -> Shot:
    return Shot(message, case.scheme, message.body)


def _event(document: dict[str, Any]) -> dict[str, Any]:
    """The event itself, which a CloudEvent has in its `data`."""
    event: dict[str, Any] = document["data"] if "specversion" in document else document
    return event


PLANS: Mapping[str, Callable[[Case], Plan | None]] = {
    "duplicate": _duplicate,
    "reorder": _reorder,
    "sequence_gap": _sequence_gap,
    "delay": _delay,
    "drop_first": _drop_first,
    "wrong_signature": _wrong_signature,
    "old_secret": _old_secret,
    "slow_body": _slow_body,
    "redirect": _redirect,
    "unknown_field": _unknown_field,
    "unknown_enum": _unknown_enum,
}
