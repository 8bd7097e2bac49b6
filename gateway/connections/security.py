"""Who calls, where it is not an access token that says so: HTTP Basic, and a shop's signature over the bytes."""

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

from connexion.security import NO_VALUE, AbstractSecurityHandler

from gateway.connections.tables import Connection
from gateway.crypto import Place, Vault
from gateway.errors import Problem
from gateway.oauth.bearer import Caller, let_in
from gateway.oauth.standing import Standing

MAY = frozenset({"orders:write", "orders:read"})
BASIC = 'Basic realm="stecker", charset="UTF-8"'

Check = Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """Finds the connection of a name, in memory, and opens its secrets."""

    standing: Standing
    vault: Vault
    live_enabled: bool

    def admit(self, door: str, name: str, fits: Callable[[bytes], bool]) -> Caller | None:
        """The caller, where one of the secrets `fits`. Raises `Problem` (503) where nothing is known."""
        known = self.standing.known()
        if known is None:
            detail = "Credentials cannot be checked at the moment."
            raise Problem(code="unavailable", detail=detail, headers={"Retry-After": "5"})
        connection = known.connections.get((door, name))
        if connection is None or connection.partner_id in known.refused:
            return None
        if connection.environment == "live" and not self.live_enabled:
            return None
        place = Place(connection.partner_id, "connection", connection.id, "secret")
        opened = [_open(self.vault, one, place) for one in (connection.secret, connection.previous) if one]
        # All of them are tried, whatever the first says: which one fits is nobody's business.
        return _caller(connection) if sum(map(fits, opened)) else None


@lru_cache(1024)
def _open(vault: Vault, sealed: bytes, owner: Place) -> bytes:
    return vault.decrypt(sealed, owner)


def _caller(connection: Connection) -> Caller:
    return Caller(
        client_id=connection.id,
        partner_id=connection.partner_id,
        kind="retailer",
        environment=connection.environment,
        scopes=MAY,
        token_id="",
        expires=0,
    )


class BasicSecurity(AbstractSecurityHandler):  # type: ignore[misc]
    """HTTP Basic (RFC 7617). The scheme says in `x-door` whose users these are."""

    def __init__(self, doorkeeper: Doorkeeper) -> None:
        self.doorkeeper = doorkeeper

    def get_fn(self, security_scheme: Mapping[str, Any], required_scopes: Sequence[str]) -> Check:
        door = security_scheme["x-door"]

        async def check(request: Any) -> dict[str, Any]:
            given = [value for name, value in request.scope["headers"] if name == b"authorization"]
            user, password = _credentials(given)
            caller = self.doorkeeper.admit(door, user, lambda secret: hmac.compare_digest(secret, password))
            if caller is None:
                raise _refused("The user or the password is wrong.", BASIC)
            let_in(request.scope, caller)
            return {"sub": caller.client_id}

        return check


class SignatureSecurity(AbstractSecurityHandler):  # type: ignore[misc]
    """Base64 of HMAC-SHA-256 over the bytes, in the scheme's header; `x-name-header` says whose it is."""

    def __init__(self, doorkeeper: Doorkeeper) -> None:
        self.doorkeeper = doorkeeper

    def get_fn(self, security_scheme: Mapping[str, Any], required_scopes: Sequence[str]) -> Check:
        door, name_header, header = (security_scheme[key].lower() for key in ("x-door", "x-name-header", "name"))

        async def check(request: Any) -> Any:
            headers = {name.decode("latin-1"): value for name, value in request.scope["headers"]}
            given = headers.get(header)
            if given is None:
                return NO_VALUE
            body: bytes = request.scope["stecker.body"]
            name = headers.get(name_header, b"").decode("latin-1").lower()
            caller = self.doorkeeper.admit(
                door, name, lambda secret: hmac.compare_digest(_signature(secret, body), given)
            )
            if caller is None:
                raise _refused("The signature is not that of a shop we know.", "Bearer")
            let_in(request.scope, caller)
            return {"sub": caller.client_id}

        return check


def _signature(secret: bytes, body: bytes) -> bytes:
    return base64.b64encode(hmac.digest(secret, body, sha256))


def _credentials(given: Sequence[bytes]) -> tuple[str, bytes]:
    scheme, _, text = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
    try:
        user, colon, password = base64.b64decode(text.strip(), validate=True).partition(b":")
        if scheme.lower() == b"basic" and colon:
            return user.decode(), password
    except (binascii.Error, UnicodeDecodeError):
        pass
    raise _refused("One Authorization header with a user and a password is needed.", BASIC)


def _refused(detail: str, challenge: str) -> Problem:
    return Problem(code="unauthenticated", detail=detail, headers={"WWW-Authenticate": challenge})
