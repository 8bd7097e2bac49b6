"""Every adapter × every promise of `adapters/contract.py`."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import ADAPTERS, by_name
from adapters.canonical import CancelOrder, ChangeOrder, Document, JobState, Outcome, PlaceOrder, Receipt
from adapters.contract import Adapter, RawMessage
from adapters.errors import Problem, TranslationError
from tests.support.documents import NOON, make_job, make_order, make_update

BOMB = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">%s]><ORDER>&z;</ORDER>' % b"".join(
    b'<!ENTITY %c "%s">' % (letter, b"&%c;" % (letter - 1) * 10) for letter in range(ord("b"), ord("z") + 1)
)

GARBAGE = {
    "nothing": b"",
    "NUL": b"\x00",
    "half an object": b"{",
    "half an element": b"<a>",
    "a wrong charset": b"\xff\xfe\xfd\xfc\xe4",
    "a charset that lies": '<?xml version="1.0" encoding="UTF-8"?><ORDER>Müller</ORDER>'.encode("latin-1"),
    "a charset nobody knows": b'<?xml version="1.0" encoding="klingon"?><ORDER/>',
    "billion laughs": BOMB,
    "2 MB": b"x" * 2_000_000,
    "2 MB of brackets": b"[" * 2_000_000,
    "2 MB of elements": b"<a>" * 700_000,
    "another document": b'<?xml version="1.0"?><cXML/>',
    "another JSON": b'{"hello": ["world"]}',
    "a list": b"[1, 2, 3]",
    "only null": b"null",
}


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.profile.name)
def dialect(request: pytest.FixtureRequest) -> Adapter:
    kind: type[Adapter] = request.param
    return kind({})


def message(dialect: Adapter, body: bytes) -> RawMessage:
    return RawMessage(body=body, media_type=dialect.profile.media_types[0])


def test_names_are_unique_and_lead_back_to_the_adapter() -> None:
    assert [by_name(adapter.profile.name) for adapter in ADAPTERS] == list(ADAPTERS)
    with pytest.raises(KeyError):
        by_name("klingon")


def test_has_an_entry_for_every_state(dialect: Adapter) -> None:
    assert set(dialect.profile.states) == set(JobState)


def test_the_options_have_defaults_and_refuse_what_nobody_knows(dialect: Adapter) -> None:
    schema = dialect.profile.options()
    assert schema.load({}) == {}
    assert schema.validate({"colour": "red"})


@pytest.mark.parametrize("state", JobState)
def test_renders_a_state_exactly_where_it_has_a_word_for_it(dialect: Adapter, state: JobState) -> None:
    rendered = dialect.render(make_update(state))
    assert bool(rendered) == (dialect.profile.states[state] is not None)
    assert all(document.body and document.event for document in rendered)
    assert {document.media_type for document in rendered} <= set(dialect.profile.media_types)


@pytest.mark.parametrize("name", GARBAGE)
def test_refuses_garbage_with_problems_and_not_with_a_stack_trace(dialect: Adapter, name: str) -> None:
    with pytest.raises(TranslationError) as refused:
        dialect.parse(message(dialect, GARBAGE[name]))
    assert refused.value.problems
    assert refused.value.status in (400, 422)
    assert all(problem.code.isidentifier() and problem.detail for problem in refused.value.problems)


@given(body=st.binary(max_size=300))
@pytest.mark.parametrize("kind", ADAPTERS, ids=lambda adapter: adapter.profile.name)
def test_no_bytes_at_all_bring_anything_but_problems(kind: type[Adapter], body: bytes) -> None:
    with pytest.raises(TranslationError):
        kind({}).parse(RawMessage(body=body, media_type=kind.profile.media_types[0]))


EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.text(max_size=30)), min_size=1, max_size=3)


@given(edits=EDITS)
@pytest.mark.parametrize("kind", ADAPTERS, ids=lambda adapter: adapter.profile.name)
def test_an_order_with_anything_in_it_changed_is_intents_or_problems(kind: type[Adapter], edits: Any) -> None:
    text = ORDERS[kind.profile.name].decode()
    for place, length, other in edits:
        at = int(place * len(text))
        text = text[:at] + other + text[at + length :]
    raw = RawMessage(body=text.encode(errors="surrogatepass"), media_type=kind.profile.media_types[0])
    try:
        assert kind({}).parse(raw)
    except TranslationError as refused:
        assert refused.problems  # noqa: PT017


def test_problems_never_repeat_what_was_sent_i19(dialect: Adapter, document: bytes) -> None:
    marked = document.replace(b"CH", b"K7canary").replace(b"079 123 45 67", b"K7canary")
    assert marked != document
    with pytest.raises(TranslationError) as refused:
        dialect.parse(message(dialect, marked))
    assert len(refused.value.problems) >= 2
    assert "K7canary" not in str(refused.value)
    assert not any("K7canary" in problem.detail for problem in refused.value.problems)


def test_reads_only_intents_that_it_declares_and_reads_them_alike_every_time(dialect: Adapter, document: bytes) -> None:
    raw = message(dialect, document)
    before = replace(raw)
    intents = dialect.parse(raw)
    assert {type(intent).__name__ for intent in intents} <= set(dialect.profile.intents)
    assert dialect.parse(raw) == intents
    assert raw == before


def test_a_document_cut_off_anywhere_is_refused(dialect: Adapter, document: bytes) -> None:
    whole = document.rstrip()
    for length in range(0, len(whole), 7):
        with pytest.raises(TranslationError):
            dialect.parse(message(dialect, whole[:length]))


# To Google a repeated order is the same answer, and its own number of it is not in it.
ALWAYS_200 = {"google_booking"}


@pytest.mark.parametrize("result", ["accepted", "duplicate"])
def test_acknowledges_a_new_order_with_201_and_a_known_one_with_200(dialect: Adapter, result: Any) -> None:
    order = make_order()
    outcome = Outcome(
        intent=PlaceOrder(order=order),
        result=result,
        order_id="ord_1",
        order=order,
        status="scheduled",
        jobs=(make_job(), make_job(JobState.REJECTED, line_id="20", window=None)),
    )
    answer = dialect.acknowledge(Receipt(message_id="msg_1", at=NOON, outcomes=(outcome,)))
    assert answer.status in ((201, 200) if result == "accepted" else (200,))
    if dialect.profile.name in ALWAYS_200:
        assert answer.status == 200
        assert b"ord_1" in answer.body
    elif dialect.profile.acknowledges:
        assert answer.status == (201 if result == "accepted" else 200)
        assert answer.media_type in dialect.profile.media_types
        assert order.partner_order_id.encode() in answer.body
        assert b"ord_1" in answer.body


def test_acknowledges_every_document_it_reads_even_when_refused(dialect: Adapter) -> None:
    problem = Problem(pointer="/", code="illegal_transition", detail="It is too late.")
    intents: dict[str, Document] = {
        "PlaceOrder": PlaceOrder(order=make_order()),
        "ChangeOrder": ChangeOrder(partner_order_id="W-7788123", change_id="2", lines=()),
        "CancelOrder": CancelOrder(partner_order_id="W-7788123", change_id="3"),
    }
    for name in intents.keys() & set(dialect.profile.intents):
        outcome = Outcome(intent=intents[name], result="refused", problems=(problem,))
        answer = dialect.acknowledge(Receipt(message_id="msg_1", at=NOON, outcomes=(outcome,)))
        assert 200 <= answer.status < 500
        assert answer.body or not dialect.profile.acknowledges


ORDERS = {
    "plain": b"""{"partner_order_id": "W-1", "customer": {"family_name": "Keller", "phone": "079 123 45 67"},
        "service_address": {"street": "Langstrasse", "postcode": "8004", "city": "Basel", "country": "CH"},
        "lines": [{"line_id": "10", "sku": "SVC-TV-WALL-65"}]}""",
    "opentrans": b"""<ORDER><ORDER_HEADER><ORDER_INFO><ORDER_ID>W-1</ORDER_ID><PARTIES><PARTY><PARTY_ID>D1</PARTY_ID>
        <PARTY_ROLE>delivery</PARTY_ROLE><ADDRESS><NAME>Keller Sandra</NAME><STREET>Langstrasse 120</STREET>
        <ZIP>8004</ZIP><CITY>Basel</CITY><COUNTRY_CODED>CH</COUNTRY_CODED><PHONE>079 123 45 67</PHONE></ADDRESS></PARTY>
        </PARTIES></ORDER_INFO></ORDER_HEADER><ORDER_ITEM_LIST><ORDER_ITEM><LINE_ITEM_ID>10</LINE_ITEM_ID><PRODUCT_ID>
        <SUPPLIER_PID>SVC-TV-WALL-65</SUPPLIER_PID></PRODUCT_ID><QUANTITY>1</QUANTITY></ORDER_ITEM></ORDER_ITEM_LIST>
        </ORDER>""",
    "edifact": b"""UNB+UNOC:3+7613001000004:14+7640199900007:14+260114:1533+ID0000123'UNH+1+ORDERS:D:01B:UN:EAN010'
        BGM+220+W-1+9'DTM+137:202601141532:203'NAD+DP+++Keller Sandra+Langstrasse 120+Basel++8004+CH'CTA+DL'
        COM+079 123 45 67:TE'LIN+1'PIA+5+SVC-TV-WALL-65:SA'QTY+21:1'UNS+S'UNT+11+1'UNZ+1+ID0000123'""".replace(
        b"\n        ", b"\n"
    ),
    "idoc": b"""<ORDERS05><IDOC><EDI_DC40><MESTYP>ORDERS</MESTYP></EDI_DC40><E1EDK01><BELNR>W-1</BELNR></E1EDK01>
        <E1EDKA1><PARVW>WE</PARVW><NAME1>Keller Sandra</NAME1><STRAS>Langstrasse 120</STRAS><ORT01>Basel</ORT01>
        <PSTLZ>4001</PSTLZ><LAND1>CH</LAND1><TELF1>079 123 45 67</TELF1></E1EDKA1><E1EDP01><POSEX>00010</POSEX>
        <MENGE>1.000</MENGE><E1EDP19><QUALF>002</QUALF><IDTNR>SVC-TV-WALL-65</IDTNR></E1EDP19></E1EDP01></IDOC>
        </ORDERS05>""",
    "otto": b"""{"salesOrderId": "bf43e748", "orderNumber": "W-1", "orderDate": "2026-01-14T14:32:10.000+0000",
        "orderLifecycleInformation": {"lifecycleChangeDate": "2026-01-14T14:35:02.000+0000"},
        "deliveryAddress": {"lastName": "Keller", "street": "Langstrasse", "houseNumber": "120", "zipCode": "8004",
        "city": "Basel", "countryCode": "CHE", "phoneNumber": "079 123 45 67"},
        "positionItems": [{"positionItemId": "b01b", "fulfillmentStatus": "PROCESSABLE",
        "itemValueGrossPrice": {"amount": 149.0, "currency": "EUR"}, "product": {"sku": "SVC-TV-WALL-65"}}]}""",
    "amazon_services": b"""{"payload": {"serviceJobId": "W-1", "serviceJobStatus": "PENDING_SCHEDULE",
        "scopeOfWork": {"asin": "B07SVC1234"}, "serviceLocation": {"serviceLocationType": "IN_HOME", "address":
        {"name": "Sandra Keller", "addressLine1": "Langstrasse 120", "postalCode": "4001", "city": "Basel",
        "countryCode": "CH", "phone": "079 123 45 67"}}}}""",
    "google_booking": b"""{"idempotency_token": "W-1", "slot": {"merchant_id": "m-1", "service_id": "SVC-TV-WALL-65",
        "start_sec": "1768892400", "duration_sec": "7200"}, "user_information": {"user_id": "u-1",
        "given_name": "Sandra", "family_name": "Keller", "telephone": "079 123 45 67",
        "address": {"street_address": "Langstrasse 120", "postal_code": "8004", "address_locality": "Basel", "address_country": "CH"}}}""",
    "shopify": b"""{"id": 5501, "updated_at": "2026-01-14T15:32:12+01:00", "shipping_address": {"last_name": "Keller",
        "address1": "Langstrasse 120", "zip": "8004", "city": "Basel", "country_code": "CH", "phone": "079 123 45 67"},
        "line_items": [{"id": 14501112, "sku": "SVC-TV-WALL-65", "quantity": 1}]}""",
    "tmforum": b"""{"externalId": "W-1", "relatedParty": [{"id": "c-1", "role": "customer", "name": "Sandra Keller",
        "contactMedium": [{"characteristic": {"phoneNumber": "079 123 45 67"}}]}], "serviceOrderItem": [{"id": "1",
        "action": "add", "service": {"serviceSpecification": {"id": "SVC-TV-WALL-65"}, "place": [{"role": "home",
        "streetName": "Langstrasse", "streetNr": "120", "postcode": "8004", "city": "Basel", "country": "CH"}]}}]}""",
}


@pytest.fixture
def document(dialect: Adapter) -> bytes:
    """The smallest order of the dialect; a dialect without one here fails the suite."""
    return ORDERS[dialect.profile.name]
