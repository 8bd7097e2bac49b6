"""EDI_DC40: who sent the IDoc, what kind it is, and where it stands in the row of its sender's documents."""

import re
from dataclasses import dataclass
from typing import Any

from adapters import values
from adapters.idoc.codes import NOT_FOR_US
from adapters.idoc.fields import Idoc
from adapters.idoc.settings import ORDCHG, ORDERS, Settings
from adapters.reading import Unfit

# What our own IDocs repeat, with the sides exchanged.
ECHOED = ("MANDT", "DOCNUM", "SNDPOR", "SNDPRT", "SNDPFC", "SNDPRN", "RCVPOR", "RCVPRT", "RCVPFC", "RCVPRN")

# Problems about what we cannot do, rather than about what is wrong.
NOT_DONE = frozenset({"not_for_us", "unknown_message_type"})

_DIGITS = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """`message`: ORDERS or ORDCHG. `serial`: later documents of one sender have a higher one."""

    message: str | None
    serial: str | None
    echo: dict[str, Any]


def control(idoc: Idoc, settings: Settings) -> Control:
    record = idoc.child("EDI_DC40")
    told = {name: value for name in ECHOED if (value := record.text(name, values.line, values.SHORT))}
    return Control(
        message=record.needed("MESTYP", _message, settings),
        serial=record.text("SERIAL", _digits) or _created(idoc),
        echo={"control": told},
    )


def _message(text: str, settings: Settings) -> str:
    message = settings.message_types.get(text, text)
    if message in NOT_FOR_US:
        raise Unfit("not_for_us", "This is a message for the customer's side; here ORDERS and ORDCHG are taken.")
    if message not in (ORDERS, ORDCHG):
        raise Unfit("unknown_message_type", "This is neither ORDERS nor ORDCHG; say in the options which one it is.")
    return message


def _digits(text: str) -> str:
    if not _DIGITS.fullmatch(text):
        raise Unfit("not_a_number", "This is a number of digits only.")
    return text.lstrip("0")


def _created(idoc: Idoc) -> str | None:
    """SERIAL is filled where serialisation is switched on; elsewhere the time of creation tells which came later."""
    record = idoc.child("EDI_DC40")
    day, clock = record.text("CREDAT", _digits), record.raw("CRETIM")
    return f"{day}{record.text('CRETIM', _digits) or '':0>6}" if day and clock else None


def change_id(idoc: Idoc, read: Control) -> str:
    """The number of a change: its place in the row, then DOCNUM, since two documents may be of the same second."""
    if read.serial is None:
        record = idoc.child("EDI_DC40")
        record.problems.add(f"{record.pointer}/SERIAL", "missing", "A change needs SERIAL, or CREDAT and CRETIM.")
    return f"{read.serial}{read.echo['control'].get('DOCNUM', ''):0>16}"
