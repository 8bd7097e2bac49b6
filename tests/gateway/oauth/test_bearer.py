"""The check of access tokens (security.md O70-O80)."""

import base64
import hmac
import json
import time
import timeit
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from gateway import db
from gateway.errors import Problem
from gateway.oauth import service
from gateway.oauth.bearer import CACHED, Bearer
from gateway.oauth.keys import ALGORITHM, header
from gateway.oauth.service import Issued
from gateway.oauth.standing import TRUSTED_SECONDS, Standing
from gateway.partners.tables import Partner
from tests.support.asking import GRANT, token

INVALID = 'Bearer realm="stecker", error="invalid_token"'
Forge = Callable[..., bytes]


def refused(bearer: Bearer, *headers: bytes, status: int = 401) -> Problem:
    with pytest.raises(Problem) as caught:
        bearer.authenticate(headers)
    assert caught.value.status == status, caught.value.detail
    return caught.value


def is_invalid(bearer: Bearer, *headers: bytes) -> None:
    problem = refused(bearer, *headers)
    assert problem.headers["WWW-Authenticate"] == INVALID


def carried(access_token: str | bytes) -> bytes:
    return b"Bearer " + (access_token.encode() if isinstance(access_token, str) else access_token)


@pytest.fixture
def bearer(gateway: Any) -> Bearer:
    made: Bearer = gateway.bearer()
    return made


@pytest.fixture
def good(gateway: Any, endpoint: FlaskClient, issued: Issued) -> str:
    return token(endpoint, issued)


@pytest.fixture
def forge(gateway: Any, issued: Issued, acme: Partner) -> Forge:
    """A token signed by our own key, right but for what is given; `missing` claims are left out."""

    def forged(*missing: str, headers: dict[str, Any] | None = None, **claims: Any) -> bytes:
        kid, key = gateway.keys().signing()
        now = int(gateway.clock().timestamp())
        whole = {
            "iss": "http://127.0.0.1:8080",
            "aud": "http://127.0.0.1:8080/v1",
            "sub": issued.client_id,
            "client_id": issued.client_id,
            "scope": "orders:read",
            "jti": "tok_1",
            "iat": now,
            "exp": now + 900,
            "environment": "sandbox",
            "partner": acme.id,
            "kind": "retailer",
            **claims,
        }
        kept = {name: value for name, value in whole.items() if name not in missing}
        return carried(jwt.encode(header(kid) | (headers or {}), kept, key, algorithms=[ALGORITHM]))

    return forged


def test_knows_the_caller(bearer: Bearer, good: str, issued: Issued, acme: Partner) -> None:
    caller = bearer.authenticate([carried(good)])
    assert (caller.client_id, caller.partner_id, caller.kind) == (issued.client_id, acme.id, "retailer")
    assert (caller.environment, caller.scopes) == ("sandbox", frozenset(issued.scopes))
    assert bearer.authenticate([b"bearer " + good.encode()]) == caller


def test_no_token_gets_a_challenge_without_an_error(bearer: Bearer) -> None:
    """O70"""
    assert refused(bearer).headers["WWW-Authenticate"] == 'Bearer realm="stecker"'


def test_takes_one_header_with_one_token(bearer: Bearer, good: str) -> None:
    """O71"""
    text = good.encode()
    for headers in (
        [b"Basic YTpi"],
        [b"Bearer"],
        [b"Bearer "],
        [carried(good), carried(good)],
        [b"Bearer " + text + b" x"],
        [b"Bearer  " + text],
        [b"Bearer " + text + b"\n"],
        [b"Bearer \x00" + text],
        [b"Bearer " + b"a" * 200_000],
        [b"Bearer a." + b"b" * 200_000 + b".c"],
        [b"Bearer \xff\xfe"],
    ):
        is_invalid(bearer, *headers)


def test_takes_tokens_in_their_time_only(bearer: Bearer, forge: Forge, gateway: Any) -> None:
    """O73; those of a sandbox by the sandbox's clock, which is asked later."""
    now = int(gateway.clock().timestamp())
    forge = partial(forge, environment="live")
    assert bearer.authenticate([forge()])
    assert bearer.authenticate([forge(nbf=now)])
    is_invalid(bearer, forge("exp"))
    is_invalid(bearer, forge("iat"))
    for claims in (
        {"exp": now},
        {"exp": str(now + 900)},
        {"exp": 1e300},
        {"exp": -1},
        {"exp": True},
        {"exp": None},
        {"exp": now + 3601},
        {"iat": now + 300, "exp": now + 900},
        {"iat": True},
        {"nbf": now + 300},
        {"nbf": "soon"},
    ):
        is_invalid(bearer, forge(**claims))


def test_a_token_seen_before_expires_too(bearer: Bearer, gateway: Any, endpoint: FlaskClient, acme: Partner) -> None:
    """O73"""
    good = token(endpoint, gateway.client(acme, "live"))
    gateway.clock.advance(899)
    assert bearer.authenticate([carried(good)])
    gateway.clock.advance(1)
    is_invalid(bearer, carried(good))


def test_takes_our_own_tokens_for_our_apis_only(bearer: Bearer, forge: Forge, issued: Issued) -> None:
    """O74, O79"""
    for name in ("iss", "aud", "client_id", "partner", "kind", "scope", "jti", "environment"):
        is_invalid(bearer, forge(name))
    for claims in (
        {"iss": "https://evil.example"},
        {"aud": issued.client_id},
        {"aud": "http://127.0.0.1:8080"},
        {"aud": ["http://127.0.0.1:8080/v1", "https://evil.example"]},
        {"environment": "production"},
        {"environment": ["sandbox"]},
        {"partner": 7},
        {"cnf": {"jkt": "x"}},
    ):
        is_invalid(bearer, forge(**claims))


def test_takes_access_tokens_with_our_header_only(bearer: Bearer, forge: Forge) -> None:
    """O75, O76"""
    for headers in (
        {"typ": "JWT"},
        {"typ": "application/at+jwt"},
        {"kid": "another"},
        {"crit": ["b64"], "b64": True},
        {"jwk": ECKey.generate_key("P-256").as_dict(private=False)},
    ):
        is_invalid(bearer, forge(headers=headers))


def test_takes_no_other_algorithm_and_no_other_key(bearer: Bearer, good: str, gateway: Any) -> None:
    """O76"""
    kid, key = gateway.keys().signing()
    head, body, signature = good.split(".")
    none = base64.urlsafe_b64encode(json.dumps({**header(kid), "alg": "none"}).encode()).rstrip(b"=").decode()
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    hs256 = base64.urlsafe_b64encode(json.dumps({**header(kid), "alg": "HS256"}).encode()).rstrip(b"=").decode()
    digest = hmac.digest(key.as_pem(private=False), f"{hs256}.{body}".encode(), "sha256")
    confused = f"{hs256}.{body}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
    other = jwt.encode(header(kid), claims, ECKey.generate_key("P-256"), algorithms=[ALGORITHM])
    changed = base64.urlsafe_b64encode(json.dumps({**claims, "scope": "ops"}).encode()).rstrip(b"=").decode()
    for text in (
        f"{none}.{body}.",
        f"{none}.{body}.{signature}",
        confused,
        other,
        f"{head}.{changed}.{signature}",
        f"{head}.{body}.{signature[:-8]}",
        f"{head}.{body}.A",
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}.%%.{signature}",
        "a.b.c",
    ):
        is_invalid(bearer, carried(text))


def test_a_suspended_client_is_out_at_once(gateway: Any, endpoint: FlaskClient, issued: Issued) -> None:
    """O77"""
    standing = gateway.standing()
    bearer, text = gateway.bearer(standing), carried(token(endpoint, issued))
    assert bearer.authenticate([text])
    for status, comes_in in (("suspended", False), ("active", True)):
        with gateway.runtime.sessions.begin() as session:
            service.set_status(session, issued.client_id, status)
        standing.refresh()
        if comes_in:
            assert bearer.authenticate([text])
        else:
            is_invalid(bearer, text)


def test_all_clients_of_a_suspended_partner_are_out(gateway: Any, endpoint: FlaskClient, issued: Issued) -> None:
    """O77"""
    standing = gateway.standing()
    bearer, text = gateway.bearer(standing), carried(token(endpoint, issued))
    with gateway.runtime.sessions.begin() as session:
        session.execute(update(Partner).values(status="suspended"))
    standing.refresh()
    is_invalid(bearer, text)


def test_live_tokens_are_nothing_where_live_is_off(gateway: Any, endpoint: FlaskClient, acme: Partner) -> None:
    """O26"""
    text = carried(token(endpoint, gateway.client(acme, "live")))
    assert gateway.bearer().authenticate([text]).environment == "live"
    is_invalid(gateway.bearer(live_enabled=False), text)


def test_names_the_scope_that_is_missing(bearer: Bearer, gateway: Any, endpoint: FlaskClient, issued: Issued) -> None:
    """O78"""
    caller = bearer.authenticate([carried(token(endpoint, issued, f"{GRANT}&scope=orders:read"))])
    caller.require(["orders:read"])
    with pytest.raises(Problem) as caught:
        caller.require(["orders:write"])
    challenge = 'Bearer realm="stecker", error="insufficient_scope", scope="orders:write"'
    assert (caught.value.status, caught.value.headers["WWW-Authenticate"]) == (403, challenge)
    assert "orders:read" not in caught.value.detail


def test_knows_for_ten_seconds_what_it_knew_and_then_says_try_again(gateway: Any, good: str) -> None:
    """O80"""
    moments = [0.0]
    standing = Standing(gateway.runtime.sessions, gateway.clock, lambda: moments[0])
    bearer = gateway.bearer(standing)
    assert refused(bearer, carried(good), status=503).headers["Retry-After"]
    standing.refresh()
    moments[0] = TRUSTED_SECONDS - 0.1
    assert bearer.authenticate([carried(good)])
    moments[0] = TRUSTED_SECONDS
    refused(bearer, carried(good), status=503)


def test_keeps_what_it_knew_when_the_database_does_not_answer(gateway: Any) -> None:
    """O80"""
    engine = db.connect("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    standing = Standing(gateway.runtime.sessions, gateway.clock)
    standing.refresh()
    known = standing.known()
    standing._sessions = db.sessions(engine)
    with pytest.raises(SQLAlchemyError):
        standing.refresh()
    assert standing.known() is known


def test_a_thread_keeps_up_with_the_database(gateway: Any, issued: Issued) -> None:
    """O77: within a second."""
    standing = Standing(gateway.runtime.sessions, gateway.clock)
    standing.start()
    try:
        before = standing.known()
        with gateway.runtime.sessions.begin() as session:
            service.set_status(session, issued.client_id, "suspended")
        deadline = time.monotonic() + 2
        while standing.known() is before and time.monotonic() < deadline:
            time.sleep(0.01)
        after = standing.known()
        assert before
        assert after
        assert issued.client_id not in before.refused
        assert issued.client_id in after.refused
    finally:
        standing.stop()


def test_forgets_the_oldest_tokens(gateway: Any, forge: Forge, bearer: Bearer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert CACHED >= 1000
    monkeypatch.setattr("gateway.oauth.bearer.CACHED", 3)
    for number in range(5):
        bearer.authenticate([forge(jti=f"tok_{number}")])
    assert len(bearer._seen) == 3


def test_a_token_seen_before_costs_microseconds(bearer: Bearer, good: str) -> None:
    headers = [carried(good)]
    bearer.authenticate(headers)
    fastest = min(timeit.repeat(lambda: bearer.authenticate(headers), number=200, repeat=5)) / 200
    assert timedelta(seconds=fastest) < timedelta(microseconds=50)  # a signature alone takes 90
