"""What became of the webhook messages of a step: waited for briefly, with nothing of the database in hand."""

import threading
import time
from collections.abc import Sequence
from typing import Any

from gateway.endpoints.documents import delivery_document
from gateway.runtime import Runtime
from gateway.tenant import Tenant
from webhooks import endpoints, outbox
from webhooks.endpoints import Delivery
from webhooks.tenant import Tenant as Owner

LOOK_EVERY = 0.05
AT_ONCE = 2
"""Whoever waits holds a thread that others want to be answered by: a third one gets what is known now."""

_waiting = threading.BoundedSemaphore(AT_ONCE)


def told(runtime: Runtime, tenant: Tenant, message_ids: Sequence[str], within: float) -> dict[str, Any]:
    """`webhooks`: these messages with their attempts; `settled`: each was tried, or its endpoint is switched off."""
    runtime.wake()
    if _waiting.acquire(blocking=False):
        try:
            _wait(runtime, tenant, message_ids, within)
        finally:
            _waiting.release()
    with runtime.sessions() as session:
        owner = Owner(tenant.partner_id, tenant.environment)
        settled = not endpoints.awaited(session, owner, message_ids)
        found = endpoints.deliveries_of(session, owner, message_ids)
    return {"settled": settled, "webhooks": [_document(one) for one in found]}


def _wait(runtime: Runtime, tenant: Tenant, message_ids: Sequence[str], within: float) -> None:
    end = time.monotonic() + within
    while time.monotonic() < end:
        with runtime.sessions() as session:
            if not endpoints.awaited(session, Owner(tenant.partner_id, tenant.environment), message_ids):
                return
        time.sleep(LOOK_EVERY)


def _document(one: Delivery) -> dict[str, Any]:
    message = one.message
    return {
        **delivery_document(one),
        "endpoint_id": message.endpoint_id,
        "job_id": outbox.about(message.subject),
        "sequence": message.sequence,
    }
