"""`/v1/sandbox/checkpoints`: kept, listed and deleted; `POST /v1/sandbox/reset` goes back to one."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from gateway import idempotency, paging
from gateway.call import Call, as_json
from gateway.jobs.api import not_found
from gateway.sandbox.checkpoints import erasing, service
from gateway.sandbox.checkpoints.tables import Checkpoint


def create_sandbox_checkpoint(call: Call) -> Response:
    """`POST /v1/sandbox/checkpoints`."""
    label = (call.document or {}).get("label")

    def act(session: Session) -> Response:
        return as_json(_document(service.take(session, call.tenant, label, call.runtime.clock())), 201)

    return idempotency.once(call, "create_sandbox_checkpoint", act)


def list_sandbox_checkpoints(call: Call) -> Response:
    """`GET /v1/sandbox/checkpoints`, newest first."""
    with call.runtime.sessions() as session:
        found = service.page(session, call.tenant, call.runtime.clock())
    return as_json(paging.answer([_document(one) for one in found], None))


def delete_sandbox_checkpoint(call: Call, checkpoint_id: str) -> Response:
    """`DELETE /v1/sandbox/checkpoints/{checkpoint_id}`."""
    with call.runtime.sessions.begin() as session:
        if not erasing.drop(session, call.tenant, checkpoint_id):
            raise not_found("checkpoint")
    return Response(status=204)


SHOWN = {
    "orders": "support_order",
    "jobs": "job",
    "events": "job_event",
    "runs": "sandbox_run",
    "messages": "webhook_message",
}
"""What is counted, and in which table that is."""


def _document(row: Checkpoint) -> dict[str, Any]:
    return {
        "id": row.id,
        "label": row.label,
        "counts": {name: row.counts[table] for name, table in SHOWN.items()},
        "created_at": row.created_at.isoformat(),
        "expires_at": (row.created_at + erasing.KEPT).isoformat(),
    }
