"""One partner's business, from its own first word to the last answer: an order done, and an order cancelled."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from lxml import etree

from adapters import xml
from adapters.errors import TranslationError
from gateway.demo.page import WIDTH, Page
from gateway.demo.parts import PARTS
from gateway.demo.parts.house import Exchange, House, house, serving
from gateway.demo.parts.part import Part
from gateway.demo.system import DoesNotHold, System, running
from gateway.demo.visits import DONE, TECHNICIAN

MOST_LINES = 14


def perform(page: Page, slug: str, data_dir: Path, environ: Mapping[str, str], clock: Callable[[], datetime]) -> None:
    """On a system of its own. Raises `CannotStart` or `DoesNotHold`; nothing of the system is left then, either."""
    began, part = time.monotonic(), PARTS[slug]
    page.title(
        f"{slug}, who speaks {part.words}", "One order is done, another one is cancelled; every word as it went."
    )
    page.chapter(1, "The system starts, on a folder of its own")
    with running(data_dir, environ, (slug, "dispatch")) as system:
        page.say(f"{system.url} after {time.monotonic() - began:.0f} s")
        play(page, part, system, clock)
    page.write("")


def play(page: Page, part: Part, system: System, clock: Callable[[], datetime]) -> House:
    """The whole play on a running system; everything that was said is in the house. Raises `DoesNotHold`."""
    with serving() as theirs:
        there = house(system, part.slug, theirs, clock)
        page.chapter(2, f"{part.slug} and Stecker agree on where to call each other")
        part.connect(there)
        _tell(page, part, there, 0, 0)
        done, ended = f"{clock():%y%m%d%H%M%S}1", f"{clock():%y%m%d%H%M%S}2"
        _through(page, part, there, 3, done)
        _cancelled(page, part, there, 4, ended)
        page.good(f"{len(there.said)} messages from {part.slug}, {len(theirs.asked)} to it: all delivered, in order")
        return there


def _through(page: Page, part: Part, there: House, number: int, order: str) -> None:
    page.chapter(number, f"{part.slug} orders a visit, and it is done")
    said, heard = len(there.said), len(there.theirs.asked)
    part.order(there, order)
    placed = there.order(order)
    for job in placed["jobs"]:
        _walk(there, job)
    there.settled()
    _expect(there, order, "completed")
    _tell(page, part, there, said, heard)


def _cancelled(page: Page, part: Part, there: House, number: int, order: str) -> None:
    page.chapter(number, f"{part.slug} orders another one, and cancels it")
    said, heard = len(there.said), len(there.theirs.asked)
    part.order(there, order)
    there.order(order)
    part.cancel(there, order)
    there.until(f"The end of {order}", lambda: there.order(order)["status"] == "cancelled")
    there.settled()
    _tell(page, part, there, said, heard)


def _walk(there: House, job: Any) -> None:
    for state, actor in DONE.items():
        wish: dict[str, Any] = {"to": state, "actor": actor, "reason": None}
        if state == "assigned":
            wish["technician"] = TECHNICIAN
        there.dispatch.post(f"/fulfilment/v1/jobs/{job['id']}/transitions", wish, expect=200)


def _expect(there: House, order: str, status: str) -> None:
    found = there.order(order)["status"]
    if found != status:
        raise DoesNotHold(f"Order {order} is {found}, not {status}.")


def _tell(page: Page, part: Part, there: House, said: int, heard: int) -> None:
    """What was said since: first what came from the partner, then what it was told."""
    for one in there.said[said:]:
        page.write("")
        page.passed(part.slug, "Stecker", _short(one), str(one.status))
        page.quote(excerpt(one.body, one.media_type))
        if one.answer:
            page.passed("Stecker", part.slug, "the answer", one.answer_type.partition(";")[0])
            page.quote(excerpt(one.answer, one.answer_type))
    for one in there.theirs.asked[heard:]:
        page.write("")
        page.passed("Stecker", part.slug, _short(one), str(one.status))
        page.quote(excerpt(one.body, one.media_type))


def _short(one: Exchange) -> str:
    path = one.path if len(one.path) <= 44 else f"{one.path[:21]}…{one.path[-22:]}"
    return f"{one.method} {path}"


def excerpt(body: bytes, media_type: str) -> str:
    """The first lines of a document, laid out for reading; nothing of it is changed but blanks."""
    lines = [line[: WIDTH - 6] for line in _laid_out(body, media_type).splitlines() if line.strip()]
    return "\n".join(lines[:MOST_LINES] + (["…"] if len(lines) > MOST_LINES else []))


def _laid_out(body: bytes, media_type: str) -> str:
    kind = media_type.partition(";")[0].lower()
    if "xml" in kind:
        try:
            root = xml.parse(body)
        except TranslationError:
            return body.decode(errors="replace")
        etree.indent(root)
        return etree.tostring(root, encoding="unicode")
    if "json" in kind and body:
        return json.dumps(json.loads(body), indent=1, ensure_ascii=False)
    if "edifact" in kind:
        text = body.decode("iso-8859-1")
        return text if "\n" in text.strip() else text.replace("'", "'\n")
    return body.decode(errors="replace")
