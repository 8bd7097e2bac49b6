"""No person comes into the table, whatever the members are called and wherever the person stands."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from gateway.requestlog.redaction import Redaction, is_impersonal
from tests.support.orders import json_order, opentrans

CANARIES = (
    "Zanzibarsson",
    "kanarienvogel@privat.example",
    "+41 76 555 44 33",
    "Papageienweg",
    "Kolibristadt",
    "0765554433",
)


def everything(runtime):
    with runtime.sessions() as session:
        return "\n".join(session.scalars(text("SELECT t::text FROM request_log t")))


def test_canaries_are_in_no_row(api, shop, clock, logged, runtime):
    name, mail, phone, street, city, digits = CANARIES
    order = json_order("W-1", clock())
    order["customer"] |= {"family_name": name, "given_name": name, "email": mail, "phone": phone}
    order["service_address"] |= {"street": street, "city": city, "address_line2": name}
    order["notes"] = f"{name} {digits}"
    wrong = {**order, "partner_order_id": mail, name + " ": name, "customer": {name: phone, "phone": int(digits)}}
    job = shop.post("/v1/orders", order).json["jobs"][0]["id"]
    shop.post("/v1/orders", wrong)
    shop.get("/v1/orders?partner_order_id=W-1")
    shop.get(f"/v1/orders/{name}")
    shop.get(f"/v1/orders?partner_order_id={mail}&{name.replace('s', '%40')}=1")
    shop.post("/v1/webhook-endpoints", {"url": f"http://127.0.0.1:9/{name}?t={name}", "description": name})
    technician = {"id": "tech-1", "name": name}
    shop.post(f"/v1/sandbox/jobs/{job}/steps?wait=0", {"event": "job.offered", "note": name, "text": name})
    shop.post(f"/v1/sandbox/jobs/{job}/steps?wait=0", {"event": "job.assigned", "technician": technician})
    shop.post("/v1/sandbox/keys", {"label": name}, Idempotency_Key=mail)
    shop.post("/inbound/demo", order, Content_Type="application/json")
    entries = logged(shop, 10)
    rows = everything(runtime)
    assert [canary for canary in CANARIES if canary in rows or canary in json.dumps(entries, ensure_ascii=False)] == []
    assert "whsec_" not in rows
    assert "stks_" not in rows
    assert shop.token not in rows
    assert "/request/body/customer/family_name" in entries[0]["redacted"]
    assert entries[0]["request"]["body"]["customer"]["family_name"] == "Beispiel"


def test_an_openTRANS_document_leaves_nothing_but_its_length(api, logged, runtime):
    brack = api.caller("brack")
    window = ("2026-01-20T08:00:00+01:00", "2026-01-20T12:00:00+01:00")
    sent = opentrans("4711", window)
    brack.post("/inbound/brack", sent, Content_Type="application/xml")
    [entry] = logged(brack, 1)
    assert entry["request"] == {"media_type": "application/xml", "bytes": len(sent), "body": None}
    assert "Müller" not in everything(runtime)


@pytest.mark.parametrize(
    "name",
    [
        "id",
        "partner_order_id",
        "ordered_at",
        "orderDate",
        "sku",
        "state",
        "event_types",
        "countryCode",
        "currency",
        "order_ids",
    ],
)
def test_what_is_no_persons_stays(name):
    assert is_impersonal(name)


@pytest.mark.parametrize(
    "name",
    [
        *["name", "given_name", "email", "phone", "street", "city", "postcode", "postal_code", "house_number", "label"],
        *["birth_date", "birthDate", "secret", "client_secret", "access_token", "url", "notes", "text", "door_code"],
        "vat_id",
    ],
)
def test_what_may_be_a_persons_does_not(name):
    assert not is_impersonal(name)


@pytest.mark.parametrize(
    "value", ["Sandra Keller", "s@k.ch", "+41765554433", "0765554433", "0041765554433", "079/555", "Ä1"]
)
def test_an_id_that_looks_like_a_person_is_replaced(value):
    if value == "079/555":
        assert Redaction().shown({"id": value}) == {"id": value}  # too short for a telephone
        return
    redaction = Redaction("/request/body")
    assert redaction.shown({"id": value}) == {"id": "redacted"}
    assert redaction.places == ["/request/body/id"]


def test_what_we_publish_ourselves_stays():
    published = {"family_name": "Absent", "postcode": "9999", "phone": "+41781234567", "street": "Musterstrasse"}
    redaction = Redaction()
    assert redaction.shown(published) == published
    assert redaction.places == []


@pytest.mark.parametrize(
    "pointer", ["/lines/0/sku", "//ORDER_ITEM[2]/PRODUCT_ID", "LIN+3/QTY", "?limit", "", "/orderItem/0/@type"]
)
def test_places_of_faults_stay_in_every_language(pointer):
    fault = {"detail": "This is missing.", "errors": [{"pointer": pointer, "code": "required", "detail": "Missing."}]}
    assert Redaction(words=True).shown(fault) == fault


@pytest.mark.parametrize("pointer", ["/customer/Keller", "/customer/s@k.ch", "?Sandra Keller"])
def test_but_for_a_name_that_somebody_gave_to_a_member(pointer):
    assert Redaction(words=True).shown({"pointer": pointer}) == {"pointer": "redacted"}


def test_a_members_name_may_be_a_person_too():
    assert Redaction().shown({"kanarienvogel@privat.example": 1, "Sandra Keller": 2}) == {
        "redacted_0": 0,
        "redacted_1": 0,
    }


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


@given(ANYTHING)
def test_any_document_keeps_its_shape_and_is_as_it_is_once_redacted(document):
    once = Redaction().shown(document)
    assert Redaction().shown(once) == Redaction().shown(Redaction().shown(once))
    assert type(once) is type(document) or isinstance(document, int | float)


@given(st.text(max_size=8), st.sampled_from(" @\n"), st.text(max_size=8))
def test_no_text_with_a_blank_or_an_at_comes_through(before, mark, after):
    value = f"a{before}{mark}{after}z"
    assert Redaction().shown({"id": [value], "note": value}) == {"id": ["redacted"], "note": "redacted"}
