"""IDocs out: ORDRSP, the confirmation of a purchase order, and STATUS, the receipt for an IDoc."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from textwrap import wrap
from typing import Any

from lxml import etree

from adapters.canonical import Job, JobState, OrderLine
from adapters.idoc.codes import GONE, PIECE, Action
from adapters.idoc.settings import Settings

TDLINE = 70  # characters
REFUSED = "02"  # ABGRU where no other code was agreed

RECEIVED_WELL, RECEIVED_BADLY = "16", "17"  # E1STATS/STATUS: functional acknowledgement, positive and negative


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What an IDoc of ours is about. `control` is EDI_DC40 of theirs; `key` makes its number, the same every time."""

    partner_order_id: str
    order_id: str | None
    control: Mapping[str, Any]
    key: str
    at: datetime
    settings: Settings

    @property
    def docnum(self) -> str:
        return f"{int.from_bytes(sha256(self.key.encode()).digest()[:8]) % 10**16:016}"


def file(kind: str) -> etree._Element:
    """The root of a file of IDocs of one basic type."""
    return etree.Element(kind)


def as_bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _segment(parent: etree._Element, name: str, **fields: str | None) -> etree._Element:
    segment = etree.SubElement(parent, name, SEGMENT="1")
    for field, text in fields.items():
        if text is not None:
            etree.SubElement(segment, field).text = text
    return segment


def _idoc(root: etree._Element, letter: Letter, message: str) -> etree._Element:
    idoc = etree.SubElement(root, "IDOC", BEGIN="1")
    theirs, settings = letter.control, letter.settings
    local = letter.at.astimezone(settings.zone)
    _segment(
        idoc,
        "EDI_DC40",
        TABNAM="EDI_DC40",
        MANDT=theirs.get("MANDT"),
        DOCNUM=letter.docnum,
        DIRECT="2",  # inbound, as whoever reads it sees it
        IDOCTYP=str(root.tag),
        MESTYP=message,
        SNDPOR=theirs.get("RCVPOR"),
        SNDPRT=theirs.get("RCVPRT", "LI"),
        SNDPFC=theirs.get("RCVPFC"),
        SNDPRN=theirs.get("RCVPRN", settings.our_number),
        RCVPOR=theirs.get("SNDPOR"),
        RCVPRT=theirs.get("SNDPRT", "LS"),
        RCVPFC=theirs.get("SNDPFC"),
        RCVPRN=theirs.get("SNDPRN", settings.their_number),
        CREDAT=f"{local:%Y%m%d}",
        CRETIM=f"{local:%H%M%S}",
        ARCKEY=theirs.get("DOCNUM"),
        # In UTC, so that it grows also in the night when the clocks go back.
        SERIAL=f"{letter.at.astimezone(UTC):%Y%m%d%H%M%S%f}",
    )
    return idoc


# --- ORDRSP ------------------------------------------------------------------------------------------------------


def order_response(
    root: etree._Element, letter: Letter, lines: Iterable[tuple[OrderLine, Sequence[Job]]], said: Sequence[str] = ()
) -> None:
    """How these lines of one order stand: MENGE counts the visits that will be or have been. `said` is for people."""
    answers = [(line, visits, _action(line, visits)) for line, visits in lines]
    idoc = _idoc(root, letter, "ORDRSP")
    _segment(idoc, "E1EDK01", ACTION=_overall({action for _, _, action in answers}), BELNR=letter.partner_order_id)
    _segment(idoc, "E1EDK02", QUALF="001", BELNR=letter.partner_order_id)
    if letter.order_id:
        local = letter.at.astimezone(letter.settings.zone)
        numbers = {"QUALF": "002", "BELNR": letter.order_id}
        _segment(idoc, "E1EDK02", **numbers, DATUM=f"{local:%Y%m%d}", UZEIT=f"{local:%H%M%S}")
    _text(idoc, "E1EDKT", said)
    for line, visits, action in answers:
        _item(idoc, letter, line, visits, action)


def _action(line: OrderLine, visits: Sequence[Job]) -> Action:
    live = [visit for visit in visits if visit.state not in GONE]
    if not live:
        return Action.DELETED
    if all(visit.state is JobState.COMPLETED for visit in live):
        return Action.UNCHANGED
    return Action.NEW if len(live) == line.quantity else Action.CHANGED


def _overall(actions: set[Action]) -> Action:
    return next(iter(actions)) if len(actions) == 1 else Action.CHANGED


def _item(idoc: etree._Element, letter: Letter, line: OrderLine, visits: Sequence[Job], action: Action) -> None:
    live = [visit for visit in visits if visit.state not in GONE]
    reasons = [visit.reason.code for visit in visits if visit.state in GONE and visit.reason]
    item = _segment(
        idoc,
        "E1EDP01",
        POSEX=line.line_id,
        ACTION=action,
        MENGE=_quantity(len(live)),
        MENEE=str(line.echo.get("unit") or PIECE),
        ABGRU=None if live else _rejection(letter.settings, reasons),
    )
    number, posex = line.echo.get("reference") or (None, None)
    _segment(item, "E1EDP02", QUALF="001", BELNR=number or letter.partner_order_id, ZEILE=posex or line.line_id)
    _dates(item, letter, live)
    done = [
        f"completed {visit.state_since.astimezone(letter.settings.zone):%Y-%m-%d}" for visit in live if _done(visit)
    ]
    _text(item, "E1EDPT", [*dict.fromkeys(reasons), *dict.fromkeys(done)])


def _done(visit: Job) -> bool:
    return visit.state is JobState.COMPLETED


def _rejection(settings: Settings, reasons: list[str]) -> str:
    return next((settings.rejection_codes[code] for code in reasons if code in settings.rejection_codes), REFUSED)


def _quantity(count: int) -> str:
    return f"{count}.000"


def _dates(item: etree._Element, letter: Letter, live: Sequence[Job]) -> None:
    """A schedule line for each start; a visit without a date yet has none."""
    starts = Counter(visit.window.start.astimezone(letter.settings.zone) for visit in live if visit.window)
    for start, count in starts.items():
        quantity = _quantity(count)
        when = {"EDATU": f"{start:%Y%m%d}", "EZEIT": f"{start:%H%M%S}"}
        _segment(item, "E1EDP20", WMENG=quantity, AMENG=quantity, **when)


def _text(parent: etree._Element, block: str, said: Iterable[str]) -> None:
    # A line without TDFORMAT goes on where the one before it ended.
    lines = [(line, None if place else "*") for text in said for place, line in enumerate(wrap(text, TDLINE))]
    if lines:
        text = _segment(parent, f"{block}1", TDID="F01", TSSPRAS="E")
        for line, how in lines:
            _segment(text, f"{block}2", TDLINE=line, TDFORMAT=how)


# --- STATUS ------------------------------------------------------------------------------------------------------


def status(root: etree._Element, letter: Letter, *, well: bool, said: Sequence[str] = ()) -> None:
    """Whether an IDoc of theirs was taken, under the number that they gave it."""
    local = letter.at.astimezone(letter.settings.zone)
    _segment(
        _idoc(root, letter, "STATUS"),
        "E1STATS",
        TABNAM="EDI_DS",
        MANDT=letter.control.get("MANDT"),
        DOCNUM=letter.control.get("DOCNUM"),
        LOGDAT=f"{local:%Y%m%d}",
        LOGTIM=f"{local:%H%M%S}",
        STATUS=RECEIVED_WELL if well else RECEIVED_BADLY,
        STATXT=" ".join(said)[:TDLINE] or None,
    )
