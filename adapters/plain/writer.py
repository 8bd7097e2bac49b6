"""JSON out: the order, the job and the event as partners see them (api.md sections 3 and 7)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from adapters.canonical import (
    Address,
    Customer,
    Job,
    OrderLine,
    Outcome,
    Price,
    Product,
    Reason,
    StatusUpdate,
    SupportOrder,
    Window,
)
from adapters.objects import minified

API_VERSION = "2026-11-01"


# --- the order ---------------------------------------------------------------------------------------------------


def order_json(order: SupportOrder, *, echo: bool = True) -> dict[str, Any]:
    """The partner's fields, normalised; what is absent is left out. `echo` is for keeping, never for showing."""
    return {
        "partner_order_id": order.partner_order_id,
        **({"ordered_at": order.ordered_at.isoformat()} if order.ordered_at else {}),
        "bill_to": order.bill_to,
        "customer": _present(order.customer),
        "service_address": _present(order.service_address),
        "lines": [_line(line, echo) for line in order.lines],
        **({"notes": order.notes} if order.notes is not None else {}),
        **_echo(order.echo, echo),
    }


def _present(value: Customer | Address | Product) -> dict[str, Any]:
    found = ((name, getattr(value, name)) for name in value.__dataclass_fields__)
    return {name: item for name, item in found if item is not None}


def _echo(echo: Mapping[str, Any], wanted: bool) -> dict[str, Any]:
    return {"echo": dict(echo)} if wanted and echo else {}


def _line(line: OrderLine, echo: bool) -> dict[str, Any]:
    plain = ("service", "sku", "gtin", "title", "hold_id", "after_delivery_days", "notes")
    windows = [{"start": w.start.isoformat(), "end": w.end.isoformat()} for w in line.requested_windows]
    return {
        "line_id": line.line_id,
        "quantity": line.quantity,
        **{name: item for name in plain if (item := getattr(line, name)) is not None},
        **({"product": _present(line.product)} if line.product is not None else {}),
        **({"price": _price(line.price)} if line.price is not None else {}),
        **({"requested_windows": windows} if windows else {}),
        **_echo(line.echo, echo),
    }


def _price(price: Price) -> dict[str, Any]:
    return {"amount": f"{price.amount:f}", "currency": price.currency, "tax_included": price.tax_included}


# --- the job -----------------------------------------------------------------------------------------------------


def job_json(job: Job) -> dict[str, Any]:
    """A job as in `GET /v1/jobs/{id}`; the window is told in the local time of the place."""
    return {
        "id": job.id,
        "order_id": job.order_id,
        "partner_order_id": job.partner_order_id,
        "environment": job.environment,
        "line_id": job.line_id,
        "unit": job.unit,
        "service": job.service,
        "sku": job.sku,
        "state": job.state.value,
        "status": job.status,
        "sequence": job.sequence,
        "window": _window(job.window, job.timezone) if job.window else None,
        "eta": _time(job.eta) if job.eta else None,
        "technician": {"id": job.technician.id, "name": job.technician.name} if job.technician else None,
        "reason": _reason(job.reason) if job.reason else None,
        "state_since": _time(job.state_since),
        "actions": [{"event": action.event, "reasons": list(action.reasons)} for action in job.actions],
    }


def _window(window: Window, timezone: str) -> dict[str, str]:
    zone = ZoneInfo(timezone)  # the class keeps its instances
    return {
        "start": window.start.astimezone(zone).isoformat(),
        "end": window.end.astimezone(zone).isoformat(),
        "timezone": timezone,
    }


def _time(at: datetime) -> str:
    return at.isoformat()


def _reason(reason: Reason) -> dict[str, str | None]:
    return {"code": reason.code, "group": reason.group, "fault": reason.fault, "text": reason.text}


# --- the event ---------------------------------------------------------------------------------------------------


def event_json(update: StatusUpdate) -> dict[str, Any]:
    """A webhook's body, and an item of `GET /v1/events`."""
    job = update.job
    return {
        "id": update.event_id,
        "type": update.type,
        "timestamp": _time(update.at),
        "environment": job.environment,
        "api_version": API_VERSION,
        "data": {
            "sequence": job.sequence,
            "previous_state": update.previous_state.value if update.previous_state else None,
            "actor": update.actor,
            "reason": _reason(update.reason) if update.reason else None,
            "note": update.note,
            "job": job_json(job),
        },
    }


def event_bytes(update: StatusUpdate) -> bytes:
    return minified(event_json(update))


# --- the answer at the door --------------------------------------------------------------------------------------


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """An order with its jobs, as in `GET /v1/orders/{id}`."""
    order = order_json(outcome.order, echo=False) if outcome.order else {}
    return {
        "id": outcome.order_id,
        **order,
        "environment": outcome.environment,
        "status": outcome.status,
        "jobs": [job_json(job) for job in outcome.jobs],
    }
