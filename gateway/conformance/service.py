"""A run: every check in its turn, by the rules of our deliveries, within a bounded time."""

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Literal

from gateway.conformance.checks import CHECKS, TOGETHER, Check
from gateway.conformance.messages import Maker, Shot, Signer
from gateway.endpoints.documents import ERRORS
from webhooks.policy import Answer
from webhooks.transport import Transport

Status = Literal["passed", "failed", "not_run"]

NOWHERE = frozenset({"blocked_by_policy", "connection_failed", "connection_refused", "dns_failure", "tls_error"})
"""Errors after which there is nobody to check."""

UNREACHABLE = "Not run, since the receiver cannot be reached."
LATE = "Not run, since there was no time left."


@dataclass(frozen=True, slots=True)
class Sent:
    """A request, its answer, and what is wrong with that."""

    shot: Shot
    answer: Answer
    fault: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a check; `details` say what is wrong."""

    check: Check
    status: Status
    details: tuple[str, ...] = ()
    sent: tuple[Sent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One receiver under check: `url` has passed `egress.check_url`, `key` is its secret's. `budget` in seconds."""

    url: str
    key: bytes
    transport: Transport
    clock: Callable[[], datetime]
    budget: float
    stopping: threading.Event

    def results(self) -> Iterator[Result]:
        """The results of all checks, each as soon as it is there."""
        until, make = monotonic() + self.budget, Maker(self.clock())
        keys: Mapping[Signer, bytes] = {"yours": self.key, "another": secrets.token_bytes(32)}
        reason: str | None = None
        for check in CHECKS:
            sent = () if reason else self._send_all(check, check.shots(make), keys, until)
            # What was sent when the time ended was cut off, and says nothing.
            if not reason and (self.stopping.is_set() or monotonic() >= until):
                reason = LATE
            yield Result(check, "not_run", (reason,)) if reason else _result(check, sent)
            if any(one.answer.error in NOWHERE for one in sent):
                reason = reason or UNREACHABLE

    def _send_all(
        self, check: Check, shots: Sequence[Shot], keys: Mapping[Signer, bytes], until: float
    ) -> tuple[Sent, ...]:
        def send(shot: Shot) -> Sent:
            answer = self.transport.send(shot.request(self.url, keys, self.clock()), until=until)
            return Sent(shot, answer, fault(shot, answer))

        if not check.at_once:
            return tuple(send(shot) for shot in shots if not self.stopping.is_set())
        with ThreadPoolExecutor(TOGETHER, thread_name_prefix="conformance") as pool:
            return tuple(pool.map(send, shots))


def _result(check: Check, sent: tuple[Sent, ...]) -> Result:
    details = tuple(f"{one.shot.label}: {one.fault}" for one in sent if one.fault is not None)
    return Result(check, "failed" if details else "passed", details, sent)


def fault(shot: Shot, answer: Answer) -> str | None:
    """What is wrong with this answer, for people; None where it is as expected."""
    code = answer.status_code
    if answer.error is not None or code is None:
        return f"{ERRORS[answer.error or 'bad_response']}."
    if code == 410:
        return "it was answered with 410, and that disables the endpoint for all messages."
    if code >= 500:
        return f"it was answered with {code}, like a crash."
    if shot.expected == "unhurt":
        return None
    if shot.expected == "taken":
        return None if 200 <= code < 300 else f"it was answered with {code}, and must be taken: with a 2xx."
    return None if code >= 400 else f"it was answered with {code}, and must be refused: with 400 or 401."
