"""GET /v4/orders, page by page: what was changed since the last round, and a little more."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any
from urllib.parse import parse_qs, urlsplit

from adapters.contract import Page, PageRequest, RawMessage
from adapters.errors import MalformedMessage, Problem
from adapters.otto.reader import instant
from adapters.otto.settings import Settings
from adapters.reading import MAX_NUMBER, Unfit

PATH, JSON = "/v4/orders", "application/json"
LIMIT = "128"  # of 256 at most; their default
FRESH = timedelta(minutes=15)
"""How long a page of theirs is asked for. After that the round begins anew: nobody says how long they keep a cursor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """`since` is where the round began and `seen` the latest change in it; `next` is their name of the next page, given
    `at`. Times are RFC 3339."""

    since: str
    seen: str
    next: str | None = None
    at: str = ""

    @classmethod
    def of(cls, text: str | None, now: datetime, settings: Settings) -> "Cursor":
        if text is None:
            start = _text(now - timedelta(days=settings.start_days))
            return cls(since=start, seen=start)
        cursor = cls(**json.loads(text))
        stale = cursor.next is not None and now - datetime.fromisoformat(cursor.at) > FRESH
        return replace(cursor, next=None, seen=cursor.since) if stale else cursor


def request(text: str | None, now: datetime, settings: Settings) -> PageRequest:
    """Of a further page only their cursor is said; it knows the rest."""
    cursor = Cursor.of(text, now, settings)
    since = datetime.fromisoformat(cursor.since) - timedelta(minutes=settings.overlap_minutes)
    first = (
        ("fromDate", _text(since)),
        ("orderColumnType", "ORDER_LIFECYCLE_DATE"),
        ("orderDirection", "ASC"),
        ("limit", LIMIT),
    )
    query = (("nextcursor", cursor.next),) if cursor.next else first
    return PageRequest(path=PATH, query=query, headers={"accept": JSON})


def read(response: RawMessage, text: str | None, now: datetime, settings: Settings) -> Page:
    """Raises `MalformedMessage` where this is no page of orders."""
    cursor = Cursor.of(text, now, settings)
    page = _parsed(response.body)
    orders = page.get("resources") if isinstance(page, dict) else None
    if not isinstance(orders, list):
        raise _malformed("/resources", "no_page", "This is not a page of orders.")
    further = _next(page.get("links"))
    seen = max([cursor.seen, *(_text(at) for order in orders if (at := _changed(order)) is not None and at <= now)])
    more = further is not None and further != cursor.next
    then = replace(cursor, seen=seen, next=further, at=_text(now)) if more else Cursor(since=seen, seen=seen)
    return Page(
        documents=tuple(
            RawMessage(body=_bytes(order), media_type=JSON, path=PATH) for order in orders if not _announced(order)
        ),
        cursor=json.dumps(asdict(then)),
        more=more,
    )


def _parsed(body: bytes) -> Any:
    """Any JSON: what is wrong with one of its orders is that order's fault, when it is read, and not the page's."""
    try:
        return json.loads(body.decode("utf-8"), parse_int=_integer)
    except (ValueError, RecursionError):
        raise _malformed("", "not_json", "This is not JSON.") from None


def _integer(digits: str) -> float:
    return int(digits) if len(digits) <= MAX_NUMBER else inf


def _bytes(order: Any) -> bytes:
    """In ASCII, which has an escape for every half of a surrogate pair, too."""
    return json.dumps(order, separators=(",", ":")).encode()


def _next(links: Any) -> str | None:
    """Only the cursor of their link is used: its address is theirs to change."""
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") == "next":
            found = parse_qs(urlsplit(str(link.get("href"))).query).get("nextcursor")
            if not found:
                raise _malformed("/links", "next_without_cursor", "The link to the next page has no nextcursor.")
            return found[0]
    return None


def _changed(order: Any) -> datetime | None:
    life = order.get("orderLifecycleInformation") if isinstance(order, dict) else None
    try:
        return instant(str(life.get("lifecycleChangeDate"))) if isinstance(life, dict) else None
    except Unfit:
        return None


def _announced(order: Any) -> bool:
    """Nothing may be started, and nobody knows where: it comes again when it is paid for."""
    items = order.get("positionItems") if isinstance(order, dict) else None
    if not isinstance(items, list) or not items:
        return False
    return all(isinstance(item, dict) and item.get("fulfillmentStatus") == "ANNOUNCED" for item in items)


def _malformed(pointer: str, code: str, detail: str) -> MalformedMessage:
    return MalformedMessage([Problem(pointer=pointer, code=code, detail=detail)])


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
