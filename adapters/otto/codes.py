"""OTTO's words, and what we call the same thing."""

from collections.abc import Mapping
from typing import Literal

from adapters.canonical import JobState
from adapters.contract import Verdict

SENT, CANCELLED = "SENT", "CANCELLED_BY_PARTNER"

# OTTO knows two things that a seller says: it is done, and it will not be done. What happens on the way, a visit that
# failed and may be made again, and one that somebody else makes have no word.
STATES: Mapping[JobState, str | None] = {
    JobState.RECEIVED: None,
    JobState.REJECTED: CANCELLED,
    JobState.ON_HOLD: None,
    JobState.UNSCHEDULED: None,
    JobState.SCHEDULED: None,
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
    JobState.COMPLETED: SENT,
    JobState.DISPUTED: None,
    JobState.FAILED: None,
    JobState.CANCELLED: CANCELLED,
    JobState.HANDED_OVER: None,
}

Stand = Literal["later", "ours", "over", "gone"]

# PositionItem.fulfillmentStatus. An announced item waits for its payment: nothing may be started, and there is no
# address yet. What was sent or returned is over, and its job stays as it is.
STANDS: dict[str, Stand] = {
    "ANNOUNCED": "later",
    "PROCESSABLE": "ours",
    "SENT": "over",
    "RETURNED": "over",
    "CANCELLED_BY_PARTNER": "gone",
    "CANCELLED_BY_MARKETPLACE": "gone",
}

# By what we want to say, and how the item stands at OTTO: whether that is said already, or never can be. Where there
# is no verdict, we call.
BEFORE: Mapping[str, Mapping[str, Verdict]] = {
    SENT: {
        "ANNOUNCED": "retry",
        "SENT": "delivered",
        "RETURNED": "delivered",
        "CANCELLED_BY_PARTNER": "failed",
        "CANCELLED_BY_MARKETPLACE": "failed",
    },
    CANCELLED: {
        "ANNOUNCED": "retry",
        "SENT": "failed",
        "RETURNED": "delivered",
        "CANCELLED_BY_PARTNER": "delivered",
        "CANCELLED_BY_MARKETPLACE": "delivered",
    },
}

# Conflicts of POST /v1/shipments (ErrorDescription.title) that say: this is here already. The tracking number is our
# job's, so it is our own call that came through before.
SENT_BEFORE = frozenset({"DUPLICATE_TRACKING_KEY", "POSITION_ITEM_INCLUDED_IN_OTHER_SHIPMENT"})

# One of the carriers whose trackingKey needs no returnTrackingKey ("optional for forwarder deliveries").
CARRIER = "OTHER_FORWARDER"
