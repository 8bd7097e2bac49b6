"""One POST to a stranger: only to where we may connect, within a deadline, reading no more than we want to know."""

import http.client
import math
import socket
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from http.client import RemoteDisconnected
from operator import itemgetter
from time import monotonic, sleep
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import RequestException, SSLError
from requests.exceptions import Timeout as RequestsTimeout
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, ProtocolError
from urllib3.util import Timeout

from webhooks.deadline import Attempt, Blocked, Unresolved, Watchdog
from webhooks.egress import Network, check_url
from webhooks.policy import NOTHING, Answer
from webhooks.proxy import Proxy, Refused, Unreached, Useless

MAX_RESPONSE = 64 * 1024
MAX_EXCERPT = 1024
WISH = "webhook-delivery"
"""The header with which a receiver says `abort`: this message is not wanted again."""

BODILESS = frozenset({"GET", "HEAD", "DELETE"})
DROPS = 10
"""In so many parts a body drips."""

REMEMBERED_HOSTS = 256
"""How many hosts keep idle connections."""


class Request(NamedTuple):
    """The body takes `drip` seconds to be sent. `again`: it may go out twice, as its receiver knows it by its id."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    drip: float = 0.0
    again: bool = False


def joined(url: str, path: str) -> str:
    """The URL with a path, and perhaps a query, behind its own."""
    parts, (path, _, query) = urlsplit(url), path.partition("?")
    whole = f"{parts.path.rstrip('/')}/{path.lstrip('/')}" if path else parts.path
    return parts._replace(path=whole, query="&".join(filter(None, (parts.query, query)))).geturl()


class Transport:
    """Sends requests through keep-alive pools of this process. Safe to share between threads.

    No redirects, no cookies, nothing from the environment: requests does those in `Session`, and there is none. With
    a `proxy` it is that which connects; names and literals are checked here, before it is asked. `deadline` is in
    seconds, over everything: name, connect, TLS, headers and body.
    """

    def __init__(
        self,
        *,
        allow: Sequence[Network],
        deadline: float = 15.0,
        verify: bool | str = True,
        proxy: Proxy | None = None,
    ) -> None:
        self._allow = tuple(allow)
        self._proxy = proxy
        self._deadline = deadline
        self._verify = verify
        self._adapter = _Adapter(pool_connections=REMEMBERED_HOSTS, pool_maxsize=16, max_retries=0)
        self._timeout = Timeout(connect=deadline, read=deadline)
        self._watchdog = Watchdog(interval=deadline / 50)

    @property
    def deadline(self) -> float:
        return self._deadline

    def send(
        self,
        request: Request,
        *,
        added: Mapping[str, str] = NOTHING,
        until: float = math.inf,
        most: int = 0,
        hide: Sequence[str] = (),
    ) -> Answer:
        """What came of it. Raises nothing that the other side could cause.

        `added` are further headers, and `until` (monotonic) is an earlier end. The answer brings its headers and up to
        `most` bytes of its body, where that is not nothing. Its excerpt does not repeat what is to `hide`.
        """
        start = monotonic()
        if self._proxy is not None and check_url(request.url, self._allow):
            return Answer(error="blocked_by_policy")
        attempt = Attempt(self._allow, min(start + self._deadline, until), self._proxy)
        attempt.drip, attempt.again = request.drip, request.again
        with self._watchdog.over(attempt):
            try:
                answer = self._exchange(_prepared(request, added), most, hide)
            except (RequestException, HTTPError, OSError) as error:
                answer = Answer(error=_name(error))
        if attempt.expired:
            answer = Answer(status_code=answer.status_code, error="timeout")
        # How long a refusal took would say what our resolver knows of inner names.
        took = 0.0 if answer.error == "blocked_by_policy" else monotonic() - start
        return replace(answer, duration_ms=round(took * 1000))

    def close(self) -> None:
        self._watchdog.stop()
        self._adapter.close()

    def _exchange(self, request: PreparedRequest, most: int, hide: Sequence[str]) -> Answer:
        response = self._answer(request)
        code, retry_after = response.status, response.headers.get("retry-after")
        abort = response.headers.get(WISH, "").strip().lower() == "abort"
        try:
            # A redirect's body can be as long as it likes: it is not read.
            body = b"" if 300 <= code < 400 else response.read(max(MAX_RESPONSE, most), decode_content=True)
        except (HTTPError, OSError) as error:
            return Answer(status_code=code, error=_name(error))
        finally:
            # Cut off where something is left to be read; else it went back to the pool by itself.
            response.close()
            response.release_conn()
        excerpt = _excerpt(_without(body, hide))
        answer = Answer(status_code=code, retry_after=retry_after, abort=abort, excerpt=excerpt)
        if not most:
            return answer
        headers = {name.lower(): value for name, value in response.headers.items()}
        return replace(answer, headers=headers, body=body[:most])

    def _answer(self, request: PreparedRequest) -> Any:
        """Its head. A connection that was kept may be closed while we send: what may go out again does, on another one.

        Nobody knows whether the receiver has heard it.
        """
        attempt, timeout = Attempt.current(), cast(Any, self._timeout)  # requests' types know only numbers
        while True:
            attempt.opened = False
            try:
                return self._adapter.send(request, stream=True, timeout=timeout, verify=self._verify)
            except RequestsConnectionError as error:
                kept = not attempt.opened and not attempt.expired and _name(error) == "connection_reset"
                if not (kept and attempt.again):
                    raise


def _prepared(request: Request, added: Mapping[str, str]) -> PreparedRequest:
    prepared = PreparedRequest()
    prepared.method, prepared.url = request.method, request.url
    headers = {**request.headers, **added, "accept-encoding": "identity"}
    if request.body or request.method not in BODILESS:
        prepared.body = request.body
        # Spelt as requests looks for it: these are not its headers that know no case, which cost more than all others.
        headers["Content-Length"] = str(len(request.body))
    prepared.headers = headers  # type: ignore[assignment]
    return prepared


def _without(body: bytes, hide: Sequence[str]) -> bytes:
    """The body of somebody who may repeat what they were sent."""
    for secret in filter(None, hide):
        body = body.replace(secret.encode(), b"***")
    return body


def _excerpt(body: bytes) -> str | None:
    # PostgreSQL's text knows no NUL.
    text = body[:MAX_EXCERPT].decode(errors="replace").replace("\0", "�")
    return text.encode()[:MAX_EXCERPT].decode(errors="ignore") or None


def _name(error: BaseException) -> str:
    """The stable name of what went wrong. Only public addresses get so far as to differ."""
    for kind, name in _NAMES:
        if isinstance(error, kind):
            return name
    if isinstance(error, MaxRetryError):
        inner: object = error.reason
    else:
        inner = error.args[-1] if isinstance(error, RequestsConnectionError | ProtocolError) and error.args else None
    return _name(inner) if isinstance(inner, Exception) else "bad_response"


_NAMES: tuple[tuple[type[BaseException], str], ...] = (
    (Blocked, "blocked_by_policy"),
    (Refused, "blocked_by_policy"),
    (Useless, "proxy_unavailable"),
    (Unreached, "connection_failed"),
    (Unresolved, "dns_failure"),
    (SSLError, "tls_error"),
    (RequestsTimeout, "timeout"),
    (TimeoutError, "timeout"),
    (RemoteDisconnected, "connection_reset"),
    (ConnectionRefusedError, "connection_refused"),
    (ConnectionResetError, "connection_reset"),
    (BrokenPipeError, "connection_reset"),
    (NewConnectionError, "connection_failed"),
)


class _Response(http.client.HTTPResponse):
    """Passes over all that is said before the answer (1xx, RFC 9110 §15.2); its base does so with a 100 only."""

    def _read_status(self) -> tuple[str, int, str]:
        line: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
        while 100 < line[1] < 200:
            http.client.parse_headers(self.fp)
            line = super()._read_status()  # type: ignore[misc]
        return line


class _Watched:
    """A connection that goes only where the attempt may go, and that the attempt's deadline can cut.

    Head and body go out in one piece: in two, sender and receiver wake up twice.
    """

    response_class = _Response
    _pieces: list[bytes] | None = None
    _usual_port: int

    def _new_conn(self: Any) -> socket.socket:
        return Attempt.current().open(self._dns_host, self.port or self._usual_port, self)

    def request(self: Any, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            Attempt.current().watch(self.sock)
        pieces = self._pieces = []
        try:
            super().request(*args, **kwargs)  # type: ignore[misc]
        finally:
            self._pieces = None
        if Attempt.current().drip and len(pieces) > 1:
            self._drip(pieces[0], b"".join(pieces[1:]), Attempt.current().drip)
        else:
            self.send(b"".join(pieces))

    def _drip(self: Any, head: bytes, body: bytes, seconds: float) -> None:
        self.send(head)
        for place in range(DROPS):
            sleep(seconds / DROPS)
            self.send(body[len(body) * place // DROPS : len(body) * (place + 1) // DROPS])

    def send(self: Any, data: Any) -> None:
        if self._pieces is None:
            super().send(data)  # type: ignore[misc]
        else:
            self._pieces.append(data)

    def putheader(self: Any, header: str, *values: str) -> None:
        # Not urllib3's, which looks for its sign for headers to be left out.
        http.client.HTTPConnection.putheader(self, header, *values)


class _Http(_Watched, HTTPConnection):  # type: ignore[misc]
    _usual_port = 80


class _Https(_Watched, HTTPSConnection):  # type: ignore[misc]
    _usual_port = 443


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


@lru_cache(maxsize=4096)
def _split(url: str) -> tuple[str, str | None, int | None, str]:
    """Scheme, host, port, and what goes into the request's first line."""
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.hostname, parts.port, (parts.path or "/") + (parts.query and f"?{parts.query}")


class _Adapter(HTTPAdapter):
    """Without what it looks up for each request: proxies, the parts of a URL that is always the same, and of a pool's
    key what is the same for all of its hosts."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        self.poolmanager.key_fn_by_scheme = dict.fromkeys(("http", "https"), itemgetter("scheme", "host", "port"))

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("webhooks go through no proxy")

    def get_connection_with_tls_context(
        self, request: PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> HTTPConnectionPool:
        scheme, host, port, _ = _split(request.url or "")
        kwargs = {"cert_reqs": "CERT_NONE" if verify is False else "CERT_REQUIRED"}
        if isinstance(verify, str):
            kwargs["ca_certs"] = verify
        pool: HTTPConnectionPool = self.poolmanager.connection_from_host(host, port, scheme, pool_kwargs=kwargs)
        return pool

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        return _split(request.url or "")[3]

    def build_response(self, req: PreparedRequest, resp: BaseHTTPResponse) -> Any:
        """As urllib3 has it: no cookie jar, no charset, no history."""
        return resp
