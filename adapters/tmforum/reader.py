"""Requests: path and method say which of the standard's operations it is; without a path, a document's members do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters import values
from adapters.canonical import Intent, Query, Subscribe
from adapters.contract import RawMessage
from adapters.errors import InvalidOrder, MalformedMessage, Problem, Unsupported
from adapters.objects import Object
from adapters.reading import Problems, Unfit, strict_json
from adapters.tmforum import appointments, orders
from adapters.tmforum.codes import BASES, CANCELLED, NOT_DONE, ORDERING, SCHEDULING, STATUSES
from adapters.tmforum.events import KINDS
from adapters.tmforum.settings import Settings

ORDER, CANCEL, APPOINTMENT, SEARCH, HUB = "serviceOrder", "cancelServiceOrder", "appointment", "searchTimeSlot", "hub"
PAGE, LARGEST_PAGE, LARGEST_OFFSET = 20, 100, 10**6
MAX_URL = 2000


@dataclass(frozen=True, slots=True)
class Target:
    """Of which of the two interfaces, which of its resources, and which one; `number` is empty for all of them."""

    api: str
    resource: str
    number: str


def target(path: str) -> Target | None:
    """What a path names; None outside of the two interfaces."""
    for api, base in BASES.items():
        _, found, rest = path.partition(f"{base}/")
        if found:
            resource, _, number = rest.rstrip("/").partition("/")
            return Target(api, resource, number)
    return None


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `body` is an empty object where the method has none."""

    target: Target
    body: Object
    query: Object
    settings: Settings

    @property
    def number(self) -> str:
        return self.target.number

    @property
    def echo(self) -> dict[str, Any]:
        """Which resource is asked for, and which of its members."""
        fields = self.query.text("fields", values.line)
        named = {"fields": [name.strip() for name in fields.split(",")]} if fields else {}
        return {"resource": self.target.resource, **named}


def read(message: RawMessage, settings: Settings) -> list[Intent]:
    """What one request asks for. Raises `TranslationError` with every problem of it."""
    problems = Problems()
    document = strict_json(message.body) if message.method in ("POST", "PATCH") else {}
    there = target(message.path) or _by_shape(document)
    act = _OPERATIONS.get((message.method, there.resource, bool(there.number)))
    if act is None or there.resource not in _RESOURCES[there.api]:
        raise _unknown("unknown_request", "This is no operation of TMF641 or TMF646 that we know.")
    body, query = Object(document, problems), Object(dict(message.query), problems, "?")
    intent = act(Request(there, body, query, settings))
    problems.done(Unsupported if all(one.code in NOT_DONE for one in problems.found) else InvalidOrder)
    return [intent]


def _by_shape(document: Any) -> Target:
    """What a POST is that comes without a path: what has a state or belongs to an event is an answer of ours."""
    members = document.keys() if isinstance(document, dict) else frozenset[str]()
    for api, resource, name in _SHAPES:
        if name in members and not members & {"state", "status", "eventId"}:
            return Target(api, resource, "")
    raise _unknown("unknown_document", "This is no request of TMF641 or TMF646 that we know.")


_SHAPES = (
    (ORDERING, ORDER, "serviceOrderItem"),
    (ORDERING, ORDER, "orderItem"),
    (ORDERING, CANCEL, "serviceOrder"),
    (SCHEDULING, SEARCH, "requestedTimeSlot"),
    (SCHEDULING, APPOINTMENT, "validFor"),
    (ORDERING, HUB, "callback"),
)
_RESOURCES = {ORDERING: (ORDER, CANCEL, HUB), SCHEDULING: (APPOINTMENT, SEARCH, HUB)}


def _unknown(code: str, detail: str) -> MalformedMessage:
    return MalformedMessage([Problem(pointer="", code=code, detail=detail)])


# --- orders and their cancellation -------------------------------------------------------------------------------


def _undeletable(request: Request) -> Query:
    request.body.problems.add("", "cannot_delete", "Orders are kept; to cancel one, POST a cancelServiceOrder.")
    return Query(about="nothing")


def _one_order(request: Request) -> Query:
    return Query(about="order", order_id=request.number, echo=request.echo)


def _orders(request: Request) -> Query:
    return _page(request, ("externalId", "state"))


def _cancellations(request: Request) -> Query:
    """A cancellation has the number of its order: one is enough for each."""
    return _page(request, (), STATUSES[CANCELLED])


def _page(request: Request, filters: tuple[str, ...], statuses: tuple[str, ...] = ()) -> Query:
    query = request.query
    for name in query.members.keys() - {"fields", "offset", "limit", *filters}:
        detail = f"One can look for {' and '.join(filters) or 'nothing'} here."
        query.problems.add(query.at(name), "filter_unsupported", detail)
    return Query(
        about="orders",
        partner_order_id=query.text("externalId", values.line, values.ID) if filters else None,
        statuses=statuses or query.code("state", STATUSES) or (),
        offset=query.text("offset", _count, 0, LARGEST_OFFSET) or 0,
        limit=query.text("limit", _count, 1, LARGEST_PAGE) or PAGE,
        echo={**request.echo, "listed": True},
    )


def _count(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
        raise Unfit("out_of_range", f"This may be {least} to {most}.")
    return int(text)


# --- who wants to be called --------------------------------------------------------------------------------------


def _subscribe(request: Request) -> Subscribe:
    """`query` is `eventType=A,B`; without it, all events of this interface are wanted."""
    callback = request.body.needed("callback", values.line, MAX_URL)
    query = request.body.text("query", values.line)
    kinds = KINDS[request.target.api]
    wanted = request.body.text("query", _event_types, kinds) or kinds
    said = {"callback": callback, **({"query": query} if query else {})}
    return Subscribe(url=callback, event_types=wanted, pointer="/callback", echo={**said, "api": request.target.api})


def _event_types(text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    terms = [term.partition("=") for term in text.split("&")]
    named = [kind.strip() for name, _, kinds in terms if name.strip() == "eventType" for kind in kinds.split(",")]
    if not named or len(named) < len(terms) or not set(named) <= set(known):
        raise Unfit("unknown_query", f"This may be eventType= with some of: {', '.join(known)}.")
    return tuple(dict.fromkeys(named))


def _unsubscribe(request: Request) -> Subscribe:
    return Subscribe(ends=request.number)


# --- the standard's operations: method, resource, whether one is named -------------------------------------------

_OPERATIONS: Mapping[tuple[str, str, bool], Callable[[Request], Intent]] = {
    ("POST", ORDER, False): lambda request: orders.create(request.body, request.settings),
    ("GET", ORDER, False): _orders,
    ("GET", ORDER, True): _one_order,
    ("PATCH", ORDER, True): lambda request: orders.change(request.body, request.number, request.settings),
    ("DELETE", ORDER, True): _undeletable,
    ("POST", CANCEL, False): lambda request: orders.cancel(request.body, request.settings),
    ("GET", CANCEL, False): _cancellations,
    ("GET", CANCEL, True): _one_order,
    ("POST", SEARCH, False): lambda request: appointments.search(request.body, request.settings),
    ("POST", APPOINTMENT, False): lambda request: appointments.create(request.body, request.settings),
    ("GET", APPOINTMENT, True): lambda request: appointments.read(request.number, request.echo),
    ("PATCH", APPOINTMENT, True): lambda request: appointments.change(request.body, request.number, request.settings),
    ("DELETE", APPOINTMENT, True): lambda request: appointments.delete(
        request.number, request.body.problems, {"deleted": True}
    ),
    ("POST", HUB, False): _subscribe,
    ("DELETE", HUB, True): _unsubscribe,
}
