"""News of a booking to Google: `notification.partners.bookings.patch` of the Maps Booking API.

https://developers.google.com/maps-booking/reference/maps-booking-api/rest/v1alpha/notification.partners.bookings/patch
"""

from datetime import UTC, datetime

from adapters.canonical import JobState, StatusUpdate
from adapters.contract import Answer, Rendered, Verdict
from adapters.google_booking.answers import ids, written
from adapters.google_booking.codes import CONFIRMED, DECLINED, STANDS, stands
from adapters.google_booking.settings import Settings

# What Google will say again, however often it is asked. A 401 or 403 is ours to mend, and goes on then.
FOR_GOOD = frozenset({400, 404, 409})
NOT_FOUND = 404


def call(update: StatusUpdate, settings: Settings) -> Rendered:
    """The fields that changed; name, merchant and service must be there each time. Times are RFC 3339 here."""
    told = ids(update.order, settings)
    name = f"partners/{settings.partner_id}/bookings/{update.job.order_id}"
    status = stands(update.job)
    changed = _changed(update, status)
    document = {"name": name, "merchantId": told["merchant_id"], "serviceId": told["service_id"], **changed}
    path = f"/v1alpha/notification/{name}?updateMask={','.join(changed)}"
    rendered = written(status, document)
    return Rendered(body=rendered.body, media_type=rendered.media_type, event=status, method="PATCH", path=path)


def _changed(update: StatusUpdate, status: str) -> dict[str, str]:
    """A visit that is put to another time stays CONFIRMED; one that comes out of doubt is, and perhaps elsewhere."""
    before, window = update.previous_state, update.job.window
    if status != CONFIRMED or window is None or before in (None, JobState.RECEIVED):
        return {"status": status}
    seconds = int((window.end - window.start).total_seconds())
    time = {"startTime": _instant(window.start), "duration": f"{seconds}s"}
    return time if before is not None and STANDS[before] == CONFIRMED else {"status": status, **time}


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def judge(call: Rendered, answer: Answer) -> Verdict:
    """Of a booking that Google does not know, yet or at all, there is more than one kind."""
    if 200 <= answer.status < 300:
        return "delivered"
    if answer.status == NOT_FOUND and call.event == DECLINED:
        return "delivered"  # refused at once: it never was one
    if answer.status == NOT_FOUND and call.event == CONFIRMED:
        return "retry"  # confirmed in the answer to CreateBooking, which may still be on its way
    return "failed" if answer.status in FOR_GOOD else "retry"
