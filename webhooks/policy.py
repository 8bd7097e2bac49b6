"""What an answer means, and when to try again. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, Literal

JITTER = 0.2
"""A delay grows by up to a fifth, so that what failed together does not come back together."""

Step = Literal["call", "probe", "token", "folder", "inbox"]
"""Where an attempt ended: at the call itself, at the question before it, at its token, at a file, or in an inbox."""

Ruling = Literal["delivered", "retry", "failed"]
"""What a dialect makes of an answer; `failed` is for good."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The delays after each failed attempt, and the longest one a receiver may ask for."""

    delays: tuple[timedelta, ...]
    longest: timedelta


def _seconds(*seconds: int) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=one) for one in seconds)


# The schedule Standard Webhooks recommends: about 75 hours.
LIVE = Schedule(
    _seconds(5) + tuple(timedelta(minutes=one) for one in (5, 30, 120, 300, 600, 840, 1200, 1440)), timedelta(hours=24)
)
SANDBOX = Schedule(_seconds(2, 5, 10, 20), timedelta(seconds=60))


@dataclass(frozen=True, slots=True)
class Circuit:
    """An endpoint that failed `after` times in a row is left alone for `pause`, then for twice that, up to `longest`.

    A call that hung until its time was up is as bad as `hung` that were refused: it has held a thread all the while.
    After each pause one call is made, and what becomes of it decides. Whoever asks for a pause gets up to `hold`.
    """

    after: int
    hung: int
    pause: timedelta
    longest: timedelta
    hold: timedelta


CIRCUIT = Circuit(10, 4, timedelta(seconds=5), timedelta(minutes=5), timedelta(hours=1))

Health = Literal["well", "ill", "hung", "unknown"]
"""What an attempt says of its endpoint; `unknown` where it was not asked."""

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one attempt: a `status_code`, or an `error` of the transport's vocabulary, or both.

    `abort`: the receiver does not want this message again. `headers` (names in lower case) and `body` are there for
    whoever asked for them. `chaos` is how the attempt was disturbed on purpose (`webhooks.chaos`).
    """

    status_code: int | None = None
    error: str | None = None
    retry_after: str | None = None
    abort: bool = False
    duration_ms: int = 0
    excerpt: str | None = None
    step: Step = "call"
    headers: Mapping[str, str] = field(default_factory=lambda: NOTHING, repr=False)
    body: bytes = field(default=b"", repr=False)
    chaos: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of the message; `disable` is for its endpoint, and `hold`, for which nothing is to be sent there."""

    status: Literal["delivered", "pending", "failed"]
    error: str | None = None
    next_attempt_at: datetime | None = None
    disable: bool = False
    hold: timedelta | None = None

    @property
    def ruling(self) -> Ruling:
        """What it means for the attempt."""
        return "retry" if self.status == "pending" else self.status


def judge(
    answer: Answer, schedule: Schedule, attempts: int, *, now: datetime, chance: float, ruling: Ruling | None = None
) -> Verdict:
    """The verdict over an answer; `attempts` counts the ones before it, `chance` is in [0, 1).

    Where a dialect has ruled, its word holds, whatever the status; but not against a receiver who wants no more of it.
    """
    error = trouble(answer, ruling)
    if error is None:
        return Verdict(status="delivered")
    if ruling == "failed":
        return Verdict(status="failed", error="refused")
    gone = answer.status_code == 410 and answer.step == "call" and ruling is None
    if answer.abort and answer.step == "call" and not gone:
        return Verdict(status="failed", error="aborted")
    if attempts >= len(schedule.delays):
        return Verdict(status="failed", error=error, disable=gone)
    if gone:
        # Nothing is sent while it is disabled; when somebody enables it again, it is due.
        return Verdict(status="pending", error=error, next_attempt_at=now, disable=True)
    delay = schedule.delays[attempts] * (1 + JITTER * chance)
    asked = wished_delay(answer.retry_after, schedule.longest, now=now)
    hold = min(asked, CIRCUIT.hold) if asked and answer.step == "call" and answer.status_code in BUSY else None
    return Verdict(status="pending", error=error, next_attempt_at=now + max(delay, asked), hold=hold)


BUSY = frozenset({429, 503})
"""Statuses of which the whole endpoint speaks: where they name a time, nothing is sent there until then."""

TIRED = frozenset({408, 429})
NOT_THEIRS = frozenset({"internal_error", "blocked_by_policy", "no_folder", "proxy_unavailable"})
"""Errors that nobody there can do anything about."""

_RULED: Mapping[Ruling, str | None] = {"delivered": None, "retry": "not_taken", "failed": "refused"}


def trouble(answer: Answer, ruling: Ruling | None) -> str | None:
    """Why an attempt is no success, where a dialect may have ruled."""
    return fault(answer) if ruling is None else _RULED[ruling] and (fault(answer) or _RULED[ruling])


def fault(answer: Answer) -> str | None:
    """Why this answer is no success: None for a complete 2xx."""
    code = answer.status_code
    if answer.error is not None or code is None:
        return answer.error or "bad_response"
    if 200 <= code < 300:
        return None
    if 300 <= code < 400:
        return "redirect"
    return "gone" if code == 410 else "unexpected_status"


def health(answer: Answer, verdict: Verdict) -> Health:
    """Whoever answers is well, even when the answer is no: but not with 5xx, too late, or that it is too much.

    What an attempt that was disturbed on purpose came to, says nothing.
    """
    if verdict.status == "delivered" or verdict.error == "refused":
        return "well"
    if answer.error in NOT_THEIRS or answer.chaos is not None:
        return "unknown"
    if answer.error == "timeout":
        return "hung"
    code = answer.status_code
    return "ill" if answer.error is not None or code is None or code >= 500 or code in TIRED else "well"


def wished_delay(value: str | None, longest: timedelta, *, now: datetime) -> timedelta:
    """What `Retry-After` asks for (seconds or an HTTP date, RFC 9110 §10.2.3): from nothing to `longest`."""
    text = (value or "").strip()
    if text.isascii() and text.isdecimal():
        return longest if len(text) > 9 else min(timedelta(seconds=int(text)), longest)
    try:
        moment = parsedate_to_datetime(text)
        asked = moment.replace(tzinfo=moment.tzinfo or UTC) - now
    except (ValueError, TypeError, IndexError, OverflowError):
        return timedelta(0)
    return min(max(asked, timedelta(0)), longest)
