"""Stecker's public API, called as a client of the sandbox: tokens, repeats, waits, and problems as sentences."""

import functools
import itertools
import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click
import requests
from requests.auth import AuthBase

from gateway.cli import Refused

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

CONNECT, READ = 5.0, 40.0
"""Seconds; the API holds a request back for 25 at most."""

PATIENCE = 10.0
"""Seconds in which a command asks again, where the API is away."""

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
AWAY = frozenset({429, 502, 503, 504})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

NOBODY = (
    "Say who you are: STECKER_CLIENT=ID:SECRET, or --client ID with --secret-file F. "
    "`make run` leaves keys in .stecker/keys/sandbox.json; `stecker client create` makes others."
)


class Away(Exception):
    """Nothing was answered, or to come again: in so many seconds, where that was said."""

    def __init__(self, words: str, after: float = 0.0) -> None:
        super().__init__(words)
        self.after = after


class NotDone(Refused):
    """The API refused, with this status."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Bearer(AuthBase):
    """A token; a .netrc, which would replace a mere header, is not looked at then."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


def pauses() -> Iterator[float]:
    """Seconds before the next try, and the one after it; the last goes on forever."""
    return itertools.chain(PAUSES, itertools.repeat(PAUSES[-1]))


def aside(words: str) -> None:
    """Said beside the results, which are on standard output."""
    click.echo(words, err=True)


@dataclass
class Remote:
    """A client at `url`. What is away is asked again, with the same key, so that it happens once."""

    url: str
    client_id: str
    secret: str = field(repr=False)
    say: Callable[[str], None] = aside
    session: requests.Session = field(default_factory=requests.Session, repr=False)
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        # Loopback needs no proxy.
        self.session.trust_env = urlsplit(self.url).hostname not in LOOPBACK

    def get(self, path: str, *, patience: float = PATIENCE, **query: Any) -> Any:
        return self.ask("GET", path, patience=patience, query=query)

    def post(self, path: str, document: Any = None, **query: Any) -> Any:
        return self.ask("POST", path, document=document, query=query)

    def delete(self, path: str, *, patience: float = PATIENCE) -> None:
        self.ask("DELETE", path, patience=patience)

    def ask(
        self, method: str, path: str, *, document: Any = None, query: Any = None, patience: float = PATIENCE
    ) -> Any:
        """The JSON of the answer. Raises `NotDone`; and `Refused` where it stays away for longer than `patience`."""
        headers = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}
        send = functools.partial(self._send, method, self.url + path, headers=headers, json=document, params=query)
        return self._insist(lambda: self._authorized(send), patience)

    def _insist(self, act: Callable[[], T], patience: float) -> T:
        end, said = time.monotonic() + patience, False
        for pause in pauses():
            try:
                answer = act()
            except Away as away:
                wait = max(pause, away.after)
                if time.monotonic() + wait > end:
                    raise Refused(f"{self.url} {away}.") from None
                if not said:
                    self.say(f"{self.url} {away}; trying again until it is back.")
                said = True
                time.sleep(wait)
            else:
                if said:
                    self.say(f"{self.url} is back.")
                return answer
        raise AssertionError("the pauses go on forever")

    def _authorized(self, send: Callable[..., requests.Response]) -> Any:
        token = self.token or self._login()
        answer = send(auth=Bearer(token))
        if answer.status_code == 401:  # a token lives for 15 minutes
            answer = send(auth=Bearer(self._login()))
        return _document(answer)

    def _login(self) -> str:
        """A token (client_credentials, RFC 6749 section 4.4)."""
        form, basic = {"grant_type": "client_credentials"}, (self.client_id, self.secret)
        answer = self._send("POST", f"{self.url}/oauth/token", data=form, auth=basic)
        if answer.status_code in (400, 401):
            raise NotDone(answer.status_code, "The client or its secret is not good, or is suspended.")
        self.token = str(_document(answer).get("access_token"))
        return self.token

    def _send(self, method: str, url: str, **options: Any) -> requests.Response:
        try:
            answer = self.session.request(method, url, timeout=(CONNECT, READ), allow_redirects=False, **options)
        except requests.RequestException as error:
            raise Away(f"does not answer ({type(error).__name__})") from error
        if answer.status_code in AWAY:
            raise Away(f"answers {answer.status_code}", _seconds(answer.headers.get("Retry-After", "")))
        return answer


def _seconds(text: str) -> float:
    """What Retry-After says, where it is a number; at most a minute of it."""
    return min(float(text), 60.0) if text.isascii() and text.isdecimal() else 0.0


def _document(answer: requests.Response) -> Any:
    if answer.status_code == 204:
        return None
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NotDone(answer.status_code, f"{answer.url} answers {answer.status_code}, and not as Stecker does.")
    if answer.status_code >= 400:
        raise NotDone(answer.status_code, "\n".join(_words(found)))
    return found


def _words(problem: dict[str, Any]) -> Iterator[str]:
    """A problem for people: what is wrong, where, and what would be legal."""
    title, detail = problem.get("title", "Refused"), problem.get("detail", "")
    yield f"{title}: {detail}" if detail.rstrip(".") not in ("", title.rstrip(".")) else f"{title.rstrip('.')}."
    for fault in problem.get("errors", ()):
        yield f"  {fault['pointer']}: {fault['detail']}"
    for step in problem.get("legal", ()):
        yield f"  legal now: {step['event']} → {step['to']}, by {', '.join(step['actors'])}"
    if "scenarios" in problem:
        yield f"  scenarios: {', '.join(problem['scenarios'])}"


def remote_options(command: F) -> F:
    """`--url`, `--client` and `--secret-file`; the function gets `remote`."""

    @functools.wraps(command)
    def connected(*, url: str, client_id: str | None, secret_file: Any, **said: Any) -> Any:
        pair = _credentials(client_id, secret_file)
        return command(remote=Remote(http_url(url, "--url").rstrip("/"), *pair), **said)

    for option in (
        click.option("--secret-file", type=click.File("r"), metavar="F", help="Holds its secret; - is stdin."),
        click.option("--client", "client_id", metavar="ID", help="A sandbox client; else STECKER_CLIENT=ID:SECRET."),
        click.option(
            "--url",
            envvar="STECKER_URL",
            default="http://127.0.0.1:8080",
            show_default=True,
            help="Where Stecker is (STECKER_URL).",
        ),
    ):
        connected = option(connected)
    return connected  # type: ignore[return-value]


def http_url(url: str, name: str) -> str:
    """The URL, if something can be there. Raises `Refused`."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise Refused(f"{name} is no http URL, such as http://localhost:3000")
    return url


def _credentials(client_id: str | None, secret_file: Any) -> tuple[str, str]:
    if client_id is None and secret_file is None:
        client_id, _, secret = os.environ.get("STECKER_CLIENT", "").strip().partition(":")
    else:
        secret = secret_file.read().strip() if secret_file is not None else ""
    if not client_id or not secret or not (client_id + secret).isascii():
        raise Refused(NOBODY)
    return client_id, secret
