"""The whole application in this process, driven as an HTTP server drives it, and callers with tokens."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import select

from gateway import asgi
from gateway.guard import App
from gateway.oauth.service import create_client
from gateway.partners.tables import Partner
from gateway.runtime import Runtime
from gateway.seed import seed


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def pointers(self) -> list[str]:
        """Where the faults of a problem are."""
        return [fault["pointer"] for fault in self.json["errors"]]


@dataclass
class Api:
    """A running application. Requests run one after the other on a loop of their own."""

    app: App
    runtime: Runtime
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    count: int = 0

    def close(self) -> None:
        self.loop.run_until_complete(self._shut_down())
        self.loop.close()

    async def _shut_down(self) -> None:
        async def receive() -> Any:
            return {"type": "lifespan.shutdown"}

        async def send(message: Any) -> None:
            assert message["type"] == "lifespan.shutdown.complete"

        await self.app({"type": "lifespan"}, receive, send)

    def call(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        chunks: list[bytes] | None = None,
    ) -> Answer:
        return self.together((method, url, body, headers, chunks))[0]

    def together(self, *requests: tuple[Any, ...]) -> list[Answer]:
        """Several requests at once."""

        async def all_of_them() -> list[Answer]:
            return await asyncio.gather(*(self._call(*request) for request in requests))

        return self.loop.run_until_complete(all_of_them())

    async def _call(
        self, method: str, url: str, body: Any = None, headers: Any = None, chunks: list[bytes] | None = None
    ) -> Answer:
        given = {name.lower(): value for name, value in (headers or {}).items()}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            given.setdefault("content-type", "application/json")
        waiting = list(chunks) if chunks is not None else [body or b""]
        if chunks is None:
            given.setdefault("content-length", str(len(body or b"")))
        sent: list[Any] = []

        async def receive() -> Any:
            if waiting:
                return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(self._scope(method, url, given), receive, send)
        start = sent[0]
        answered = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], answered, b"".join(part.get("body", b"") for part in sent[1:]))

    @staticmethod
    def _scope(method: str, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
        parts = urlsplit(url)
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "root_path": "",
            "query_string": parts.query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8080),
            "state": {},
        }

    def caller(self, slug: str, environment: str = "sandbox", *scopes: str) -> "Caller":
        """A client of a seeded partner, with a token."""
        now = self.runtime.clock()
        with self.runtime.sessions.begin() as session:
            partner = session.scalars(select(Partner).where(Partner.slug == slug)).one()
            client = create_client(session, self.runtime.vault, partner, environment, scopes, now)
        form = f"grant_type=client_credentials&client_id={client.client_id}&client_secret={client.client_secret}"
        answer = self.call("POST", "/oauth/token", form.encode(), {"Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status == 200, answer.body
        return Caller(self, answer.json["access_token"])


@dataclass
class Caller:
    """Requests with a token; those that act carry a fresh Idempotency-Key where none is given."""

    api: Api
    token: str

    def request(self, method: str, url: str, body: Any = None, headers: Any = None) -> tuple[Any, ...]:
        given = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if method == "POST":
            self.api.count += 1
            given.setdefault("Idempotency-Key", f"key-{self.api.count}")
        return method, url, body, given

    def call(self, method: str, url: str, body: Any = None, headers: Any = None) -> Answer:
        return self.api.call(*self.request(method, url, body, headers))

    def get(self, url: str) -> Answer:
        return self.call("GET", url)

    def post(self, url: str, body: Any = None, **headers: str) -> Answer:
        return self.call("POST", url, body, {name.replace("_", "-"): value for name, value in headers.items()})


@contextmanager
def running_api(runtime: Runtime) -> Iterator[Api]:
    """The application on a seeded database."""
    seed(runtime)
    with asgi.opened(runtime) as app:
        api = Api(app, runtime)
        try:
            yield api
        finally:
            api.close()
