"""The messages of the booking server as Google's proto has them, and a check of ours against it."""

import json
import re
from pathlib import Path
from typing import Any

from adapters.contract import RawMessage, Rendered

SHARED = Path(__file__).parents[2] / ".." / "shared" / "partners" / "google"
START, HOURS = 1768892400, 7200  # 20 January 2026, 8 o'clock in Zurich, for two hours

TEXT, INT64, INT32, BOOL, TIME, DURATION = "text", "int64", "int32", "bool", "time", "duration"
STATUS = "CONFIRMED PENDING_MERCHANT_CONFIRMATION CANCELED NO_SHOW NO_SHOW_PENALIZED FAILED DECLINED_BY_MERCHANT"
CAUSE = """SLOT_UNAVAILABLE SLOT_ALREADY_BOOKED_BY_USER LEASE_EXPIRED OUTSIDE_CANCELLATION_WINDOW
PAYMENT_ERROR_CARD_TYPE_REJECTED PAYMENT_ERROR_CARD_DECLINED PAYMENT_OPTION_NOT_VALID PAYMENT_ERROR
USER_CANNOT_USE_PAYMENT_OPTION BOOKING_ALREADY_CANCELLED BOOKING_NOT_CANCELLABLE OVERLAPPING_RESERVATION
USER_OVER_BOOKING_LIMIT OFFER_UNAVAILABLE DEAL_UNAVAILABLE PAYMENT_REQUIRES_3DS1"""
PREPAYMENT = "PREPAYMENT_PROVIDED PREPAYMENT_NOT_PROVIDED PREPAYMENT_REFUNDED PREPAYMENT_CREDITED"
MODE = "CONFIRMATION_MODE_SYNCHRONOUS CONFIRMATION_MODE_ASYNCHRONOUS"
ENUMS = {name: frozenset(words.split()) for name, words in {
    "status": STATUS, "cause": CAUSE, "prepayment": PREPAYMENT, "mode": MODE,
}.items()}  # fmt: skip

RESOURCES = {"staff_id": TEXT, "room_id": TEXT, "party_size": INT32}
SLOT = {
    "merchant_id!": TEXT, "service_id!": TEXT, "start_sec!": INT64, "duration_sec!": INT64, "availability_tag": TEXT,
    "resources": RESOURCES, "confirmation_mode": "mode",
}  # fmt: skip
SLOT_TIME = {
    "service_id!": TEXT, "start_sec!": INT64, "duration_sec": INT64, "availability_tag": TEXT,
    "resource_ids": RESOURCES, "confirmation_mode": "mode",
}  # fmt: skip
USER = {
    "user_id!": TEXT, "given_name!": TEXT, "family_name!": TEXT, "telephone": TEXT, "email": TEXT,
    "language_code": TEXT,
}  # fmt: skip
BOOKING = {
    "booking_id!": TEXT, "slot!": SLOT, "user_information!": USER, "status!": "status",
    "payment_information": {"prepayment_status!": "prepayment"},
}  # fmt: skip
FAILURE = {"cause!": "cause", "description": TEXT}
MADE = {"booking": BOOKING, "booking_failure": FAILURE}
DETAIL = {
    "@type!": TEXT, "requestId": TEXT, "fieldViolations": [{"field!": TEXT, "description!": TEXT, "reason!": TEXT}],
}  # fmt: skip
MESSAGES: dict[str, Any] = {
    "HealthCheck": {"status!": TEXT},
    "BatchAvailabilityLookup": {"slot_time_availability": [{"slot_time!": SLOT_TIME, "available!": BOOL}]},
    "CheckAvailability": {"slot!": SLOT, "count_available!": INT32},
    "CreateBooking": MADE,
    "UpdateBooking": MADE,
    "booking_failure": MADE,
    "GetBookingStatus": {"booking_id!": TEXT, "booking_status!": "status", "prepayment_status": "prepayment"},
    "ListBookings": {"bookings!": [BOOKING]},
    "error": {"error!": {"code!": INT32, "message!": TEXT, "status!": TEXT, "details!": [DETAIL]}},
    # https://developers.google.com/maps-booking/reference/maps-booking-api/rest/v1alpha/notification.partners.bookings
    "notification": {
        "name!": TEXT, "merchantId!": TEXT, "serviceId!": TEXT, "status": "status", "startTime": TIME,
        "duration": DURATION,
    },
}  # fmt: skip
FORMS = {
    INT64: re.compile(r"\d{1,19}"),
    TIME: re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
    DURATION: re.compile(r"[1-9]\d*s"),
}


def faults(value: Any, model: Any, place: str = "") -> list[str]:
    """The places at which a value is not of the model; a name with `!` must be there."""
    if isinstance(model, dict):
        if not isinstance(value, dict):
            return [place]
        known = {name.rstrip("!"): inner for name, inner in model.items()}
        missing = [f"{place}/{name[:-1]}" for name in model if name.endswith("!") and name[:-1] not in value]
        strange = [f"{place}/{name}" for name in value if name not in known]
        inner = [
            f for name, item in value.items() if name in known for f in faults(item, known[name], f"{place}/{name}")
        ]
        return missing + strange + inner
    if isinstance(model, list):
        items = enumerate(value) if isinstance(value, list) else [("not a list", None)]
        return [fault for number, item in items for fault in faults(item, model[0], f"{place}/{number}")]
    return [] if _is(value, model) else [place]


def _is(value: Any, model: str) -> bool:
    if model == BOOL:
        return isinstance(value, bool)
    if model == INT32:
        return isinstance(value, int) and not isinstance(value, bool)
    if model in ENUMS:
        return value in ENUMS[model]
    return isinstance(value, str) and bool(value) and (model not in FORMS or bool(FORMS[model].fullmatch(value)))


def said(answer: Rendered, message: str) -> Any:
    """The document of an answer, which is one of Google's messages."""
    document = json.loads(answer.body)
    assert answer.media_type == "application/json"
    assert faults(document, MESSAGES[message]) == []
    return document


def request(method: str, document: Any) -> RawMessage:
    """As Google sends it, with the slash at the end."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return RawMessage(body=body, media_type="application/json", path=f"/google/v3/{method}/")


def booking(**other: Any) -> dict[str, Any]:
    """A CreateBooking; None takes a member away, and a dict changes one."""
    whole: dict[str, Any] = {
        "idempotency_token": "8124117013960637000",
        "payment_information": {"prepayment_status": "PREPAYMENT_NOT_PROVIDED"},
        "slot": {
            "merchant_id": "nest-ch",
            "service_id": "nest-thermostat",
            "start_sec": str(START),
            "duration_sec": str(HOURS),
            "confirmation_mode": "CONFIRMATION_MODE_SYNCHRONOUS",
            "resources": {"staff_id": "s-7"},
        },
        "user_information": {
            "user_id": "1111111111111111111",
            "given_name": "Vera",
            "family_name": "Muster",
            "telephone": "044 668 18 00",
            "email": "vera@example.ch",
            "language_code": "de-CH",
            "address": {
                "country": "CH",
                "locality": "Zürich",
                "region": "ZH",
                "postal_code": "8004",
                "street_address": "Musterweg 12, 3. Stock links",
            },
        },
    }
    for name, item in other.items():
        whole[name] = {**whole[name], **item} if isinstance(item, dict) and isinstance(whole.get(name), dict) else item
    return {name: item for name, item in whole.items() if item is not None}
