"""One request, as a handler sees it: who calls, what was sent, and what the process is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from flask import Response

from adapters.errors import Problem as Fault
from adapters.objects import minified
from gateway.guard import Scope
from gateway.oauth.bearer import Caller
from gateway.runtime import Runtime
from gateway.tenant import Tenant


@dataclass(frozen=True)
class Call:
    """`now` is one moment for the whole request, in the time of who calls (`gateway.clocks`)."""

    runtime: Runtime
    scope: Scope
    now: datetime

    @property
    def caller(self) -> Caller:
        """Who calls. Only operations with security have one."""
        caller: Caller = self.scope["stecker.caller"]
        return caller

    @cached_property
    def tenant(self) -> Tenant:
        return Tenant(self.caller.partner_id, self.caller.environment)

    @property
    def body(self) -> bytes:
        body: bytes = self.scope["stecker.body"]
        return body

    @property
    def document(self) -> Any:
        """The JSON body; None where there was none."""
        return self.scope.get("stecker.document")

    @property
    def query(self) -> Mapping[str, Any]:
        query: Mapping[str, Any] = self.scope["stecker.query"]
        return query

    @property
    def faults(self) -> tuple[Fault, ...]:
        faults: tuple[Fault, ...] = self.scope["stecker.faults"]
        return faults

    @property
    def request_id(self) -> str:
        request_id: str = self.scope["stecker.request_id"]
        return request_id

    @property
    def media_type(self) -> str:
        return (self.header("content-type") or "").split(";")[0].strip().lower()

    def header(self, name: str) -> str | None:
        """A header by its lower-case name."""
        wanted = name.encode()
        return next((value.decode("latin-1") for key, value in self.scope["headers"] if key == wanted), None)


def as_json(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer, minified UTF-8."""
    return Response(minified(document), status=status, mimetype="application/json", headers=dict(headers or {}))
