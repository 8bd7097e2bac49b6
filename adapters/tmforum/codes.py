"""TM Forum's words, and what we call the same thing."""

from collections.abc import Mapping

from adapters.canonical import JobState

ORDERING, SCHEDULING = "serviceOrdering", "appointment"
BASES: Mapping[str, str] = {name: f"/tmf-api/{name}/v4" for name in (ORDERING, SCHEDULING)}

# ServiceOrderItemStateType of each state, as the lifecycle has it.
STATES: Mapping[JobState, str] = {
    JobState.RECEIVED: "acknowledged",
    JobState.REJECTED: "rejected",
    JobState.ON_HOLD: "held",
    JobState.UNSCHEDULED: "pending",
    JobState.SCHEDULED: "pending",
    JobState.OFFERED: "pending",
    JobState.UNASSIGNABLE: "pending",
    JobState.ASSIGNED: "inProgress",
    JobState.CONFIRMED: "inProgress",
    JobState.EN_ROUTE: "inProgress",
    JobState.ON_SITE: "inProgress",
    JobState.IN_PROGRESS: "inProgress",
    JobState.CHANGE_PENDING: "pending",
    JobState.PAUSED: "held",
    JobState.WORK_DONE: "inProgress",
    JobState.COMPLETED: "completed",
    JobState.DISPUTED: "pending",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
    JobState.HANDED_OVER: "cancelled",
}
ACKNOWLEDGED, PENDING, CANCELLED, PARTIAL = "acknowledged", "pending", "cancelled", "partial"

ENDED = frozenset({JobState.REJECTED, JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED, JobState.HANDED_OVER})

# ServiceOrderStateType of an order whose least advanced job is in a state. An item that waits in the middle of the
# work does not make the order wait.
ORDERS: Mapping[JobState, str] = {
    **STATES,
    JobState.CHANGE_PENDING: "inProgress",
    JobState.DISPUTED: "inProgress",
}

# The words by which orders are looked for, and our statuses of those. Where no order rests, none is found: an order is
# acknowledged in the answer to it, and goes on at once.
STATUSES: dict[str, tuple[str, ...]] = {
    ACKNOWLEDGED: (ACKNOWLEDGED,),
    PENDING: ("received", "scheduled"),
    "held": ("on_hold",),
    "inProgress": ("assigned", "in_progress"),
    "completed": ("completed",),
    "failed": ("failed",),
    "rejected": ("rejected",),
    CANCELLED: (CANCELLED, "handed_over"),
    PARTIAL: (PARTIAL,),
    "assessingCancellation": ("assessingCancellation",),
    "pendingCancellation": ("pendingCancellation",),
}

# AppointmentStateType of a visit.
VISITS: Mapping[JobState, str] = {
    **dict.fromkeys(JobState, "confirmed"),
    JobState.RECEIVED: "initialized",
    JobState.ON_HOLD: "initialized",
    JobState.UNSCHEDULED: "initialized",
    JobState.REJECTED: "failed",
    JobState.FAILED: "failed",
    JobState.COMPLETED: "completed",
    JobState.CANCELLED: CANCELLED,
    JobState.HANDED_OVER: CANCELLED,
}

# AppointmentStateType of a slot that is kept; one that is used is a visit.
HOLDS: Mapping[str, str] = {"held": "initialized", "used": "confirmed", "released": CANCELLED, "expired": "failed"}

# What is reached with a step, beside or without another word for the item.
MILESTONES: Mapping[JobState, str] = {
    JobState.SCHEDULED: "appointmentConfirmed",
    JobState.OFFERED: "technicianSearched",
    JobState.ASSIGNED: "technicianAssigned",
    JobState.CONFIRMED: "technicianConfirmed",
    JobState.EN_ROUTE: "technicianEnRoute",
    JobState.ON_SITE: "technicianOnSite",
    JobState.IN_PROGRESS: "workStarted",
    JobState.WORK_DONE: "workDone",
}

# What is missing, by the reason why a job waits: a new time, at its appointment, sets it going again.
INFORMATION: Mapping[str, str] = {
    "awaiting_customer_data": "relatedParty",
    "awaiting_line_activation": "serviceOrderItem.appointment",
    "awaiting_goods": "serviceOrderItem.appointment",
    "goods_delayed": "serviceOrderItem.appointment",
    "goods_damaged": "serviceOrderItem.appointment",
}

# Roles are free text; these mean the person at home. Compared without blanks, in small letters.
CUSTOMERS = frozenset({"customer", "endcustomer", "enduser", "subscriber"})

# cancellationReason is free text, too; in these words it is a reason of ours. Compared as roles are.
REASONS: Mapping[str, str] = {
    "customerwish": "changed_mind",
    "customerrequest": "changed_mind",
    "changedmind": "changed_mind",
    "nolongerneeded": "changed_mind",
    "duplicate": "booked_twice",
    "duplicateorder": "booked_twice",
    "withdrawal": "consumer_withdrawal",
    "productreturned": "product_returned",
    "deliverydelayed": "delivery_delayed",
    "fraud": "fraud_suspected",
}

# What a PATCH may not say of an order: it was agreed when the order was placed, or is ours to say.
FIXED = (
    "category",
    "description",
    "expectedCompletionDate",
    "externalId",
    "externalReference",
    "note",
    "notificationContact",
    "orderRelationship",
    "priority",
    "relatedParty",
    "requestedCompletionDate",
    "requestedStartDate",
)

# Codes of problems: nothing is wrong with the document, but we cannot do it.
NOT_DONE = frozenset(
    {
        "action_unsupported",
        "cannot_change",
        "cannot_delete",
        "filter_unsupported",
        "nested_items",
        "several_places",
        "version_3",
    }
)
