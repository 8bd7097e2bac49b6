"""SAP's words, and what we call the same thing."""

from collections.abc import Mapping
from enum import StrEnum

from adapters.canonical import JobState

# An ORDRSP confirms, dates and refuses lines, and says once more when a visit is done. SAP has no document for what
# happens on the way, nor for a visit that failed and may be made again.
STATES: Mapping[JobState, str | None] = {
    JobState.RECEIVED: None,
    JobState.REJECTED: "ORDRSP",
    JobState.ON_HOLD: None,
    JobState.UNSCHEDULED: None,
    JobState.SCHEDULED: "ORDRSP",
    JobState.OFFERED: None,
    JobState.UNASSIGNABLE: None,
    JobState.ASSIGNED: None,
    JobState.CONFIRMED: None,
    JobState.EN_ROUTE: None,
    JobState.ON_SITE: None,
    JobState.IN_PROGRESS: None,
    JobState.CHANGE_PENDING: None,
    JobState.PAUSED: None,
    JobState.WORK_DONE: None,
    JobState.COMPLETED: "ORDRSP",
    JobState.DISPUTED: None,
    JobState.FAILED: None,
    JobState.CANCELLED: "ORDRSP",
    JobState.HANDED_OVER: None,
}

# A visit in one of these does not count in a line's MENGE any more.
GONE = frozenset({JobState.REJECTED, JobState.CANCELLED, JobState.HANDED_OVER})


class Action(StrEnum):
    """E1EDP01/ACTION and E1EDK01/ACTION. EDIFACT's 1229 has other numbers: there 2 deletes and 3 changes."""

    NEW = "001"
    CHANGED = "002"
    DELETED = "003"
    UNCHANGED = "004"


# 000 is what some systems write for "as it was".
ACTIONS: Mapping[str, Action] = {**{action.value: action for action in Action}, "000": Action.UNCHANGED}

# Units of MENEE that count visits, in SAP's own and in ISO's codes. Hours and the like do not.
UNITS = frozenset({"ACT", "AU", "C62", "E48", "EA", "H87", "LE", "PC", "PCE", "ST", "STK"})
PIECE = "LE"  # Leistungseinheit

# MESTYPs of the standard that nobody sends to a supplier of services.
NOT_FOR_US = frozenset({"DELINS", "DESADV", "INVOIC", "ORDRSP", "QUOTES", "REMADV", "REQOTE", "SHPMNT", "STATUS"})

# SPRAS, SAP's language key of one letter; it counts only where SPRAS_ISO is missing.
LANGUAGES: Mapping[str, str] = {
    "1": "zh",
    "2": "th",
    "3": "ko",
    "4": "ro",
    "5": "sl",
    "6": "hr",
    "8": "uk",
    "A": "ar",
    "B": "he",
    "C": "cs",
    "D": "de",
    "E": "en",
    "F": "fr",
    "G": "el",
    "H": "hu",
    "I": "it",
    "J": "ja",
    "K": "da",
    "L": "pl",
    "M": "zh",
    "N": "nl",
    "O": "no",
    "P": "pt",
    "Q": "sk",
    "R": "ru",
    "S": "es",
    "T": "tr",
    "U": "fi",
    "V": "sv",
    "W": "bg",
}

# How the names of segments begin, SAP's and those of others; fields have other names.
SEGMENTS = ("E1", "E2", "Y", "Z", "_-")

# Segments that the reader reads, or knows to say nothing about a visit. Any other is ignored and counted.
_KNOWN = """
EDI_DC40 E1EDK01 E1EDK02 E1EDK03 E1EDK14 E1EDK17 E1EDK18 E1EDKA1 E1EDKT1 E1EDP01 E1EDS01
E1EDP02 E1EDP03 E1EDP05 E1EDP19 E1EDP20 E1EDPA1 E1EDPT1
"""
KNOWN = frozenset(_KNOWN.split())
