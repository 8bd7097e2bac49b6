"""Access tokens: JWTs after RFC 9068, for one audience, with the client's environment as a claim."""

from dataclasses import dataclass
from datetime import datetime

from joserfc import jwt

from gateway.ids import new_id
from gateway.oauth.keys import ALGORITHM, TOKEN_LIFETIME, KeyRing, header
from gateway.oauth.service import Identity

LIFETIME_SECONDS = int(TOKEN_LIFETIME.total_seconds())


@dataclass(frozen=True, slots=True)
class Realm:
    """Who issues tokens, and for what. One audience stands for all our APIs, and is never the issuer itself."""

    issuer: str

    @property
    def audience(self) -> str:
        return f"{self.issuer}/v1"

    @property
    def token_url(self) -> str:
        return f"{self.issuer}/oauth/token"


def mint(realm: Realm, keys: KeyRing, identity: Identity, scope: str, now: datetime) -> str:
    """A signed token for `LIFETIME_SECONDS`."""
    kid, key = keys.signing()
    issued = int(now.timestamp())
    claims = {
        "iss": realm.issuer,
        "aud": realm.audience,
        "sub": identity.client_id,
        "client_id": identity.client_id,
        "scope": scope,
        "jti": new_id("tok", now),
        "iat": issued,
        "exp": issued + LIFETIME_SECONDS,
        "environment": identity.environment,
        "partner": identity.partner_id,
        "kind": identity.kind,
    }
    return jwt.encode(header(kid), claims, key, algorithms=[ALGORITHM])
