"""Signing keys, the key set and the metadata (security.md O60, O61)."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gateway.crypto import CannotDecrypt, Vault
from gateway.oauth import keys
from gateway.oauth.keys import KeyRing
from gateway.oauth.service import Issued
from gateway.oauth.tables import SigningKey
from gateway.runtime import Runtime
from tests.support.asking import ask, token

JWKS = "/.well-known/jwks.json"
METADATA = "/.well-known/oauth-authorization-server"


def kid_of(access_token: str, known: list[str]) -> str:
    head = access_token.partition(".")[0].encode()
    return next(kid for kid in known if keys.header_segment(kid) == head)


def test_many_processes_starting_at_once_make_one_key(runtime: Runtime) -> None:
    """O61"""

    def start() -> None:
        with runtime.sessions.begin() as session:
            keys.ensure(session, runtime.vault, runtime.clock())

    with ThreadPoolExecutor(5) as threads:
        list(threads.map(lambda _: start(), range(5)))
    with runtime.sessions() as session:
        assert len(session.scalars(select(SigningKey)).all()) == 1


def test_publishes_public_parts_only(endpoint: FlaskClient) -> None:
    """O61"""
    answer = endpoint.get(JWKS)
    (key,) = answer.json["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")
    assert answer.headers["Cache-Control"] == "public, max-age=300"


def test_a_new_key_waits_until_every_cache_knows_it(gateway: Any, issued: Issued) -> None:
    """O61"""
    endpoint = gateway.endpoint()
    (old,) = [key["kid"] for key in endpoint.get(JWKS).json["keys"]]
    with gateway.runtime.sessions.begin() as session:
        new = keys.rotate(session, gateway.runtime.vault, gateway.clock())
    gateway.clock.advance(60)
    assert [key["kid"] for key in endpoint.get(JWKS).json["keys"]] == [old, new]
    early = token(endpoint, issued)
    gateway.clock.advance(240)
    late = token(endpoint, issued)
    assert (kid_of(early, [old, new]), kid_of(late, [old, new])) == (old, new)
    gateway.clock.advance(899 - 240)
    bearer = gateway.bearer()
    assert bearer.authenticate([b"Bearer " + early.encode()]).client_id == issued.client_id
    gateway.clock.advance(241)
    assert [key["kid"] for key in endpoint.get(JWKS).json["keys"]] == [new]


def test_private_keys_are_sealed(gateway: Any) -> None:
    with gateway.runtime.sessions() as session:
        stored = session.scalars(select(SigningKey)).one()
    assert b'"d"' not in stored.private_jwk
    assert "d" not in stored.public_jwk
    with pytest.raises(CannotDecrypt):
        KeyRing(gateway.runtime.sessions, Vault(bytes(32)), gateway.clock).signing()


def test_the_header_of_a_token_is_known_to_the_byte(gateway: Any, endpoint: FlaskClient, issued: Issued) -> None:
    """O75, O76: the resource server compares headers, so the library must write them as we do."""
    (kid,) = [key["kid"] for key in endpoint.get(JWKS).json["keys"]]
    assert token(endpoint, issued).partition(".")[0].encode() == keys.header_segment(kid)


def test_the_metadata_lists_what_works(endpoint: FlaskClient, issued: Issued) -> None:
    """O60"""
    said = endpoint.get(METADATA).json
    base = said["issuer"]
    assert base == "http://127.0.0.1:8080"
    assert said["token_endpoint"].startswith(base)
    assert endpoint.get(said["jwks_uri"].removeprefix(base)).status_code == 200
    assert said["token_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post"]
    form = f"client_id={issued.client_id}&client_secret={issued.client_secret}"
    for grant in said["grant_types_supported"]:
        assert ask(endpoint, issued, f"grant_type={grant}").status_code == 200
        assert ask(endpoint, None, f"grant_type={grant}&{form}").status_code == 200
    assert "revocation_endpoint" not in said
    assert "none" not in json.dumps(said)
