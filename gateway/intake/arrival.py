"""One document at one door."""

from dataclasses import dataclass, field
from datetime import datetime

from adapters.contract import RawMessage
from gateway.ids import NewId, new_id
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
    new_id: NewId = field(default=new_id)
    number: str | None = None
