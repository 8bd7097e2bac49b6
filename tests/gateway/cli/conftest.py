"""The `stecker` command on a seeded system, and an order on it."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.config import Settings
from tests.support.api import Api, Caller
from tests.support.orders import json_order

Stecker = Callable[..., Result]


@pytest.fixture
def stecker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Stecker:
    """Runs a command on the test's own database."""
    monkeypatch.setenv("STECKER_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("STECKER_REDIS_URL", settings.redis_url)
    monkeypatch.setenv("STECKER_SECRET_KEY", base64.b64encode(settings.secret_key).decode())
    return lambda *words: CliRunner().invoke(main, words)


@pytest.fixture
def shop(api: Api) -> Caller:
    return api.caller("demo")


@pytest.fixture
def order(shop: Caller) -> Any:
    """An order of one line, as it was answered."""
    answer = shop.post("/v1/orders", json_order("W-1001", shop.api.runtime.clock()))
    assert answer.status == 201, answer.body
    return answer.json


@pytest.fixture
def job_id(order: Any) -> str:
    return str(order["jobs"][0]["id"])


@pytest.fixture
def refusal(stecker: Stecker) -> Callable[..., str]:
    """Runs a command that must be refused, and gives the one sentence it says."""

    def run(*words: str) -> str:
        refused = stecker(*words)
        assert refused.exit_code == 2, refused.output
        said = refused.stderr.strip()
        assert said
        assert refused.stdout == ""
        assert "\n" not in said
        assert "Traceback" not in said
        return said

    return run


def as_json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
