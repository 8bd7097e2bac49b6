"""The load generator: keep-alive connections over bare sockets, cheap enough never to be what is measured."""

import json
import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.support.orders import json_order

ORDER_BYTES = 1024
HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Orders at `port`, on so many connections at once, for so many seconds. `name` makes their numbers unique."""

    port: int
    token: str
    name: str
    connections: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """Answers per second, and how many there were by status."""

    rate: float
    statuses: dict[int, int]

    def count(self, status: int) -> int:
        """How many there were, if every answer was this one; anything else would measure something else."""
        if set(self.statuses) != {status}:
            raise RuntimeError(f"answers by status: {self.statuses}; {status} was expected")
        return self.statuses[status]


def order(number: str, now: datetime) -> bytes:
    """A web shop's order of 1 kB."""
    bare = len(json.dumps(json_order(number, now, notes="")).encode())
    return json.dumps(json_order(number, now, notes="x" * max(1, ORDER_BYTES - bare))).encode()


def requests(load: Load) -> Iterator[bytes]:
    """One order after the other, each with its own number and key."""
    number, token = "@" * 24, load.token
    body = order(number, datetime.now(UTC))
    head = (
        f"POST /v1/orders HTTP/1.1\r\nhost: 127.0.0.1:{load.port}\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\nidempotency-key: {number}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    whole, count = head.encode() + body, 0
    while True:
        count += 1
        yield whole.replace(number.encode(), f"{load.name}-{count}".rjust(24, "0").encode())


def run(load: Load) -> Result:
    """Keep every connection busy until the time is over; whoever is asked by then is waited for."""
    asking, statuses, count = requests(load), dict[int, int](), 0
    with selectors.EpollSelector() as selector:
        for _ in range(load.connections):
            sock = socket.create_connection(("127.0.0.1", load.port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(sock, selectors.EVENT_READ, bytearray())
            sock.sendall(next(asking))
        start = time.perf_counter()
        end = start + load.seconds
        while selector.get_map():
            for key, _ in selector.select(timeout=10):
                status = _receive(key)
                if status is None:
                    continue
                count += 1
                statuses[status] = statuses.get(status, 0) + 1
                if time.perf_counter() < end:
                    key.fileobj.sendall(next(asking))  # type: ignore[union-attr]
                else:
                    selector.unregister(key.fileobj).fileobj.close()  # type: ignore[union-attr]
        return Result(count / (time.perf_counter() - start), statuses)


def _receive(key: selectors.SelectorKey) -> int | None:
    """The status of an answer that is complete; None while it is not."""
    answer: bytearray = key.data
    chunk = key.fileobj.recv(65536)  # type: ignore[union-attr]
    if not chunk:
        raise ConnectionError("the server closed the connection")
    answer += chunk
    split = answer.find(HEAD_END)
    if split < 0:
        return None
    head = bytes(answer[:split]).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
    if len(answer) < split + len(HEAD_END) + length:
        return None
    answer.clear()
    return int(head[9:12])
