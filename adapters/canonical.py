"""The normalised support order and job: what every dialect is translated to, and from.

All values are frozen. Times carry an offset; money is a `Decimal` with its currency; countries are ISO 3166 alpha-2,
languages BCP 47, phones E.164 (`+41791234567`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal

from adapters.errors import Problem

EMPTY: Mapping[str, Any] = MappingProxyType({})


class JobState(StrEnum):
    """The states of `specs/lifecycle.yaml`, written out; a test holds the two equal."""

    RECEIVED = "received"
    REJECTED = "rejected"
    ON_HOLD = "on_hold"
    UNSCHEDULED = "unscheduled"
    SCHEDULED = "scheduled"
    OFFERED = "offered"
    UNASSIGNABLE = "unassignable"
    ASSIGNED = "assigned"
    CONFIRMED = "confirmed"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    IN_PROGRESS = "in_progress"
    CHANGE_PENDING = "change_pending"
    PAUSED = "paused"
    WORK_DONE = "work_done"
    COMPLETED = "completed"
    DISPUTED = "disputed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    HANDED_OVER = "handed_over"


# --- what a partner asks for -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When somebody may come: `start < end`, both with an offset."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The price of one unit as the partner states it."""

    amount: Decimal
    currency: str
    tax_included: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    family_name: str
    given_name: str | None = None
    company: str | None = None
    email: str | None = None
    phone: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    street: str
    postcode: str
    city: str
    country: str
    house_number: str | None = None
    address_line2: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """The thing the visit is about (the television, not the wall mounting)."""

    brand: str | None = None
    model: str | None = None
    gtin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One ordered service. It names the service by exactly one of `service` (our code), `sku` (theirs) or `gtin`.

    `echo` is what the dialect wants to say back about this line and nobody else understands.
    """

    line_id: str
    quantity: int = 1
    service: str | None = None
    sku: str | None = None
    gtin: str | None = None
    title: str | None = None
    product: Product | None = None
    price: Price | None = None
    requested_windows: tuple[Window, ...] = ()
    hold_id: str | None = None
    after_delivery_days: int | None = None
    notes: str | None = None
    echo: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportOrder:
    """A partner's basket. `echo` is JSON that the dialect wants back when it speaks about this order."""

    partner_order_id: str
    customer: Customer
    service_address: Address
    lines: tuple[OrderLine, ...]
    ordered_at: datetime | None = None
    bill_to: Literal["partner", "customer"] = "partner"
    notes: str | None = None
    echo: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """`books_slots`: the one window of each line is a slot: free, and taken with the order, or nothing is placed and
    the problem is `slot_taken`. Else windows are wishes.
    """

    order: SupportOrder
    books_slots: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChange:
    """What becomes of one line: `cancelled`, `added`, or moved to the first of `requested_windows`.

    The line is found by `line_id`, or where the dialect's line numbers are the document's own, by `sku`.
    `added` is the whole line, for an order that does not have it; openTRANS, without a word for it, says so of each.
    """

    pointer: str
    line_id: str | None = None
    sku: str | None = None
    quantity: int | None = None
    requested_windows: tuple[Window, ...] = ()
    cancelled: bool = False
    added: OrderLine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOrder:
    """A later version of an order. `change_id` orders the versions of one order; the same one again is a duplicate.
    It is empty where they do not number their changes: each is taken for itself then, whatever came before.

    `cancel_missing`: lines that the change does not name are cancelled; else they stay as they are.
    `whole`: the order as it is now, from who sends it as a whole each time. It is placed where it is not here yet;
    where it is, its customer, address and notes are taken over, and `lines` say what else is different.
    `order_id`: our number, where they name the order by it; `partner_order_id` is empty then.
    `books_slots` as in `PlaceOrder`.
    """

    partner_order_id: str
    change_id: str
    order_id: str | None = None
    lines: tuple[LineChange, ...]
    pointer: str = ""
    reason: str = "partner_asked"
    cancel_missing: bool = False
    whole: SupportOrder | None = None
    books_slots: bool = False
    echo: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """The whole order where `lines` is empty, else those lines. `order_id` and `change_id` as in `ChangeOrder`."""

    partner_order_id: str
    change_id: str
    order_id: str | None = None
    lines: tuple[LineChange, ...] = ()
    pointer: str = ""
    reason: str = "order_cancelled_by_retailer"
    text: str | None = None
    echo: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotWish:
    """Which visit, and where: what free windows are asked for. The service as in `OrderLine`."""

    country: str
    postcode: str | None = None
    service: str | None = None
    sku: str | None = None
    gtin: str | None = None
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question; nothing changes by it.

    `nothing` is a sign of life. `order` is one order, by our number or by theirs. `orders` is a page of them, newest
    first, by `customer` (their key of a customer, which the dialect left in the order's echo as `customer`) or all.
    Orders may be asked for by their `statuses`, too: in one of them.
    `hold` is one slot that is kept. `slots` are the free windows of each wish that begin within `windows`.
    """

    about: Literal["nothing", "order", "orders", "hold", "slots"]
    pointer: str = ""
    order_id: str | None = None
    partner_order_id: str | None = None
    hold_id: str | None = None
    customer: str | None = None
    statuses: tuple[str, ...] = ()
    wishes: tuple[SlotWish, ...] = ()
    windows: tuple[Window, ...] = ()
    offset: int = 0
    limit: int = 20
    echo: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldSlot:
    """Keep a free window for an order to come, whose line will name it by `hold_id`.

    With a `hold_id` of ours: move that one to another `window`, or where there is none, give it back.
    """

    wish: SlotWish | None = None
    window: Window | None = None
    hold_id: str | None = None
    pointer: str = ""
    echo: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe:
    """Call us at `url` with these events (`*` is all), in this dialect; or `ends` that subscription of ours."""

    url: str | None = None
    event_types: tuple[str, ...] = ("*",)
    ends: str | None = None
    pointer: str = ""
    echo: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyRequest:
    """A person, or a whole shop, asks for their data (`disclose`) or for its end (`erase`, `erase_all`).

    `request_id` knows the same request again. `customer` as in `Query`.
    """

    kind: Literal["disclose", "erase", "erase_all"]
    request_id: str
    customer: str | None = None
    partner_order_ids: tuple[str, ...] = ()
    pointer: str = ""


Document = PlaceOrder | ChangeOrder | CancelOrder
Request = Query | HoldSlot | Subscribe | PrivacyRequest
Intent = Document | Request


# --- what we say back --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why, in the words of the lifecycle; `fault` decides who pays."""

    code: str
    group: str
    fault: str
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A transition that is legal for the partner now, with the reasons it takes (none where it needs none)."""

    event: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Technician:
    id: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A support job as a partner sees it at `sequence`. `timezone` is the IANA zone of the place of the visit."""

    id: str
    order_id: str
    partner_order_id: str
    environment: str
    line_id: str
    unit: int
    service: str | None
    sku: str | None
    state: JobState
    status: str
    sequence: int
    state_since: datetime
    timezone: str
    window: Window | None = None
    eta: datetime | None = None
    technician: Technician | None = None
    reason: Reason | None = None
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusUpdate:
    """One event of a job's life, with the job as it was right after it.

    `siblings`: the other jobs of the same line as they stand, for dialects that count visits instead of naming them.
    `others`: those of the order's other lines, for dialects that say how the order stands; empty where nobody looked.
    `work`: from `job.started` to `job.work_done`, of a visit whose work is done, where both are known.
    """

    event_id: str
    type: str
    at: datetime
    actor: str
    previous_state: JobState | None
    job: Job
    order: SupportOrder
    reason: Reason | None = None
    note: str | None = None
    siblings: tuple[Job, ...] = ()
    others: tuple[Job, ...] = ()
    work: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An order as a question finds it."""

    order_id: str
    order: SupportOrder
    status: str
    created_at: datetime
    updated_at: datetime
    jobs: tuple[Job, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A window that is kept: `held`, `used` by an order, `released` or `expired` (at `until`)."""

    id: str
    window: Window
    state: Literal["held", "used", "released", "expired"]
    until: datetime
    created_at: datetime
    echo: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one intent: `accepted`, `duplicate` (seen before, answered as before) or `refused`.

    `problems` of an accepted intent are the lines that could not be served. `jobs` is the order as it stands.
    """

    intent: Document
    result: Literal["accepted", "duplicate", "refused"]
    order_id: str | None = None
    environment: str = "sandbox"
    order: SupportOrder | None = None
    status: str | None = None
    jobs: tuple[Job, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a request found or did: orders (of `total`), the free windows of each wish, a hold, a subscription."""

    intent: Request
    found: tuple[Found, ...] = ()
    total: int = 0
    slots: tuple[tuple[Window, ...], ...] = ()
    hold: Hold | None = None
    subscription_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What we did with one message; `message_id` is ours, for questions."""

    message_id: str
    at: datetime
    outcomes: tuple[Outcome, ...]
    replies: tuple[Reply, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why nothing of a message was taken: it could not be translated (no `intents`), or not be done.

    `code` and `status` are those of the gateway's problems (`malformed` 400, `invalid` 422, `order-differs` 409 …).
    `culprit` is the one of `intents` that could not be done; the others were not done because of it.
    """

    message_id: str
    at: datetime
    code: str
    status: int
    detail: str
    problems: tuple[Problem, ...]
    intents: tuple[Intent, ...] = ()
    culprit: Intent | None = None
