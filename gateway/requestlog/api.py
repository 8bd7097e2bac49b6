"""`GET /v1/sandbox/requests`: what was asked and answered, newest first."""

import json
import shlex
from typing import Any

from flask import Response

from gateway import curl, paging
from gateway.call import Call, as_json
from gateway.jobs.api import DEFAULT_LIMIT, not_found
from gateway.requestlog import service
from gateway.requestlog.service import Caused, Wanted
from gateway.requestlog.tables import RequestRecord


def list_sandbox_requests(call: Call) -> Response:
    """`GET /v1/sandbox/requests`."""
    query, vault = call.query, call.runtime.vault
    filters = {name: query.get(name) for name in ("client_id", "idempotency_key", "problem")}
    bound = f"{call.tenant}:sandbox-requests:{sorted(filters.items(), key=str)}"
    limit = query.get("limit", DEFAULT_LIMIT)
    wanted = Wanted(limit=limit + 1, before=paging.unseal(vault, bound, query.get("after")), **filters)
    with call.runtime.sessions() as session:
        rows = service.page(session, call.tenant, wanted)
    found, following = paging.page(rows, limit, lambda row: paging.seal(vault, bound, row.id))
    base_url = call.runtime.settings.public_url
    return as_json(paging.answer([_summary(row, base_url) for row in found], following))


def get_sandbox_request(call: Call, request_id: str) -> Response:
    """`GET /v1/sandbox/requests/{request_id}`."""
    with call.runtime.sessions() as session:
        row = service.one(session, call.tenant, request_id)
        if row is None:
            raise not_found("request")
        found = service.caused(session, call.tenant, row)
    bodies = {
        "request": {"media_type": row.sent_type, "bytes": row.sent_bytes, "body": row.sent},
        "answer": {"media_type": row.answered_type, "bytes": row.answered_bytes, "body": row.answered},
        "redacted": row.redacted,
    }
    return as_json({**_summary(row, call.runtime.settings.public_url), **bodies, "caused": _caused(found)})


def _summary(row: RequestRecord, base_url: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "request_id": row.request_id,
        "at": row.at.isoformat(),
        "client_id": row.client_id,
        "operation": row.operation,
        "method": row.method,
        "path": row.path,
        "status": row.status,
        "duration_ms": row.duration_ms,
        "problem": row.problem,
        "chaos": row.chaos,
        "clock": row.clock.isoformat() if row.clock else None,
        "idempotency_key": row.idempotency_key,
        "replayed": row.replayed,
        "curl": _curl(row, base_url),
    }


def _caused(found: Caused) -> dict[str, Any]:
    return {
        "orders": list(found.orders),
        "jobs": list(found.jobs),
        "documents": [{"id": row["id"], "outcome": row["outcome"]} for row in found.documents],
        "events": [dict(row) for row in found.events],
        "messages": [
            {
                "id": row["id"],
                "endpoint_id": row["endpoint_id"],
                "event_id": row["event_id"],
                "type": row["event_type"],
                "status": row["status"],
            }
            for row in found.messages
        ],
    }


def _curl(row: RequestRecord, base_url: str) -> str:
    """The request again. A body that says something else now is another request, and gets a key of its own."""
    words = [curl.bearer("$TOKEN")]
    if row.method == "POST":
        is_other = any(place.startswith("/request/") for place in row.redacted)
        words.append(curl.idempotency_key(None if is_other else row.idempotency_key))
    if row.sent_bytes:
        words.append(curl.header("Content-Type", row.sent_type or "application/octet-stream"))
        words.append(
            "--data-binary @document"
            if row.sent is None
            else curl.data(json.dumps(row.sent, ensure_ascii=False, separators=(",", ":")))
        )
    return curl.command(row.method, shlex.quote(f"{base_url}{row.path}"), words)
