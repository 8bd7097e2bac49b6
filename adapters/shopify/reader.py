"""What Shopify delivers: orders, refunds, a person's data, and what says nothing that we need."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Literal

from adapters import values
from adapters.canonical import Intent, PrivacyRequest
from adapters.contract import RawMessage
from adapters.errors import InvalidOrder, MalformedMessage, Problem, TranslationError, Unsupported
from adapters.objects import Object
from adapters.reading import Problems, strict_json
from adapters.shopify import codes, orders, pages
from adapters.shopify.orders import INT64, NOTHING, identity, moment
from adapters.shopify.settings import Settings

MAX_ORDERS = 1000
NOT_DONE = frozenset({"test_order"})
HEADER = "X-Shopify-Triggered-At"


def read(message: RawMessage, settings: Settings) -> list[Intent]:
    """What one delivery asks for; `Query` about nothing where nothing of it is for us.

    The topic says what the body is, and where there is none, its members do: but nothing is erased without a topic.
    Raises `TranslationError` with every problem.
    """
    document = strict_json(message.body, INT64)
    kind, pointer = _kind(message.headers.get(codes.TOPIC), document)
    problems = Problems()
    inner = document[pointer[1:]] if pointer else document
    intents = _READERS[kind](Object(inner, problems, pointer), message, settings)
    problems.done(Unsupported if {problem.code for problem in problems.found} <= NOT_DONE else InvalidOrder)
    return intents


def _kind(topic: str | None, document: Any) -> tuple[str, str]:
    """What the body is, and where: what Shopify's API answers has a wrapper around what its webhooks deliver."""
    members = set(document) if isinstance(document, dict) else set()
    wrapper = next((name for name in ("order", "refund") if members == {name}), "")
    pointer = f"/{wrapper}" if wrapper else ""
    if topic is None:
        inner = document[wrapper] if wrapper else document
        inside = set(inner) if isinstance(inner, dict) else set()
        found = next((kind for kind, needed in _SHAPES if needed <= inside), None)
        if found is None:
            raise _unread(MalformedMessage, "unknown_document", "This is nothing that Shopify delivers.")
        return found, pointer
    if topic.startswith(codes.FULFILLMENT_ORDERS):
        return codes.HEARD, ""
    if topic not in codes.TOPICS:
        raise _unread(Unsupported, "unknown_topic", "This is not a topic that we read; end its subscription.")
    return codes.TOPICS[topic], pointer


def _unread(error: type[MalformedMessage] | type[Unsupported], code: str, detail: str) -> TranslationError:
    return error([Problem(pointer="", code=code, detail=detail)])


# What a body is that comes without a topic: the first whose members are all there.
_SHAPES = (
    (codes.ORDER, {"id", "line_items"}),
    (codes.REFUND, {"order_id", "refund_line_items"}),
    (codes.REQUEST, {pages.REQUEST}),
    (codes.HEARD, {"order_edit"}),
    (codes.CALLBACK, {"kind"}),
)


def _order(order: Object, message: RawMessage, settings: Settings) -> list[Intent]:
    return orders.whole(order, _version(order, message), settings)


def _version(order: Object, message: RawMessage) -> str:
    """When the delivery was triggered, or else the order last changed."""
    triggered = message.headers.get(codes.TRIGGERED_AT)
    if triggered is None:
        at = order.needed("updated_at", values.instant)
    else:
        at = order.problems.take(HEADER, values.instant, triggered)
    return moment(at) if at else ""


def _refund(refund: Object, message: RawMessage, settings: Settings) -> list[Intent]:
    return orders.refunded(refund, settings)


def _request(document: Object, message: RawMessage, settings: Settings) -> list[Intent]:
    return pages.wanted_back(document)


def _heard(document: Object, message: RawMessage, settings: Settings) -> list[Intent]:
    return [NOTHING]


def _callback(document: Object, message: RawMessage, settings: Settings) -> list[Intent]:
    """A knock: it names no order."""
    document.code("kind", codes.KINDS)
    return [NOTHING]


# --- a person's data ----------------------------------------------------------------------------------------------


def _person(kind: Literal["disclose", "erase"], member: str) -> "Reader":
    def read_person(document: Object, message: RawMessage, settings: Settings) -> list[Intent]:
        person = document.first("customer")
        key = identity(person, "id") if person is not None and person.says("id") else None
        numbers = _numbers(document, member)
        if key is None and not numbers:
            document.problems.add(document.pointer, "nobody", "This names neither a customer nor an order.")
        named = document.first("data_request")
        request = identity(named, "id") if named is not None else _known_by(message)
        return [PrivacyRequest(kind=kind, request_id=request, customer=key, partner_order_ids=numbers)]

    return read_person


def _shop(document: Object, message: RawMessage, settings: Settings) -> list[Intent]:
    document.check("shop_domain")
    return [PrivacyRequest(kind="erase_all", request_id=_known_by(message))]


def _known_by(message: RawMessage) -> str:
    """The delivery's number, which stays the same when it is made again."""
    return message.headers.get(codes.WEBHOOK_ID) or sha256(message.body).hexdigest()


def _numbers(document: Object, member: str) -> tuple[str, ...]:
    found = document.members.get(member)
    if not isinstance(found, list) or len(found) > MAX_ORDERS:
        if found is not None:
            document.problems.add(document.at(member), "not_a_list", f"This is not a list of {MAX_ORDERS} at most.")
        return ()
    listed = Object({str(place): number for place, number in enumerate(found)}, document.problems, document.at(member))
    return tuple(identity(listed, place) for place in listed.members)


Reader = Callable[[Object, RawMessage, Settings], list[Intent]]
_READERS: Mapping[str, Reader] = {
    codes.ORDER: _order,
    codes.REFUND: _refund,
    codes.REQUEST: _request,
    codes.HEARD: _heard,
    codes.CALLBACK: _callback,
    codes.DISCLOSE: _person("disclose", "orders_requested"),
    codes.ERASE: _person("erase", "orders_to_redact"),
    codes.ERASE_ALL: _shop,
}
