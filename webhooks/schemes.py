"""How our calls are authenticated: the schemes as data, their checks, and what makes the headers.

`standard-webhooks` (the default) and `hmac` sign; `basic`, `bearer` and `header` say what they were told; `oauth2`,
`lwa` and `google` ask for a token first (`webhooks.tokens`). `folder` calls nobody (`webhooks.folders`).
"""

import base64
import hmac
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, NamedTuple

from webhooks import signing
from webhooks.signing import Signer
from webhooks.tokens import GRANTS, Grant, Tokens, is_private_key

STANDARD = "standard-webhooks"
SIGNING = frozenset({STANDARD, "hmac"})
FOLDER = "folder"

Credentials = Mapping[str, str]
"""The members of a scheme, as `loaded` gives them."""

Kind = Literal["text", "visible", "user", "header", "url", "key"]


@dataclass(frozen=True, slots=True)
class Member:
    """One thing a scheme wants to be told. None as its default: it must be."""

    name: str
    kind: Kind = "text"
    default: str | None = None
    secret: bool = False
    choices: tuple[str, ...] = ()


MEMBERS: Mapping[str, tuple[Member, ...]] = {
    STANDARD: (),
    "hmac": (
        Member("header", "header"),
        Member("algorithm", default="sha256", choices=("sha1", "sha256", "sha384", "sha512")),
        Member("encoding", default="hex", choices=("hex", "base64")),
        Member("prefix", "visible", default=""),  # GitHub and those who follow it write `sha256=`
        Member("secret", secret=True),
    ),
    "basic": (Member("username", "user"), Member("password", secret=True)),
    "bearer": (Member("token", "visible", secret=True),),
    "header": (Member("name", "header"), Member("value", "visible", secret=True)),
    "oauth2": (
        Member("token_url", "url"),
        Member("client_id"),
        Member("client_secret", secret=True),
        Member("scope", default=""),
        Member("client_auth", default="basic", choices=("basic", "post")),
    ),
    # https://developer.amazon.com/docs/login-with-amazon/refresh-token.html
    "lwa": (
        Member("client_id"),
        Member("client_secret", secret=True),
        Member("refresh_token", secret=True),
        Member("token_url", "url", default="https://api.amazon.com/auth/o2/token"),
    ),
    # https://developers.google.com/identity/protocols/oauth2/service-account#httprest
    "google": (
        Member("client_email"),
        Member("private_key", "key", secret=True),
        Member("scope"),
        Member("token_url", "url", default="https://oauth2.googleapis.com/token"),
    ),
    FOLDER: (),
}

CALLING = tuple(scheme for scheme in MEMBERS if scheme != FOLDER)

LONGEST: Mapping[Kind, int] = {"key": 16 * 1024, "url": 2048, "header": 100}
MOST = 4096

_SHAPES: Mapping[Kind, re.Pattern[str]] = {
    "text": re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]*"),
    "user": re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff:]+"),  # RFC 7617 §2: no colon
    "visible": re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?"),
    "header": re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"),  # RFC 9110 §5.6.2
    "url": re.compile(r"[\x21-\x7e]+"),
    "key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\x20-\x7e\r\n]+"),
}

# What belongs to the connection, to the body, or to our own signature.
TAKEN_HEADERS = frozenset(
    {"accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host"}
    | {"keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "user-agent"}
    | {"stecker-chaos", "webhook-id", "webhook-signature", "webhook-timestamp"}
)


def faults(wish: Mapping[str, object], check_url: Callable[[str], Sequence[str]]) -> list[tuple[str, str]]:
    """Everything that is wrong with `{"scheme": …, members}`, as (member, code).

    Codes: `unknown_scheme`, `unknown_member`, `required`, `not_text`, `too_long`, `not_a_choice`, `malformed`,
    `header_taken`, and those of `check_url`.
    """
    members = MEMBERS.get(str(wish.get("scheme")))
    if members is None:
        return [("scheme", "unknown_scheme")]
    known = {member.name for member in members} | {"scheme"}
    found = [(name, "unknown_member") for name in wish if name not in known]
    for member in members:
        value = wish.get(member.name, member.default)
        codes = ["required"] if value is None else _faults(member, value)
        if not codes and member.kind == "url":
            codes = list(check_url(str(value)))
        found += [(member.name, code) for code in codes]
    return found


def _faults(member: Member, value: object) -> list[str]:
    if not isinstance(value, str):
        return ["not_text"]
    if member.choices:
        return [] if value in member.choices else ["not_a_choice"]
    if not value:
        return ["required"] if member.default is None else []
    if len(value) > LONGEST.get(member.kind, MOST):
        return ["too_long"]
    if member.kind == "header" and value.lower() in TAKEN_HEADERS:
        return ["header_taken"]
    if not _SHAPES[member.kind].fullmatch(value):
        return ["malformed"]
    return ["malformed"] if member.kind == "key" and not is_private_key(value) else []


def loaded(wish: Mapping[str, str]) -> Credentials:
    """The members of a wish without faults, with what was left out."""
    return {member.name: wish.get(member.name, member.default or "") for member in MEMBERS[wish["scheme"]]}


def public(scheme: str, credentials: Credentials) -> dict[str, str]:
    """The members that may be shown."""
    return {member.name: credentials[member.name] for member in MEMBERS[scheme] if not member.secret}


def hidden(scheme: str, credentials: Credentials) -> tuple[str, ...]:
    """The values that nobody may see."""
    return tuple(credentials[member.name] for member in MEMBERS[scheme] if member.secret)


class Sent(NamedTuple):
    """What is to be authenticated: the message's id, its bytes, and when they are sent."""

    id: str
    body: bytes
    at: datetime


class Scheme:
    """Makes the headers of one partner's calls. Safe to share between threads."""

    def headers(self, sent: Sent, until: float) -> Mapping[str, str]:
        """What to add to a request. May ask for a token until then (monotonic); raises `NoToken`."""
        raise NotImplementedError

    def renew(self, refused: Mapping[str, str]) -> bool:
        """After a 401 to these headers: whether the next ones will be others."""
        return False

    def hidden(self, added: Mapping[str, str]) -> Sequence[str]:
        """What of these headers, and of the credentials, nobody may see."""
        return ()


@dataclass(frozen=True, slots=True)
class StandardWebhooks(Scheme):
    """`webhook-id`, `webhook-timestamp` and `webhook-signature`."""

    signers: Sequence[Signer] = field(repr=False)

    def headers(self, sent: Sent, until: float) -> dict[str, str]:
        stamp = int(sent.at.timestamp())
        return {
            "webhook-id": sent.id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signing.value(self.signers, sent.id, stamp, sent.body),
        }


@dataclass(frozen=True, slots=True)
class Hmac(Scheme):
    """A header with the body's HMAC, as older receivers want it, beside the signature of Standard Webhooks.

    It says nothing of when the message was sent; who can, checks that of Standard Webhooks, too.
    """

    standard: StandardWebhooks
    told: Credentials = field(repr=False)

    def headers(self, sent: Sent, until: float) -> dict[str, str]:
        digest = hmac.digest(self.told["secret"].encode(), sent.body, self.told["algorithm"])
        said = digest.hex() if self.told["encoding"] == "hex" else base64.b64encode(digest).decode()
        return {**self.standard.headers(sent, until), self.told["header"].lower(): self.told["prefix"] + said}


@dataclass(frozen=True, slots=True)
class Fixed(Scheme):
    """The same header every time."""

    name: str
    value: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    def headers(self, sent: Sent, until: float) -> dict[str, str]:
        return {self.name: self.value}

    def hidden(self, added: Mapping[str, str]) -> tuple[str, ...]:
        return (self.value.removeprefix("Basic "), *self.secrets)


@dataclass(frozen=True, slots=True)
class Granted(Scheme):
    """A header with a token that is asked for, and asked for again when it is refused."""

    header: str
    prefix: str
    tokens: Tokens = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    def headers(self, sent: Sent, until: float) -> dict[str, str]:
        return {self.header: self.prefix + self.tokens.get(until)}

    def renew(self, refused: Mapping[str, str]) -> bool:
        self.tokens.drop(self._token(refused))
        return True

    def hidden(self, added: Mapping[str, str]) -> tuple[str, ...]:
        return (self._token(added), *self.secrets)

    def _token(self, headers: Mapping[str, str]) -> str:
        return headers[self.header].removeprefix(self.prefix)


def before(scheme: Scheme, at: datetime) -> Scheme | None:
    """The same with the signatures by the secret before alone; None where none is being replaced."""
    if isinstance(scheme, Hmac):
        standard = before(scheme.standard, at)
        return replace(scheme, standard=standard) if isinstance(standard, StandardWebhooks) else None
    if not isinstance(scheme, StandardWebhooks):
        return None
    old = [one for one in scheme.signers if at.timestamp() < one.until < math.inf]
    return StandardWebhooks(old) if old else None


Ask = Callable[[Grant, Credentials], Tokens]
"""Makes what asks for the tokens of a grant: `partial(Tokens, transport, clock)`."""


def outgoing(scheme: str, credentials: Credentials, ask: Ask, signers: Sequence[Signer] = ()) -> Scheme:
    """What authenticates by this scheme. `signers` are those of Standard Webhooks, which `hmac` needs as well."""
    if scheme == STANDARD:
        return StandardWebhooks(signers)
    if scheme == "hmac":
        return Hmac(StandardWebhooks(signers), credentials)
    secrets = hidden(scheme, credentials)
    if (grant := GRANTS.get(scheme)) is not None:
        return Granted(grant.header, grant.prefix, ask(grant, credentials), secrets)
    name, value = _FIXED[scheme](credentials)
    return Fixed(name.lower(), value, secrets)


def _basic(user: str, password: str) -> str:
    """The value of `Authorization` (RFC 7617, UTF-8)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


_FIXED: Mapping[str, Callable[[Credentials], tuple[str, str]]] = {
    "basic": lambda told: ("authorization", _basic(told["username"], told["password"])),
    "bearer": lambda told: ("authorization", f"Bearer {told['token']}"),
    "header": lambda told: (told["name"], told["value"]),
}
