"""What webhooks are signed with, as partners see it: each secret by its beginning, and the public keys for anybody."""

import base64
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from joserfc.jwk import OKPKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.crypto import Vault
from gateway.endpoints.secrets import opener, sealer
from webhooks import rotation, schemes, signing
from webhooks.signing import Generation
from webhooks.tables import Endpoint
from webhooks.verify import public_bytes

CACHE = timedelta(minutes=5)
"""How long our keys may be kept: a new one signs at once, but for the overlap never alone."""


class NotSigned(Exception):
    """The endpoint's calls are authenticated otherwise."""


def rotate(
    session: Session, vault: Vault, endpoint: Endpoint, overlap: timedelta, signature: str | None, now: datetime
) -> str:
    """Replace the secret of an endpoint that is locked; the new one is told this once. A `signature` changes its kind.

    Raises `NotSigned` and `rotation.InRotation`.
    """
    if endpoint.scheme not in schemes.SIGNING:
        raise NotSigned
    wanted = signature or ("v1a" if generations(vault, endpoint)[0].seed else "v1")
    newest = signing.new(secrets.token_bytes(32), secrets.token_bytes(32) if wanted == "v1a" else None, now)
    rotation.rotate(endpoint, newest, overlap=overlap, open_secret=opener(vault), seal=sealer(vault))
    session.flush()
    return newest.secret


def generations(vault: Vault, endpoint: Endpoint) -> tuple[Generation, ...]:
    """What signs there, the newest first; nothing where nothing is signed."""
    return rotation.generations(endpoint, opener(vault)) if endpoint.scheme in schemes.SIGNING else ()


def shown(one: Generation, used: datetime | None) -> dict[str, Any]:
    """One of them, for the endpoint's owner. `used` is when anything was signed for it last."""
    assert one.since is not None
    if used is not None:
        used = None if used < one.since else min(used, one.until or used)
    return {
        "prefix": one.hint,
        "public_key": one.public_key,
        "created_at": one.since.isoformat(),
        "expires_at": one.until and one.until.isoformat(),
        "last_used_at": used and used.isoformat(),
    }


def published(session: Session, vault: Vault, endpoint_id: str | None, now: datetime) -> list[dict[str, Any]]:
    """The public keys of everybody, or of one endpoint, that sign now."""
    query = select(Endpoint).where(Endpoint.signature == "v1a", Endpoint.deleted_at.is_(None)).order_by(Endpoint.id)
    rows = session.scalars(query if endpoint_id is None else query.where(Endpoint.id == endpoint_id))
    return [key for row in rows for key in _keys(vault, row, now)]


def _keys(vault: Vault, endpoint: Endpoint, now: datetime) -> Iterator[dict[str, Any]]:
    for one in generations(vault, endpoint):
        if one.public_key is None or not one.holds(now):
            continue
        assert one.since is not None
        x = base64.urlsafe_b64encode(public_bytes(one.public_key)).rstrip(b"=").decode()
        jwk = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": x})
        yield {
            "kid": jwk.thumbprint(),
            **jwk.as_dict(private=False),
            "use": "sig",
            "alg": "EdDSA",
            "public_key": one.public_key,
            "endpoint_id": endpoint.id,
            "environment": endpoint.environment,
            "valid_from": one.since.isoformat(),
            "valid_until": one.until and one.until.isoformat(),
        }
