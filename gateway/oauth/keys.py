"""The keys that sign access tokens: made at the first start, published, rotated without a token refused."""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from joserfc.jwk import ECKey
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from gateway.crypto import Place, Vault
from gateway.oauth.tables import SigningKey

ALGORITHM = "ES256"
TOKEN_LIFETIME = timedelta(minutes=15)
# Resource servers may keep our key set this long; a new key waits as long before it signs.
CACHE = timedelta(minutes=5)
RELOAD = timedelta(minutes=1)
LOCK = 0x5354434B_4F415554  # pg_advisory_xact_lock: one process makes the first key


def header(kid: str) -> dict[str, str]:
    """The header of our access tokens (RFC 9068 §2.1); no other header is ours."""
    return {"typ": "at+jwt", "alg": ALGORITHM, "kid": kid}


def header_segment(kid: str) -> bytes:
    """That header as it stands in a token."""
    return base64.urlsafe_b64encode(json.dumps(header(kid), separators=(",", ":")).encode()).rstrip(b"=")


def ensure(session: Session, vault: Vault, now: datetime) -> None:
    """Make the first key where there is none; any number of processes may start at once."""
    session.execute(select(func.pg_advisory_xact_lock(LOCK)))
    if not session.scalar(select(func.count()).select_from(SigningKey)):
        _add(session, vault, signs_from=now, now=now)


def rotate(session: Session, vault: Vault, now: datetime) -> str:
    """Publish a new key that signs from when every key set kept elsewhere knows it. Returns its kid."""
    session.execute(select(func.pg_advisory_xact_lock(LOCK)))
    return _add(session, vault, signs_from=now + CACHE, now=now)


def published(session: Session, now: datetime) -> Sequence[SigningKey]:
    """Keys by age: of today, of soon, and those whose last token may still be good."""
    keys = session.scalars(select(SigningKey).order_by(SigningKey.signs_from, SigningKey.kid)).all()
    superseded = [younger.signs_from for younger in keys[1:]]
    retired = sum(1 for moment in superseded if moment + TOKEN_LIFETIME <= now)
    return keys[retired:]


def _add(session: Session, vault: Vault, *, signs_from: datetime, now: datetime) -> str:
    key = ECKey.generate_key("P-256", private=True)
    kid = key.thumbprint()
    private = json.dumps(key.as_dict(private=True)).encode()
    session.add(
        SigningKey(
            kid=kid,
            public_jwk={**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": ALGORITHM},
            private_jwk=vault.encrypt(private, _place(kid)),
            signs_from=signs_from,
            created_at=now,
        )
    )
    return kid


def _place(kid: str) -> Place:
    return Place(owner="stecker", table="oauth_signing_key", row=kid, column="private_jwk")


class KeyRing:
    """The keys of this process, read anew each minute."""

    def __init__(self, sessions: sessionmaker[Session], vault: Vault, clock: Callable[[], datetime]) -> None:
        self.sessions, self.vault, self.clock = sessions, vault, clock
        self._keys: Sequence[SigningKey] = ()
        self._private: dict[str, ECKey] = {}
        self._until: datetime | None = None

    def signing(self) -> tuple[str, ECKey]:
        """The kid and the key that sign now. Raises `CannotDecrypt` under another secret key."""
        now = self.clock()
        current = [key for key in self._load(now) if key.signs_from <= now][-1]
        if current.kid not in self._private:
            opened = self.vault.decrypt(current.private_jwk, _place(current.kid))
            self._private = {current.kid: ECKey.import_key(json.loads(opened))}
        return current.kid, self._private[current.kid]

    def public(self) -> list[dict[str, Any]]:
        """The published JWKs, without private parts."""
        return [key.public_jwk for key in self._load(self.clock())]

    def _load(self, now: datetime) -> Sequence[SigningKey]:
        if self._until is None or now >= self._until:
            with self.sessions() as session:
                self._keys = published(session, now)
            self._until = now + RELOAD
        return self._keys
