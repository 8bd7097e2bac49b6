"""EDIFACT out: ORDRSP for the lines of an order, OSTRPT for a visit on its way, APERAK for what has no order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from adapters.canonical import Job, JobState, OrderLine, StatusUpdate, SupportOrder, Window
from adapters.edifact.codes import (
    ACCEPTED,
    AMENDED,
    AS_IT_IS,
    DAY,
    DELETED,
    GONE,
    MINUTE,
    NOT_ACCEPTED,
    REFUSED,
    WINDOW,
    WITH_AMENDMENT,
)
from adapters.edifact.guidelines import Guideline
from adapters.edifact.letters import Letter
from adapters.edifact.syntax import written
from adapters.errors import Problem

_DAY, _MINUTE = "%Y%m%d", "%Y%m%d%H%M"
_MOST_DATES = 10  # of one line: as many visits on different days as anybody orders
_POINTER = 70  # characters of 1154


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A line, its visits as they stand, and why they were not changed as the partner asked."""

    line: OrderLine
    visits: Sequence[Job]
    refused: str | None = None

    @property
    def live(self) -> list[Job]:
        return [visit for visit in self.visits if visit.state not in GONE]

    @property
    def action(self) -> str:
        """1229: what became of the line."""
        if self.refused is not None:
            return REFUSED
        if not self.live:
            cancelled = any(visit.state == JobState.CANCELLED for visit in self.visits)
            return DELETED if cancelled else REFUSED
        asked = self.line.requested_windows
        moved = asked and any(visit.window not in asked for visit in self.live if visit.window)
        return AMENDED if moved or len(self.live) < self.line.quantity else ACCEPTED

    @property
    def reason(self) -> str | None:
        """In words, for whoever reads the answer."""
        told = [visit.reason.text or visit.reason.code for visit in self.visits if visit.reason and visit.state in GONE]
        return self.refused or ", ".join(dict.fromkeys(told)) or None


def verdict(standings: Sequence[Standing], *, confirms: bool) -> str:
    """1225 of an answer; `confirms` where the partner itself has asked for what became of the lines."""
    actions = {standing.action for standing in standings}
    if actions <= ({ACCEPTED, AMENDED, DELETED} if confirms else {ACCEPTED}):
        return AS_IT_IS
    return NOT_ACCEPTED if actions == {REFUSED} else WITH_AMENDMENT


# --- ORDRSP ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What an ORDRSP is about: an order by both numbers, 1225, the change that it answers, why there are no lines."""

    partner_order_id: str
    function: str
    order_id: str | None = None
    order: SupportOrder | None = None
    change: str | None = None
    reasons: Sequence[str] = ()


def ordrsp(letter: Letter, guideline: Guideline, response: Response, lines: Sequence[Standing]) -> Iterator[str]:
    """The segments between UNH and UNT."""
    order = response.order
    yield written("BGM", "231", letter.reference, response.function)
    yield _dated(letter, guideline)
    for reason in response.reasons:
        yield from _text(reason, guideline)
    yield written("RFF", ("ON", response.partner_order_id))
    if order and order.ordered_at:
        day = order.ordered_at.astimezone(letter.settings.zone).strftime(_DAY)
        yield written("DTM", ("171", day, DAY))
    if response.order_id:
        yield written("RFF", ("VN", response.order_id))
    if response.change:
        yield written("RFF", ("ACE", response.change))
    yield from _parties(letter, order.echo if order else {})
    currency = next((line.line.price.currency for line in lines if line.line.price), None)
    if currency:
        yield written("CUX", ("2", currency, "9"))
    for standing in lines:
        yield from _line(letter, guideline, response.partner_order_id, standing)
    yield written("UNS", "S")
    yield written("CNT", ("2", len(lines)))


def _dated(letter: Letter, guideline: Guideline) -> str:
    return written("DTM", ("137", letter.local(_DAY if guideline.dated == DAY else _MINUTE), guideline.dated))


def _parties(letter: Letter, echo: Mapping[str, Any]) -> Iterator[str]:
    """Buyer and supplier, as they called themselves; without that, as the envelope does."""
    for role, otherwise in (("BY", letter.recipient[0]), ("SU", letter.sender[0])):
        number, giver = echo.get(role) or (otherwise, "9")
        yield written("NAD", role, (number, None, giver or None))


def _line(letter: Letter, guideline: Guideline, partner_order_id: str, standing: Standing) -> Iterator[str]:
    line, echo = standing.line, standing.line.echo
    unit = str(echo.get("unit") or "") or None
    yield _lin(line, standing.action)
    if line.sku:
        yield written("PIA", "5", (line.sku, "SA"))
    if theirs := echo.get("theirs"):
        yield written("PIA", "5", (str(theirs), "BP" if guideline.release == "96A" else "IN"))
    yield written("QTY", ("21", line.quantity, unit))
    yield written("QTY", ("113", len(standing.live), unit))
    yield from _dates(guideline, standing.live)
    if standing.reason:
        yield from _text(standing.reason, guideline)
    yield written("RFF", ("ON", partner_order_id, line.line_id))


def _lin(line: OrderLine, action: str | None) -> str:
    """LIN with their own number, and the GTIN by which they know the service."""
    echo = line.echo
    gtin, kind = echo.get("gtin") or line.gtin, echo.get("gtin_kind") or ("SRV" if line.gtin else None)
    part_of = ("1", str(echo["part_of"])) if echo.get("part_of") else None
    return written("LIN", line.line_id, action, (gtin, kind) if gtin else None, part_of)


def _dates(guideline: Guideline, visits: Sequence[Job]) -> Iterator[str]:
    """69 when each visit is promised, and 35 when one took place."""
    done = sorted({_local(visit, visit.state_since) for visit in visits if visit.state == JobState.COMPLETED})
    for at in done[:_MOST_DATES]:
        yield written("DTM", ("35", at, MINUTE))
    promised = sorted({_edges(visit, visit.window) for visit in visits if visit.window and not _is_done(visit)})
    for start, end in promised[:_MOST_DATES]:
        if guideline.windows:
            yield written("DTM", ("69", start + end, WINDOW))
        else:
            yield written("DTM", ("69", start, MINUTE))
    if len(promised) == 1 and not guideline.windows:
        yield written("DTM", ("64", promised[0][0], MINUTE))
        yield written("DTM", ("63", promised[0][1], MINUTE))


def _is_done(visit: Job) -> bool:
    return visit.state == JobState.COMPLETED


def _edges(visit: Job, window: Window) -> tuple[str, str]:
    return _local(visit, window.start), _local(visit, window.end)


def _local(visit: Job, at: Any) -> str:
    return str(at.astimezone(ZoneInfo(visit.timezone)).strftime(_MINUTE))


def _text(text: str, guideline: Guideline) -> Iterator[str]:
    """FTX, for people: five components of what fits into each."""
    parts = [text[at : at + guideline.text] for at in range(0, len(text), guideline.text)]
    yield written("FTX", "AAI", None, None, tuple(parts[:5]))


# --- OSTRPT ------------------------------------------------------------------------------------------------------


def ostrpt(letter: Letter, guideline: Guideline, update: StatusUpdate, line: OrderLine, status: str) -> Iterator[str]:
    """How one visit is getting on: STS says it, of a line of an order."""
    job = update.job
    yield written("BGM", "348", letter.reference, "9")
    yield _dated(letter, guideline)
    yield from _parties(letter, update.order.echo)
    yield written("DOC", "220", (job.partner_order_id,))
    yield written("RFF", ("VN", job.order_id))
    yield _lin(line, None)
    if job.reason:
        yield from _text(job.reason.text or job.reason.code, guideline)
    yield written("RFF", ("ON", job.partner_order_id, line.line_id))
    yield written("STS", ("2",), (status,))
    yield written("DTM", ("334", letter.local(_MINUTE), MINUTE))
    if job.window:
        start, end = _edges(job, job.window)
        yield written("DTM", ("69", start + end, WINDOW))
    yield written("QTY", ("21", 1))


# --- APERAK ------------------------------------------------------------------------------------------------------


def aperak(letter: Letter, guideline: Guideline, response: Response, problems: Sequence[Problem]) -> Iterator[str]:
    """Why nothing became of a document that is about no order of ours: each problem as code, sentence and place."""
    yield written("BGM", "305", letter.reference, response.function)
    yield _dated(letter, guideline)
    yield written("RFF", ("ON", response.partner_order_id))
    if response.change:
        yield written("RFF", ("ACE", response.change))
    yield written("NAD", "MS", (letter.sender[0], None, "9"))
    yield written("NAD", "MR", (letter.recipient[0], None, "9"))
    for problem in problems:
        yield written("ERC", (_word(problem.code),))
        yield from _text(f"{problem.detail} ({problem.code})", guideline)
        if problem.pointer:
            yield written("RFF", ("ACE", problem.pointer[:_POINTER]))


def _word(code: str) -> str:
    """9321 has eight characters, and the code list is whatever sender and receiver agree on."""
    return code.replace("_", "").upper()[:8]
