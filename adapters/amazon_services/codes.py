"""Amazon's words, and what we call the same thing."""

from collections.abc import Mapping

from adapters.canonical import JobState

JSON = "application/json"
JOBS = "/service/v1/serviceJobs"

# Operations, by their operationId.
READ = "getServiceJobByServiceJobId"
ADD = "addAppointmentForServiceJobByServiceJobId"
RESCHEDULE = "rescheduleAppointmentForServiceJobByServiceJobId"
ASSIGN = "assignAppointmentResources"
FULFIL = "setAppointmentFulfillmentData"
COMPLETE = "completeServiceJobByServiceJobId"
CANCEL = "cancelServiceJobByServiceJobId"

# The operation that says a state. An appointment cannot be taken away nor a technician taken off, the start of the work
# is only taken together with its end, and there is no word for what is disputed or waits: all of that has none.
STATES: Mapping[JobState, str | None] = {
    JobState.RECEIVED: None,
    JobState.REJECTED: CANCEL,
    JobState.ON_HOLD: None,
    JobState.UNSCHEDULED: None,
    JobState.SCHEDULED: ADD,
    JobState.OFFERED: None,
    JobState.UNASSIGNABLE: None,
    JobState.ASSIGNED: ASSIGN,
    JobState.CONFIRMED: None,
    JobState.EN_ROUTE: FULFIL,
    JobState.ON_SITE: None,
    JobState.IN_PROGRESS: None,
    JobState.CHANGE_PENDING: None,
    JobState.PAUSED: None,
    JobState.WORK_DONE: None,
    JobState.COMPLETED: COMPLETE,
    JobState.DISPUTED: None,
    JobState.FAILED: CANCEL,
    JobState.CANCELLED: CANCEL,
    JobState.HANDED_OVER: None,
}

# A visit in one of these has nothing ahead.
ENDED = frozenset({JobState.REJECTED, JobState.CANCELLED, JobState.HANDED_OVER, JobState.COMPLETED, JobState.FAILED})

# ServiceJob/serviceJobStatus.
OPEN, PENDING, HOLD = "NOT_SERVICED", "PENDING_SCHEDULE", "HOLD"
UNPAID, BROKEN, CANCELLED, COMPLETED = "PAYMENT_DECLINED", "NOT_FULFILLABLE", "CANCELLED", "COMPLETED"
STATUSES = frozenset({OPEN, PENDING, HOLD, UNPAID, BROKEN, CANCELLED, COMPLETED})
WANTED = (OPEN, PENDING, HOLD)
"""A visit is wanted, and paid for."""

# Appointment/appointmentStatus.
ACTIVE = "ACTIVE"
APPOINTMENTS = frozenset({ACTIVE, "CANCELLED", "COMPLETED"})

# ServiceLocation/serviceLocationType. Nobody travels to a store of ours.
HOME, ONLINE, STORE = "IN_HOME", "ONLINE", "IN_STORE"
PLACES = frozenset({HOME, ONLINE, STORE})

# What the reader reads, or knows to say nothing about a visit. Anything else is ignored and counted.
_KNOWN = {
    "": """
        createTime serviceJobId serviceJobStatus scopeOfWork seller serviceJobProvider preferredAppointmentTimes
        appointments serviceOrderId productOrderIds trackingIds marketplaceId storeId buyer associatedItems
        serviceLocation payments
    """,
    "scopeOfWork": "asin title quantity requiredSkills",
    "buyer": "buyerId name phone isPrimeMember",
    "serviceLocation": "serviceLocationType address",
}
KNOWN = {name: frozenset(members.split()) for name, members in _KNOWN.items()}
