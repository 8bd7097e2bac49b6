"""XML from outside: what the parser must not do, and what a node says about its place."""

import socket
from pathlib import Path

import pytest

from adapters import values, xml
from adapters.errors import MalformedMessage
from adapters.reading import Problems
from adapters.xml import Node


def refused(body: bytes) -> str:
    with pytest.raises(MalformedMessage) as error:
        xml.parse(body)
    (problem,) = error.value.problems
    return problem.code


def test_a_document_type_is_refused_whatever_is_in_it_i2() -> None:
    assert refused(b"<!DOCTYPE ORDER><ORDER/>") == "doctype"
    assert refused(b'<!DOCTYPE ORDER [<!ENTITY a "b">]><ORDER>&a;</ORDER>') == "doctype"
    assert refused(b'<!DOCTYPE ORDER SYSTEM "order.dtd"><ORDER/>') == "doctype"


def test_processing_instructions_are_refused_wherever_they_stand_i2() -> None:
    for body in (b'<?xml-stylesheet href="a.xsl"?><a/>', b"<a><b><?php x?></b></a>", b"<a/><?x y?>"):
        assert refused(body) == "processing_instruction"


def test_no_entity_reads_a_file_i2(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("K7canary")
    for body in (
        f'<!DOCTYPE a [<!ENTITY x SYSTEM "{canary.as_uri()}">]><a>&x;</a>',
        f'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{canary.as_uri()}" parse="text"/></a>',
    ):
        try:
            read = "".join(str(text) for text in xml.parse(body.encode()).itertext())
        except MalformedMessage as error:
            read = str(error.problems)
        assert "K7canary" not in read


def test_nothing_in_a_document_makes_the_parser_call_anybody_i2_i5() -> None:
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.setblocking(False)
        here = f"http://127.0.0.1:{canary.getsockname()[1]}/canary"
        for body in (
            f'<!DOCTYPE a SYSTEM "{here}"><a/>',
            f'<!DOCTYPE a [<!ENTITY x SYSTEM "{here}">]><a>&x;</a>',
            f'<!DOCTYPE a [<!ENTITY % x SYSTEM "{here}"> %x;]><a/>',
            f'<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="{here}"/>',
            f'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{here}"/></a>',
            f'<?xml-stylesheet type="text/xsl" href="{here}"?><a/>',
        ):
            try:
                xml.parse(body.encode())
            except MalformedMessage:
                continue
        with pytest.raises(BlockingIOError):
            canary.accept()


def test_nesting_has_an_end_i2() -> None:
    assert refused(b"<a>" * 300 + b"</a>" * 300) == "not_xml"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "iso-8859-15", "windows-1252"])
def test_umlauts_survive_every_encoding_that_partners_use(encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    body = f'<?xml version="1.0" encoding="{declared}"?><a>Müller</a>'.encode(encoding)
    assert xml.parse(body).text == "Müller"


def test_an_encoding_that_hides_characters_is_refused() -> None:
    assert refused(b'<?xml version="1.0" encoding="UTF-7"?><a>+APw-</a>') == "encoding"


def node(body: str) -> Node:
    return Node(xml.parse(body.encode()), Problems())


def test_a_node_finds_its_children_in_any_namespace_and_skips_empty_ones() -> None:
    item = node('<ITEM><x:PID xmlns:x="http://x"/><PID xmlns="http://y"> A1 </PID><!-- - --></ITEM>')
    assert item.text("PID", values.line) == "A1"
    assert item.text("QUANTITY", values.line) is None


def test_a_problem_says_where_it_is() -> None:
    order = node("<ORDER><ITEM/><ITEM><PRODUCT><GTIN>1</GTIN></PRODUCT></ITEM></ORDER>")
    first, second = order.all("ITEM")
    second.child("PRODUCT").text("GTIN", values.gtin)
    first.child("PRODUCT").needed("PID", values.line)
    assert [problem.pointer for problem in order.problems.found] == [
        "//ORDER/ITEM[2]/PRODUCT/GTIN",
        "//ORDER/ITEM[1]/PRODUCT/PID",
    ]
