"""The inbox of a partner's sandbox: filled, and read through the API."""

from gateway.sandbox.inbox import service
from gateway.sandbox.inbox.tables import InboxMessage
from tests.support.outbox import rows

INBOX = "/v1/sandbox/inbox"


def endpoint(caller, **wish):
    answer = caller.post("/v1/webhook-endpoints", {"url": "inbox:", **wish})
    assert answer.status == 201, answer.body
    return answer.json


def page(caller, **query):
    answer = caller.get(f"{INBOX}?" + "&".join(f"{name}={value}" for name, value in query.items()))
    assert answer.status == 200, answer.body
    return answer.json


def fill(runtime, partner_id, count, at=None, body=b"{}", endpoint_id="whep_1"):
    """So many messages, each with its number as its path."""
    for number in range(count):
        with runtime.sessions.begin() as session:
            message = InboxMessage(
                partner_id=partner_id,
                environment="sandbox",
                endpoint_id=endpoint_id,
                method="POST",
                path=str(number),
                headers={},
                body=body,
                verdict="unsigned",
                received_at=at or runtime.clock(),
            )
            service.put(session, message)


def partner_of(runtime, slug="demo"):
    return rows(runtime.sessions, "SELECT id FROM partner WHERE slug = :slug", slug=slug)[0][0]


def paths(found):
    return [item["path"] for item in found["items"]]
