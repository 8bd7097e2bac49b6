"""A small egress proxy: it tunnels to where it is told that a name lives, and nowhere else."""

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field

from tests.support.receiver import Received, Receiver


@dataclass
class EgressProxy:
    """`leads` says which port of loopback is behind `host:port`; whoever asks for another one hears `refusal`."""

    leads: dict[str, int] = field(default_factory=dict)
    refusal: bytes = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"
    asked: list[Received] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.receiver = Receiver()
        self.receiver.always(self._behave)
        self.url = f"http://127.0.0.1:{self.receiver.port}"

    def close(self) -> None:
        self.receiver.close()

    def _behave(self, sock: socket.socket, request: Received) -> None:
        self.asked.append(request)
        method, there, _ = request.line.split()
        if method != "CONNECT" or there not in self.leads:
            sock.sendall(self.refusal)
            return
        with socket.create_connection(("127.0.0.1", self.leads[there])) as behind:
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_carry, args=(behind, sock), daemon=True)
            back.start()
            _carry(sock, behind)
            back.join(5)


def _carry(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while chunk := one.recv(65536):
            other.sendall(chunk)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)
