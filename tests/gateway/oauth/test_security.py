"""What Connexion asks, and what a specification must say (security.md O70, O71, O78, O80-O84)."""

import asyncio
from typing import Any

import connexion
import httpx
import pytest
from connexion.lifecycle import ConnexionRequest, ConnexionResponse
from connexion.resolver import Resolver
from flask.testing import FlaskClient

from gateway.connections.security import Doorkeeper
from gateway.errors import Problem
from gateway.oauth.api import routes
from gateway.oauth.bearer import Bearer
from gateway.oauth.security import UnprotectedOperation, check_protection, security_map
from gateway.oauth.service import Issued
from gateway.oauth.standing import Standing
from tests.support.asking import GRANT, token

OAUTH = {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {"orders:read": ""}}}}


def document(security: Any, schemes: Any = None, **operation: Any) -> dict[str, Any]:
    get = {"operationId": "look", "responses": {"200": {"description": "seen"}}, **operation}
    if security is not None:
        get["security"] = security
    return {
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "1"},
        "paths": {"/look": {"get": get}},
        "components": {"securitySchemes": schemes or {"oauth": OAUTH}},
    }


READ = [{"oauth": ["orders:read"]}]


def look() -> str:
    return "seen"


def written(request: ConnexionRequest, problem: Problem) -> ConnexionResponse:
    return ConnexionResponse(problem.status, body=problem.code, headers=dict(problem.headers))


def application(gateway: Any, bearer: Bearer) -> connexion.FlaskApp:
    doorkeeper = Doorkeeper(gateway.standing(), gateway.runtime.vault, live_enabled=False)
    handlers = security_map(bearer, doorkeeper)
    app = connexion.FlaskApp("gateway", resolver=Resolver({"look": look}.__getitem__), security_map=handlers)
    app.add_api(document(READ))
    app.add_error_handler(Problem, written)
    app.app.register_blueprint(routes(gateway.runtime, gateway.keys(), gateway.unlimited()))
    return app


def call(app: Any, method: str, path: str, headers: Any = None, **options: Any) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
            return await client.request(method, path, headers=headers, **options)

    return asyncio.run(once())


@pytest.fixture
def app(gateway: Any) -> connexion.FlaskApp:
    return application(gateway, gateway.bearer())


@pytest.fixture
def allowed(endpoint: FlaskClient, issued: Issued) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(endpoint, issued)}"}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_lets_in_who_has_the_scope(
    app: Any, allowed: dict[str, str], endpoint: FlaskClient, issued: Issued, method: str
) -> None:
    """O70, O78, O84: HEAD as GET."""
    assert call(app, method, "/look", allowed).status_code == 200
    nobody = call(app, method, "/look")
    assert (nobody.status_code, nobody.headers["WWW-Authenticate"]) == (401, 'Bearer realm="stecker"')
    other = {"Authorization": f"Bearer {token(endpoint, issued, f'{GRANT}&scope=events:read')}"}
    lacking = call(app, method, "/look", other)
    assert lacking.status_code == 403
    assert lacking.headers["WWW-Authenticate"].endswith('error="insufficient_scope", scope="orders:read"')


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
def test_knows_no_other_methods(app: Any, allowed: dict[str, str], method: str) -> None:
    """O84"""
    assert call(app, method, "/look", allowed).status_code == 405


def test_refuses_two_authorization_headers(app: Any, allowed: dict[str, str]) -> None:
    """O71"""
    twice = [("Authorization", allowed["Authorization"])] * 2
    assert call(app, "GET", "/look", twice).status_code == 401


def test_reads_no_token_from_the_address_or_a_form(app: Any, allowed: dict[str, str]) -> None:
    """O72"""
    bare = allowed["Authorization"].removeprefix("Bearer ")
    for options in ({"params": {"access_token": bare}}, {"data": {"access_token": bare}}):
        assert call(app, "GET", "/look", **options).status_code == 401


def test_says_try_again_when_nothing_is_known(gateway: Any, allowed: dict[str, str]) -> None:
    """O80"""
    ignorant = gateway.bearer(Standing(gateway.runtime.sessions, gateway.clock))
    answer = call(application(gateway, ignorant), "GET", "/look", allowed)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_the_token_endpoint_stands_beside_connexion(app: Any, issued: Issued) -> None:
    """O1-O6: its answers stay RFC 6749's behind Connexion."""
    pair = (issued.client_id, issued.client_secret)
    good = call(app, "POST", "/oauth/token", data={"grant_type": "client_credentials"}, auth=pair)
    assert good.json()["token_type"] == "Bearer"
    for answer, status in (
        (call(app, "GET", "/oauth/token"), 405),
        (call(app, "POST", "/oauth/token", json={}), 400),
        (call(app, "POST", "/oauth/token?scope=x", data={"grant_type": "client_credentials"}, auth=pair), 400),
    ):
        assert (answer.status_code, answer.json()["error"]) == (status, "invalid_request")


def test_the_environment_of_the_process_brings_no_other_check(
    gateway: Any, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C13"""
    for name in ("TOKENINFO_FUNC", "BEARERINFO_FUNC", "SCOPEVALIDATE_FUNC"):
        monkeypatch.setenv(name, "builtins.dict")
    app = application(gateway, gateway.bearer())
    assert call(app, "GET", "/look", {"Authorization": "Bearer a.b.c"}).status_code == 401


def test_accepts_a_specification_that_closes_every_door() -> None:
    check_protection(document(READ), ())
    check_protection(document([{"oauth": []}]), ())
    check_protection(document(None) | {"security": READ}, ())
    check_protection(document([]), ("look",))


@pytest.mark.parametrize(
    ("security", "word"),
    [
        ([], "no security"),
        (None, "no security"),
        ([{}, *READ], "one of several"),
        ([{}], "one scheme"),
        ([{"oauth": ["orders:fly"]}], "a scope that does not exist"),
    ],
)
def test_refuses_a_specification_that_leaves_a_door_open(security: Any, word: str) -> None:
    """O81, O82"""
    with pytest.raises(UnprotectedOperation, match=f"GET /look: .*{word}"):
        check_protection(document(security), ())


def test_refuses_a_scheme_that_nothing_checks() -> None:
    """O83"""
    with pytest.raises(UnprotectedOperation, match="security scheme key: nothing here checks openIdConnect"):
        check_protection(document(READ, {"oauth": OAUTH, "key": {"type": "openIdConnect"}}), ())
    with pytest.raises(UnprotectedOperation, match="security scheme key: does not say x-door"):
        check_protection(document(READ, {"oauth": OAUTH, "key": {"type": "http", "scheme": "basic"}}), ())


def test_refuses_a_scheme_that_is_not_there() -> None:
    """O83"""
    with pytest.raises(UnprotectedOperation, match=r"GET /look: .*scheme"):
        check_protection(document([{"other": ["orders:read"]}]), ())
