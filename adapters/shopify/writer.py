"""How a visit goes on, as calls of Shopify's API. Before each the order is asked how it stands: none is made twice."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from adapters.canonical import Job, StatusUpdate
from adapters.contract import Rendered
from adapters.objects import minified
from adapters.shopify.codes import ACCEPTED, CLOSED, ENDED, JSON, REJECTED, REJECTIONS, word
from adapters.shopify.graphql import ACCEPT, CLOSE, EVENTS, FULFILL, REJECT, STAND, TELL, UNDO, mutation
from adapters.shopify.settings import Settings

GID = "gid://shopify/"


def calls(update: StatusUpdate, settings: Settings) -> list[Rendered]:
    """Each visit is a fulfillment of its own with its events. A request is one for all the visits of a line: it is
    refused or closed with the last of them."""
    said = word(update.job)
    if said is None:
        return []
    if said == ACCEPTED:
        return [_call(update, settings, ACCEPT, {"message": _date(update.job)})]
    if said in (REJECTED, CLOSED):
        return _end(update, settings, said)
    event = {"fulfillmentEvent": _event(update, said)}
    return [_call(update, settings, FULFILL, {}), _call(update, settings, TELL, event)]


def _end(update: StatusUpdate, settings: Settings, said: str) -> list[Rendered]:
    """A visit that was on its way before it was cancelled takes its fulfillment back."""
    code = _reason(update)
    why = {"reason": REJECTIONS.get(code or "", "OTHER"), "message": code}
    undone = [_call(update, settings, UNDO, {})] if said == CLOSED else []
    if any(job.state not in ENDED for job in update.siblings):
        return undone
    return [*undone, _call(update, settings, REJECT if said == REJECTED else CLOSE, why)]


def _reason(update: StatusUpdate) -> str | None:
    reason = update.reason or update.job.reason
    return reason.code if reason else None


def _date(job: Job) -> str | None:
    """Words for the merchant: the request has no place for a date."""
    if job.window is None:
        return None
    zone = ZoneInfo(job.timezone)
    start, end = job.window.start.astimezone(zone), job.window.end.astimezone(zone)
    until = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{start:%Y-%m-%d %H:%M} - {until} ({job.timezone})"


def _event(update: StatusUpdate, said: str) -> dict[str, Any]:
    """Shopify keeps seconds. Only what lies ahead is an estimate."""
    job, reason = update.job, _reason(update)
    expected = job.eta or (job.window.end if job.window else None)
    ahead = job.state not in ENDED and expected is not None
    return {
        "status": said,
        "happenedAt": utc(update.at),
        **({"estimatedDeliveryAt": utc(expected)} if ahead and expected else {}),
        **({"message": reason} if reason else {}),
    }


def _call(update: StatusUpdate, settings: Settings, name: str, variables: Mapping[str, Any]) -> Rendered:
    """The call with what is known of its variables. `extensions` says whom it is about, and is not sent."""
    job, path = update.job, settings.api_path
    ask = {"query": EVENTS if name == TELL else STAND, "variables": {"order": f"{GID}Order/{job.partner_order_id}"}}
    document = {
        "query": mutation(name),
        "variables": variables,
        "extensions": {"line": f"{GID}LineItem/{job.line_id}", "job": job.id},
    }
    probe = Rendered(body=minified(ask), media_type=JSON, event="order", path=path)
    return Rendered(body=minified(document), media_type=JSON, event=name, path=path, probe=probe)


def utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
