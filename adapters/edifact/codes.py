"""EDIFACT's words, and what we call the same thing."""

from collections.abc import Mapping
from types import MappingProxyType

from adapters.canonical import JobState

ORDRSP = "ORDRSP"

# Code list 4405 of D.01B, which an OSTRPT says in STS; ORDRSP says dates and ends of lines before the visit. D.96A has
# no such codes, so that its partners hear of nothing in between.
PROGRESS: Mapping[JobState, str] = MappingProxyType(
    {
        JobState.ON_HOLD: "97",  # pending
        JobState.CONFIRMED: "73",  # confirmed
        JobState.IN_PROGRESS: "35",  # started
        JobState.CHANGE_PENDING: "42",  # approval pending
        JobState.PAUSED: "43",  # postponed
        JobState.COMPLETED: "2",  # done
        JobState.DISPUTED: "90",  # disputed
        JobState.FAILED: "41",  # rejected; FTX says why
        JobState.HANDED_OVER: "3",  # passed on
    }
)
ANSWERED = frozenset({JobState.REJECTED, JobState.SCHEDULED, JobState.CANCELLED})

# A visit in one of these does not count in QTY+113 any more.
GONE = frozenset({JobState.REJECTED, JobState.CANCELLED, JobState.HANDED_OVER})

# DTM 2379, and where the written form is cut into a day and a time.
DAY, MINUTE, SECOND, ZONED, DAYS, WINDOW = "102", "203", "204", "205", "718", "719"

# 1229 of ORDCHG; 5 to 7 are answers.
ADDED, DELETED, CHANGED, NO_ACTION = "1", "2", "3", "4"
# 1229 of ORDRSP.
ACCEPTED, AMENDED, REFUSED = "5", "6", "7"

# 1225 of ORDERS and ORDCHG. 7 is the same document again, which the order number shows.
CANCELLATION, CHANGE, REPLACE, DUPLICATE, ORIGINAL = "1", "4", "5", "7", "9"
# 1225 of ORDRSP.
NOT_PROCESSED, NOT_ACCEPTED, AS_IT_IS, WITH_AMENDMENT = "12", "27", "29", "30"

# Segments that the reader reads, or knows to say nothing about a visit. Others are ignored and counted.
KNOWN = frozenset(
    "UNH BGM DTM FTX RFF NAD DOC CTA COM CUX LIN PIA IMD QTY MOA PRI UNS CNT UNT TAX AJT".split()  # noqa: SIM905
)
