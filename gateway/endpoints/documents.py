"""Endpoints and deliveries as they are shown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.crypto import Vault
from gateway.endpoints import signatures
from gateway.endpoints.secrets import shown_authentication
from webhooks.endpoints import Delivery
from webhooks.recovery import Recovery
from webhooks.tables import Attempt, Endpoint

# Of an attempt: where it ended, what went wrong there, and what that means. For people.
STEPS: Mapping[str, str] = {
    "call": "The call",
    "probe": "The question before the call",
    "token": "The request for a token",
    "folder": "Writing the file",
    "inbox": "Putting it into the inbox",
}
DELIVERED: Mapping[str, str] = {
    "call": "It was taken.",
    "probe": "The question before the call showed that nothing is left to do, so nothing was sent.",
    "folder": "The file is in the folder.",
    "inbox": "It is in the inbox.",
}
ERRORS: Mapping[str, str] = {
    "aborted": "the answer says that this message is not wanted again",
    "bad_response": "what came back is no answer in HTTP",
    "blocked_by_policy": "its host leads to an address that we do not call, such as one of a private network or of a "
    "machine itself; only public addresses are called",
    "connection_failed": "there was no connection",
    "connection_refused": "the connection was refused",
    "connection_reset": "the connection was cut",
    "disturbed": "it was taken, though it was disturbed on purpose",
    "dns_failure": "its host name has no address",
    "folder_unavailable": "the folder cannot be written to",
    "gone": "the answer was 410, there is nothing there any more",
    "held_back": "it was held back on purpose",
    "internal_error": "something went wrong on our side",
    "no_folder": "there is no such folder here",
    "no_inbox": "only the sandbox has one",
    "not_taken": "the answer says, in the partner's own terms, that it was not taken for now",
    "proxy_unavailable": "our own way out was not there",
    "redirect": "the answer was a redirect, and we follow none",
    "refused": "the answer refuses it for good, in the partner's own terms",
    "timeout": "there was no complete answer in time",
    "tls_error": "there was no secure connection; look at the certificate",
    "token_refused": "the credentials were refused",
    "token_unavailable": "no token was given for now",
    "token_unreadable": "the answer held no token that can be used",
    "unexpected_status": "the answer was no 2xx",
}
THEN: Mapping[str, str] = {"retry": "It is tried again.", "failed": "It is not tried again."}


def document(row: Endpoint, vault: Vault, used: datetime | None = None) -> dict[str, Any]:
    """An endpoint. `used` is when anything was signed for it last, where somebody has looked."""
    signing = signatures.generations(vault, row)
    return {
        "id": row.id,
        "url": row.url,
        "event_types": row.event_types,
        "format": row.format,
        "content": row.content,
        "services": row.services,
        "signature": ("v1a" if signing[0].seed else "v1") if signing else None,
        "secrets": [signatures.shown(one, used) for one in signing],
        "authentication": shown_authentication(vault, row),
        "description": row.description,
        "ordered": row.ordered,
        "concurrency": row.concurrency,
        "rate_per_second": row.rate_per_second,
        "environment": row.environment,
        "status": row.status,
        "disabled_reason": row.disabled_reason,
        "paused_until": row.paused_until.isoformat() if row.paused_until else None,
        "health": _health(row),
        "created_at": row.created_at.isoformat(),
    }


def _health(row: Endpoint) -> dict[str, Any]:
    """`ratio` is the share of calls that failed within a day; null where there was none."""
    told = row.health
    return {"ratio": round(told["failures"] / told["attempts"], 4) if told["attempts"] else None, **told}


def recovery_document(row: Recovery) -> dict[str, Any]:
    return {
        "id": row.id,
        "endpoint_id": row.endpoint_id,
        "since": row.since.isoformat(),
        "until": row.until.isoformat(),
        "event_types": row.event_types,
        "missing": row.missing,
        "rate_per_second": row.rate_per_second,
        "status": row.status,
        "stage": row.stage,
        "progress": round(row.progress, 4),
        "resent": row.rearmed,
        "written": row.written,
        "expired": row.expired,
        "created_at": row.created_at.isoformat(),
        "finished_at": row.finished_at.isoformat() if row.finished_at else None,
    }


def delivery_document(row: Delivery) -> dict[str, Any]:
    message = row.message
    return {
        "id": message.id,
        "event_id": message.event_id,
        "type": message.event_type,
        "status": message.status,
        "next_attempt_at": message.next_attempt_at.isoformat() if message.next_attempt_at else None,
        "error": message.error,
        "attempts": [_attempt(attempt) for attempt in row.attempts],
    }


def _attempt(row: Attempt) -> dict[str, Any]:
    return {
        "at": row.at.isoformat(),
        "status_code": row.status_code,
        "duration_ms": row.duration_ms,
        "error": row.error,
        "response_excerpt": row.response_excerpt,
        "step": row.step,
        "verdict": row.verdict,
        "detail": in_words(row.step, row.verdict, row.error),
        "chaos": row.chaos and {name: row.chaos[name] for name in ("id", "kind", "detail", "sent")},
    }


def in_words(step: str, verdict: str, error: str | None) -> str:
    """What became of an attempt, and why."""
    if error is None:
        return DELIVERED[step]
    return f"{STEPS[step]}: {ERRORS[error]}. {THEN[verdict]}"
