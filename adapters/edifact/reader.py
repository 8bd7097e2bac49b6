"""EDIFACT in: the ORDERS and ORDCHG of every interchange in a file become intents, or all that is wrong with them."""

from collections.abc import Callable, Mapping
from typing import Any

from adapters import values
from adapters.canonical import CancelOrder, ChangeOrder, Intent, LineChange, PlaceOrder, SupportOrder, Window
from adapters.edifact import lines, party, times
from adapters.edifact.codes import (
    ADDED,
    CANCELLATION,
    CHANGE,
    CHANGED,
    DELETED,
    DUPLICATE,
    KNOWN,
    NO_ACTION,
    ORIGINAL,
    REPLACE,
)
from adapters.edifact.document import Document, Item
from adapters.edifact.envelope import Interchange, Message, open_file, origin
from adapters.edifact.faults import Error, Faults
from adapters.edifact.grammar import Branch, check, match, rule_of
from adapters.edifact.settings import Settings

KIND, FUNCTION = Item("1001", 1), Item("1225", 3)
NUMBER = Item("1004", 2)
REFERENCE = Item("1154", 1, 2)
ORDER_NUMBER = 35  # characters

# What an order is known by elsewhere; it comes back in our answers.
REFERENCES = ("CR", "UC", "CT", "AAG")


def read(body: bytes, settings: Settings) -> list[Intent]:
    """The intents of a file, in its order. Raises `TranslationError` with every fault of all of its messages."""
    faults = Faults()
    intents: list[Intent] = []
    for number, interchange in enumerate(open_file(body, faults)):
        faults.interchange = number
        outer = f"UNB[{number + 1}]/" if number else ""
        faults.message, faults.prefix = None, outer
        _check_parties(interchange, settings, faults)
        for place, message in enumerate(interchange.messages):
            faults.message = place
            faults.prefix = f"{outer}UNH[{place + 1}]/" if place else outer
            intent = _message(message, interchange, settings, faults)
            if intent is not None:
                intents.append(intent)
    faults.done()
    return intents


def _check_parties(interchange: Interchange, settings: Settings, faults: Faults) -> None:
    """Whom it is from and for, where that was agreed."""
    header = interchange.header
    if settings.partner_id and header.get(2) != settings.partner_id:
        faults.add(Error.UNKNOWN_SENDER, "UNB/0004", "unknown_sender", "This is not the agreed sender.", (header, 2, 1))
    if settings.our_id and header.get(3) != settings.our_id:
        detail = "This is not our identification."
        faults.add(Error.OTHER_RECIPIENT, "UNB/0010", "other_recipient", detail, (header, 3, 1))


def _message(message: Message, interchange: Interchange, settings: Settings, faults: Faults) -> Intent | None:
    kind = [*message.kind, "", "", "", ""]
    at = (message.segments[0], 2, 1)
    reader = READERS.get(kind[0])
    if reader is None:
        detail = "Here ORDERS and ORDCHG are taken."
        faults.unsupported("UNH/0065", "not_for_us", detail, at)
        return None
    guideline = settings.guideline_of(kind[2])
    if guideline is None or kind[1] != "D" or kind[3] != "UN":
        faults.unsupported("UNH/S009", "other_directory", "Messages of another directory were agreed.", at)
        return None
    root = match(message.segments, rule_of(guideline.release, kind[0]), faults)
    check(root, message.segments, guideline.release, interchange.characters, faults)
    return reader(
        Document(root, faults, guideline, settings, interchange.characters.decimal), _echo(message, interchange)
    )


def _echo(message: Message, interchange: Interchange) -> dict[str, Any]:
    ignored = sum(segment.tag not in KNOWN for segment in message.segments)
    return {
        "interchange": origin(interchange),
        "message": {"reference": message.reference, "kind": message.kind},
        **({"ignored": ignored} if ignored else {}),
    }


def _function(doc: Document, known: Mapping[str, str], silent: str) -> str:
    """1225: what is to be done with what the document says. `known` has the code, and why it cannot be, where so."""
    bgm = doc.root.first("BGM")
    code = bgm.get(*FUNCTION[1:]) if bgm else ""
    if bgm and code:
        reason = known.get(code)
        if reason is None:
            doc.add(doc.root, bgm, FUNCTION, "unknown_code", "This code has no meaning here.")
        elif reason:
            doc.faults.unsupported("BGM/1225", "unsupported", reason, (bgm, FUNCTION.element, FUNCTION.component))
    return code or silent


def _number(doc: Document) -> str:
    bgm = doc.root.first("BGM")
    return doc.needed(doc.root, bgm, NUMBER, values.line, ORDER_NUMBER) or ""


# --- ORDERS ------------------------------------------------------------------------------------------------------

_ORDER_FUNCTIONS = {
    ORIGINAL: "",
    DUPLICATE: "",
    CANCELLATION: "",
    REPLACE: "An order is not replaced by another; change it with an ORDCHG.",
    CHANGE: "An order is changed with an ORDCHG.",
}


def _orders(doc: Document, echo: dict[str, Any]) -> Intent | None:
    function = _function(doc, _ORDER_FUNCTIONS, ORIGINAL)
    _check_kind(doc, doc.guideline.orders, "This is not a kind of order that we take.")
    if function == CANCELLATION:
        # EDILEKTRO has no ORDCHG: the order comes again, and says that it is none.
        return CancelOrder(partner_order_id=_number(doc), change_id=_version(doc), pointer="BGM", echo=echo)
    found = lines.ordered(doc)
    asked = times.windows(doc, doc.root)
    currency = lines.currency(doc)
    home = party.home(doc)
    ordered = tuple(lines.order_line(doc, line, asked, currency) for line in found)
    if not found:
        doc.missing(doc.root, "LIN")
    if home is None:
        return None
    address = party.place(doc, home)
    return PlaceOrder(
        order=SupportOrder(
            partner_order_id=_number(doc),
            ordered_at=times.moment(doc, doc.root, times.DOCUMENT),
            customer=party.person(doc, home, address.country),
            service_address=address,
            lines=ordered,
            notes=lines.text(doc, doc.root),
            echo=echo | party.ids(doc) | _references(doc),
        )
    )


def _check_kind(doc: Document, known: frozenset[str], detail: str) -> None:
    bgm = doc.root.first("BGM")
    if bgm and bgm.get(*KIND[1:]) not in known:
        doc.add(doc.root, bgm, KIND, "unknown_code", detail)


def _references(doc: Document) -> dict[str, Any]:
    found: dict[str, str] = {}
    for group in doc.root.each("RFF"):
        kind, number = group.trigger.get(1), group.trigger.get(1, 2)
        if kind in REFERENCES and number:
            found.setdefault(kind, number)
    return {"references": found} if found else {}


# --- ORDCHG ------------------------------------------------------------------------------------------------------

_CHANGE_FUNCTIONS = {
    CHANGE: "",
    REPLACE: "",
    CANCELLATION: "",
    DUPLICATE: "",
    "17": "Cancel the order, and send the new one as an ORDERS.",
}
_CHANGE_KINDS = frozenset({"230"})


def _ordchg(doc: Document, echo: dict[str, Any]) -> Intent:
    function = _function(doc, _CHANGE_FUNCTIONS, CHANGE)
    _check_kind(doc, _CHANGE_KINDS, "An ORDCHG has 230 here.")
    found = lines.ordered(doc)
    asked = times.windows(doc, doc.root)
    currency = lines.currency(doc)
    changes = tuple(change for line in found if (change := _line_change(doc, line, asked, currency)))
    order, version = _order_number(doc), _version(doc)
    echo |= {"number": _number(doc)}
    if function == CANCELLATION:
        _check_contradiction(doc, found)
        return CancelOrder(
            partner_order_id=order, change_id=version, pointer="BGM", text=lines.text(doc, doc.root), echo=echo
        )
    if not found:
        doc.missing(doc.root, "LIN", "A change names the lines that it changes.")
    return ChangeOrder(
        partner_order_id=order,
        change_id=version,
        lines=changes,
        pointer="BGM",
        cancel_missing=function == REPLACE,
        echo=echo,
    )


def _order_number(doc: Document) -> str:
    """RFF+ON; some leave it out and repeat the number of the order in BGM."""
    for group in doc.root.each("RFF"):
        if group.trigger.get(1) == "ON":
            return doc.needed(group, group.trigger, REFERENCE, values.line, ORDER_NUMBER) or ""
    return _number(doc)


def _version(doc: Document) -> str:
    """EDIFACT numbers no versions: the date of the document orders them, and the digits that its number ends with."""
    dated = times.moment(doc, doc.root, times.DOCUMENT)
    if dated is None:
        if doc.root.first("DTM", times.DOCUMENT) is None:
            doc.missing(doc.root, "DTM+137", "A later version needs its date.")
        return ""
    number = _number(doc)
    serial = number[len(number.rstrip("0123456789")) :][-6:]
    return f"{dated.timestamp():.0f}{serial:0>6}"


def _check_contradiction(doc: Document, found: list[Branch]) -> None:
    for line in found:
        if line.trigger.get(*lines.ACTION[1:]) not in ("", DELETED):
            detail = "The whole order is cancelled; this line says something else."
            doc.add(line, line.trigger, lines.ACTION, "contradiction", detail)


def _line_change(doc: Document, line: Branch, asked: tuple[Window, ...], currency: str | None) -> LineChange | None:
    action, pointer = line.trigger.get(*lines.ACTION[1:]) or CHANGED, line.pointer.removesuffix("/")
    if action == ADDED:
        added = lines.order_line(doc, line, asked, currency)
        return LineChange(pointer=pointer, line_id=added.line_id, added=added)
    count = lines.quantity(doc, line, 0)
    windows = times.windows(doc, line) or asked
    number = lines.number(doc, line)
    if action == NO_ACTION:
        return None
    if action not in (CHANGED, DELETED):
        doc.add(line, line.trigger, lines.ACTION, "unknown_code", "This code has no meaning in a change.")
    gone = action == DELETED or count == 0
    return LineChange(
        pointer=pointer,
        line_id=number,
        quantity=0 if gone else count,
        requested_windows=() if gone else windows,
        cancelled=gone,
    )


READERS: Mapping[str, Callable[[Document, dict[str, Any]], Intent | None]] = {"ORDERS": _orders, "ORDCHG": _ordchg}
