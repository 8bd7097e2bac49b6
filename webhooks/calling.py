"""The calls of one attempt: perhaps a token, perhaps a question first, then the call, all within one deadline."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Protocol

from webhooks import chaos, folders, schemes, signing, tracing
from webhooks.chaos import Disturb, Shot
from webhooks.delivery import Claimed
from webhooks.outbox import Payload
from webhooks.policy import NOTHING, Answer, Ruling, fault
from webhooks.schemes import Ask, Scheme, Sent
from webhooks.tenant import Tenant
from webhooks.tokens import NoToken
from webhooks.tracing import Trace
from webhooks.transport import MAX_RESPONSE, Request, Transport, joined

Open = Callable[[bytes, str, str], bytes]
"""Decrypts what is sealed: (sealed, owner, endpoint id) → plain."""

REMEMBERED = 4096
"""How many endpoints' schemes, and their tokens, are kept at once."""


class NotNow(Exception):
    """What is needed for an attempt is away for the moment; nothing was sent."""


class Judge(Protocol):
    """What a dialect makes of the answers to its calls."""

    def probed(self, call: Payload, answer: Answer) -> Payload | Ruling:
        """After the 2xx to the call's probe: the call to make now, or a ruling without one."""
        ...

    def judge(self, call: Payload, answer: Answer) -> Ruling:
        """The ruling over a call that was answered, whatever its status."""
        ...


Judges = Callable[[str, str], Judge | None]
"""Finds the judge for (owner, format); None where the status says all. Raises `NotNow`."""


FindFolder = Callable[[Tenant, str], Path | None]
"""Finds where the drop folders are, for a tenant who has one of this name. Raises `NotNow`."""

INBOX = "inbox:"
"""The URL of an endpoint whose calls go nowhere: its owner reads them where `PutDown` leaves them."""

PutDown = Callable[[Claimed, Request, datetime], bool]
"""Puts what would have been sent into the owner's inbox; False where there is none. Raises `NotNow`."""


def _nowhere(claimed: Claimed, request: Request, at: datetime) -> bool:
    return False


def exchange(
    transport: Transport, scheme: Scheme, request: Request, sent: Sent, *, until: float, most: int = 0
) -> Answer:
    """Send a request with its authentication. A 401 renews the token, and the request is repeated at once, once.

    `until` (monotonic) holds for all of it; `most` bytes of the answer's body are kept. Where there was no token, the
    answer's `step` says so. Also for whoever reads a partner's API.
    """
    took = 0
    try:
        answer, added = _try(transport, scheme, request, sent, until, most)
        if answer.status_code == 401 and scheme.renew(added):
            took = answer.duration_ms
            answer, _ = _try(transport, scheme, request, sent, until, most)
    except NoToken as error:
        answer = error.answer
    return _later(answer, took)


def _try(
    transport: Transport, scheme: Scheme, request: Request, sent: Sent, until: float, most: int
) -> tuple[Answer, Mapping[str, str]]:
    added = scheme.headers(sent, until)
    answer = transport.send(request, added=added, until=until, most=most, hide=scheme.hidden(added))
    return answer, added


def _later(answer: Answer, milliseconds: int) -> Answer:
    """The answer, with the time that went by before it."""
    return replace(answer, duration_ms=answer.duration_ms + milliseconds) if milliseconds else answer


class Schemes:
    """The scheme of each endpoint, made once: with it goes its token."""

    def __init__(self, *, open_secret: Open, open_credentials: Open, ask: Ask) -> None:
        self._open_secret = open_secret
        self._open_credentials = open_credentials
        self._ask = ask
        self._lock = threading.Lock()
        self._made: dict[str, tuple[tuple[object, ...], Scheme]] = {}

    def of(self, claimed: Claimed) -> Scheme:
        """Made anew as soon as the endpoint has other secrets."""
        seals = claimed.owner, claimed.scheme, claimed.secret, claimed.credentials
        with self._lock:
            known = self._made.get(claimed.endpoint_id)
            if known is None or known[0] != seals:
                if len(self._made) >= REMEMBERED:
                    self._made.pop(next(iter(self._made)))
                known = self._made[claimed.endpoint_id] = seals, self._make(claimed)
        return known[1]

    def _make(self, claimed: Claimed) -> Scheme:
        place = claimed.owner, claimed.endpoint_id
        signers = signing.signers(signing.load(self._open_secret(claimed.secret, *place)))
        told = {} if claimed.credentials is None else json.loads(self._open_credentials(claimed.credentials, *place))
        return schemes.outgoing(claimed.scheme, told, self._ask, signers)


def nothing(*_: object) -> None:
    """For an application without dialects, drop folders or disturbances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Makes attempts, with all that it needs handed in."""

    transport: Transport
    schemes: Schemes
    user_agent: str
    judges: Judges = nothing
    folder: FindFolder = nothing
    put_down: PutDown = _nowhere
    disturb: Disturb = nothing

    def attempt(self, claimed: Claimed, at: datetime) -> tuple[Answer, Ruling | None]:
        """What came of it, and what the dialect makes of that; None where the status says all. Raises `NotNow`."""
        with tracing.attempt(claimed) as span:
            answer, ruling = self._attempt(claimed, at, span.trace)
            span.end(*tracing.outcome(answer, ruling))
        tracing.log(claimed, answer, ruling, span.trace)
        return answer, ruling

    def _attempt(self, claimed: Claimed, at: datetime, trace: Trace) -> tuple[Answer, Ruling | None]:
        if claimed.scheme == schemes.FOLDER:
            return self._write(claimed)
        scheme, until = self.schemes.of(claimed), monotonic() + self.transport.deadline
        # Our own test message is nothing that a dialect knows of.
        ours, at_home = claimed.subject == claimed.endpoint_id, claimed.url == INBOX
        judge = None if ours or at_home else self.judges(claimed.owner, claimed.format)
        plan = None if ours or judge is not None else self.disturb(claimed, scheme, at)
        if plan is not None:
            marked = {**trace, chaos.HEADER: plan.kind}
            return chaos.carry_out(plan, partial(self._keep if at_home else self._shoot, at, marked, until))
        if at_home:
            return self._keep(at, trace, until, Shot(claimed, scheme, claimed.body))

        again = judge is None and claimed.scheme in schemes.SIGNING

        def send(call: Payload | Claimed, most: int) -> Answer:
            sent = Sent(id=claimed.message_id, body=call.body, at=at)
            request = self._request(claimed.url, call, trace)._replace(again=again)
            return exchange(self.transport, scheme, request, sent, until=until, most=most)

        return (send(claimed, 0), None) if judge is None else _judged(claimed.call, judge, send)

    def _write(self, claimed: Claimed) -> tuple[Answer, Ruling | None]:
        start, name = monotonic(), folders.name_of(claimed.url)
        root = None if name is None else self.folder(Tenant(claimed.owner, claimed.environment), name)
        if root is None or name is None:
            return Answer(error="no_folder", step="folder"), None
        try:
            file = folders.file_name(claimed.position, claimed.event_id, claimed.media_type)
            folders.write(root, name, file, claimed.body)
        except (OSError, ValueError):
            return Answer(error="folder_unavailable", step="folder"), None
        return Answer(step="folder", duration_ms=round((monotonic() - start) * 1000)), "delivered"

    def _shoot(self, at: datetime, trace: Trace, until: float, shot: Shot) -> tuple[Answer, Ruling | None]:
        request = self._request(shot.claimed.url, shot.claimed, trace)._replace(drip=shot.drip)
        sent = Sent(id=shot.claimed.message_id, body=shot.signed, at=at)
        return exchange(self.transport, shot.scheme, request, sent, until=until), None

    def _keep(self, at: datetime, trace: Trace, until: float, shot: Shot) -> tuple[Answer, Ruling | None]:
        """With the same headers as on the wire; a question before the call asks nobody."""
        start, claimed = monotonic(), shot.claimed
        request = self._request(claimed.url, claimed, trace)
        sent = Sent(id=claimed.message_id, body=shot.signed, at=at)
        headers = {**request.headers, **shot.scheme.headers(sent, until)}
        if not self.put_down(claimed, request._replace(headers=headers), at):
            return Answer(error="no_inbox", step="inbox"), None
        return Answer(step="inbox", duration_ms=round((monotonic() - start) * 1000)), "delivered"

    def _request(self, url: str, call: Payload | Claimed, trace: Trace) -> Request:
        headers = {**call.headers, **trace, "user-agent": self.user_agent}
        if call.body and call.media_type:
            headers["content-type"] = call.media_type
        return Request(
            method=call.method, url=joined(url, call.path) if call.path else url, headers=headers, body=call.body
        )


def _judged(call: Payload, judge: Judge, send: Callable[[Payload, int], Answer]) -> tuple[Answer, Ruling | None]:
    took = 0
    if call.probe is not None:
        found = send(call.probe, MAX_RESPONSE)
        if found.step == "call":
            found = replace(found, step="probe")
        if fault(found) is not None:
            return _bare(found), None
        then = judge.probed(call, found)
        if isinstance(then, str):
            return _bare(found), then
        call, took = then, found.duration_ms
    answer = _later(send(call, MAX_RESPONSE), took)
    whole = answer.step == "call" and answer.error is None
    return _bare(answer), judge.judge(call, answer) if whole else None


def _bare(answer: Answer) -> Answer:
    """Without what only the dialect needed."""
    return replace(answer, headers=NOTHING, body=b"")
