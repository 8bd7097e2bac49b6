"""IDocs as they are really sent: the odd cases, by name."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.canonical import CancelOrder, ChangeOrder, PlaceOrder, SupportOrder
from adapters.contract import RawMessage
from adapters.errors import InvalidOrder, MalformedMessage, TranslationError, Unsupported
from adapters.idoc.adapter import IdocAdapter

HERE = Path(__file__).parent
BOSCH = HERE.parents[3] / "shared" / "partners" / "bosch" / "constructed"

HOME = (
    "<NAME1>Keller Sandra</NAME1><STRAS>Langstrasse 120</STRAS><ORT01>Zürich</ORT01><PSTLZ>8004</PSTLZ>"
    "<LAND1>CH</LAND1><TELF1>079 123 45 67</TELF1>"
)
SHIP_TO = f"<E1EDKA1><PARVW>WE</PARVW>{HOME}</E1EDKA1>"
SERVICE = "<E1EDP19><QUALF>002</QUALF><IDTNR>SVC-710001</IDTNR></E1EDP19>"


def item(posex: str = "00010", quantity: str = "1.000", action: str = "001", more: str = SERVICE) -> str:
    fields = f"<POSEX>{posex}</POSEX><ACTION>{action}</ACTION><MENGE>{quantity}</MENGE>"
    return f"<E1EDP01>{fields}{more}</E1EDP01>"


def schedule(day: str, clock: str = "080000", quantity: str = "1.000") -> str:
    return f"<E1EDP20><WMENG>{quantity}</WMENG><EDATU>{day}</EDATU><EZEIT>{clock}</EZEIT></E1EDP20>"


def idoc(body: str, message: str = "ORDERS", serial: str = "20260114153210") -> str:
    control = f"<EDI_DC40><DOCNUM>812345</DOCNUM><MESTYP>{message}</MESTYP><SERIAL>{serial}</SERIAL></EDI_DC40>"
    return f"<IDOC>{control}{body}</IDOC>"


HEADER = "<E1EDK01><CURCY>CHF</CURCY><BELNR>4500017865</BELNR></E1EDK01>"


def order_xml(items: str = "", partners: str = SHIP_TO, header: str = HEADER) -> str:
    return f"<ORDERS05>{idoc(header + partners + (items or item()))}</ORDERS05>"


def change_xml(items: str, serial: str = "20260115100100", header: str = HEADER) -> str:
    return f"<ORDERS05>{idoc(header + items, 'ORDCHG', serial)}</ORDERS05>"


def parse(document: str | bytes, **options: Any) -> list[Any]:
    body = document.encode() if isinstance(document, str) else document
    return list(IdocAdapter(options).parse(RawMessage(body=body, media_type="text/xml")))


def order(document: str, **options: Any) -> SupportOrder:
    (intent,) = parse(document, **options)
    assert isinstance(intent, PlaceOrder)
    return intent.order


def faults(document: str, error: type[TranslationError] = InvalidOrder) -> list[tuple[str, str]]:
    with pytest.raises(error) as refused:
        parse(document)
    return [(problem.pointer, problem.code) for problem in refused.value.problems]


# --- all problems at once, in SAP's words ------------------------------------------------------------------------


def test_every_fault_comes_at_once_with_its_pointer() -> None:
    items = (
        item("00010", "0.000")
        + item("00010", "1.500", "002", "")
        + item("", "10.000-", more=SERVICE + schedule("20260231") + "<MENEE>HUR</MENEE>")
    )
    partner = SHIP_TO.replace("8004", "").replace("CH", "Helvetia").replace("079", "x")
    header = "<E1EDK01><CURCY>Fr.</CURCY></E1EDK01><E1EDK03><IDDAT>012</IDDAT><DATUM>2026</DATUM></E1EDK03>"
    assert faults(order_xml(items, partner, header)) == [
        ("E1EDP01[1]/POSEX", "duplicate_line_id"),
        ("E1EDP01[2]/POSEX", "duplicate_line_id"),
        ("E1EDKA1/PSTLZ", "missing"),
        ("E1EDKA1/LAND1", "unknown_country"),
        ("E1EDKA1/TELF1", "not_a_phone"),
        ("E1EDK01/CURCY", "not_a_currency"),
        ("E1EDP01[1]/MENGE", "out_of_range"),
        ("E1EDP01[2]/ACTION", "not_new"),
        ("E1EDP01[2]/E1EDP19", "missing"),
        ("E1EDP01[2]/MENGE", "not_whole"),
        ("E1EDP01[3]/POSEX", "missing"),
        ("E1EDP01[3]/MENEE", "unknown_unit"),
        ("E1EDP01[3]/MENGE", "out_of_range"),
        ("E1EDP01[3]/E1EDP20/EDATU", "not_a_time"),
        ("E1EDK01/BELNR", "missing"),
        ("E1EDK03/DATUM", "not_a_time"),
    ]


def test_in_a_file_of_several_idocs_the_pointer_says_which() -> None:
    good, bad = idoc(HEADER + SHIP_TO + item()), idoc(HEADER + SHIP_TO + item(quantity="x"))
    assert faults(f"<ORDERS05>{good}{bad}</ORDERS05>") == [("IDOC[2]/E1EDP01/MENGE", "not_a_decimal")]


def test_an_empty_idoc_says_what_is_missing() -> None:
    assert faults(f"<ORDERS05>{idoc('')}</ORDERS05>") == [
        ("E1EDP01", "missing"),
        ("E1EDKA1/PARVW", "no_ship_to"),
        ("E1EDK01/BELNR", "missing"),
    ]


def test_an_idoc_without_its_control_record_is_a_problem() -> None:
    assert faults("<ORDERS05><IDOC/></ORDERS05>") == [("EDI_DC40/MESTYP", "missing")]


# --- which message it is -----------------------------------------------------------------------------------------


def test_the_name_of_the_root_and_of_the_basic_type_say_nothing() -> None:
    document = order_xml().replace("ORDERS05", "ORDERSEXT")
    assert order(document) == order(order_xml())


def test_a_message_type_of_their_own_is_taken_once_the_options_say_which_one_it_is() -> None:
    document = order_xml().replace("<MESTYP>ORDERS<", "<MESTYP>/LUMBERL/VFI_ORDERS<")
    assert faults(document, Unsupported) == [("EDI_DC40/MESTYP", "unknown_message_type")]
    assert order(document, message_types={"/LUMBERL/VFI_ORDERS": "ORDERS"}) == order(order_xml())


def test_a_message_that_we_send_is_not_for_us() -> None:
    document = order_xml().replace("<MESTYP>ORDERS<", "<MESTYP>ORDRSP<")
    assert faults(document, Unsupported) == [("EDI_DC40/MESTYP", "not_for_us")]


def test_another_language_is_malformed() -> None:
    with pytest.raises(MalformedMessage) as refused:
        parse("<ORDERS05><E1EDK01/></ORDERS05>")
    assert refused.value.problems[0].code == "not_an_idoc"


def test_direct_is_the_senders_view_and_refuses_nothing() -> None:
    both = [order_xml().replace("<MESTYP>", f"<DIRECT>{side}</DIRECT><MESTYP>") for side in (1, 2)]
    assert order(both[0]) == order(both[1])


def test_too_many_idocs_or_items_are_one_problem_each() -> None:
    many = f"<ORDERS05>{idoc(HEADER + SHIP_TO + item()) * 101}</ORDERS05>"
    assert faults(many) == [("IDOC[101]", "too_many")]
    assert faults(order_xml("".join(item(str(n)) for n in range(101)))) == [("E1EDP01[101]", "too_many")]


# --- the order's number, partners and place ----------------------------------------------------------------------


def test_the_purchase_order_is_in_either_of_two_places_but_not_two_numbers() -> None:
    reference = "<E1EDK02><QUALF>001</QUALF><BELNR>{}</BELNR></E1EDK02>"
    alone = order_xml(header="<E1EDK01/><E1EDK02><QUALF>002</QUALF><BELNR>X</BELNR></E1EDK02>" + reference.format(7))
    assert order(alone).partner_order_id == "7"
    assert order(order_xml(header=HEADER + reference.format("4500017865"))).partner_order_id == "4500017865"
    assert faults(order_xml(header=HEADER + reference.format(7))) == [("E1EDK02/BELNR", "two_order_numbers")]


def test_a_place_of_all_items_goes_before_that_of_the_header() -> None:
    own = "<E1EDPA1><PARVW>WE</PARVW>" + HOME.replace("Langstrasse 120", "Seeweg 3") + "</E1EDPA1>"
    assert order(order_xml(item(more=SERVICE + own))).service_address.street == "Seeweg"


def test_an_order_goes_to_one_place() -> None:
    own = "<E1EDPA1><PARVW>WE</PARVW>" + HOME.replace("8004", "8005") + "</E1EDPA1>"
    assert faults(order_xml(item() + item("00020", more=SERVICE + own))) == [("E1EDP01[2]/E1EDPA1", "two_places")]
    assert faults(order_xml(partners=SHIP_TO + SHIP_TO.replace("8004", "8005"))) == [("E1EDKA1[2]", "two_places")]
    assert order(order_xml(item() + item("00020", more=SERVICE + own.replace("8005", "8004"))))


def test_a_company_alone_opens_no_door() -> None:
    company = SHIP_TO.replace("Keller Sandra", "Hausgeräte Lager AG")
    assert faults(order_xml(partners=company)) == [("E1EDKA1/NAME1", "person_missing")]
    met = order(order_xml(partners=company.replace("<STRAS>", "<BNAME>S. Keller</BNAME><STRAS>"))).customer
    assert (met.family_name, met.company) == ("S. Keller", "Hausgeräte Lager AG")


@pytest.mark.parametrize(
    ("fields", "language"), [("<SPRAS>D</SPRAS>", "de"), ("<SPRAS>D</SPRAS><SPRAS_ISO>FR</SPRAS_ISO>", "fr")]
)
def test_the_language_is_isos_or_saps_own_letter(fields: str, language: str) -> None:
    assert order(order_xml(partners=SHIP_TO.replace("<STRAS>", f"{fields}<STRAS>"))).customer.language == language


def test_a_language_key_that_nobody_knows_is_a_problem() -> None:
    document = order_xml(partners=SHIP_TO.replace("<STRAS>", "<SPRAS>Z</SPRAS><STRAS>"))
    assert faults(document) == [("E1EDKA1/SPRAS", "unknown_language")]


# --- items -------------------------------------------------------------------------------------------------------


def test_posex_keeps_its_zeros_and_menge_counts_in_menee() -> None:
    items = item("000010", "2.000", more="<MENEE>LE</MENEE><BMNG2>8.000</BMNG2><PMENE>HUR</PMENE>" + SERVICE)
    (line,) = order(order_xml(items)).lines
    assert (line.line_id, line.quantity) == ("000010", 2)


def test_zeros_that_fill_up_a_material_are_not_its_number() -> None:
    named = "<E1EDP19><QUALF>001</QUALF><IDTNR>{}</IDTNR></E1EDP19>"
    read = [order(order_xml(item(more=named.format(n)))).lines[0].sku for n in ("000000000000710001", "0815")]
    assert read == ["710001", "0815"]


def test_a_price_is_net_and_for_one_piece() -> None:
    price = order(order_xml(item(more="<VPREI>5284.00</VPREI><PEINH>100</PEINH>" + SERVICE))).lines[0].price
    assert price is not None
    assert (str(price.amount), price.currency, price.tax_included) == ("52.8400", "CHF", False)


def test_a_price_has_a_currency_and_is_not_less_than_nothing() -> None:
    items = item(more="<VPREI>10.00-</VPREI><PEINH>0</PEINH>" + SERVICE)
    assert faults(order_xml(items, header="<E1EDK01><BELNR>1</BELNR></E1EDK01>")) == [
        ("E1EDK01/CURCY", "missing"),
        ("E1EDP01/VPREI", "negative"),
        ("E1EDP01/PEINH", "out_of_range"),
    ]


# --- times -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "clock", "expected"),
    [
        ("20260120", "080000", ("2026-01-20T08:00:00+01:00", "2026-01-20T12:00:00+01:00")),
        ("20260720", "220000", ("2026-07-20T22:00:00+02:00", "2026-07-21T02:00:00+02:00")),
        ("20260329", "000000", ("2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00")),
        ("20261025", "", ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00")),
        ("20261025", "023000", ("2026-10-25T02:30:00+02:00", "2026-10-25T06:30:00+02:00")),
    ],
)
def test_times_are_local_and_a_day_without_one_is_a_whole_day(day: str, clock: str, expected: tuple[str, str]) -> None:
    (window,) = order(order_xml(item(more=SERVICE + schedule(day, clock)))).lines[0].requested_windows
    assert (window.start.isoformat(), window.end.isoformat()) == expected


def test_the_zone_and_the_length_of_a_visit_are_options() -> None:
    document = order_xml(item(more=SERVICE + schedule("20260120")))
    (window,) = order(document, timezone="Europe/London", window_minutes=120).lines[0].requested_windows
    assert (window.start.isoformat(), window.end.isoformat()) == (
        "2026-01-20T08:00:00+00:00",
        "2026-01-20T10:00:00+00:00",
    )


def test_an_hour_that_the_clocks_skip_is_no_appointment() -> None:
    items = item(more=SERVICE + schedule("20260329", "023000"))
    assert faults(order_xml(items)) == [("E1EDP01/E1EDP20/EZEIT", "no_such_local_time")]


@pytest.mark.parametrize("clock", ["240000", "0800", "08:00:00", "086000"])
def test_a_time_has_six_digits_and_is_one(clock: str) -> None:
    items = item(more=SERVICE + schedule("20260120", clock))
    assert faults(order_xml(items)) == [("E1EDP01/E1EDP20/EZEIT", "not_a_time")]


def test_the_day_after_the_last_day_of_our_time_is_a_problem_too() -> None:
    items = item(more=SERVICE + schedule("21001231", ""))
    assert faults(order_xml(items)) == [("E1EDP01/E1EDP20/EDATU", "not_a_time")]


def test_an_empty_day_is_no_day() -> None:
    assert order(order_xml(item(more=SERVICE + schedule("00000000", "000000")))).lines[0].requested_windows == ()


def test_the_items_own_date_goes_before_the_headers() -> None:
    header = HEADER + "<E1EDK03><IDDAT>002</IDDAT><DATUM>20260120</DATUM></E1EDK03>"
    own = "<E1EDP03><IDDAT>002</IDDAT><DATUM>20260121</DATUM><UZEIT>090000</UZEIT></E1EDP03>"
    read = order(order_xml(item() + item("00020", more=SERVICE + own), header=header))
    assert [line.requested_windows[0].start.isoformat() for line in read.lines] == [
        "2026-01-20T00:00:00+01:00",
        "2026-01-21T09:00:00+01:00",
    ]


def test_two_dates_of_one_item_are_a_problem_and_not_forgotten() -> None:
    items = item(quantity="2", more=SERVICE + schedule("20260120") + schedule("20260121"))
    assert faults(order_xml(items)) == [("E1EDP01/E1EDP20", "several_dates")]


# --- changes -----------------------------------------------------------------------------------------------------


def test_in_sap_two_changes_and_three_deletes() -> None:
    moved = item("00010", action="002", more=schedule("20260122", "130000"))
    (intent,) = parse(change_xml(moved + item("00020", "0.000", "003", "") + item("00030", action="004", more="")))
    assert isinstance(intent, ChangeOrder)
    first, second, third = intent.lines
    assert (first.line_id, first.cancelled, len(first.requested_windows)) == ("00010", False, 1)
    assert (second.line_id, second.cancelled) == ("00020", True)
    assert (third.line_id, third.quantity, third.requested_windows, third.cancelled) == ("00030", None, (), False)


def test_what_deletes_everything_it_names_is_a_cancellation() -> None:
    (some,) = parse(change_xml(item("00010", "0.000", "003", "")))
    (whole,) = parse(change_xml(item(), header=HEADER.replace("<CURCY>", "<ACTION>003</ACTION><CURCY>")))
    assert isinstance(some, CancelOrder)
    assert isinstance(whole, CancelOrder)
    assert ([line.line_id for line in some.lines], whole.lines) == (["00010"], ())


def test_a_changed_item_of_quantity_nought_is_deleted() -> None:
    (intent,) = parse(change_xml(item("00010", "0.000", "002", "") + item("00020", action="000", more="")))
    assert isinstance(intent, ChangeOrder)
    assert [line.cancelled for line in intent.lines] == [True, False]


def test_changes_are_numbered_by_serial_and_of_one_second_by_docnum() -> None:
    first = change_xml(item(action="002"), "20260115100100")
    later = change_xml(item(action="002"), "20260115100101").replace("812345", "1")
    same_second = first.replace("812345", "812346")
    numbers = [int(parse(document)[0].change_id) for document in (first, same_second, later)]
    assert numbers == sorted(set(numbers))


def test_without_serial_the_time_of_creation_counts_and_without_any_it_is_a_problem() -> None:
    bare = change_xml(item(action="002"), "")
    assert faults(bare) == [("EDI_DC40/SERIAL", "missing")]
    (intent,) = parse(bare.replace("<SERIAL>", "<CREDAT>20260115</CREDAT><CRETIM>000500</CRETIM><SERIAL>"))
    assert intent.change_id == "202601150005000000000000812345"


def test_a_file_is_read_in_the_order_of_serial() -> None:
    later = idoc(HEADER + item(action="002"), "ORDCHG", "20260115100200")
    earlier = idoc(HEADER + item(action="002"), "ORDCHG", "20260115100100")
    placed = idoc(HEADER + SHIP_TO + item(), "ORDERS", "20260114100000")
    names = [type(intent).__name__ for intent in parse(f"<ORDERS05>{later}{earlier}{placed}</ORDERS05>")]
    assert names == ["PlaceOrder", "ChangeOrder", "ChangeOrder"]


def test_an_item_with_action_001_joins_the_order_with_all_that_a_new_one_says() -> None:
    more = f"<VPREI>149.00</VPREI>{schedule('20260120')}{SERVICE}"
    (intent,) = parse(change_xml(item("00010", action="004", more="") + item("00030", "2.000", more=more)))
    assert isinstance(intent, ChangeOrder)
    kept, joined = intent.lines
    assert (kept.added, joined.line_id, joined.pointer) == (None, "00030", "E1EDP01[2]")
    (same,) = order(order_xml(items=item("00030", "2.000", more=more))).lines
    assert joined.added == same
    assert (same.quantity, same.sku, same.requested_windows[0].start.hour) == (2, "SVC-710001", 8)


def test_an_added_item_must_be_whole_and_at_the_place_of_the_others() -> None:
    half = item("00030", "0.000", more="<VPREI>1.00</VPREI>")
    assert faults(change_xml(half, header="<E1EDK01><BELNR>1</BELNR></E1EDK01>")) == [
        ("E1EDK01/CURCY", "missing"),
        ("E1EDP01/E1EDP19", "missing"),
        ("E1EDP01/MENGE", "out_of_range"),
    ]
    elsewhere = SHIP_TO.replace("E1EDKA1", "E1EDPA1").replace("Langstrasse 120", "Bahnhofstrasse 1")
    assert faults(change_xml(SHIP_TO + item(action="004") + item("00030", more=SERVICE + elsewhere))) == [
        ("E1EDP01[2]/E1EDPA1", "two_places")
    ]


def test_an_action_is_never_guessed() -> None:
    assert faults(change_xml(item(action="005") + item("00020", action=""))) == [
        ("E1EDP01[1]/ACTION", "unknown_action"),
        ("E1EDP01[2]/ACTION", "missing"),
    ]


def test_an_order_does_not_change_and_a_change_has_items() -> None:
    assert faults(order_xml(header=HEADER.replace("<CURCY>", "<ACTION>002</ACTION><CURCY>"))) == [
        ("E1EDK01/ACTION", "not_new")
    ]
    assert faults(change_xml("")) == [("E1EDP01", "missing")]


# --- whatever comes ----------------------------------------------------------------------------------------------


@given(
    field=st.sampled_from(["POSEX", "ACTION", "MENGE", "MENEE", "VPREI", "PEINH", "EDATU", "EZEIT", "TELF1", "SERIAL"]),
    text=st.text(
        st.characters(codec="utf-8", exclude_characters="<&\r", exclude_categories=["Cc", "Cs", "Cn"]), max_size=24
    ),
)
def test_anything_in_a_field_is_intents_or_problems_with_pointers(field: str, text: str) -> None:
    more = SERVICE + "<MENEE>LE</MENEE><VPREI>1.00</VPREI><PEINH>1</PEINH>" + schedule("20260120")
    document = change_xml(item(action="002", more=more)) if field == "ACTION" else order_xml(item(more=more))
    before, _, after = document.partition(f"<{field}>")
    changed = f"{before}<{field}>{text}<{after.partition('<')[2]}"
    try:
        assert parse(changed)
    except TranslationError as refused:
        assert all(problem.pointer and problem.detail for problem in refused.problems)  # noqa: PT017


@pytest.mark.skipif(not BOSCH.exists(), reason="the partner's own samples are not here")
def test_the_partners_own_documents_are_intents_or_problems_with_their_place() -> None:
    for file in sorted(BOSCH.glob("*.xml")):
        if "ORDRSP" in file.name:
            assert faults(file.read_text(), Unsupported) == [("EDI_DC40/MESTYP", "not_for_us")]
        else:
            assert parse(file.read_bytes())
