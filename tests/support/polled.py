"""A partner who is polled: answers with the pages that it is given, one after the other. And what became of them."""

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import select

from gateway.intake.tables import InboundMessage
from gateway.jobs.tables import Job, Order
from gateway.polling.tables import PollCursor
from gateway.runtime import Runtime
from tests.support.receiver import Behaviour, Received, Receiver, answer
from webhooks.schemes import Scheme

JSON = "content-type: application/json"


def said(document: Any, *headers: str) -> Behaviour:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return answer("200 OK", JSON, *headers, body=body)


@dataclass
class Polled:
    """`pages` are said in turn, and then `last` for ever. `before` happens before each answer."""

    receiver: Receiver
    last: Behaviour
    pages: list[Behaviour] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.receiver.always(self._serve)
        self.url = f"http://127.0.0.1:{self.receiver.port}"

    @property
    def asked(self) -> list[dict[str, str]]:
        """The queries that came."""
        return [dict(parse_qsl(urlsplit(one.line.split()[1]).query)) for one in self.receiver.got]

    def _serve(self, sock: socket.socket, request: Received) -> None:
        self.before()
        (self.pages.pop(0) if self.pages else self.last)(sock, request)


class NoScheme(Scheme):
    """Nobody has to say who they are."""

    def headers(self, sent: Any, until: float) -> dict[str, str]:
        return {}


class Look:
    """What is in the database."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def _all(self, query: Any) -> list[Any]:
        with self._runtime.sessions() as session:
            return [tuple(row) for row in session.execute(query)]

    def orders(self) -> list[str]:
        return [number for (number,) in self._all(select(Order.partner_order_id).order_by(Order.id))]

    def jobs(self) -> dict[str, str]:
        """The state of each line's job, by the end of its item's id."""
        return {line[-2:]: state for line, state in self._all(select(Job.line_id, Job.state).order_by(Job.id))}

    def messages(self) -> list[tuple[str, list[str]]]:
        """Of each kept message what became of it, and the codes of its problems."""
        rows = self._all(select(InboundMessage.outcome, InboundMessage.problems).order_by(InboundMessage.received_at))
        return [(outcome, [fault["code"] for fault in faults or []]) for outcome, faults in rows]

    def cursor(self, connection_id: str = "con_1") -> PollCursor:
        """The row of a connection; a blank one before its first poll."""
        with self._runtime.sessions() as session:
            return session.get(PollCursor, connection_id) or PollCursor(generation=0, failures=0)
