"""What is told about the health of endpoints: to the partner's other endpoints, by mail, and in the log."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from adapters.objects import minified
from adapters.plain.writer import API_VERSION
from gateway.endpoints import shapes
from gateway.endpoints.documents import document
from gateway.ids import new_id
from gateway.runtime import Runtime
from webhooks import clocks, health, outbox
from webhooks.health import Notice, Rules
from webhooks.outbox import OutgoingEvent, Subscription
from webhooks.tables import Endpoint
from webhooks.tenant import Tenant as Owner

log = logging.getLogger(__name__)

BATCHES = 50
"""Of attempts in one round."""


def look(runtime: Runtime) -> None:
    """Count what was tried, and tell what follows from it; the mails are written by a round of their own."""
    for _ in range(BATCHES):
        with runtime.sessions.begin() as session:
            more, died = health.tally(session)
        for endpoint_id, count in died.items():
            log.warning("messages will not be sent any more", extra={"endpoint_id": endpoint_id, "count": count})
        if not more:
            break
    now = runtime.clock()
    rules = Rules(disable_after=timedelta(days=runtime.settings.disable_after_days))
    with runtime.sessions.begin() as session:
        notices = health.judge(session, rules, now=now)
        for one in notices:
            _tell(session, runtime, one, now)
        if runtime.settings.smtp_url and notices:
            health.to_mail(session, notices)
    for one in notices:
        log.warning("webhook endpoint: %s", one.kind, extra={"endpoint_id": one.standing.endpoint_id})


def _tell(session: Session, runtime: Runtime, notice: Notice, now: datetime) -> None:
    """`webhook_endpoint.failing`, `.disabled` or `.recovered`, to the partner's other endpoints of no dialect."""
    standing = notice.standing
    owner = Owner(standing.owner, standing.environment)
    others = list(_others(session, owner, standing.endpoint_id))
    if not others:
        return
    endpoint = session.get_one(Endpoint, standing.endpoint_id, populate_existing=True)
    event_id, kind = new_id("evt", now), f"webhook_endpoint.{notice.kind}"
    said = {
        "id": event_id,
        "type": kind,
        "timestamp": now.isoformat(),
        "environment": standing.environment,
        "api_version": API_VERSION,
        "data": {"level": notice.level or None, "webhook_endpoint": document(endpoint, runtime.vault)},
    }
    body = minified(said)
    event = OutgoingEvent(
        # Each is news by itself: none waits for an earlier one that an endpoint did not take.
        subject=event_id,
        event_id=event_id,
        event_type=kind,
        sequence=1,
        payloads={shape: (shapes.shaped(body, shape),) for shape in {one.shape for one in others}},
    )
    make = partial(new_id, now=now)
    theirs = clocks.now_of(session, owner, now)
    outbox.enqueue(outbox.writing(session), owner, [event], others, new_id=make, now=theirs)


def _others(session: Session, owner: Owner, endpoint_id: str) -> Iterator[Subscription]:
    subscriptions: Sequence[Subscription] = outbox.subscribed(outbox.reading(session), owner)
    # Of whatever service: this is about none.
    return (
        replace(one, services=None)
        for one in subscriptions
        if one.endpoint_id != endpoint_id and one.shape in shapes.SHAPES
    )
