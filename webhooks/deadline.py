"""One attempt's time and reach: where it may connect, and the watchdog that cuts it off when its time is up.

Timeouts of sockets and of requests count from one read to the next, so a server that drips holds them for ever. The
watchdog counts from the beginning: it shuts the attempt's socket down, and whatever read or handshake waits for it
comes back at once. Only the resolver cannot be cut off; it runs in a thread that is left behind.
"""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from webhooks.egress import Network, may_connect
from webhooks.proxy import Proxy, Useless

RESOLVING = {known: threading.BoundedSemaphore(32) for known in (True, False)}
"""How many names are looked up at a time: a dead name server must not collect threads. Those that have answered have
places of their own: names that hang, of whomever, hold up none of them.
"""

ANSWERED: set[str] = set()
REMEMBERED = 4096

DNS_TIMEOUT = 5.0

CONNECT_TIMEOUT = 5.0
"""For each of a host's addresses: one whose machine is down leaves time for the next."""


class Blocked(NewConnectionError):
    """The name or address leads to where we do not go."""


class Unresolved(NewConnectionError):
    """The name has no address, or none in time."""


class Attempt:
    """One request in flight. `deadline` is on the monotonic clock. A `proxy` connects in our place. Its body takes
    `drip` seconds, and it may go out `again` where it has not `opened` its connection itself.
    """

    _here = threading.local()

    def __init__(self, allow: Sequence[Network], deadline: float, proxy: Proxy | None = None) -> None:
        self.deadline = deadline
        self._proxy = proxy
        self.expired = False
        self.drip = 0.0
        self.again = False
        self.opened = False
        self._allow = allow
        self._lock = threading.Lock()
        self._over = False
        self._socket: socket.socket | None = None
        self._copy: socket.socket | None = None

    @classmethod
    def current(cls) -> "Attempt":
        """The attempt of this thread."""
        attempt: Attempt = cls._here.attempt
        return attempt

    def open(self, host: str, port: int, connection: HTTPConnection) -> socket.socket:
        """A socket to the first address of this host that answers, if we may connect to all of them."""
        self.opened = True
        if self._proxy is not None:
            return self._through(self._proxy, host, port, connection)
        found = self._resolve(host, port, connection)
        if not found or not all(may_connect(answer[4][0], self._allow) for answer in found):
            raise Blocked(connection, "blocked")
        return self._first(found, connection)

    def _through(self, proxy: Proxy, host: str, port: int, connection: HTTPConnection) -> socket.socket:
        """The same by way of the proxy, which may be anywhere: it is the operator's own."""
        try:
            sock = self._first(self._resolve(proxy.host, proxy.port, connection), connection)
        except (OSError, Unresolved) as error:
            raise Useless("not reached") from error
        try:
            proxy.tunnel(sock, host, port)
        except BaseException as error:
            sock.close()
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                raise Useless("lost") from error
            raise
        return sock

    def _first(self, found: Sequence[Any], connection: HTTPConnection) -> socket.socket:
        failure: OSError = TimeoutError("no time left")
        for family, kind, protocol, _, address in found:
            try:
                return self._connect(socket.socket(family, kind, protocol), address, connection)
            except OSError as error:
                failure = error
        raise failure

    def watch(self, sock: socket.socket) -> None:
        """From now on this is the socket to cut."""
        with self._lock:
            self._socket = sock
            expired = self.expired
        if expired:
            raise TimeoutError("no time left")

    def expire(self) -> None:
        with self._lock:
            if self._over:
                return
            self.expired = True
            if self._socket is not None:
                with suppress(OSError):
                    # Not SSLSocket.shutdown: it would drop the TLS layer under a thread that reads.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def finish(self) -> None:
        with self._lock:
            self._over, self._socket = True, None
            if self._copy is not None:
                self._copy.close()

    def _left(self) -> float:
        return self.deadline - monotonic()

    def _connect(self, sock: socket.socket, address: Any, connection: HTTPConnection) -> socket.socket:
        try:
            if self._left() <= 0:
                raise TimeoutError("no time left")
            for option in HTTPConnection.default_socket_options:
                sock.setsockopt(*option)
            sock.settimeout(min(self._left(), CONNECT_TIMEOUT))
            sock.connect(address)
            sock.settimeout(max(self._left(), 0.001))
            if self._proxy is None and not may_connect(sock.getpeername()[0], self._allow):
                raise Blocked(connection, "blocked")
            self.watch(self._handle(sock, connection))
        except BaseException:
            sock.close()
            raise
        return sock

    def _handle(self, sock: socket.socket, connection: HTTPConnection) -> socket.socket:
        if not isinstance(connection, HTTPSConnection):
            return sock
        # The TLS socket takes the descriptor away from this one before the handshake; a copy stays ours.
        self._copy = sock.dup()
        return self._copy

    def _resolve(self, host: str, port: int, connection: HTTPConnection) -> list[Any]:
        if _is_address(host):
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        until, places = max(min(self._left(), DNS_TIMEOUT), 0), RESOLVING[host in ANSWERED]
        if not places.acquire(timeout=until):
            raise Unresolved(connection, "no resolver free")
        answers: SimpleQueue[list[Any]] = SimpleQueue()
        threading.Thread(target=_look_up, args=(host, port, answers, places), name="resolve", daemon=True).start()
        try:
            found = answers.get(timeout=until)
        except Empty:
            found = []
        _remember(host, bool(found))
        if not found:
            raise Unresolved(connection, "not resolved")
        return found


def _look_up(host: str, port: int, answers: "SimpleQueue[list[Any]]", places: threading.BoundedSemaphore) -> None:
    try:
        answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        answers.put([])
    finally:
        places.release()


def _remember(host: str, answered: bool) -> None:
    if len(ANSWERED) >= REMEMBERED:
        ANSWERED.clear()
    (ANSWERED.add if answered else ANSWERED.discard)(host)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class Watchdog:
    """Cuts off attempts whose time is up; looks every `interval` seconds."""

    def __init__(self, *, interval: float) -> None:
        self._interval = interval
        self._attempts: set[Attempt] = set()
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, name="webhook-watchdog", daemon=True).start()

    @contextmanager
    def over(self, attempt: Attempt) -> Iterator[None]:
        """Watch over this thread's attempt."""
        Attempt._here.attempt = attempt
        self._attempts.add(attempt)
        try:
            yield
        finally:
            self._attempts.discard(attempt)
            attempt.finish()

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(self._interval):
            now = monotonic()
            # Copying a set is one step under the interpreter's lock.
            for attempt in tuple(self._attempts):
                if attempt.deadline <= now:
                    attempt.expire()
