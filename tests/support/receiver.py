"""A partner's server made of a bare socket, so that it can misbehave in any way."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Received:
    """One request: the line, headers by lower-case name, the body."""

    line: str
    headers: dict[str, str]
    body: bytes


Behaviour = Callable[[socket.socket, Received], None]


def answer(status: str, *headers: str, body: bytes = b"") -> Behaviour:
    """Answer like this, and keep the connection."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""])
    return lambda sock, request: sock.sendall(head.encode() + body)


NO_CONTENT: Behaviour = lambda sock, request: sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")  # noqa: E731


@dataclass
class Receiver:
    """Listens on loopback. `behave` says what to do with request number n (from 0); `close` ends everything."""

    behave: Callable[[int], Behaviour] = lambda n: NO_CONTENT
    got: list[Received] = field(default_factory=list)
    connects: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port: int = self.listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self.threads: list[threading.Thread] = []
        self.open: list[socket.socket] = []
        self._start(self._accept)

    def always(self, behaviour: Behaviour) -> None:
        self.behave = lambda n: behaviour

    def wait_for(self, count: int, within: float = 10.0) -> list[Received]:
        """Wait until so many requests have come."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.got) >= count, within), f"only {len(self.got)} came"
        return list(self.got)

    def close(self) -> None:
        self.over.set()
        with suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        for sock in self.open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(5)
        for sock in self.open:
            sock.close()

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                sock, _ = self.listening.accept()
            except OSError:
                return
            self.connects += 1
            self.open.append(sock)
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError, ValueError), sock.makefile("rb") as stream:
            while line := stream.readline():
                request = _read(line.decode("latin-1").strip(), stream)
                with self.arrived:
                    behaviour = self.behave(len(self.got))
                    self.got.append(request)
                    self.arrived.notify_all()
                behaviour(sock, request)


def _read(line: str, stream: "socket.SocketIO | object") -> Received:
    headers: dict[str, str] = {}
    while raw := stream.readline().decode("latin-1").strip():  # type: ignore[union-attr]
        name, _, value = raw.partition(":")
        headers[name.lower()] = value.strip()
    return Received(line, headers, stream.read(int(headers.get("content-length", 0))))  # type: ignore[union-attr]
