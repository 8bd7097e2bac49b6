"""The resource server: who calls, by the access token of the request. Memory and a signature, no database."""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from gateway.config import Settings
from gateway.errors import Problem
from gateway.guard import Scope
from gateway.oauth.keys import ALGORITHM
from gateway.oauth.refusals import REALM
from gateway.oauth.standing import Knowledge, Standing
from gateway.oauth.tokens import Realm

BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] ([A-Za-z0-9_-]{1,200}\.[A-Za-z0-9_-]{1,3000}\.[A-Za-z0-9_-]{1,200})")
CACHED = 10_000
SANDBOX = "sandbox"  # the scope, and the environment
SKEW_SECONDS = 30
MAX_LIFETIME_SECONDS = 3600
ENVIRONMENTS = ("sandbox", "live")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls. The token is good from `begins` until before `expires`, in unix seconds; 0 where there is none."""

    client_id: str
    partner_id: str
    kind: str
    environment: str
    scopes: frozenset[str]
    token_id: str
    expires: int
    begins: int = 0

    def require(self, scopes: Sequence[str]) -> None:
        """Raises `Problem` (403), which names what the operation needs and not what the token has.

        What asks for the scope `sandbox` is refused with live credentials, whatever their scopes.
        """
        if SANDBOX in scopes and self.environment != SANDBOX:
            detail = (
                "This is for the sandbox alone, and these are live credentials: use those that begin with stk_test_."
            )
            raise Problem(code="sandbox-only", detail=detail)
        if not self.scopes.issuperset(scopes):
            needed = " ".join(scopes)
            challenge = f'Bearer realm="{REALM}", error="insufficient_scope", scope="{needed}"'
            raise Problem(
                code="insufficient-scope",
                detail=f"This needs the scope {needed}.",
                headers={"WWW-Authenticate": challenge},
            )


def let_in(scope: Scope, caller: Caller) -> None:
    """Tell those behind who calls; and of a sandbox's caller those before, who may have but a copy of the scope."""
    scope["stecker.caller"] = caller
    inner = scope.get("stecker.inner")
    if caller.environment == SANDBOX and inner is not None:
        inner["scope"] = scope


def check_time(caller: Caller, now: datetime, *, known: bool = True) -> None:
    """Raises `Problem` (401) where the caller's token is not good any more, or not yet.

    After a sandbox's clock was left, tokens of its future are those that are not good yet. Of whoever is not `known`
    any more, none is.
    """
    if not caller.expires:
        return
    if not known:
        raise _unauthenticated("The access token is not good any more.")
    # Who has just got it may wonder: the clock of his sandbox was advanced meanwhile, or left.
    here = f", as it is {now.isoformat(timespec='seconds')} in this sandbox" if caller.environment == SANDBOX else ""
    if caller.expires <= now.timestamp():
        raise _unauthenticated(f"The access token has expired{here}.")
    if caller.begins > now.timestamp() + SKEW_SECONDS:
        raise _unauthenticated(f"The access token is not for this time{here}; get another one.")


class Bearer:
    """Checks tokens. A token seen before costs a hash and two look-ups; use it from one thread, the event loop's.

    Whether it is their time those of a sandbox are asked later, by the sandbox's clock (`gateway.clocks`).
    """

    def __init__(self, settings: Settings, standing: Standing, clock: Callable[[], datetime]) -> None:
        self._realm = Realm(settings.public_url)
        self._live_enabled = settings.live_enabled
        self._standing, self._clock = standing, clock
        self._seen: OrderedDict[bytes, tuple[bytes, Caller]] = OrderedDict()

    def authenticate(self, authorization: Sequence[bytes]) -> Caller:
        """The caller, by the values of all Authorization headers of a request. Raises `Problem` (401, 503)."""
        if not authorization:
            raise _unauthenticated("An access token is needed.", error=False)
        match = BEARER.fullmatch(authorization[0])
        if len(authorization) > 1 or match is None:
            raise _unauthenticated("One Authorization header with a Bearer token is needed.")
        known = self._standing.known()
        if known is None:
            detail = "Access tokens cannot be checked at the moment."
            raise Problem(code="unavailable", detail=detail, headers={"Retry-After": "5"})
        return self._admit(match[1], known)

    def _admit(self, token: bytes, known: Knowledge) -> Caller:
        digest = sha256(token).digest()
        head, caller = self._seen.get(digest) or self._verified(token, digest, known)
        if head not in known.keys:
            self._seen.pop(digest, None)
            raise _unauthenticated("The access token has expired.")
        if caller.environment != SANDBOX:
            check_time(caller, self._clock())
        if caller.client_id in known.refused or caller.partner_id in known.refused:
            raise _unauthenticated("The access token is not good any more.")
        return caller

    def _verified(self, token: bytes, digest: bytes, known: Knowledge) -> tuple[bytes, Caller]:
        # Our own headers are known to the byte: another algorithm, type, key or extension never gets parsed.
        head = token.partition(b".")[0]
        key = known.keys.get(head)
        if key is None:
            raise _unauthenticated("The access token is not one of ours.")
        try:
            claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError):
            raise _unauthenticated("The access token is not one of ours.") from None
        if not self._is_ours(claims) or not _has_times(claims):
            raise _unauthenticated("The access token is not for this service.")
        self._seen[digest] = head, _caller(claims)
        if len(self._seen) > CACHED:
            self._seen.popitem(last=False)
        return self._seen[digest]

    def _is_ours(self, claims: Mapping[str, Any]) -> bool:
        """A token bound to a key (`cnf`) is worth nothing without the proof, which nothing here can check."""
        words = ("client_id", "partner", "kind", "scope", "jti")
        environments = ENVIRONMENTS if self._live_enabled else ENVIRONMENTS[:1]
        return (
            claims.get("iss") == self._realm.issuer
            and claims.get("aud") == self._realm.audience
            and claims.get("environment") in environments
            and all(isinstance(claims.get(word), str) for word in words)
            and "cnf" not in claims
        )


def _has_times(claims: Mapping[str, Any]) -> bool:
    issued, expires, not_before = claims.get("iat"), claims.get("exp"), claims.get("nbf", 0)
    # type() and not isinstance(): True is an int, too.
    if type(issued) is not int or type(expires) is not int or type(not_before) is not int:
        return False
    return 0 < issued < expires <= issued + MAX_LIFETIME_SECONDS


def _caller(claims: Mapping[str, Any]) -> Caller:
    return Caller(
        client_id=claims["client_id"],
        partner_id=claims["partner"],
        kind=claims["kind"],
        environment=claims["environment"],
        scopes=frozenset(claims["scope"].split()),
        token_id=claims["jti"],
        expires=claims["exp"],
        begins=max(claims["iat"], claims.get("nbf", 0)),
    )


def _unauthenticated(detail: str, *, error: bool = True) -> Problem:
    """RFC 6750 §3.1: who sent nothing gets a challenge without an error code."""
    challenge = f'Bearer realm="{REALM}"' + (', error="invalid_token"' if error else "")
    return Problem(code="unauthenticated", detail=detail, headers={"WWW-Authenticate": challenge})
