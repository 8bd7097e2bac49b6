"""Google's words, and what we call the same thing.

https://developers.google.com/actions-center/verticals/local-services/e2e/reference/booking-server-api-rest
"""

from collections.abc import Mapping

from adapters.canonical import Job, JobState

CONFIRMED, PENDING, CANCELED = "CONFIRMED", "PENDING_MERCHANT_CONFIRMATION", "CANCELED"
DECLINED, FAILED, NO_SHOW = "DECLINED_BY_MERCHANT", "FAILED", "NO_SHOW"

# What is news to Google. It follows no visit: between the confirmation and its end there are no words, and none for an
# end that is well.
STATES: Mapping[JobState, str | None] = {
    JobState.RECEIVED: None,
    JobState.REJECTED: DECLINED,
    JobState.ON_HOLD: None,
    JobState.UNSCHEDULED: None,
    JobState.SCHEDULED: CONFIRMED,
    JobState.OFFERED: None,
    JobState.UNASSIGNABLE: None,
    JobState.ASSIGNED: None,
    JobState.CONFIRMED: None,
    JobState.EN_ROUTE: None,
    JobState.ON_SITE: None,
    JobState.IN_PROGRESS: None,
    JobState.CHANGE_PENDING: None,
    JobState.PAUSED: None,
    JobState.WORK_DONE: None,
    JobState.COMPLETED: None,
    JobState.DISPUTED: None,
    JobState.FAILED: FAILED,
    JobState.CANCELLED: CANCELED,
    JobState.HANDED_OVER: None,
}

# How a booking stands when Google asks: everything has a word then. A visit that was made stays CONFIRMED.
STANDS: Mapping[JobState, str] = {
    **dict.fromkeys(JobState, CONFIRMED),
    JobState.RECEIVED: PENDING,
    JobState.ON_HOLD: PENDING,
    JobState.UNSCHEDULED: PENDING,
    JobState.REJECTED: DECLINED,
    JobState.FAILED: FAILED,
    JobState.CANCELLED: CANCELED,
    JobState.HANDED_OVER: CANCELED,
}

# Nobody comes any more: ListBookings does not name these.
OVER = frozenset({JobState.REJECTED, JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED, JobState.HANDED_OVER})

# BookingStatus of an UpdateBooking: it cancels, or repeats how things stand.
STATUSES: dict[str, bool] = {CANCELED: True, CONFIRMED: False, PENDING: False, "BOOKING_STATUS_UNSPECIFIED": False}

PREPAYMENTS = frozenset(
    {
        "PREPAYMENT_STATUS_UNSPECIFIED",
        "PREPAYMENT_PROVIDED",
        "PREPAYMENT_NOT_PROVIDED",
        "PREPAYMENT_REFUNDED",
        "PREPAYMENT_CREDITED",
    }
)

# BookingFailure.Cause. There is none for "nobody comes to this address": the slot is not available to it.
SLOT_UNAVAILABLE, ALREADY_CANCELLED = "SLOT_UNAVAILABLE", "BOOKING_ALREADY_CANCELLED"
NOT_CANCELLABLE, PAYMENT_ERROR = "BOOKING_NOT_CANCELLABLE", "PAYMENT_ERROR"

# Codes of problems: a booking that we cannot take, though nothing is wrong with it.
NO_PAYMENT, NO_ADDRESS = "payment_unsupported", "no_service_address"

# google.rpc.Code for the HTTP statuses that a booking server may answer; any other is INTERNAL.
ERRORS: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


def stands(job: Job) -> str:
    """A visit that failed for want of the customer is a NO_SHOW."""
    if job.state is JobState.FAILED and job.reason is not None and job.reason.code == "customer_absent":
        return NO_SHOW
    return STANDS[job.state]
