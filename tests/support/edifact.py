"""EDIFACT in tests: documents to send, and the UN/ECE's directories to hold ours against."""

import re
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

SHARED = Path(__file__).parents[2].parent / "shared" / "partners"
DIRECTORIES = SHARED / "edifact" / "directories"
needs_directories = pytest.mark.skipif(not DIRECTORIES.exists(), reason="the UN/EDIFACT directories are not here")
SERVICE = "Service_V3"


def file_of(*messages: str, una: str = "", unb: str = "", unz: str = "", ending: str = "'") -> str:
    """Messages, each from UNH to before UNT, in an interchange whose counts are right."""
    whole = []
    for number, message in enumerate(messages, 1):
        segments = re.split(r"(?<!\?)'", message.removesuffix("'"))
        whole += [*segments, f"UNT+{len(segments) + 1}+{number}"]
    header = unb or "UNB+UNOC:3+7613001000004:14+7640199900007:14+260114:1533+ID0000123++++1"
    return una + ending.join([header, *whole, unz or f"UNZ+{len(messages)}+ID0000123"]) + ending


HEAD = "UNH+1+ORDERS:D:01B:UN:EAN010'BGM+220+4500981234+9'DTM+137:202601141532:203'"
HOME = "NAD+DP+++Keller Sandra+Langstrasse 120+Zürich++8004+CH'CTA+DL'COM+079 123 45 67:TE'"
LINE = "LIN+1'PIA+5+SVC-TV-WALL-65:SA'QTY+21:1'"


def order(head: str = HEAD, home: str = HOME, lines: str = LINE, tail: str = "UNS+S'") -> str:
    return file_of(head + home + lines + tail)


def change(lines: str = "LIN+1+3'QTY+21:1'", function: str = "4", head: str = "RFF+ON:4500981234'") -> str:
    bgm = f"BGM+230+4500981234-C1+{function}'DTM+137:202601151001:203'"
    return file_of(f"UNH+1+ORDCHG:D:01B:UN:EAN009'{bgm}{head}{lines}UNS+S'")


def two_lines() -> bytes:
    """An order of two lines, with what a shop knows: who, where, when and for how much."""
    parties = "DTM+2:202601200800202601201200:719'NAD+BY+7613001000004::9'NAD+SU+7640199900007::9'"
    mail = "COM+erika@example.ch:EM'CUX+2:CHF:9'"
    first = LINE.replace("LIN+1", "LIN+10") + "PRI+AAA:149.00'"
    second = LINE.replace("LIN+1", "LIN+20").replace("TV-WALL-65", "NET-SETUP")
    return order(HEAD + parties, HOME + mail, first + second, "UNS+S'CNT+2:2'").encode("iso-8859-1")


def segments_of(body: bytes) -> list[list[list[str]]]:
    """What our own documents say, read without our own reader: elements of components, the tag the first."""
    text = body.decode("iso-8859-1").replace("\r\n", "").replace("UNA:+.? '", "")
    return [
        [[re.sub(r"\?(.)", r"\1", part) for part in _cut(element, ":")] for element in _cut(segment, "+")]
        for segment in _cut(text, "'")[:-1]
    ]


def _cut(text: str, sign: str) -> list[str]:
    """At each sign that is not released."""
    return re.findall(rf"((?:[^?{sign}]|\?.)*)(?:[{sign}]|$)", text)[
        : len(re.sub(r"\?.|[^" + sign + "]", "", text)) + 1
    ]


def messages_of(body: bytes) -> list[list[list[list[str]]]]:
    found: list[list[list[list[str]]]] = []
    for segment in segments_of(body):
        if segment[0] == ["UNH"]:
            found.append([])
        if segment[0][0] not in ("UNB", "UNZ"):
            found[-1].append(segment)
    return found


# --- the directories ---------------------------------------------------------------------------------------------


@cache
def _tree(name: str) -> Any:
    return ElementTree.parse(DIRECTORIES / name).getroot()


def notation(directory: str, kind: str) -> str:
    """A message's segment table, written as `adapters.edifact.directories` writes it."""
    return " ".join(map(_noted, _parts(_tree(f"{directory}/{kind.lower()}.xml"))))


def _parts(element: Any) -> list[Any]:
    return [part for part in element if part.tag in ("segment", "group")]


def _noted(part: Any) -> str:
    many = part.get("maxrepeat", "1")
    rest = ("" if many == "1" else many) + ("!" if part.get("required") else "")
    return (part.get("id") if part.tag == "segment" else f"({' '.join(map(_noted, _parts(part)))})") + rest


def _pattern(part: Any) -> str:
    inner = f"{part.get('id')} " if part.tag == "segment" else "".join(map(_pattern, _parts(part)))
    return f"(?:{inner}){{{1 if part.get('required') else 0},{min(int(part.get('maxrepeat', 1)), 999)}}}"


def has_the_order_of(directory: str, message: list[list[list[str]]]) -> bool:
    """Whether its tags stand as the directory's segment table says: a regular expression over tags."""
    kind = message[0][2][0].lower()
    pattern = "".join(map(_pattern, _parts(_tree(f"{directory}/{kind}.xml"))))
    return re.fullmatch(pattern, "".join(f"{segment[0][0]} " for segment in message)) is not None


@cache
def elements_of(directory: str) -> dict[str, list[Any]]:
    return {segment.get("id"): list(segment) for segment in _tree(f"{directory}/segments.xml")}


@cache
def _codes(directory: str) -> dict[str, set[str]]:
    name = "service_codes_v3.xml" if directory == SERVICE else "codes.xml"
    return {element.get("id"): {code.get("id") for code in element} for element in _tree(f"{directory}/{name}")}


# This edition of the directories leaves out what stands in the UN/ECE's own, or has one list for two agencies.
INCOMPLETE = {("LIN", "C829")}


def faults_in(directory: str, segment: list[list[str]]) -> list[str]:
    """What is missing in a segment, too long, or of no code list."""
    tag, known = segment[0][0], elements_of(directory)[segment[0][0]]
    faults = [f"{tag}: too many elements"] if len(segment) - 1 > len(known) else []
    for place, element in enumerate(known, 1):
        values = segment[place] if place < len(segment) else [""]
        if any(values):
            if (tag, element.get("id")) not in INCOMPLETE:
                parts = list(element) if element.tag == "composite_data_element" else [element]
                faults += _faulty(directory, tag, parts, values)
        elif element.get("required"):
            faults.append(f"{tag}: {element.get('id')} is missing")
    return faults


def _faulty(directory: str, tag: str, parts: list[Any], values: list[str]) -> list[str]:
    faults = [f"{tag}: too many components"] if len(values) > len(parts) else []
    for part, value in zip(parts, [*values, *[""] * len(parts)], strict=False):
        number, most = part.get("id"), int(part.get("maxlength") or part.get("length") or 999)
        if not value and part.get("required"):
            faults.append(f"{tag}: {number} is missing")
        if len(value) > most:
            faults.append(f"{tag}: {number} is too long")
        if value and number in _codes(directory) and value not in _codes(directory)[number]:
            faults.append(f"{tag}: {number} has no code {value}")
    return faults


def faults_of(release: str, message: list[list[list[str]]]) -> list[str]:
    """All that is wrong with a message of ours by the UN/ECE's directories."""
    service = message[0][2][0] == "CONTRL"
    directory = SERVICE if service else f"D{release}"
    order = [] if has_the_order_of(directory, message) else ["the order of segments"]
    envelope = {"UNH", "UNT", "UNS"} | ({segment[0][0] for segment in message} if service else set())
    inner = [f for one in message for f in faults_in(SERVICE if one[0][0] in envelope else directory, one)]
    counted = [] if int(message[-1][1][0]) == len(message) else ["UNT's count"]
    return [*order, *inner, *counted]
