"""Shopify's words, and what we call the same thing."""

from collections.abc import Mapping

from adapters.canonical import Job, JobState

JSON = "application/json"

# Headers of a webhook. https://shopify.dev/docs/apps/build/webhooks
TOPIC, WEBHOOK_ID, TRIGGERED_AT = "x-shopify-topic", "x-shopify-webhook-id", "x-shopify-triggered-at"

# Topics, by what their body is. An order is told as a whole, whatever happened to it.
ORDER, REFUND, REQUEST, HEARD, CALLBACK = "order", "refund", "request", "heard", "callback"
DISCLOSE, ERASE, ERASE_ALL = "disclose", "erase", "erase_all"
TOPICS: Mapping[str, str] = {
    "orders/create": ORDER,
    "orders/updated": ORDER,
    "orders/paid": ORDER,
    "orders/cancelled": ORDER,
    "orders/fulfilled": ORDER,
    "orders/partially_fulfilled": ORDER,
    "refunds/create": REFUND,
    # Only line numbers and differences: applied after the orders/updated of the same edit, it would count twice.
    "orders/edited": HEARD,
    "app/uninstalled": HEARD,
    "customers/data_request": DISCLOSE,
    "customers/redact": ERASE,
    "shop/redact": ERASE_ALL,
}
# They name a fulfillment order, and not the order that it belongs to.
FULFILLMENT_ORDERS = "fulfillment_orders/"

# `kind` of POST …/fulfillment_order_notification.
KINDS = frozenset({"FULFILLMENT_REQUEST", "CANCELLATION_REQUEST"})

# Order/cancel_reason.
CANCELLATIONS: dict[str, str] = {
    "customer": "changed_mind",
    "fraud": "fraud_suspected",
    "inventory": "order_cancelled_by_retailer",
    "declined": "order_cancelled_by_retailer",
    "staff": "order_cancelled_by_retailer",
    "other": "order_cancelled_by_retailer",
}

# The words of a request (FulfillmentOrderRequestStatus) and of a fulfillment (FulfillmentEventStatus).
ACCEPTED, REJECTED, CLOSED = "ACCEPTED", "REJECTED", "CLOSED"
COMING, ABSENT, DELAYED, DONE, FAILED = "OUT_FOR_DELIVERY", "ATTEMPTED_DELIVERY", "DELAYED", "DELIVERED", "FAILURE"

# An event needs a fulfillment, and an order with a fulfillment cannot be cancelled any more: so nothing is fulfilled
# before somebody is on the way, and a date only accepts the request.
# https://shopify.dev/changelog/fulfilled-and-partially-fulfilled-orders-can-no-longer-be-canceled-by-using-the-order-resource
STATES: Mapping[JobState, str | None] = {
    JobState.RECEIVED: None,
    JobState.REJECTED: REJECTED,
    JobState.ON_HOLD: None,
    JobState.UNSCHEDULED: ACCEPTED,
    JobState.SCHEDULED: ACCEPTED,
    JobState.OFFERED: None,
    JobState.UNASSIGNABLE: None,
    JobState.ASSIGNED: None,
    JobState.CONFIRMED: None,
    JobState.EN_ROUTE: COMING,
    JobState.ON_SITE: None,
    JobState.IN_PROGRESS: None,
    JobState.CHANGE_PENDING: None,
    JobState.PAUSED: DELAYED,
    JobState.WORK_DONE: None,
    JobState.COMPLETED: DONE,
    JobState.DISPUTED: None,
    JobState.FAILED: FAILED,
    JobState.CANCELLED: CLOSED,
    JobState.HANDED_OVER: CLOSED,
}

# A visit in one of these has nothing ahead.
ENDED = frozenset({JobState.REJECTED, JobState.CANCELLED, JobState.HANDED_OVER, JobState.COMPLETED, JobState.FAILED})

# FulfillmentOrderRejectionReason, by our reason; OTHER for the others.
REJECTIONS: Mapping[str, str] = {
    "unknown_service": "INVALID_SKU",
    "invalid_address": "INCORRECT_ADDRESS",
    "not_serviceable": "UNDELIVERABLE_DESTINATION",
    "contact_missing": "INVALID_CONTACT_INFORMATION",
    "partner_suspended": "MERCHANT_BLOCKED_OR_SUSPENDED",
}

# FulfillmentOrderStatus and FulfillmentOrderRequestStatus, where nothing is to be done any more.
OVER = frozenset({"CANCELLED", "CLOSED", "INCOMPLETE"})
ANSWERED = frozenset({"REJECTED", "CANCELLATION_ACCEPTED", "CLOSED"})
WAITING = frozenset({"ON_HOLD", "SCHEDULED"})
UNSUBMITTED, SUBMITTED, CANCEL_ASKED = "UNSUBMITTED", "SUBMITTED", "CANCELLATION_REQUESTED"
IN_HAND = frozenset({"ACCEPTED", "CANCELLATION_REJECTED"})

# Codes of a GraphQL error that another time may not have.
PASSING = frozenset(
    {"THROTTLED", "INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE", "ACCESS_DENIED", "SHOP_INACTIVE"}
)


def word(job: Job) -> str | None:
    """A visit that failed for want of the customer was attempted."""
    if job.state is JobState.FAILED and job.reason is not None and job.reason.code == "customer_absent":
        return ABSENT
    return STATES[job.state]
