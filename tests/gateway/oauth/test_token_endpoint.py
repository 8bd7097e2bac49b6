"""POST /oauth/token: what it takes and what it refuses (security.md O1-O26)."""

import json
import logging
from base64 import urlsafe_b64decode
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from gateway import db
from gateway.oauth import secret as secrets
from gateway.oauth import service
from gateway.oauth.api import routes
from gateway.oauth.service import Issued
from gateway.oauth.tables import Client
from gateway.partners.tables import Partner
from tests.support.asking import FORM, GRANT, PATH, ask, basic, basic_bytes, refusal, token
from tests.support.clock import Clock

UNKNOWN = "stk_test_01K9ZK4N2D3W5Y7A8B9C0D1E2F"


def claims(access_token: str) -> dict[str, Any]:
    part = access_token.split(".")[1]
    read: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read


def other_secret() -> str:
    return secrets.make("sandbox", bytes(32))


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_takes_post_only(endpoint: FlaskClient, method: str) -> None:
    """O1"""
    answer = endpoint.open(PATH, method=method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "problem" not in answer.content_type


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", None])
def test_takes_forms_only(endpoint: FlaskClient, issued: Issued, content_type: str | None) -> None:
    """O2"""
    headers = basic(issued.client_id, issued.client_secret)
    answer = endpoint.post(PATH, data=GRANT.encode(), headers=headers, content_type=content_type)
    refusal(answer, 400, "invalid_request")


@pytest.mark.parametrize("body", ["", "grant_type=", "scope=orders:read"])
def test_needs_a_grant_type(endpoint: FlaskClient, issued: Issued, body: str) -> None:
    """O3"""
    refusal(ask(endpoint, issued, body), 400, "invalid_request")


@pytest.mark.parametrize("grant", ["password", "implicit", "authorization_code", "refresh_token", "<script>"])
def test_knows_one_grant_type(endpoint: FlaskClient, issued: Issued, grant: str) -> None:
    """O4"""
    answer = ask(endpoint, issued, f"grant_type={quote(grant)}")
    refusal(answer, 400, "unsupported_grant_type")
    assert grant not in answer.text


@pytest.mark.parametrize("name", ["grant_type", "scope", "client_id", "client_assertion", "resource"])
def test_refuses_a_parameter_given_twice(endpoint: FlaskClient, issued: Issued, name: str) -> None:
    """O5"""
    value = {"grant_type": "client_credentials", "client_id": issued.client_id, "scope": "orders:read"}.get(name, "x")
    rest = "" if name == "grant_type" else f"&{GRANT}"
    refusal(ask(endpoint, issued, f"{name}={value}&{name}={value}{rest}"), 400, "invalid_request")


@pytest.mark.parametrize("name", ["grant_type", "scope", "client_id", "client_secret", "client_assertion"])
def test_refuses_parameters_in_the_address(
    endpoint: FlaskClient, issued: Issued, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """O6, O7"""
    caplog.set_level(logging.DEBUG)
    answer = ask(endpoint, issued, query_string={name: "canary-4711"})
    refusal(answer, 400, "invalid_request")
    assert "canary-4711" not in answer.text + caplog.text


def test_a_secret_in_the_address_does_not_authenticate(endpoint: FlaskClient, issued: Issued) -> None:
    """O7"""
    query = {"client_id": issued.client_id, "client_secret": issued.client_secret}
    refusal(ask(endpoint, None, query_string=query), 400, "invalid_request")


@pytest.mark.parametrize("second", ["client_secret", "client_assertion"])
def test_refuses_two_ways_to_authenticate(endpoint: FlaskClient, issued: Issued, second: str) -> None:
    """O8"""
    refusal(ask(endpoint, issued, f"{GRANT}&{second}={issued.client_secret}"), 400, "invalid_request")
    both = f"{GRANT}&client_id={issued.client_id}&client_secret={issued.client_secret}&client_assertion=a.b.c"
    refusal(ask(endpoint, None, both), 400, "invalid_request")


def test_refuses_another_client_id_in_the_body(endpoint: FlaskClient, issued: Issued) -> None:
    """O9"""
    refusal(ask(endpoint, issued, f"{GRANT}&client_id={UNKNOWN}"), 400, "invalid_request")
    assert ask(endpoint, issued, f"{GRANT}&client_id={issued.client_id}").status_code == 200


def test_refuses_a_wrong_secret(endpoint: FlaskClient, issued: Issued) -> None:
    """O10"""
    answer = ask(endpoint, replace(issued, client_secret=other_secret()))
    refusal(answer, 401, "invalid_client")
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="stecker", charset="UTF-8"'


def test_an_unknown_client_looks_like_a_wrong_secret(endpoint: FlaskClient, issued: Issued) -> None:
    """O11"""
    wrong = ask(endpoint, replace(issued, client_secret=other_secret()))
    unknown = ask(endpoint, replace(issued, client_id=UNKNOWN))
    assert (wrong.status, list(wrong.headers), wrong.data) == (unknown.status, list(unknown.headers), unknown.data)


@pytest.mark.parametrize("body", [GRANT, f"{GRANT}&client_id={UNKNOWN}", f"{GRANT}&client_assertion=a.b.c"])
def test_needs_credentials_of_the_registered_method(endpoint: FlaskClient, body: str) -> None:
    """O12, O15"""
    refusal(ask(endpoint, None, body), 401, "invalid_client")


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ****",
        basic_bytes(b"no colon")["Authorization"],
        basic_bytes(b":secret")["Authorization"],
        basic_bytes(UNKNOWN.encode() + b":")["Authorization"],
        basic_bytes(b"\xff\xfe:\xff")["Authorization"],
        basic_bytes(b"%ff:%fe")["Authorization"],
        basic_bytes(b"a\x00b:c")["Authorization"],
        "Basic " + "A" * 65536,
        "Bearer abc",
        "Basic \xff\xfe",
    ],
)
def test_refuses_a_broken_authorization_header(endpoint: FlaskClient, header: str) -> None:
    """O13"""
    refusal(ask(endpoint, None, headers={"Authorization": header}), 401, "invalid_client")


def test_takes_percent_encoded_credentials(endpoint: FlaskClient, issued: Issued) -> None:
    """O14"""
    encoded = ["".join(f"%{ord(letter):02X}" for letter in text) for text in (issued.client_id, issued.client_secret)]
    assert ask(endpoint, None, headers=basic(*encoded)).status_code == 200


def test_takes_credentials_in_the_body(endpoint: FlaskClient, issued: Issued) -> None:
    body = f"{GRANT}&client_id={issued.client_id}&client_secret={issued.client_secret}"
    assert ask(endpoint, None, body).status_code == 200


def test_refuses_who_may_not_come_in_any_more(gateway: Any, endpoint: FlaskClient, acme: Partner) -> None:
    """O16"""
    suspended, expired, of_suspended = (
        gateway.client(acme),
        gateway.client(acme),
        gateway.client(gateway.partner("other")),
    )
    assert ask(endpoint, suspended).status_code == 200
    with gateway.runtime.sessions.begin() as session:
        service.set_status(session, suspended.client_id, "suspended")
        session.execute(update(Client).where(Client.id == expired.client_id).values(expires_at=gateway.clock()))
        session.execute(update(Partner).where(Partner.slug == "other").values(status="suspended"))
    unknown = ask(endpoint, replace(suspended, client_id=UNKNOWN))
    for client in (suspended, expired, of_suspended):
        answer = ask(endpoint, client)
        refusal(answer, 401, "invalid_client")
        assert answer.data == unknown.data


def test_the_old_secret_holds_during_the_overlap(gateway: Any, endpoint: FlaskClient, issued: Issued) -> None:
    """O17"""
    vault, clock = gateway.runtime.vault, gateway.clock
    with gateway.runtime.sessions.begin() as session:
        fresh = service.rotate_secret(session, vault, issued.client_id, timedelta(hours=1), clock())
    assert [ask(endpoint, one).status_code for one in (issued, fresh)] == [200, 200]
    with gateway.runtime.sessions.begin() as session, pytest.raises(service.Refused, match="2 secrets"):
        service.rotate_secret(session, vault, issued.client_id, timedelta(hours=1), clock())
    clock.advance(3600)
    assert [ask(endpoint, one).status_code for one in (issued, fresh)] == [401, 200]


@pytest.mark.parametrize("scope", ["orders:fly", "fulfilment:read", "ops", "a%22b", "a%5Cb", "a%0Ab", "%00", "", "+"])
def test_refuses_scopes_that_are_not_the_clients(endpoint: FlaskClient, issued: Issued, scope: str) -> None:
    """O18"""
    refusal(ask(endpoint, issued, f"{GRANT}&scope={scope}"), 400, "invalid_scope")
    refusal(ask(endpoint, issued, f"{GRANT}&scope=orders:read+{scope or '+'}"), 400, "invalid_scope")


def test_gives_all_scopes_where_none_is_asked_for(endpoint: FlaskClient, issued: Issued) -> None:
    """O19"""
    everything = "orders:write orders:read catalogue:read webhooks:manage events:read sandbox"
    assert ask(endpoint, issued).json["scope"] == everything
    assert ask(endpoint, issued, f"{GRANT}&scope=orders:read+orders:write").json["scope"] == "orders:read orders:write"


def test_gives_a_bearer_token_for_a_quarter_of_an_hour(endpoint: FlaskClient, issued: Issued, acme: Partner) -> None:
    """O20"""
    answer = ask(endpoint, issued, f"{GRANT}&scope=orders:read")
    given = answer.json
    assert (given.pop("token_type"), given.pop("expires_in"), given.pop("scope")) == ("Bearer", 900, "orders:read")
    said = claims(given.pop("access_token"))
    assert given == {}
    assert said["exp"] - said["iat"] == 900
    assert (said["iss"], said["aud"]) == ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1")
    assert said["sub"] == said["client_id"] == issued.client_id
    assert (said["environment"], said["partner"], said["kind"]) == ("sandbox", acme.id, "retailer")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (f"{GRANT}&client_assertion={'a' * 1_000_000}", 413),
        (GRANT + "&a=" * 5_000, 400),
        (GRANT + "".join(f"&p{n}=1" for n in range(1000)), 400),
        (f"{GRANT}&scope=%ff", 400),
        ("ü=1", 400),
    ],
)
def test_refuses_bodies_that_nobody_needs(endpoint: FlaskClient, issued: Issued, body: str, status: int) -> None:
    """O21"""
    refusal(ask(endpoint, issued, body), status, "invalid_request")


def test_takes_https_only_in_public(gateway: Any, issued: Issued) -> None:
    """O22"""
    proxy = (ip_network("127.0.0.1/32"),)
    bare = gateway.endpoint(public_url="https://gw.example")
    behind = gateway.endpoint(public_url="https://gw.example", trusted_proxies=proxy)
    forwarded = {"headers": {"X-Forwarded-Proto": "https"}}
    refusal(ask(bare, issued), 400, "invalid_request")
    refusal(ask(bare, issued, **forwarded), 400, "invalid_request")
    refusal(ask(behind, issued), 400, "invalid_request")
    refusal(ask(behind, issued, headers={"X-Forwarded-Proto": "https, http"}), 400, "invalid_request")
    assert ask(behind, issued, **forwarded).status_code == 200
    assert ask(bare, issued, base_url="https://gw.example").status_code == 200


def test_says_try_again_while_the_database_is_away(gateway: Any, issued: Issued, clock: Clock) -> None:
    """O24"""
    url = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
    engine = db.connect(url)
    away = replace(gateway.runtime, engine=engine, sessions=db.sessions(engine))
    flask = Flask("away")
    flask.register_blueprint(routes(away, gateway.keys(), Never()))
    answer = ask(flask.test_client(), issued)
    refusal(answer, 503, "temporarily_unavailable")
    assert int(answer.headers["Retry-After"]) > 0


class Never:
    """Nobody has failed, and a failure would be a fault of the test."""

    def wait(self, client_id: str, address: str) -> int:
        return 0

    def failed(self, client_id: str, address: str) -> None:
        raise AssertionError("counted as a failed login")


def test_logs_no_secret_and_no_token(endpoint: FlaskClient, issued: Issued, caplog: pytest.LogCaptureFixture) -> None:
    """O25"""
    caplog.set_level(logging.DEBUG)
    given = token(endpoint, issued)
    ask(endpoint, None, f"{GRANT}&client_id={issued.client_id}&client_secret={issued.client_secret}")
    for text in (given, given.rpartition(".")[2], issued.client_secret, issued.client_secret[-20:]):
        assert text not in caplog.text


def test_the_environment_is_the_clients_own(gateway: Any, endpoint: FlaskClient, acme: Partner) -> None:
    """O26"""
    live, sandbox = gateway.client(acme, "live"), gateway.client(acme, "sandbox")
    assert live.client_id.startswith("stk_live_")
    assert live.client_secret.startswith("stks_live_")
    assert claims(token(endpoint, live, f"{GRANT}&environment=sandbox"))["environment"] == "live"
    assert claims(token(endpoint, sandbox, f"{GRANT}&environment=live"))["environment"] == "sandbox"
    without_live = gateway.endpoint(live_enabled=False)
    refusal(ask(without_live, live), 401, "invalid_client")
    assert ask(without_live, sandbox).status_code == 200


def test_the_content_type_may_carry_a_charset(endpoint: FlaskClient, issued: Issued) -> None:
    headers = basic(issued.client_id, issued.client_secret)
    answer = endpoint.post(PATH, data=GRANT, headers=headers, content_type=f"{FORM}; charset=UTF-8")
    assert answer.status_code == 200
