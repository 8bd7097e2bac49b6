"""How one partner writes EDIFACT: a guideline, as data. The engine is the same for all."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from adapters.canonical import JobState
from adapters.edifact.codes import ANSWERED, DAY, DAYS, MINUTE, ORDRSP, PROGRESS, SECOND, WINDOW, ZONED


@dataclass(frozen=True, slots=True, kw_only=True)
class Guideline:
    """`release`: the directory. `orders`: 1001 of what is an order for us. `formats`: 2379 of dates that we take.

    `text`: characters of one component of FTX, `title` of IMD: a sentence goes on in the next where one is full.
    `day_of_order_is_none`: a delivery date that repeats the date of the order asks for nothing (Rexel). `writes`: what
    stands in UNH of our messages; without APERAK and OSTRPT, an ORDRSP has to do. `dated`: 2379 of our own DTM+137.
    """

    name: str
    title: str
    release: str
    orders: frozenset[str]
    formats: frozenset[str]
    text: int
    description: int
    day_of_order_is_none: bool
    windows: bool
    dated: str
    writes: Mapping[str, str]

    @property
    def states(self) -> dict[JobState, str | None]:
        """The word for each state: the document, and for an OSTRPT its code."""
        progress = PROGRESS if "OSTRPT" in self.writes else {}
        words: dict[JobState, str | None] = dict.fromkeys(JobState)
        words.update({state: f"OSTRPT {code}" for state, code in progress.items()})
        words.update(dict.fromkeys(ANSWERED, ORDRSP))
        if not progress:
            words[JobState.COMPLETED] = ORDRSP  # with DTM+35, the actual date
        return words


# EANCOM 2002 with habits of GS1 Switzerland's "Ideal Message": an order at the checkout of an electronics retailer.
INTERDISCOUNT = Guideline(
    name="interdiscount",
    title="EANCOM 2002",
    release="01B",
    orders=frozenset({"220", "224", "226"}),
    formats=frozenset({DAY, MINUTE, SECOND, ZONED, DAYS, WINDOW}),
    text=512,
    description=256,
    day_of_order_is_none=False,
    windows=True,
    dated=MINUTE,
    writes=MappingProxyType(
        {
            "CONTRL": "CONTRL:D:3:UN",
            "ORDRSP": "ORDRSP:D:01B:UN:EAN009",
            "OSTRPT": "OSTRPT:D:01B:UN",
            "APERAK": "APERAK:D:01B:UN",
        }
    ),
)

# EDILEKTRO 2007 of the electrical and lighting trade. It has no ORDCHG; D.96A has, and we take it.
LUMIMART = Guideline(
    name="lumimart",
    title="EDILEKTRO 2007",
    release="96A",
    orders=frozenset({"220", "224", "226", "YB1"}),
    formats=frozenset({DAY, MINUTE, SECOND, DAYS}),
    text=70,
    description=35,
    day_of_order_is_none=True,
    windows=False,
    dated=DAY,
    writes=MappingProxyType({"CONTRL": "CONTRL:D:3:UN", "ORDRSP": "ORDRSP:D:96A:UN:EAN005"}),
)

GUIDELINES: Mapping[str, Guideline] = MappingProxyType({one.name: one for one in (INTERDISCOUNT, LUMIMART)})
