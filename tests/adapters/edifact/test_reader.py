"""EDIFACT as it is really sent: the odd cases, by name."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.canonical import CancelOrder, ChangeOrder, Intent, OrderLine, PlaceOrder, SupportOrder
from adapters.contract import RawMessage
from adapters.edifact.adapter import EdifactAdapter
from adapters.errors import InvalidOrder, TranslationError, Unsupported
from tests.support.edifact import HEAD, HOME, LINE, SHARED, change, file_of, order


def intents(document: str | bytes, **options: Any) -> list[Intent]:
    body = document.encode("iso-8859-1") if isinstance(document, str) else document
    return EdifactAdapter(options).parse(RawMessage(body=body, media_type="application/edifact"))


def placed(document: str | bytes, **options: Any) -> SupportOrder:
    (intent,) = intents(document, **options)
    assert isinstance(intent, PlaceOrder)
    return intent.order


def line(more: str, head: str = HEAD, **options: Any) -> OrderLine:
    return placed(order(head, lines=LINE + more), **options).lines[0]


def changed(document: str) -> Any:
    (intent,) = intents(document)
    return intent


def codes(document: str, kind: type[TranslationError] = InvalidOrder, **options: Any) -> list[tuple[str, str]]:
    with pytest.raises(kind) as refused:
        intents(document, **options)
    assert type(refused.value) is kind
    return [(problem.pointer, problem.code) for problem in refused.value.problems]


D96A = "UNH+1+ORDERS:D:96A:UN:EAN008'BGM+220+70-1+9'DTM+137:20260203:102'"


# --- the person and the place ------------------------------------------------------------------------------------


def test_the_smallest_order() -> None:
    found = placed(order())
    assert (found.partner_order_id, found.ordered_at) == (
        "4500981234",
        datetime.fromisoformat("2026-01-14T15:32+01:00"),
    )
    assert (found.customer.family_name, found.customer.given_name) == ("Keller", "Sandra")
    assert (found.customer.phone, found.customer.email, found.customer.company) == ("+41791234567", None, None)
    address = found.service_address
    assert (address.street, address.house_number, address.address_line2) == ("Langstrasse", "120", None)
    assert (address.postcode, address.city, address.country) == ("8004", "Zürich", "CH")
    assert (found.lines[0].line_id, found.lines[0].quantity, found.lines[0].sku) == ("1", 1, "SVC-TV-WALL-65")


def test_a_gln_is_a_shop_and_wins_over_an_address_beside_it() -> None:
    shop = HOME.replace("NAD+DP++", "NAD+DP+7613001000011::9+")
    assert codes(order(home=shop)) == [("NAD+DP", "no_service_address")]
    at_home = HOME.replace("NAD+DP", "NAD+UD").replace("Langstrasse 120", "Rue du Rhône 14")
    assert placed(order(home=shop + at_home)).service_address.street == "Rue du Rhône"


def test_the_second_name_and_the_second_street_are_the_second_line_of_the_address() -> None:
    home = HOME.replace("Keller Sandra", "Keller Sandra:c/o Müller & Söhne").replace("120+", "120:3. Stock links+")
    assert placed(order(home=home)).service_address.address_line2 == "c/o Müller & Söhne, 3. Stock links"


@pytest.mark.parametrize("postcode", ["CH-8004", "CH 8004", "8004", " 8004"])
def test_a_swiss_postcode_may_carry_its_country(postcode: str) -> None:
    assert placed(order(home=HOME.replace("8004", postcode))).service_address.postcode == "8004"


@pytest.mark.parametrize("contact", ["CTA+DL+:Meier Jo", "CTA+UC+Meier Jo:", "CTA+UC+:'CTA+DL+:Meier Jo"])
def test_the_contact_is_the_person_wherever_cta_says_the_name(contact: str) -> None:
    home = HOME.replace("Keller Sandra", "Elektro Keller AG").replace("CTA+DL", contact)
    customer = placed(order(home=home)).customer
    assert (customer.family_name, customer.given_name, customer.company) == ("Meier", "Jo", "Elektro Keller AG")


def test_a_company_alone_opens_no_door() -> None:
    home = HOME.replace("Keller Sandra", "Zentrallager Ost")
    assert codes(order(home=home)) == [("NAD+DP/C080", "person_missing")]


@pytest.mark.parametrize("name", ["Keller", "Maria Anna von der Heide"])
def test_a_name_that_cannot_be_told_apart_is_the_family_name(name: str) -> None:
    assert placed(order(home=HOME.replace("Keller Sandra", name))).customer.family_name == name


@pytest.mark.parametrize(
    ("written", "phone"),
    [
        ("?+41791234567", "+41791234567"),
        ("0041 79 123 45 67", "+41791234567"),
        ("?+41 (0)79 123 45 67", "+41791234567"),
        ("022/555.01.23", "+41225550123"),
        ("?+49 5971 999-256", "+495971999256"),
    ],
)
def test_phones_are_written_in_many_ways(written: str, phone: str) -> None:
    assert placed(order(home=HOME.replace("079 123 45 67", written))).customer.phone == phone


def test_a_mobile_goes_before_a_telephone_and_a_letter_is_no_phone() -> None:
    home = HOME + "COM+?+41441112233:TE'COM+?+41791112233:AL'COM+sandra.keller@example.ch:EM'"
    customer = placed(order(home=home.replace("COM+079 123 45 67:TE'", ""))).customer
    assert (customer.phone, customer.email) == ("+41791112233", "sandra.keller@example.ch")


def test_the_language_of_the_delivery_note_is_the_customers() -> None:
    home = HOME.replace("CTA", "DOC+270:::Delivery note+:2::FR'CTA")
    assert placed(order(home=home)).customer.language == "fr"


# --- letters -----------------------------------------------------------------------------------------------------


def test_utf_8_declared_as_unoc_is_read_and_remembered() -> None:
    found = placed(order().encode())
    assert found.service_address.city == "Zürich"
    assert found.echo["interchange"]["mislabelled"] == "utf-8"
    assert "mislabelled" not in placed(order()).echo["interchange"]


def test_french_accents_survive_latin_1() -> None:
    home = HOME.replace("Langstrasse 120+Zürich", "Rue de l?'Hôpital 3+Genève")
    address = placed(order(home=home)).service_address
    assert (address.street, address.city) == ("Rue de l'Hôpital", "Genève")


def test_a_text_that_was_cut_at_35_goes_on_without_a_blank() -> None:
    first, second = "Kabelverschraubung M 12 Polyamid sc", "hwarz"
    document = file_of(f"{D96A}{HOME}LIN+1'PIA+5+X:SA'IMD+F++:::{first}:{second}'QTY+21:1'UNS+S'")
    assert len(first) == 35
    assert placed(document).lines[0].title == first + second


def test_one_that_was_cut_with_its_release_characters_too_and_others_get_a_blank() -> None:
    document = file_of(f"{D96A}{HOME}LIN+1'PIA+5+X:SA'IMD+F++:::{{}}'QTY+21:1'UNS+S'")
    cut = document.replace("{}", "Montage Decken-/Pendelleuchte?: Élé:ctricien")
    assert placed(cut).lines[0].title == "Montage Decken-/Pendelleuchte: Éléctricien"
    assert placed(document.replace("{}", "Montage:Lampe")).lines[0].title == "Montage Lampe"


def test_all_free_text_is_for_the_technician() -> None:
    head = HEAD + "FTX+DEL+3++Hauseingang im Hof:Bitte anrufen'FTX+SIN+++Hund'"
    found = placed(order(head=head, lines="LIN+1'PIA+5+X:SA'QTY+21:1'FTX+LIN+3++Wand?: Beton'"))
    assert (found.notes, found.lines[0].notes) == ("Hauseingang im Hof\nBitte anrufen\nHund", "Wand: Beton")


# --- numbers and prices ------------------------------------------------------------------------------------------

PRICED = "CUX+2:CHF:9'"


def priced(pri: str, una: str = "") -> Any:
    return placed(una + file_of(HEAD + HOME + PRICED + LINE + pri + "UNS+S'")).lines[0].price


def test_a_price_is_for_as_many_as_its_basis_says() -> None:
    assert priced("PRI+AAA:14900:::100:PCE'").amount == Decimal("149.0000")
    assert priced("PRI+AAA:149.00'").amount == Decimal("149.00")


def test_the_net_price_goes_before_the_gross_one_and_others_are_no_price() -> None:
    assert priced("PRI+AAB:180'PRI+AAA:149'").amount == Decimal(149)
    assert priced("PRI+AAB:180'").amount == Decimal(180)
    assert priced("PRI+AAE:180'") is None


def test_tax_is_included_where_that_was_agreed() -> None:
    document = file_of(HEAD + HOME + PRICED + LINE + "PRI+AAA:149'UNS+S'")
    told = [placed(document, tax_included=agreed).lines[0].price for agreed in (False, True)]
    assert [price.tax_included for price in told if price] == [False, True]


def test_the_decimal_mark_is_the_one_of_una() -> None:
    assert priced("PRI+AAA:89,25'", una="UNA:+,? '").amount == Decimal("89.25")


@pytest.mark.parametrize(
    ("pri", "place", "code"),
    [
        ("PRI+AAA:-1'", "LIN+1/PRI/5118", "negative"),
        ("PRI+AAA'", "LIN+1/PRI/5118", "missing"),
        ("PRI+AAA:1:::0'", "LIN+1/PRI/5284", "out_of_range"),
    ],
)
def test_a_price_that_is_none(pri: str, place: str, code: str) -> None:
    assert codes(file_of(HEAD + HOME + PRICED + LINE + pri + "UNS+S'")) == [(place, code)]


def test_a_price_needs_a_currency() -> None:
    assert codes(order(lines=LINE + "PRI+AAA:149'")) == [("CUX", "missing")]


@pytest.mark.parametrize(("written", "count"), [("1", 1), ("2.0", 2), ("20", 20), ("1.000", 1)])
def test_quantities(written: str, count: int) -> None:
    assert placed(order(lines=LINE.replace("21:1", f"21:{written}"))).lines[0].quantity == count


@pytest.mark.parametrize("written", ["0", "21", "1.5", "-1", "many", "1,0"])
def test_quantities_that_are_none(written: str) -> None:
    ((pointer, code),) = codes(order(lines=LINE.replace("21:1", f"21:{written}")))
    assert pointer == "LIN+1/QTY/6060"
    assert code in ("out_of_range", "not_whole", "not_a_decimal")


def test_a_service_is_named_by_our_number_or_else_by_its_gtin() -> None:
    both = placed(order(lines="LIN+1++7640199900014:SRV'PIA+5+SVC-A:SA+77:IN'QTY+21:1'")).lines[0]
    assert (both.sku, both.gtin, both.echo["gtin"], both.echo["theirs"]) == ("SVC-A", None, "7640199900014", "77")
    gtin = placed(order(lines="LIN+1++7640199900014:SRV'QTY+21:1'")).lines[0]
    assert (gtin.sku, gtin.gtin) == (None, "7640199900014")
    assert codes(order(lines="LIN+1'QTY+21:1'")) == [("LIN+1/PIA", "missing")]
    assert codes(order(lines="LIN+1++7640199900015:SRV'QTY+21:1'")) == [("LIN+1/7140", "not_a_gtin")]


# --- times -------------------------------------------------------------------------------------------------------


def window(dtm: str) -> tuple[str, str]:
    (found,) = line(dtm).requested_windows
    return found.start.isoformat(), found.end.isoformat()


@pytest.mark.parametrize(
    ("dtm", "start", "end"),
    [
        ("DTM+2:202601200800202601201200:719'", "2026-01-20T08:00:00+01:00", "2026-01-20T12:00:00+01:00"),
        ("DTM+2:202601200800-202601201200:719'", "2026-01-20T08:00:00+01:00", "2026-01-20T12:00:00+01:00"),
        ("DTM+2:202601202200202601210200:719'", "2026-01-20T22:00:00+01:00", "2026-01-21T02:00:00+01:00"),
        ("DTM+64:202601200800:203'DTM+63:202601201200:203'", "2026-01-20T08:00:00+01:00", "2026-01-20T12:00:00+01:00"),
        ("DTM+64:20260120:102'DTM+63:20260121:102'", "2026-01-20T00:00:00+01:00", "2026-01-22T00:00:00+01:00"),
        ("DTM+2:20260120:102'", "2026-01-20T00:00:00+01:00", "2026-01-21T00:00:00+01:00"),
        ("DTM+2:202601200000:203'", "2026-01-20T00:00:00+01:00", "2026-01-21T00:00:00+01:00"),
        ("DTM+2:20260120-20260122:718'", "2026-01-20T00:00:00+01:00", "2026-01-23T00:00:00+01:00"),
        (
            "DTM+64:202607200800?+0000:205'DTM+63:202607201200?+0000:205'",
            "2026-07-20T08:00:00+00:00",
            "2026-07-20T12:00:00+00:00",
        ),
    ],
)
def test_windows(dtm: str, start: str, end: str) -> None:
    assert window(dtm) == (start, end)


def test_a_day_with_a_change_of_the_clocks_is_23_hours_long() -> None:
    (found,) = line("DTM+2:20260329:102'").requested_windows
    assert (found.end - found.start).total_seconds() == 23 * 3600


@pytest.mark.parametrize(
    ("dtm", "place", "code"),
    [
        ("DTM+2:202603290200202603290300:719'", "DTM+2/2380", "no_such_local_time"),
        ("DTM+2:202602300800202602301200:719'", "DTM+2/2380", "not_a_time"),
        ("DTM+2:202601201200202601200800:719'", "DTM+2/2380", "window_empty"),
        ("DTM+2:20260120:203'", "DTM+2/2380", "not_a_time"),
        ("DTM+2:202601200800:203'", "DTM+2/2379", "window_open"),
        ("DTM+2:202601200800'", "DTM+2/2379", "unknown_format"),
        ("DTM+2:0800:401'", "DTM+2/2379", "unknown_format"),
        ("DTM+2::102'", "DTM+2/2380", "missing"),
        ("DTM+64:202601200800:203'", "DTM+63", "missing"),
        ("DTM+63:202601200800:203'", "DTM+64", "missing"),
    ],
)
def test_times_that_are_no_windows(dtm: str, place: str, code: str) -> None:
    assert codes(order(lines=LINE + dtm)) == [(f"LIN+1/{place}", code)]


def test_a_window_of_the_order_is_that_of_its_lines_but_for_their_own() -> None:
    lines = LINE + LINE.replace("LIN+1", "LIN+2") + "DTM+2:20260122:102'"
    first, second = placed(order(head=HEAD + "DTM+2:20260120:102'", lines=lines)).lines
    assert [found.requested_windows[0].start.day for found in (first, second)] == [20, 22]


def test_d96a_has_no_format_of_a_window() -> None:
    document = file_of(f"{D96A}DTM+2:202601200800202601201200:719'{HOME}{LINE}UNS+S'")
    assert codes(document) == [("DTM+2/2379", "unknown_format")]


def test_the_day_of_the_order_again_asks_for_nothing_in_edilektro() -> None:
    document = file_of(f"{D96A}DTM+2:20260203:102'{HOME}{LINE}UNS+S'")
    assert placed(document).lines[0].requested_windows == ()
    assert placed(order(head=HEAD + "DTM+2:20260114:102'")).lines[0].requested_windows


# --- what a document is for --------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["+9", "+7", ""])
def test_an_original_a_declared_duplicate_and_silence_are_an_order(function: str) -> None:
    assert placed(order(head=HEAD.replace("+9'", f"{function}'"))).partner_order_id == "4500981234"


def test_an_order_with_function_1_cancels_itself() -> None:
    (intent,) = intents(order(head=HEAD.replace("+9'", "+1'")))
    assert isinstance(intent, CancelOrder)
    assert (intent.partner_order_id, intent.lines) == ("4500981234", ())


@pytest.mark.parametrize(
    ("function", "kind", "code"), [("5", Unsupported, "unsupported"), ("42", InvalidOrder, "unknown_code")]
)
def test_functions_that_are_not_for_orders(function: str, kind: type[TranslationError], code: str) -> None:
    assert codes(order(head=HEAD.replace("+9'", f"+{function}'")), kind) == [("BGM/1225", code)]


def test_a_blanket_order_is_no_order() -> None:
    assert codes(order(head=HEAD.replace("BGM+220", "BGM+221"))) == [("BGM/1001", "unknown_code")]


def test_several_interchanges_and_messages_in_a_file_are_as_many_intents() -> None:
    second = file_of(*(HEAD.replace("4500981234", number) + HOME + LINE + "UNS+S'" for number in ("2", "3")))
    second = second.replace("UNH+1", "UNH+2").replace("UNH+2", "UNH+1", 1)
    found = intents(order() + "\r\n" + second)
    assert [intent.order.partner_order_id for intent in found if isinstance(intent, PlaceOrder)] == [
        "4500981234",
        "2",
        "3",
    ]


def test_what_is_known_by_no_guideline_is_not_for_us() -> None:
    assert codes(order().replace("ORDERS:D", "ORDRSP:D"), Unsupported) == [("UNH/0065", "not_for_us")]
    assert codes(order().replace("D:01B", "D:11A"), Unsupported) == [("UNH/S009", "other_directory")]
    assert codes(order(), Unsupported, guideline="lumimart") == [("UNH/S009", "other_directory")]


def test_segments_that_say_nothing_to_us_are_ignored_and_counted() -> None:
    assert placed(order(head=HEAD + "PAI+1'ALI+CH'")).echo["ignored"] == 2
    assert "ignored" not in placed(order()).echo


def test_the_interchange_and_the_parties_are_remembered() -> None:
    parties = "RFF+CR:ID-77812'NAD+BY+7613001000004::9'NAD+SU+7640199900007::9'"
    echo = placed(order(head=HEAD + parties)).echo
    assert echo["interchange"]["reference"] == "ID0000123"
    assert echo["message"] == {"reference": "1", "kind": ["ORDERS", "D", "01B", "UN", "EAN010"]}
    assert (echo["BY"], echo["SU"]) == (["7613001000004", "9"], ["7640199900007", "9"])
    assert echo["references"] == {"CR": "ID-77812"}


def test_a_segment_means_what_its_place_says_not_its_tag() -> None:
    """NAD and RFF of a line are not the order's."""
    more = "RFF+ON:OTHER'NAD+DP+++Meier Jo+Bahnhofstrasse 1+Basel++4001+CH'"
    found = placed(order(lines=LINE + more))
    assert found.service_address.city == "Zürich"
    assert changed(change("LIN+1+3'QTY+21:1'RFF+ON:OTHER'")).partner_order_id == "4500981234"


def test_a_hundred_lines_and_no_more() -> None:
    many = "".join(LINE.replace("LIN+1", f"LIN+{number}") for number in range(1, 102))
    assert codes(order(lines=many)) == [("LIN+101/1082", "too_many")]


# --- changes -----------------------------------------------------------------------------------------------------


def test_1229_2_deletes_and_3_changes() -> None:
    """SAP's ACTION has them the other way round."""
    lines = "LIN+1+3'QTY+21:1'DTM+2:202601221300202601221700:719'LIN+2+2'QTY+21:0'"
    found = changed(change(lines))
    assert isinstance(found, ChangeOrder)
    moved, deleted = found.lines
    assert (moved.line_id, moved.cancelled, moved.requested_windows[0].start.hour) == ("1", False, 13)
    assert (deleted.line_id, deleted.cancelled, deleted.requested_windows) == ("2", True, ())
    assert (found.partner_order_id, found.cancel_missing) == ("4500981234", False)


def test_a_smaller_quantity_is_a_change_and_none_a_deletion() -> None:
    fewer, none = changed(change("LIN+1+3'QTY+21:1'LIN+2+3'QTY+21:0'")).lines
    assert (fewer.quantity, fewer.cancelled) == (1, False)
    assert none.cancelled


def test_no_action_is_none_and_no_code_is_a_change() -> None:
    (found,) = changed(change("LIN+1+4'QTY+21:1'LIN+2'QTY+21:1'")).lines
    assert (found.line_id, found.cancelled) == ("2", False)


def test_the_lines_of_a_replacement_are_all_that_is_left() -> None:
    assert changed(change(function="5")).cancel_missing


def test_function_1_cancels_the_whole_order() -> None:
    found = changed(change("", function="1"))
    assert isinstance(found, CancelOrder)
    assert (found.partner_order_id, found.lines) == ("4500981234", ())


def test_a_cancellation_may_repeat_its_lines_but_not_contradict_itself() -> None:
    assert isinstance(changed(change("LIN+1+2'", function="1")), CancelOrder)
    assert codes(change("LIN+1+3'", function="1")) == [("LIN+1/1229", "contradiction")]


def test_without_rff_on_the_number_of_the_document_is_that_of_the_order() -> None:
    assert changed(change(head="")).partner_order_id == "4500981234-C1"


def test_1229_1_adds_a_line_with_all_that_a_line_of_an_order_says() -> None:
    line = LINE.replace("QTY+21:1", "QTY+21:2'DTM+2:202601221300202601221700:719") + "PRI+AAA:49.00'"
    money = "CUX+2:CHF:9'"
    kept, joined = changed(change("LIN+7+3'QTY+21:1'" + line.replace("LIN+1", "LIN+8+1"), head=money)).lines
    assert (kept.added, joined.pointer, joined.line_id) == (None, "LIN+8", "8")
    (same,) = placed(order(home=HOME + money, lines=line.replace("LIN+1", "LIN+8"))).lines
    assert joined.added == same
    assert (same.sku, same.quantity, len(same.requested_windows)) == ("SVC-TV-WALL-65", 2, 1)


def test_an_added_line_must_be_whole() -> None:
    assert codes(change("LIN+1+1'QTY+21:0'PRI+AAA:1'")) == [
        ("LIN+1/QTY/6060", "out_of_range"),
        ("LIN+1/PIA", "missing"),
        ("CUX", "missing"),
    ]


def test_answers_are_no_actions_of_a_change() -> None:
    assert codes(change("LIN+1+7'QTY+21:1'")) == [("LIN+1/1229", "unknown_code")]


def test_a_change_of_nothing_is_none() -> None:
    assert codes(change("")) == [("LIN", "missing")]


def test_versions_are_ordered_by_their_date_and_then_by_their_number() -> None:
    first = change()
    later = first.replace("DTM+137:202601151001", "DTM+137:202601151002")
    next_one = first.replace("-C1", "-C2")
    ids = [int(changed(document).change_id) for document in (first, next_one, later)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 3
    again = first.replace("260114:1533", "260115:0900").replace("ID0000123", "ID0000999")
    assert changed(again).change_id == changed(first).change_id


def test_a_change_needs_its_date() -> None:
    assert codes(change().replace("DTM+137:", "DTM+4:")) == [("DTM+137", "missing")]


# --- our own scenarios, and what others have published -----------------------------------------------------------

OURS = sorted(SHARED.glob("interdiscount/constructed/*.edi")) + sorted(SHARED.glob("lumimart/constructed/*.edi"))
THEIRS = sorted(SHARED.glob("edifact/samples/*.edi"))
KINDS = {"ORDERS": PlaceOrder, "reschedule": ChangeOrder, "cancel": CancelOrder}


@pytest.mark.skipif(not OURS, reason="the partners' documents are not here")
def test_the_scenarios_are_read_by_their_guideline_and_without() -> None:
    for file in OURS:
        for options in ({}, {"guideline": file.parts[-3]}):
            kind = next((kind for word, kind in KINDS.items() if word in file.name), None)
            if kind is None:
                with pytest.raises(Unsupported):
                    intents(file.read_bytes(), **options)
            else:
                assert [type(intent) for intent in intents(file.read_bytes(), **options)] == [kind], file.name


@pytest.mark.parametrize("file", THEIRS, ids=lambda file: str(Path(file).stem))
def test_published_samples_without_a_service_address_are_problems_with_their_place(file: Path) -> None:
    with pytest.raises(TranslationError) as refused:
        intents(file.read_bytes())
    assert all(problem.pointer and problem.code for problem in refused.value.problems)
