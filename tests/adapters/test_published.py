"""Every document that partners publish, or that was made after theirs: intents, or problems, and nothing else."""

from pathlib import Path

import pytest

from adapters import by_name
from adapters.contract import RawMessage
from adapters.errors import TranslationError

SHARED = Path(__file__).parents[3] / "shared" / "partners"
DIALECTS = {
    "swisscom": "tmforum",
    "interdiscount": "edifact",
    "lumimart": "edifact",
    "edifact": "edifact",
    "bosch": "idoc",
    "brack": "opentrans",
    "otto": "otto",
    "amazon_de": "amazon_services",
    "google": "google_booking",
    "logitech": "shopify",
}
# Orders, changes, cancellations and questions that we can act on; everything else is answered with problems.
TAKEN = {
    "amazon_de/constructed/01_getServiceJob_PENDING_SCHEDULE.json",
    "bosch/constructed/01_ORDERS.ORDERS05.xml",
    "bosch/constructed/02_ORDCHG_change10_delete20.ORDERS05.xml",
    "brack/constructed/01_ORDER.xml",
    "brack/constructed/02_ORDERCHANGE_reschedule10_cancel20.xml",
    "brack/samples/naugrimm_Example_ORDER_Testdistributor_Bestellung.xml",
    "brack/samples/naugrimm_Example_ORDER_Testdistributor_Bestellung_Eigener_Lieferschein.xml",
    "brack/samples/naugrimm_Example_ORDER_Testdistributor_Bestellung_Projekt.xml",
    "google/constructed/01_CreateBooking_home_service.json",
    "google/constructed/03_UpdateBooking_cancel.request.json",
    "google/samples/BatchAvailabilityLookup.request.json",
    "interdiscount/constructed/01_ORDERS_D01B_EAN010.edi",
    "interdiscount/constructed/02_ORDCHG_reschedule_line1_delete_line2.edi",
    "interdiscount/constructed/03_ORDCHG_cancel_whole_order.edi",
    "logitech/constructed/01_orders_create.body.json",
    "logitech/constructed/02_fulfillment_order_notification.json",
    "logitech/constructed/03_fulfillment_order_notification_cancel.json",
    "logitech/shopify_fixtures/order.json",
    "logitech/shopify_fixtures/refund.json",
    "lumimart/constructed/01_ORDERS_D96A_EAN008_oneline_latin1.edi",
    "lumimart/constructed/03_ORDERS_D96A_decimal_comma_UNA.edi",
    "otto/constructed/01_GET_v4_orders.json",
    "swisscom/constructed/01_POST_serviceOrder.json",
    "swisscom/constructed/03_POST_cancelServiceOrder.json",
    "swisscom/constructed/05_POST_appointment.json",
    "swisscom/constructed/06_POST_searchTimeSlot.json",
}


def documents() -> list[str]:
    found = (
        file.relative_to(SHARED)
        for folder in ("constructed", "samples", "shopify_fixtures")
        for file in SHARED.glob(f"*/{folder}/*")
        if file.suffix in (".json", ".xml", ".edi")
    )
    return sorted(map(str, found))


def parsed(name: str, body: bytes) -> bool:
    """Whether it was taken. Anything but intents and problems ends the test."""
    kind = by_name(DIALECTS[name.partition("/")[0]])
    try:
        return bool(kind({}).parse(RawMessage(body=body, media_type=kind.profile.media_types[0])))
    except TranslationError as refused:
        return not refused.problems  # a refusal without a reason is none


@pytest.mark.skipif(not SHARED.exists(), reason="the partners' documents are not here")
def test_what_can_be_taken_is_and_everything_else_has_its_problems() -> None:
    assert {name for name in documents() if parsed(name, (SHARED / name).read_bytes())} == TAKEN


@pytest.mark.parametrize("name", documents())
def test_a_broken_one_is_answered_with_problems(name: str) -> None:
    whole = (SHARED / name).read_bytes().rstrip()
    for part in range(1, 8):
        assert not parsed(name, whole[: len(whole) * part // 8])
