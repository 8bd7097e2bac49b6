"""The questions and the calls of the Admin GraphQL API that we make.

https://shopify.dev/docs/api/admin-graphql
"""

from collections.abc import Mapping

ACCEPT = "fulfillmentOrderAcceptFulfillmentRequest"
REJECT = "fulfillmentOrderRejectFulfillmentRequest"
ACCEPT_CANCELLATION = "fulfillmentOrderAcceptCancellationRequest"
REJECT_CANCELLATION = "fulfillmentOrderRejectCancellationRequest"
CLOSE = "fulfillmentOrderClose"
FULFILL = "fulfillmentCreate"
TELL = "fulfillmentEventCreate"
UNDO = "fulfillmentCancel"

ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    ACCEPT: ("id", "message"),
    REJECT: ("id", "reason", "message"),
    ACCEPT_CANCELLATION: ("id", "message"),
    REJECT_CANCELLATION: ("id", "message"),
    CLOSE: ("id", "message"),
    FULFILL: ("fulfillment",),
    TELL: ("fulfillmentEvent",),
    UNDO: ("id",),
}

_TYPES: Mapping[str, str] = {
    "id": "ID!",
    "message": "String",
    "reason": "FulfillmentOrderRejectionReason",
    "fulfillment": "FulfillmentInput!",
    "fulfillmentEvent": "FulfillmentEventInput!",
}

# How the lines of an order stand with the fulfillment services, and which fulfillments are ours; what was told of them;
# what the merchant wants back. A question may cost 1000 points (each node of a list is one, times those of the lists
# around it), and before a call be answered in 64 KB.
STAND = (
    "query stand($order: ID!) { order(id: $order) { cancelledAt"
    " fulfillments(first: 40) { id status trackingInfo(first: 1) { number } }"
    " fulfillmentOrders(first: 10, reverse: true) { nodes { id status requestStatus"
    " lineItems(first: 25) { nodes { id remainingQuantity lineItem { id } } } } } } }"
)
EVENTS = (
    "query events($order: ID!) { order(id: $order) {"
    " fulfillments(first: 40) { id status trackingInfo(first: 1) { number }"
    " events(first: 8, sortKey: HAPPENED_AT, reverse: true) { nodes { status happenedAt } } } } }"
)
CANCELLATIONS = (
    "query cancellations($after: String) {"
    " assignedFulfillmentOrders(first: 15, after: $after, assignmentStatus: CANCELLATION_REQUESTED) {"
    " pageInfo { hasNextPage endCursor } nodes { id updatedAt order { id }"
    " lineItems(first: 25) { nodes { remainingQuantity lineItem { id } } } } } }"
)


def mutation(*names: str) -> str:
    """These calls in one document, made in this order; all with the same variables."""
    taken = dict.fromkeys(argument for name in names for argument in ARGUMENTS[name])
    variables = ", ".join(f"${argument}: {_TYPES[argument]}" for argument in taken)
    calls = " ".join(
        f"{name}({', '.join(f'{argument}: ${argument}' for argument in ARGUMENTS[name])})"
        " { userErrors { field message } }"
        for name in names
    )
    return f"mutation {names[-1]}({variables}) {{ {calls} }}"
