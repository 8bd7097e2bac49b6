"""Service jobs in: each is told as a whole, every time that something about it is otherwise."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from adapters import values
from adapters.amazon_services.codes import (
    ACTIVE,
    APPOINTMENTS,
    BROKEN,
    CANCELLED,
    COMPLETED,
    HOLD,
    KNOWN,
    PLACES,
    STATUSES,
    STORE,
    UNPAID,
)
from adapters.amazon_services.place import address, customer
from adapters.canonical import CancelOrder, ChangeOrder, Intent, LineChange, OrderLine, Product, SupportOrder, Window
from adapters.contract import RawMessage
from adapters.errors import InvalidOrder, MalformedMessage, Problem, Unsupported
from adapters.objects import Object
from adapters.reading import Problems, Unfit, strict_json

READ_AT = "readAt"
"""The query's member that says when a job was read: a job says only when it was created."""

LINE = "1"
MAX_QUANTITY = 20
MAX_MINUTES = 7 * 24 * 60
MAX_JOBS = 20
MAX_ERRORS = 20
NOT_DONE = frozenset({"payment_declined", "in_our_store"})


def read(message: RawMessage) -> list[Intent]:
    """The service jobs of a document: one, alone or as the `payload` of an answer, or the jobs of a page.

    Raises `TranslationError` with every problem of it.
    """
    problems = Problems()
    jobs = _jobs(strict_json(message.body), problems)
    number = _change_id(message, problems)
    intents = [_intent(job, number) for job in jobs]
    problems.done(Unsupported if all(problem.code in NOT_DONE for problem in problems.found) else InvalidOrder)
    return [intent for intent in intents if intent]


def errors(document: Any) -> list[Any]:
    """The errors of an answer, or of what is nothing but their list; warnings are none."""
    told = document.get("errors") if isinstance(document, dict) else document
    if not isinstance(told, list):
        return []
    return [error for error in told if not (isinstance(error, dict) and error.get("errorLevel") == "WARNING")]


def payload(document: Any) -> Any:
    """What an answer of Amazon's brings. Raises `InvalidOrder` where it brings errors, `MalformedMessage` otherwise."""
    told = errors(document)[:MAX_ERRORS] if isinstance(document, dict) else []
    if told:
        detail = "Amazon answers with an error."
        raise InvalidOrder(
            Problem(pointer=f"/errors/{place}", code="amazon_error", detail=detail) for place in range(len(told))
        )
    if not isinstance(document, dict) or not isinstance(document.get("payload"), dict):
        raise MalformedMessage([Problem(pointer="", code="no_payload", detail="This is not an answer of Amazon's.")])
    return document["payload"]


def _jobs(document: Any, problems: Problems) -> list[Object]:
    wrapped = not (isinstance(document, dict) and "serviceJobId" in document)
    found = Object(payload(document) if wrapped else document, problems, "/payload" if wrapped else "")
    if "jobs" not in found.members:
        return [found]
    jobs = found.all("jobs", MAX_JOBS)
    if not jobs:
        problems.add(found.at("jobs"), "empty", "There is no job on this page.")
    return jobs


def _change_id(message: RawMessage, problems: Problems) -> str:
    """Jobs are ordered by when they were read; one that nobody fetched is known again by its content alone."""
    at = Object(dict(message.query), problems, "?").text(READ_AT, values.instant)
    return f"{at.astimezone(UTC):%Y%m%d%H%M%S%f}" if at else f"content-{sha256(message.body).hexdigest()[:32]}"


def _intent(job: Object, number: str) -> Intent | None:
    job_id = job.needed("serviceJobId", values.line, values.ID) or ""
    job.check("serviceJobStatus")
    status = job.code("serviceJobStatus", STATUSES)
    if status in (CANCELLED, BROKEN):
        return CancelOrder(partner_order_id=job_id, change_id=number, pointer=job.pointer)
    if status == COMPLETED:
        # It never begins here, and where it is here it ends by our own word.
        return ChangeOrder(partner_order_id=job_id, change_id=number, lines=(), pointer=job.pointer)
    if status == UNPAID:
        detail = "The customer's payment was declined; nobody goes before it is made."
        job.problems.add(job.at("serviceJobStatus"), "payment_declined", detail)
        return None
    order = _order(job, job_id, status)
    line = order.lines[0]
    change = LineChange(
        pointer=job.at("scopeOfWork"),
        line_id=line.line_id,
        quantity=line.quantity,
        requested_windows=line.requested_windows,
    )
    return ChangeOrder(
        partner_order_id=job_id, change_id=number, lines=(change,), pointer=job.pointer, whole=order, echo=order.echo
    )


def _order(job: Object, job_id: str, status: str | None) -> SupportOrder:
    location, buyer = job.child("serviceLocation"), job.first("buyer") or Object({}, job.problems, job.at("buyer"))
    if location.code("serviceLocationType", PLACES) == STORE:
        detail = "Our technicians go to customers; there is no store."
        job.problems.add(location.at("serviceLocationType"), "in_our_store", detail)
    home = location.child("address")
    where = address(home)
    return SupportOrder(
        partner_order_id=job_id,
        ordered_at=job.text("createTime", values.instant),
        customer=customer(home, buyer, where.country or None),
        service_address=where,
        lines=(_line(job, status),),
        echo=_echo(job, buyer),
    )


def _line(job: Object, status: str | None) -> OrderLine:
    scope, items = job.child("scopeOfWork"), job.all("associatedItems")
    return OrderLine(
        line_id=LINE,
        quantity=scope.number("quantity", _whole, MAX_QUANTITY) or 1,
        sku=scope.needed("asin", values.line, values.ID),
        title=scope.text("title", _short),
        product=_product(items[0]) if len(items) == 1 else None,
        requested_windows=_windows(job, status),
        notes="\n".join(filter(None, map(_told, items)))[: values.NOTES] or None,
    )


def _windows(job: Object, status: str | None) -> tuple[Window, ...]:
    """The appointment, and after it what the customer wished for: only HOLD says that no wish can be met."""
    found = [
        _window(one.child("appointmentTime"))
        for one in job.all("appointments")
        if one.code("appointmentStatus", APPOINTMENTS) == ACTIVE
    ]
    wishes = [_window(wish) for wish in job.all("preferredAppointmentTimes")]
    return tuple(dict.fromkeys(window for window in [*found, *(() if status == HOLD else wishes)] if window))


def _window(time: Object) -> Window | None:
    time.check("durationInMinutes")
    start, minutes = time.needed("startTime", values.instant), time.number("durationInMinutes", _whole, MAX_MINUTES)
    return Window(start=start, end=start + timedelta(minutes=minutes)) if start and minutes else None


def _product(item: Object) -> Product:
    return Product(brand=item.text("brandName", _short), model=item.text("title", _short))


def _told(item: Object) -> str:
    """What the visit is about, whether it was delivered already, or when it will be, for whoever reads notes."""
    delivery = item.first("itemDelivery")
    due: datetime | None = delivery.text("estimatedDeliveryDate", values.instant) if delivery else None
    told = [item.text("title", _short), item.text("itemStatus", _short), f"{due:%Y-%m-%d}" if due else None]
    return ", ".join(filter(None, told))


def _echo(job: Object, buyer: Object) -> dict[str, Any]:
    said = {
        "serviceOrderId": job.text("serviceOrderId", values.line, values.ID),
        "customer": buyer.text("buyerId", values.line, values.ID),
        "ignored": sum(len(_members(job, name).keys() - known) for name, known in KNOWN.items()),
    }
    return {name: value for name, value in said.items() if value}


def _members(job: Object, name: str) -> dict[str, Any]:
    found = job.members.get(name) if name else job.members
    return found if isinstance(found, dict) else {}


def _short(text: str) -> str:
    """A title as long as we keep one: Amazon's may be longer."""
    return values.line(text[: values.NAME])


def _whole(number: Decimal, most: int) -> int:
    if number != int(number):
        raise Unfit("not_whole", "This is not a whole number.")
    if not 1 <= number <= most:
        raise Unfit("out_of_range", f"This may be 1 to {most}.")
    return int(number)
