"""IDoc XML in: ORDERS and ORDCHG become intents, any number of them in one file.

The name of the root says nothing, since partners have basic types of their own: EDI_DC40/MESTYP decides.
"""

from datetime import datetime

from lxml import etree

from adapters import values
from adapters.canonical import CancelOrder, ChangeOrder, Intent, LineChange, PlaceOrder, SupportOrder, Window
from adapters.errors import InvalidOrder, MalformedMessage, Problem, Unsupported
from adapters.idoc import fields, items, partner
from adapters.idoc.codes import KNOWN, SEGMENTS, Action
from adapters.idoc.control import NOT_DONE, Control, change_id, control
from adapters.idoc.fields import Idoc, qualified
from adapters.idoc.settings import ORDCHG, ORDERS, Settings
from adapters.reading import Problems
from adapters.xml import Node, local_name

MAX_IDOCS = 100
BELNR = 35  # characters


def read(root: etree._Element, settings: Settings) -> list[Intent]:
    """The intents of one file, in the order of their SERIAL. Raises `TranslationError` with every problem of it."""
    problems = Problems()
    found = idocs(root, problems)
    if not found:
        detail = "There is no IDOC in this document."
        raise MalformedMessage([Problem(pointer=f"/{local_name(root)[:64]}", code="not_an_idoc", detail=detail)])
    if len(found) > MAX_IDOCS:
        problems.add(f"IDOC[{MAX_IDOCS + 1}]", "too_many", f"A file has at most {MAX_IDOCS} IDocs.")
    intents = [_intent(idoc, settings) for idoc in found[:MAX_IDOCS]]
    problems.done(Unsupported if all(problem.code in NOT_DONE for problem in problems.found) else InvalidOrder)
    return [intent for _, intent in sorted(intents, key=lambda told: told[0]) if intent]


def idocs(root: etree._Element, problems: Problems) -> list[Idoc]:
    found = [child for child in root if local_name(child) == "IDOC"]
    several = len(found) > 1
    return [Idoc(idoc, problems, place=n if several else 0) for n, idoc in enumerate(found, 1)]


def _intent(idoc: Idoc, settings: Settings) -> tuple[int, Intent | None]:
    head = control(idoc, settings)
    serial = int(head.serial or 0)
    if head.message == ORDERS:
        return serial, _order(idoc, head, settings)
    return serial, _change(idoc, head, settings) if head.message == ORDCHG else None


def _order(idoc: Idoc, head: Control, settings: Settings) -> PlaceOrder:
    header = idoc.child("E1EDK01")
    if _action(header) in (Action.CHANGED, Action.DELETED):
        idoc.problems.add(f"{header.pointer}/ACTION", "not_new", "An ORDERS is new; changes come as ORDCHG.")
    found = _items(idoc)
    customer, address = partner.visit(partner.home(idoc, found))
    currency = _currency(header, found)
    asked = _asked(idoc, settings)
    ordered = tuple(items.line(item, settings, asked, currency) for item in found)
    return PlaceOrder(
        order=SupportOrder(
            partner_order_id=_order_id(idoc),
            ordered_at=_ordered_at(idoc, settings),
            customer=customer,
            service_address=address,
            lines=ordered,
            notes=fields.prose(idoc, "E1EDKT1", "E1EDKT2"),
            echo=head.echo | _ignored(idoc, found),
        )
    )


def _currency(header: Node, new: list[Node]) -> str | None:
    if not header.says("CURCY") and any(item.says("VPREI") for item in new):
        header.problems.add(f"{header.pointer}/CURCY", "missing", "A price needs a currency.")
    return header.text("CURCY", values.currency)


def _items(idoc: Idoc) -> list[Node]:
    found = items.items(idoc)
    if not found:
        pointer = Node(etree.Element("E1EDP01"), idoc.problems, idoc).pointer
        idoc.problems.add(pointer, "missing", "This is missing.")
    return found


def _action(header: Node) -> Action | None:
    return header.text("ACTION", items.action)


def _order_id(idoc: Idoc) -> str:
    """The purchase order: E1EDK02 with QUALF 001, or E1EDK01 where a system has it only there."""
    reference, header = qualified(idoc, "E1EDK02", "QUALF", "001"), idoc.child("E1EDK01")
    if reference is None or not reference.says("BELNR"):
        return header.needed("BELNR", values.line, BELNR) or ""
    told = reference.text("BELNR", values.line, BELNR) or ""
    if header.says("BELNR") and header.text("BELNR", values.line, BELNR) != told:
        detail = "E1EDK02 and E1EDK01 name two purchase orders."
        idoc.problems.add(f"{reference.pointer}/BELNR", "two_order_numbers", detail)
    return told


def _ordered_at(idoc: Idoc, settings: Settings) -> datetime | None:
    for segment, qualifier, code in (("E1EDK02", "QUALF", "001"), ("E1EDK03", "IDDAT", "012")):
        dated = qualified(idoc, segment, qualifier, code)
        at = fields.moment(dated, "DATUM", "UZEIT", settings)[0] if dated else None
        if at is not None:
            return at
    return None


def _asked(idoc: Idoc, settings: Settings) -> items.Asked:
    """The date of delivery in the header, read when the first item without one of its own asks for it."""
    found: list[tuple[Window, ...]] = []

    def asked() -> tuple[Window, ...]:
        if not found:
            dated = qualified(idoc, "E1EDK03", "IDDAT", "002")
            found.append(fields.window(dated, "DATUM", "UZEIT", settings) if dated else ())
        return found[0]

    return asked


def _ignored(idoc: Idoc, found: list[Node]) -> dict[str, object]:
    """How many segments there are that nobody here reads."""
    strange = [name for node in (idoc, *found) for name in node.names if name not in KNOWN]
    count = len([name for name in strange if name.startswith(SEGMENTS)])
    return {"ignored": count} if count else {}


# --- later versions ----------------------------------------------------------------------------------------------


def _change(idoc: Idoc, head: Control, settings: Settings) -> ChangeOrder | CancelOrder:
    """Where everything that it names is deleted it is a cancellation, and happens as a whole or not at all."""
    header = idoc.child("E1EDK01")
    whole = _action(header) is Action.DELETED
    named = () if whole else _changes(idoc, settings)
    order_id, number = _order_id(idoc), change_id(idoc, head)
    if whole or all(line.cancelled for line in named):
        return CancelOrder(
            partner_order_id=order_id,
            change_id=number,
            lines=named,
            pointer=header.pointer,
            text=fields.prose(idoc, "E1EDKT1", "E1EDKT2"),
            echo=head.echo,
        )
    return ChangeOrder(partner_order_id=order_id, change_id=number, lines=named, pointer=header.pointer, echo=head.echo)


def _changes(idoc: Idoc, settings: Settings) -> tuple[LineChange, ...]:
    found = _items(idoc)
    added = [item for item in found if item.raw("ACTION") == Action.NEW]
    if added:
        partner.one_place(idoc, found)
    currency = _currency(idoc.child("E1EDK01"), added)
    asked = _asked(idoc, settings)
    return tuple(items.change(item, settings, asked, currency) for item in found)
