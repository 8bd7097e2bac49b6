"""Google's requests. JSON of proto3: a member that is null, empty or 0 is not there, any other may come."""

from collections.abc import Callable, Mapping
from typing import Any

from adapters.canonical import Intent, Query
from adapters.contract import RawMessage
from adapters.errors import MalformedMessage, Problem
from adapters.google_booking import bookings, slots
from adapters.google_booking.settings import Settings
from adapters.objects import Object
from adapters.reading import Problems, strict_json


def read(message: RawMessage, settings: Settings) -> list[Intent]:
    """What one request asks for: the last step of the path says its method, and where there is none, its members do."""
    if message.method == "GET":
        return [Query(about="nothing", echo={"method": "HealthCheck"})]
    document = strict_json(message.body)
    method = _method(message.path, document)
    problems = Problems()
    request = Object(document, problems)
    intent = _METHODS[method](request, settings)
    problems.done()
    return [intent]


def _method(path: str, document: Any) -> str:
    named = path.rstrip("/").rpartition("/")[2]
    if named in _METHODS:
        return named
    members = set(document) if isinstance(document, dict) else set()
    if isinstance(booking := document.get("booking") if members else None, dict) and "user_information" in booking:
        members = set()  # whose booking it is stands in answers alone
    found = next((method for method, known in _SHAPES if known <= members), None)
    if found is None:
        detail = "This is no request of the booking server that we know."
        raise MalformedMessage([Problem(pointer="", code="unknown_request", detail=detail)])
    return found


_METHODS: Mapping[str, Callable[[Object, Settings], Intent]] = {
    "BatchAvailabilityLookup": slots.batch,
    "CheckAvailability": slots.check,
    "CreateBooking": bookings.create,
    "UpdateBooking": bookings.update,
    "GetBookingStatus": bookings.status,
    "ListBookings": bookings.bookings_of,
}
# What a request is that comes without a path: the first whose members are all there.
_SHAPES = (
    ("BatchAvailabilityLookup", {"slot_time"}),
    ("CreateBooking", {"idempotency_token"}),
    ("CreateBooking", {"slot", "user_information"}),
    ("CheckAvailability", {"slot"}),
    ("UpdateBooking", {"booking"}),
    ("GetBookingStatus", {"booking_id"}),
    ("ListBookings", {"user_id"}),
)
