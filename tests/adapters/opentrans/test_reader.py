"""openTRANS as it is really sent: the odd cases, by name."""

import re
from typing import Any

import pytest

from adapters.canonical import CancelOrder, ChangeOrder, PlaceOrder, SupportOrder
from adapters.contract import RawMessage
from adapters.errors import InvalidOrder, MalformedMessage, Unsupported
from adapters.opentrans.adapter import OpenTransAdapter

OT = "http://www.opentrans.org/XMLSchema/2.1"
BME = "http://www.bmecat.org/bmecat/2005"

PERSON = "<CONTACT_DETAILS><CONTACT_NAME>Keller</CONTACT_NAME><FIRST_NAME>Sandra</FIRST_NAME></CONTACT_DETAILS>"
ADDRESS = "<STREET>Langstrasse 120</STREET><ZIP>8004</ZIP><CITY>Zürich</CITY><COUNTRY_CODED>CH</COUNTRY_CODED>"
DELIVERY = f"<PARTY><PARTY_ID>D</PARTY_ID><PARTY_ROLE>delivery</PARTY_ROLE><ADDRESS>{PERSON}{ADDRESS}</ADDRESS></PARTY>"
BUYER = "<PARTY><PARTY_ID>B</PARTY_ID><PARTY_ROLE>buyer</PARTY_ROLE><ADDRESS><NAME>Shop Zwei</NAME></ADDRESS></PARTY>"


def item(number: str = "10", quantity: str = "1", more: str = "", sku: str = "SVC-TV-WALL-65") -> str:
    product = f"<PRODUCT_ID><SUPPLIER_PID>{sku}</SUPPLIER_PID></PRODUCT_ID>"
    return (
        f"<ORDER_ITEM><LINE_ITEM_ID>{number}</LINE_ITEM_ID>{product}<QUANTITY>{quantity}</QUANTITY>{more}</ORDER_ITEM>"
    )


def order_xml(parties: str = BUYER + DELIVERY, items: str = "", info: str = "") -> str:
    return (
        f"<ORDER><ORDER_HEADER><ORDER_INFO><ORDER_ID>4711</ORDER_ID><PARTIES>{parties}</PARTIES>{info}</ORDER_INFO>"
        f"</ORDER_HEADER><ORDER_ITEM_LIST>{items or item()}</ORDER_ITEM_LIST></ORDER>"
    )


def parse(document: str | bytes, **options: Any) -> Any:
    body = document.encode() if isinstance(document, str) else document
    (intent,) = OpenTransAdapter(options).parse(RawMessage(body=body, media_type="application/xml"))
    return intent


def order(document: str | bytes, **options: Any) -> SupportOrder:
    intent = parse(document, **options)
    assert isinstance(intent, PlaceOrder)
    return intent.order


def faults(document: str) -> list[tuple[str, str]]:
    with pytest.raises(InvalidOrder) as refused:
        parse(document)
    return [(problem.pointer, problem.code) for problem in refused.value.problems]


def dates(start: str, end: str) -> str:
    return (
        f"<DELIVERY_DATE><DELIVERY_START_DATE>{start}</DELIVERY_START_DATE>"
        f"<DELIVERY_END_DATE>{end}</DELIVERY_END_DATE></DELIVERY_DATE>"
    )


OF_BMECAT = "PARTY_ID|NAME|CONTACT_NAME|FIRST_NAME|STREET|ZIP|CITY|COUNTRY_CODED|SUPPLIER_PID"


def test_the_three_namespace_styles_mean_the_same() -> None:
    bare = order_xml()
    prefixed = re.sub(rf"<(/?)({OF_BMECAT})>", r"<\1ns2:\2>", bare)
    prefixed = prefixed.replace("<ORDER>", f'<ORDER xmlns="{OT}" xmlns:ns2="{BME}">')
    everywhere = re.sub(rf"<({OF_BMECAT})>", rf'<\1 xmlns="{BME}">', bare).replace("<ORDER>", f'<ORDER xmlns="{OT}">')
    assert order(bare) == order(prefixed) == order(everywhere)
    assert len({bare, prefixed, everywhere}) == 3


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-8", "UTF-16", "windows-1252"])
def test_zurich_is_zurich_in_every_declared_encoding(encoding: str) -> None:
    document = f'<?xml version="1.0" encoding="{encoding}"?>{order_xml()}'
    assert order(document.encode(encoding)).service_address.city == "Zürich"


def test_a_byte_order_mark_is_no_fault() -> None:
    assert order("\ufeff" + order_xml()).partner_order_id == "4711"


def test_every_fault_comes_at_once_with_its_pointer() -> None:
    parties = DELIVERY.replace("<ZIP>8004</ZIP>", "").replace("CH", "Helvetia") + BUYER
    items = item("10", "0") + item("10", "1.5", sku="") + item("", "many", dates("2026-01-21", "2026-01-20"))
    info = "<LANGUAGE>xyz</LANGUAGE><ORDER_DATE>2026</ORDER_DATE>"
    assert faults(order_xml(parties, items, info).replace("<ORDER_ID>4711</ORDER_ID>", "<ORDER_ID/>")) == [
        ("//PARTY[1]/ADDRESS/ZIP", "missing"),
        ("//PARTY[1]/ADDRESS/COUNTRY_CODED", "unknown_country"),
        ("//ORDER_ITEM[1]/QUANTITY", "out_of_range"),
        ("//ORDER_ITEM[2]/QUANTITY", "not_whole"),
        ("//ORDER_ITEM[2]/PRODUCT_ID/SUPPLIER_PID", "missing"),
        ("//ORDER_ITEM[3]/LINE_ITEM_ID", "missing"),
        ("//ORDER_ITEM[3]/QUANTITY", "not_a_decimal"),
        ("//ORDER_ITEM[3]/DELIVERY_DATE/DELIVERY_END_DATE", "window_empty"),
        ("//ORDER_ITEM[2]/LINE_ITEM_ID", "duplicate_line_id"),
        ("//ORDER_INFO/ORDER_ID", "missing"),
        ("//ORDER_INFO/ORDER_DATE", "not_a_time"),
        ("//ORDER_INFO/LANGUAGE", "unknown_language"),
    ]


def test_an_empty_order_says_what_is_missing() -> None:
    assert faults("<ORDER/>") == [
        ("//PARTY", "no_delivery_party"),
        ("//ORDER_ITEM_LIST/ORDER_ITEM", "missing"),
        ("//ORDER_INFO/ORDER_ID", "missing"),
    ]


def test_the_role_says_which_party_it_is_whatever_the_id_type_says() -> None:
    party = DELIVERY.replace("<PARTY_ID>", '<PARTY_ID type="supplier_specific">')
    assert order(order_xml(party)).echo["parties"][0]["roles"] == ["delivery"]


def test_a_private_customer_stands_in_name() -> None:
    party = DELIVERY.replace(PERSON, "<NAME>Müller Jürg</NAME>")
    customer = order(order_xml(party)).customer
    assert (customer.family_name, customer.given_name, customer.company) == ("Müller", "Jürg", None)


def test_a_name_of_three_words_is_not_guessed_apart() -> None:
    customer = order(order_xml(DELIVERY.replace(PERSON, "<NAME>von Gunten Anna</NAME>"))).customer
    assert (customer.family_name, customer.given_name) == ("von Gunten Anna", None)


@pytest.mark.parametrize("name", ["BRACK.CH AG", "Lager Mägenwil", "Shop Zwei", "Halle 4", "Zentrallager", ""])
def test_a_company_or_a_warehouse_opens_no_door(name: str) -> None:
    party = DELIVERY.replace(PERSON, f"<NAME>{name}</NAME>")
    assert faults(order_xml(BUYER + party)) == [("//PARTY[2]/ADDRESS/CONTACT_DETAILS", "person_missing")]


def test_the_person_twice_is_no_company_and_a_company_beside_a_person_is_one() -> None:
    twice = DELIVERY.replace(PERSON, f"<NAME>Keller Sandra</NAME>{PERSON}")
    beside = DELIVERY.replace(PERSON, f"<NAME>Haushalt &amp; Söhne AG</NAME>{PERSON}")
    assert order(order_xml(twice)).customer.company is None
    assert order(order_xml(beside)).customer.company == "Haushalt & Söhne AG"


@pytest.mark.parametrize(
    ("street", "name", "number"),
    [
        ("Langstrasse 120", "Langstrasse", "120"),
        ("Otto Wels Str. 21 a", "Otto Wels Str.", "21a"),
        ("Strasse des 17. Juni 135", "Strasse des 17. Juni 135", None),
        ("Hauptstrasse 5-7", "Hauptstrasse 5-7", None),
        ("12, rue du Lac", "12, rue du Lac", None),
        ("Im Hof", "Im Hof", None),
    ],
)
def test_a_house_number_is_split_off_only_when_it_can_be_nothing_else(
    street: str, name: str, number: str | None
) -> None:
    address = order(order_xml().replace("Langstrasse 120", street)).service_address
    assert (address.street, address.house_number) == (name, number)


def test_a_mobile_goes_before_an_office() -> None:
    phones = '<PHONE type="office">044 123 45 67</PHONE><PHONE type="mobile">079 123 45 67</PHONE>'
    party = DELIVERY.replace("</CONTACT_DETAILS>", f"{phones}</CONTACT_DETAILS>")
    assert order(order_xml(party)).customer.phone == "+41791234567"


def test_a_phone_that_nobody_can_call_says_which_it_was() -> None:
    party = DELIVERY.replace("</CONTACT_DETAILS>", "<PHONE>-</PHONE><PHONE>n/a</PHONE></CONTACT_DETAILS>")
    assert faults(order_xml(party)) == [("//PARTY[1]/ADDRESS/CONTACT_DETAILS/PHONE[1]", "not_a_phone")]


@pytest.mark.parametrize("language", ["fre", "fra", "fr"])
def test_french_is_french_in_both_codes(language: str) -> None:
    assert order(order_xml(info=f"<LANGUAGE>{language}</LANGUAGE>")).customer.language == "fr"


def test_the_default_one_of_several_languages_counts() -> None:
    info = '<LANGUAGE>ita</LANGUAGE><LANGUAGE default="true">ger</LANGUAGE>'
    assert order(order_xml(info=info)).customer.language == "de"


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-01-20T08:00:00", "2026-01-20T12:00:00", ("2026-01-20T08:00:00+01:00", "2026-01-20T12:00:00+01:00")),
        ("2026-07-20T08:00:00Z", "2026-07-20T12:00:00Z", ("2026-07-20T08:00:00+00:00", "2026-07-20T12:00:00+00:00")),
        ("2026-01-20", "2026-01-20", ("2026-01-20T00:00:00+01:00", "2026-01-21T00:00:00+01:00")),
        ("2026-01-20T00:00:00", "2026-01-20T00:00:00", ("2026-01-20T00:00:00+01:00", "2026-01-21T00:00:00+01:00")),
        ("2026-03-29", "2026-03-29", ("2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00")),
    ],
)
def test_dates_are_wall_time_and_a_day_is_a_whole_day(start: str, end: str, expected: tuple[str, str]) -> None:
    (window,) = order(order_xml(items=item(more=dates(start, end)))).lines[0].requested_windows
    assert (window.start.isoformat(), window.end.isoformat()) == expected


def test_the_zone_of_wall_time_is_an_option() -> None:
    document = order_xml(info=dates("2026-01-20T08:00", "2026-01-20T12:00"))
    assert order(document, timezone="Europe/London").lines[0].requested_windows[0].start.isoformat().endswith("+00:00")


@pytest.mark.parametrize(
    ("date", "code"),
    [("2026", "not_a_time"), ("2026-01", "not_a_time"), ("2026-03-29T02:30:00", "no_such_local_time")],
)
def test_a_bare_year_and_a_skipped_hour_are_no_appointment(date: str, code: str) -> None:
    pointer = "//ORDER_ITEM[1]/DELIVERY_DATE/DELIVERY_START_DATE"
    assert faults(order_xml(items=item(more=dates(date, "2026-04-01")))) == [(pointer, code)]


def test_the_day_after_the_last_day_of_our_time_is_a_problem_too() -> None:
    items = item(more=dates("2100-12-31", "2100-12-31"))
    assert faults(order_xml(items=items)) == [("//ORDER_ITEM[1]/DELIVERY_DATE/DELIVERY_END_DATE", "not_a_time")]


def test_dates_by_parts_are_a_problem_and_not_forgotten() -> None:
    parts = "<PARTIAL_DELIVERY_LIST><PARTIAL_DELIVERY/></PARTIAL_DELIVERY_LIST>"
    assert faults(order_xml(items=item(more=parts))) == [("//ORDER_ITEM[1]/PARTIAL_DELIVERY_LIST", "partial_delivery")]


def price(amount: str, more: str = "") -> str:
    return f"<PRODUCT_PRICE_FIX><PRICE_AMOUNT>{amount}</PRICE_AMOUNT>{more}</PRODUCT_PRICE_FIX>"


def test_a_price_is_net_and_for_one_piece_unless_agreed_otherwise() -> None:
    info = "<CURRENCY>CHF</CURRENCY>"
    items = item(more=price("150", "<PRICE_QUANTITY>2</PRICE_QUANTITY>"))
    read = order(order_xml(items=items, info=info)).lines[0].price
    assert read is not None
    assert (read.amount, read.currency, read.tax_included) == (75, "CHF", False)
    agreed = order(order_xml(items=items, info=info), tax_included=True).lines[0].price
    assert agreed is not None
    assert agreed.tax_included


def test_a_price_needs_a_currency_and_has_no_comma() -> None:
    assert faults(order_xml(items=item(more=price("1,50")))) == [
        ("//ORDER_ITEM[1]/PRODUCT_PRICE_FIX/PRICE_AMOUNT", "not_a_decimal"),
        ("//ORDER_INFO/CURRENCY", "missing"),
    ]


def test_extensions_are_ignored_and_counted() -> None:
    udx = "<HEADER_UDX><UDX.DG.X>1</UDX.DG.X></HEADER_UDX>"
    assert order(order_xml(info=udx)).echo["ignored"] == 2
    assert "ignored" not in order(order_xml()).echo


def test_too_many_items_are_one_problem() -> None:
    items = "".join(item(str(number)) for number in range(101))
    assert faults(order_xml(items=items)) == [("//ORDER_ITEM_LIST", "too_many")]


def test_a_document_that_we_send_is_not_for_us() -> None:
    with pytest.raises(Unsupported) as refused:
        parse(f'<ORDERRESPONSE xmlns="{OT}"/>')
    assert refused.value.problems[0].pointer == "/ORDERRESPONSE"


def test_another_language_is_malformed() -> None:
    with pytest.raises(MalformedMessage):
        parse("<cXML/>")


def change_xml(items: str, info: str = "<ORDERCHANGE_SEQUENCE_ID>2</ORDERCHANGE_SEQUENCE_ID>") -> str:
    return (
        "<ORDERCHANGE><ORDERCHANGE_HEADER><ORDERCHANGE_INFO><ORDER_ID>4711</ORDER_ID>"
        f"{info}</ORDERCHANGE_INFO></ORDERCHANGE_HEADER><ORDERCHANGE_ITEM_LIST>{items}</ORDERCHANGE_ITEM_LIST></ORDERCHANGE>"
    )


def test_missing_lines_of_a_change_stay_unless_agreed_otherwise() -> None:
    kept, cancelled = parse(change_xml(item())), parse(change_xml(item()), missing_lines="cancel")
    assert isinstance(kept, ChangeOrder)
    assert (kept.cancel_missing, cancelled.cancel_missing) == (False, True)


def test_an_item_of_a_change_is_a_whole_line_in_case_the_order_does_not_have_it() -> None:
    (line,) = parse(change_xml(item("40", "2"))).lines
    assert line.added == order(order_xml(items=item("40", "2"))).lines[0]
    assert (line.line_id, line.quantity) == ("40", 2)
    nameless = item("40").replace("SVC-TV-WALL-65", "")
    (given_up,), (known,) = parse(change_xml(item("40", "0"))).lines, parse(change_xml(nameless)).lines
    assert (given_up.added, given_up.cancelled, known.added, known.cancelled) == (None, True, None, False)


def test_a_change_needs_its_number_and_its_lines_and_no_less_than_nothing() -> None:
    assert faults(change_xml("", info="")) == [
        ("//ORDERCHANGE_ITEM_LIST/ORDER_ITEM", "missing"),
        ("//ORDERCHANGE_INFO/ORDERCHANGE_SEQUENCE_ID", "missing"),
    ]
    assert faults(change_xml(item(quantity="-5.0"))) == [("//ORDER_ITEM[1]/QUANTITY", "out_of_range")]


def cancel_xml(items: str = "", day: str = "2026-03-04") -> str:
    listed = f"<CANCELREQUEST_ITEM_LIST>{items}</CANCELREQUEST_ITEM_LIST>" if items else ""
    return (
        "<CANCELREQUEST><CANCELREQUEST_HEADER><CANCELREQUEST_INFO><ORDER_ID>4711</ORDER_ID><CANCELREQUEST_DATE>"
        f"{day}</CANCELREQUEST_DATE></CANCELREQUEST_INFO></CANCELREQUEST_HEADER>{listed}</CANCELREQUEST>"
    )


def test_a_cancellation_without_items_is_of_the_whole_order() -> None:
    intent = parse(cancel_xml())
    assert isinstance(intent, CancelOrder)
    assert intent.lines == ()


def test_the_same_cancellation_again_has_the_same_number_and_another_one_another() -> None:
    first, again, later, other = (
        parse(document).change_id
        for document in (cancel_xml(), cancel_xml() + "\n", cancel_xml(day="2026-03-05"), cancel_xml(item()))
    )
    assert first == again
    assert len({first, later, other}) == 3


def test_a_cancelled_line_is_known_by_article_and_quantity_not_by_its_number() -> None:
    (line,) = parse(cancel_xml(item("1", "2"))).lines
    assert (line.line_id, line.sku, line.quantity) == (None, "SVC-TV-WALL-65", 2)
