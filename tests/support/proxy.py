"""A wire between a client and a server that loses the answer."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def losing_answers(port: int, answered: Callable[[], object]) -> Iterator[int]:
    """A port that passes one request on to `port`; with the first byte of its answer, calls `answered` and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        wire = threading.Thread(target=_carry, args=(listening, port, answered))
        wire.start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            wire.join(10)


def _carry(listening: socket.socket, port: int, answered: Callable[[], object]) -> None:
    with suppress(OSError):
        client, _ = listening.accept()
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            forth = threading.Thread(target=_forward, args=(client, server))
            forth.start()
            if server.recv(1):
                answered()
            client.shutdown(socket.SHUT_RDWR)
            forth.join(10)


def _forward(client: socket.socket, server: socket.socket) -> None:
    with suppress(OSError):
        while chunk := client.recv(65536):
            server.sendall(chunk)
