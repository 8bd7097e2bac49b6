"""Every problem we answer with (RFC 9457): one table of types, one way to write them down.

A problem says what is wrong and where, never what was sent.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.canonical import Intent
from adapters.errors import Problem as Fault

MEDIA_TYPE = "application/problem+json"

# code: (status, title). The code is the last part of the problem's `type`.
CATALOGUE: Mapping[str, tuple[int, str]] = {
    "malformed": (400, "The message cannot be read"),
    "bad-request": (400, "The request cannot be understood"),
    "idempotency-key-missing": (400, "This operation needs an Idempotency-Key"),
    "unauthenticated": (401, "A valid access token is needed"),
    "insufficient-scope": (403, "The access token lacks a scope"),
    "sandbox-only": (403, "This is for sandbox credentials"),
    "not-found": (404, "There is nothing here"),
    "method-not-allowed": (405, "This path does not know the method"),
    "not-acceptable": (406, "The answer has no such form"),
    "request-timeout": (408, "The request did not arrive in time"),
    "order-differs": (409, "An order with this number exists, with other content"),
    "change-differs": (409, "A change with this number exists, with other content"),
    "illegal-transition": (409, "The job cannot go there from where it is"),
    "request-in-progress": (409, "A request with this Idempotency-Key is still running"),
    "conflict": (409, "The request does not fit the present state"),
    "too-large": (413, "The message is too large"),
    "uri-too-long": (414, "The address is too long"),
    "unsupported-media-type": (415, "The media type is not taken here"),
    "invalid": (422, "The message can be read, and is wrong"),
    "unsupported": (422, "The message asks for something we cannot do"),
    "idempotency-key-reused": (422, "The Idempotency-Key was used for another request"),
    "too-many-requests": (429, "Too many requests"),
    "internal": (500, "Something went wrong on our side"),
    "unavailable": (503, "A part of the system is away for the moment"),
}

# What frameworks raise by status alone.
BY_STATUS: Mapping[int, str] = {
    400: "bad-request",
    401: "unauthenticated",
    403: "insufficient-scope",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    408: "request-timeout",
    409: "conflict",
    413: "too-large",
    414: "uri-too-long",
    415: "unsupported-media-type",
    422: "invalid",
    429: "too-many-requests",
    503: "unavailable",
}


@dataclass(slots=True, kw_only=True)
class Problem(Exception):
    """An answer that is a problem. `faults` are all of them, each with its pointer; `extra` are further members.

    `culprit` is what could not be done, where a message asks for several things.
    """

    code: str
    detail: str
    faults: tuple[Fault, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    culprit: Intent | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return CATALOGUE[self.code][0]


def from_status(status: int) -> Problem:
    """The problem for a bare status of a framework, whose own words may repeat what was sent."""
    code = BY_STATUS.get(status, "internal" if status >= 500 else "bad-request")
    return Problem(code=code, detail=f"{CATALOGUE[code][1]}.")


def as_json(faults: Iterable[Fault]) -> list[dict[str, str]]:
    return [{"pointer": fault.pointer, "code": fault.code, "detail": fault.detail} for fault in faults]


def document(problem: Problem, base_url: str, request_id: str) -> bytes:
    """The problem as `application/problem+json`."""
    status, title = CATALOGUE[problem.code]
    members: dict[str, Any] = {
        "type": f"{base_url}/problems/{problem.code}",
        "title": title,
        "status": status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request_id,
        **problem.extra,
    }
    if problem.faults:
        members["errors"] = as_json(problem.faults)
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()
