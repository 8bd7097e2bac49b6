"""Keys that a partner's engineers make for themselves. They live by real time, whatever the test clock says."""

from flask import Response
from sqlalchemy.orm import Session

from adapters.errors import Problem as Fault
from gateway import idempotency, paging
from gateway.call import Call, as_json
from gateway.errors import Problem
from gateway.jobs.api import not_found
from gateway.oauth import sandbox_keys
from gateway.oauth.sandbox_keys import MOST, NewKey, TooMany
from gateway.oauth.tokens import Realm
from gateway.sandbox.chaos import service as chaos
from gateway.sandbox.documents import key_document


def list_sandbox_keys(call: Call) -> Response:
    """`GET /v1/sandbox/keys`."""
    with call.runtime.sessions() as session:
        rows = sandbox_keys.every(session, call.tenant.partner_id, call.runtime.clock())
    return as_json(paging.answer([key_document(row) for row in rows], None))


def create_sandbox_key(call: Call) -> Response:
    """`POST /v1/sandbox/keys`."""
    said = call.document
    # Nobody gives away what he does not have himself.
    scopes = tuple(said.get("scopes") or sorted(call.caller.scopes))
    beyond = [place for place, scope in enumerate(scopes) if scope not in call.caller.scopes]
    if beyond:
        detail = "A key has at most the scopes of the one that makes it."
        faults = tuple(Fault(pointer=f"/scopes/{place}", code="not_yours", detail=detail) for place in beyond)
        raise Problem(code="invalid", detail=detail, faults=faults)

    def act(session: Session) -> Response:
        new = NewKey(label=said["label"], scopes=scopes)
        try:
            now = call.runtime.clock()
            client, issued = sandbox_keys.add(session, call.runtime.vault, call.tenant.partner_id, new, now)
        except TooMany:
            raise Problem(code="conflict", detail=f"There are {MOST} keys already; revoke one first.") from None
        shown = {"client_id": client.id, "client_secret": issued.client_secret}
        document = {**key_document(client), **shown, "token_url": Realm(call.runtime.settings.public_url).token_url}
        return as_json(document, 201, {"Location": f"/v1/sandbox/keys/{client.id}"})

    return idempotency.once(call, "create_sandbox_key", act)


def revoke_sandbox_key(call: Call, key_id: str) -> Response:
    """`DELETE /v1/sandbox/keys/{key_id}`."""
    now = call.runtime.clock()
    with call.runtime.sessions.begin() as session:
        if not sandbox_keys.revoke(session, call.tenant.partner_id, key_id, now):
            raise not_found("key")
        chaos.leave(session, key_id, now)
    return Response(status=204)
