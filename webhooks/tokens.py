"""Tokens for calls: asked for once for all who need one, kept until shortly before their end, renewed when refused."""

import base64
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from urllib.parse import quote_plus, urlencode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.jwk import RSAKey

from webhooks.policy import Answer, fault
from webhooks.transport import MAX_RESPONSE, Request, Transport

Credentials = Mapping[str, str]

UNSAID = timedelta(minutes=5)
"""How long a token lasts that does not say (RFC 6749 §5.1: `expires_in` is only recommended)."""

LONGEST = timedelta(days=1)
MARGIN = timedelta(minutes=1)
"""A token is renewed so long before its end, or a tenth of its life where that is less."""

ASSERTED = timedelta(hours=1)
"""How long a service account's assertion may be used; Google takes no longer one."""

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")


class NoToken(Exception):
    """There is no token to be had; `answer` is what the attempt came to."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.error)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Grant:
    """How a token is asked for, and in which header it is sent."""

    header: str
    prefix: str
    request: Callable[[Credentials, datetime], Request]


class Tokens:
    """The token of one set of credentials. Safe to share between threads: who comes while it is asked for, waits."""

    def __init__(
        self, transport: Transport, clock: Callable[[], datetime], grant: Grant, credentials: Credentials
    ) -> None:
        self._grant = grant
        self._credentials = credentials
        self._transport = transport
        self._clock = clock
        self._asking = threading.Lock()
        self._changing = threading.Lock()  # never held for long
        self._held: tuple[str, datetime] | None = None
        self._failed: tuple[float, Answer] | None = None

    def get(self, until: float) -> str:
        """The token. May take until then (monotonic). Raises `NoToken`."""
        came = monotonic()
        if not self._asking.acquire(timeout=max(until - came, 0)):
            raise NoToken(Answer(error="timeout", step="token"))
        try:
            if (held := self._held) is None or self._clock() >= held[1]:
                # Who has waited for a request that failed does not ask at once again.
                if self._failed is not None and self._failed[0] > came:
                    raise NoToken(self._failed[1])
                held = self._ask(until)
                with self._changing:
                    self._held = held
            return held[0]
        finally:
            self._asking.release()

    def drop(self, token: str) -> None:
        """This one was refused. One that came since is kept."""
        with self._changing:
            if self._held is not None and self._held[0] == token:
                self._held = None

    def _ask(self, until: float) -> tuple[str, datetime]:
        """A new token, and when to ask for the next."""
        now = self._clock()
        answer = self._transport.send(self._grant.request(self._credentials, now), until=until, most=MAX_RESPONSE)
        try:
            token, life = _read(answer)
        except NoToken as error:
            self._failed = monotonic(), error.answer
            raise
        return token, now + life - min(MARGIN, life / 10)


def _read(answer: Answer) -> tuple[str, timedelta]:
    """The token and its life. Nothing of what was answered is kept: it might be a token."""
    if (error := _error(answer)) is not None:
        raise _nothing(answer, error)
    try:
        said = json.loads(answer.body)
        token, seconds = said["access_token"], float(said.get("expires_in") or UNSAID.total_seconds())
        life = timedelta(seconds=max(min(seconds, LONGEST.total_seconds()), 0))
        if not _TOKEN.fullmatch(token):
            raise ValueError("not fit for a header")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as unreadable:
        raise _nothing(answer, "token_unreadable") from unreadable
    return token, life


def _nothing(answer: Answer, error: str) -> NoToken:
    return NoToken(
        Answer(
            status_code=answer.status_code,
            error=error,
            retry_after=answer.retry_after,
            duration_ms=answer.duration_ms,
            step="token",
        )
    )


def _error(answer: Answer) -> str | None:
    if answer.error is None and answer.status_code in {400, 401, 403}:  # RFC 6749 §5.2
        return "token_refused"
    found = fault(answer)
    return found if found is None or answer.error is not None else "token_unavailable"


def _form(url: str, members: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Request:
    always = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    return Request(method="POST", url=url, headers={**always, **(headers or {})}, body=urlencode(members).encode())


def _client_credentials(told: Credentials, now: datetime) -> Request:
    """RFC 6749 §4.4; the client says who it is as §2.3.1 has it, in either way."""
    members = {"grant_type": "client_credentials"} | ({"scope": told["scope"]} if told["scope"] else {})
    if told["client_auth"] == "post":
        return _form(told["token_url"], members | {name: told[name] for name in ("client_id", "client_secret")})
    pair = f"{quote_plus(told['client_id'])}:{quote_plus(told['client_secret'])}"
    return _form(told["token_url"], members, {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()})


def _refresh_token(told: Credentials, now: datetime) -> Request:
    members = {name: told[name] for name in ("client_id", "client_secret", "refresh_token")}
    return _form(told["token_url"], {"grant_type": "refresh_token", **members})


def _service_account(told: Credentials, now: datetime) -> Request:
    """RFC 7523 §2.1, signed with the account's own key."""
    claims = {
        "iss": told["client_email"],
        "scope": told["scope"],
        "aud": told["token_url"],
        "iat": int(now.timestamp()),
        "exp": int((now + ASSERTED).timestamp()),
    }
    assertion = jwt.encode({"alg": "RS256"}, claims, RSAKey.import_key(told["private_key"]), algorithms=["RS256"])
    return _form(
        told["token_url"], {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
    )


def is_private_key(text: str) -> bool:
    """Whether this is a private key in PEM that RS256 signs with, as a service account's file has it."""
    try:
        key = load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return isinstance(key, RSAPrivateKey) and key.key_size >= 2048  # RFC 7518 §3.3


GRANTS: Mapping[str, Grant] = {
    "oauth2": Grant("authorization", "Bearer ", _client_credentials),
    "lwa": Grant("x-amz-access-token", "", _refresh_token),
    "google": Grant("authorization", "Bearer ", _service_account),
}
