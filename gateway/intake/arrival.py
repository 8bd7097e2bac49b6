"""One document at one door."""

from dataclasses import dataclass
from datetime import datetime

from adapters.contract import RawMessage
from gateway.runtime import Runtime
from gateway.tenant import Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """`number` is the document's own, that of its envelope, where its dialect has one."""

    runtime: Runtime
    tenant: Tenant
    door: str
    message: RawMessage
    now: datetime
    number: str | None = None
