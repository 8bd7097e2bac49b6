"""Attempts that are disturbed on purpose, to try a receiver. Who decides what is done is not here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from webhooks.delivery import Claimed
from webhooks.policy import Answer, Ruling, fault
from webhooks.schemes import Scheme

HEADER = "stecker-chaos"
"""Says of each request of such an attempt what is wrong with it."""


class Shot(NamedTuple):
    """One request. `scheme` authenticates the bytes `signed`; the body takes `drip` seconds."""

    claimed: Claimed
    scheme: Scheme
    signed: bytes
    drip: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done in the place of an attempt.

    The answer to shot number `main` is its answer; where that is None, the message is held back, for `wait` seconds
    where that is longer than the schedule's. Where it does not `count`, the message comes again, whatever was answered.
    `record` is kept with the attempt.
    """

    kind: str
    shots: tuple[Shot, ...] = ()
    main: int | None = None
    wait: int | None = None
    counts: bool = True
    record: Mapping[str, Any] = field(default_factory=dict)


Disturb = Callable[[Claimed, Scheme, datetime], Plan | None]
"""Finds what is to be done in the place of an attempt; None where it is made as usual. Raises `NotNow`."""

Shoot = Callable[[Shot], tuple[Answer, Ruling | None]]


def carry_out(plan: Plan, shoot: Shoot) -> tuple[Answer, Ruling | None]:
    """What came of it, as of any attempt."""
    answers = [shoot(shot) for shot in plan.shots]
    sent = [
        {"id": shot.claimed.message_id, "status_code": answer.status_code, "error": answer.error}
        for shot, (answer, _) in zip(plan.shots, answers, strict=True)
    ]
    if plan.main is None:
        answer, ruling = Answer(error="held_back", retry_after=None if plan.wait is None else str(plan.wait)), None
    else:
        answer, ruling = answers[plan.main]
        answer = replace(answer, duration_ms=sum(one.duration_ms for one, _ in answers))
    if plan.main is not None and not plan.counts:
        taken = ruling == "delivered" or fault(answer) is None
        answer, ruling = replace(answer, abort=False, error="disturbed" if taken else answer.error), "retry"
    return replace(answer, chaos={"kind": plan.kind, **plan.record, "sent": sent}), ruling


def following(session: Session, claimed: Claimed) -> Claimed | None:
    """The message behind this one in its mailbox, as it would be sent."""
    here = {"endpoint_id": claimed.endpoint_id, "subject": claimed.subject, "position": claimed.position}
    row = session.execute(_FOLLOWING, here).mappings().one_or_none()
    return None if row is None else claimed._replace(attempts=0, **row)


_FOLLOWING = text("""
    SELECT m.id AS message_id, m.position, m.event_id, p.format, p.body, p.media_type, p.method, p.path, p.headers,
           p.kind, p.probe
      FROM webhook_message m
      JOIN webhook_payload p ON p.id = m.payload_id
     WHERE m.endpoint_id = :endpoint_id AND m.subject = :subject AND m.position > :position AND m.status = 'pending'
     ORDER BY m.position LIMIT 1
""")
