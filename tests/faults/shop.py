"""A partner's web shop: it orders, tries again until it is told that the order is there, and hears every step."""

import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests
from standardwebhooks import Webhook, WebhookVerificationError

from tests.support.orders import json_order
from tests.support.receiver import NO_CONTENT, Behaviour, Received, Receiver
from tests.support.system import PATIENCE, eventually

ORDERS = "/v1/orders"
TIMEOUT = 20
BREATH = 0.1
"""Seconds between two tries; a partner would heed Retry-After, and lose time that a test does not have."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An order that is there: its id, what its jobs had come to by then, and how the tries before it ended."""

    number: str
    order_id: str
    jobs: Mapping[str, int]
    replayed: bool
    tries: tuple[str, ...]


@dataclass
class Shop:
    """Speaks for a partner with a token; one per thread."""

    url: str
    token: str
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False
        self.carry(self.token)

    def carry(self, token: str) -> None:
        """Speak with this token from now on."""
        self.token = token
        self.session.headers["Authorization"] = f"Bearer {token}"

    def post(self, path: str, document: Any, key: str) -> requests.Response:
        headers = {"Idempotency-Key": key}
        return self.session.post(self.url + path, json=document, headers=headers, timeout=TIMEOUT)

    def get(self, path: str, **query: str) -> Any:
        """The answer's JSON, of a system that serves."""
        answer = self.session.get(self.url + path, params=query, timeout=TIMEOUT)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def delete(self, path: str) -> None:
        """As soon as somebody is there to do it."""
        eventually(lambda: self._deleted(path), f"DELETE {path}")

    def _deleted(self, path: str) -> bool:
        try:
            return self.session.delete(self.url + path, timeout=TIMEOUT).status_code in (204, 404)
        except requests.RequestException:
            return False

    def pages(self, path: str) -> Iterator[Any]:
        """Everything in a list, page by page."""
        after: dict[str, str] = {}
        while True:
            page = self.get(path, limit="200", **after)
            yield from page["items"]
            if not page["items"] or page["next"] is None:
                return
            after = {"after": page["next"]}

    def order(self, number: str) -> requests.Response:
        """One try; its number is its key, too."""
        return self.post(ORDERS, order(number), number)

    def insist(self, number: str, within: float = PATIENCE) -> Acknowledged:
        """Try with one key until the order is acknowledged; in between, only what R7 allows may be answered."""
        tries: list[str] = []
        until = time.monotonic() + within
        while True:
            assert time.monotonic() < until, f"{number} is not acknowledged: {tries[-10:]}"
            try:
                answer = self.order(number)
            except requests.RequestException as error:
                tries.append(type(error).__name__)
            else:
                if answer.status_code == 201:
                    return _acknowledged(number, answer, tries)
                # 409: the transaction of a process that was killed has not ended yet.
                assert answer.status_code in (409, 503), f"{number}: {answer.status_code} {answer.text}"
                assert "Retry-After" in answer.headers
                tries.append(str(answer.status_code))
            threading.Event().wait(BREATH)


def order(number: str) -> dict[str, Any]:
    """The same bytes for the same number, whenever it is asked for."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return json_order(number, today)


def _acknowledged(number: str, answer: requests.Response, tries: list[str]) -> Acknowledged:
    said = answer.json()
    jobs = {job["id"]: job["sequence"] for job in said["jobs"]}
    return Acknowledged(number, said["id"], jobs, "Idempotency-Replayed" in answer.headers, tuple(tries))


@dataclass(frozen=True, slots=True)
class Arrival:
    """A webhook as it came; `at` is monotonic. A message that is about no job has neither job nor sequence."""

    at: float
    webhook_id: str
    event_id: str
    job: str
    sequence: int


@dataclass
class Inbox:
    """The shop's server. Whatever is not signed as it should be is `bad`; `react` answers the steps of jobs."""

    receiver: Receiver
    react: Behaviour = NO_CONTENT
    hook: Webhook | None = None
    endpoint_id: str = ""
    arrivals: list[Arrival] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, sock: socket.socket, request: Received) -> None:
        event = json.loads(request.body)
        data = event["data"]
        job = data.get("job", {}).get("id", "")
        arrival = Arrival(
            time.monotonic(), request.headers["webhook-id"], event["id"], job, data.get("sequence", 0) if job else 0
        )
        with self.changed:
            if not self._is_good(request):
                self.bad.append(arrival.webhook_id)
            self.arrivals.append(arrival)
            self.changed.notify_all()
        (self.react if job else NO_CONTENT)(sock, request)

    def _is_good(self, request: Received) -> bool:
        try:
            # The endpoint's first message may be faster than the answer that shows its secret.
            return self.hook is None or bool(self.hook.verify(request.body, request.headers))
        except WebhookVerificationError:
            return False

    def out_of_order(self) -> dict[str, list[int]]:
        """Jobs whose steps came in another order than they were taken in; one may come again before the next."""
        came = {one.job: self.of(one.job) for one in list(self.arrivals) if one.job}
        return {job: steps for job, steps in came.items() if steps != sorted(steps)}

    def of(self, job: str) -> list[int]:
        """The sequence numbers that came for this job, in their order."""
        return [one.sequence for one in list(self.arrivals) if one.job == job]

    def missing(self, orders: Sequence[Acknowledged]) -> dict[str, set[int]]:
        """What has not come yet, by job."""
        came: dict[str, set[int]] = {}
        for one in list(self.arrivals):
            came.setdefault(one.job, set()).add(one.sequence)
        jobs = {job: sequence for each in orders for job, sequence in each.jobs.items()}
        lacks = {job: set(range(1, sequence + 1)) - came.get(job, set()) for job, sequence in jobs.items()}
        return {job: left for job, left in lacks.items() if left}

    def wait(self, holds: Callable[[], Any], what: str, within: float = PATIENCE) -> None:
        """Wait for it, looking again with every arrival."""
        with self.changed:
            assert self.changed.wait_for(holds, within), f"it never came to this: {what}"

    def wait_for(self, *orders: Acknowledged, within: float = PATIENCE) -> None:
        """Wait until every step that these orders were acknowledged with has come."""
        self.wait(lambda: not self.missing(orders), f"every webhook of {[one.number for one in orders]}", within)


@contextmanager
def listening(shop: Shop, key: str) -> Iterator[Inbox]:
    """A receiver with an endpoint of its own, deleted at the end. `key` makes it once."""
    inbox = Inbox(Receiver())
    inbox.receiver.always(inbox.take)
    try:
        made = shop.post("/v1/webhook-endpoints", {"url": inbox.receiver.url, "event_types": ["*"]}, key)
        assert made.status_code == 201, made.text
        inbox.endpoint_id, inbox.hook = made.json()["id"], Webhook(made.json()["secret"])
        yield inbox
        assert inbox.bad == []
    finally:
        inbox.receiver.close()
        if inbox.endpoint_id:
            shop.delete(f"/v1/webhook-endpoints/{inbox.endpoint_id}")


@contextmanager
def ordering(shop: Shop, name: str, threads: int = 3, pause: float = 0) -> Iterator[list[Acknowledged]]:
    """Orders without end, until it ends: what has been acknowledged so far. A wrong answer fails at the end.

    Each thread waits for `pause` seconds between two.
    """
    told: list[Acknowledged] = []
    wrong: list[Exception] = []
    over = threading.Event()

    def work(thread: int) -> None:
        mine = Shop(shop.url, shop.token)
        try:
            for number in itertools.takewhile(lambda _: not over.is_set(), itertools.count()):
                told.append(mine.insist(f"{name}-{thread}-{number}"))
                over.wait(pause)
        except Exception as error:
            wrong.append(error)

    workers = [threading.Thread(target=work, args=(thread,)) for thread in range(threads)]
    for one in workers:
        one.start()
    try:
        yield told
    finally:
        over.set()
        for one in workers:
            one.join()
    assert wrong == [], wrong
