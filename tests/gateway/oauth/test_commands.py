"""`stecker partner` and `stecker client`, against a database that is there."""

import base64
import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.config import Settings


@pytest.fixture
def stecker(settings: Settings, gateway: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("STECKER_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("STECKER_REDIS_URL", settings.redis_url)
    monkeypatch.setenv("STECKER_SECRET_KEY", base64.b64encode(settings.secret_key).decode())

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, words)

    return run


def good(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_makes_a_client_that_works(stecker: Any, gateway: Any) -> None:
    good(stecker("partner", "add", "acme", "--name", "Acme", "--json"))
    made = good(stecker("client", "create", "--partner", "acme", "--environment", "sandbox", "--json"))
    assert set(made) == {"client_id", "client_secret", "scopes", "token_url"}
    assert made["token_url"] == "http://127.0.0.1:8080/oauth/token"
    form = {"grant_type": "client_credentials", "client_id": made["client_id"], "client_secret": made["client_secret"]}
    assert gateway.endpoint().post("/oauth/token", data=form).json["scope"].split() == made["scopes"]
    shown = stecker("client", "rotate", made["client_id"])
    assert made["client_id"] in shown.output
    assert stecker("client", "suspend", made["client_id"]).exit_code == 0
    assert gateway.endpoint().post("/oauth/token", data=form).status_code == 401
    assert stecker("client", "resume", made["client_id"]).exit_code == 0
    assert gateway.endpoint().post("/oauth/token", data=form).status_code == 200


def test_takes_scopes_one_by_one(stecker: Any, acme: Any) -> None:
    words = ("client", "create", "--partner", "acme", "--environment", "live", "--json")
    assert good(stecker(*words, "--scope", "orders:read"))["scopes"] == ["orders:read"]
    refused = stecker(*words, "--scope", "ops")
    assert refused.exit_code == 2
    assert "ops" in refused.output


def test_shows_lists_and_suspends_partners(stecker: Any, acme: Any) -> None:
    assert good(stecker("partner", "show", "acme", "--json"))["id"] == acme.id
    assert [one["slug"] for one in good(stecker("partner", "list", "--json"))] == ["acme"]
    assert "no dialect yet" in stecker("partner", "list").output
    assert stecker("partner", "suspend", "acme").exit_code == 0
    assert "suspended" in stecker("partner", "show", "acme").output


def test_rotates_the_signing_key(stecker: Any, gateway: Any) -> None:
    """O61"""
    assert "signs in 5 minutes" in stecker("keys", "rotate").output
    assert len(gateway.keys().public()) == 2


@pytest.mark.parametrize(
    "words",
    [
        ("partner", "show", "nobody"),
        ("partner", "suspend", "nobody"),
        ("partner", "add", "acme", "--name", "Again"),
        ("partner", "add", "other", "--name", "Other", "--adapter", "klingon"),
        ("partner", "add", "other", "--name", "Other", "--option", "nonsense"),
        ("client", "create", "--partner", "nobody", "--environment", "sandbox"),
        ("client", "rotate", "nobody"),
        ("client", "suspend", "nobody"),
    ],
)
def test_says_in_a_sentence_what_cannot_be_done(stecker: Any, acme: Any, words: tuple[str, ...]) -> None:
    refused = stecker(*words)
    assert refused.exit_code == 2
    assert refused.output.strip()
    assert "Traceback" not in refused.output
