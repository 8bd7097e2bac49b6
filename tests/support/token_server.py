"""A token endpoint made of a bare socket: it checks who asks, and counts."""

import base64
import json
import socket
import threading
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote_plus

from tests.support.receiver import Behaviour, Received, Receiver, answer


@dataclass
class TokenServer:
    """Gives `token-1`, `token-2` …, to who says `client` and its secret. `life` is what it says of them, in seconds."""

    receiver: Receiver
    life: object = 3600
    secret: str = "client & secret"
    down: bool = False
    slow: float = 0.0
    given: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.receiver.always(self._serve)

    @property
    def url(self) -> str:
        return self.receiver.url

    @property
    def asked(self) -> list[dict[str, str]]:
        """The forms that came, with the client's name and secret wherever they stood."""
        return [form(one) for one in self.receiver.got]

    def _serve(self, sock: socket.socket, request: Received) -> None:
        threading.Event().wait(self.slow)
        self._said(request)(sock, request)

    def _said(self, request: Received) -> Behaviour:
        if self.down:
            return answer("503 Away")
        said = form(request)
        if "assertion" not in said and said.get("client_secret") != self.secret:
            return answer("401 No", body=json.dumps({"error": "invalid_client", "echo": said}).encode())
        self.given.append(f"token-{len(self.given) + 1}")
        told = {"access_token": self.given[-1], "token_type": "bearer", "expires_in": self.life}
        return answer("200 OK", "content-type: application/json", body=json.dumps(told).encode())

    def guard(self, header: str = "authorization", prefix: str = "Bearer ") -> Behaviour:
        """A receiver's behaviour: 204 for the newest token, 401 for every other one."""

        def check(sock: socket.socket, request: Received) -> None:
            newest = prefix + self.given[-1] if self.given else ""
            good = newest and request.headers.get(header) == newest
            (answer("204 Yes") if good else answer("401 No"))(sock, request)

        return check


def form(request: Received) -> dict[str, str]:
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    said = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    if (who := request.headers.get("authorization", "")).startswith("Basic "):
        client_id, _, secret = base64.b64decode(who.removeprefix("Basic ")).decode().partition(":")
        said |= {"client_id": unquote_plus(client_id), "client_secret": unquote_plus(secret)}
    return said
