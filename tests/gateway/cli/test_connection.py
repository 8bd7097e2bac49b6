"""`stecker connection`: doors without OAuth, made by an operator."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.cli.conftest import as_json

SHOP = ("--partner", "logitech", "--environment", "sandbox", "--door", "shopify", "--name", "logitech.myshopify.com")
GOOGLE = ("--partner", "google", "--environment", "sandbox", "--door", "google", "--name", "actions-center")
POLL = ("--partner", "otto", "--environment", "sandbox", "--door", "poll", "--name", "otto")
BASE = ("--option", "base_url=https://api.otto.market", "--option", "every=30")


@pytest.fixture
def secret(tmp_path: Path) -> Any:
    def write(text: str) -> tuple[str, str]:
        file = tmp_path / "secret"
        file.write_text(text)
        return "--secret-file", str(file)

    return write


def test_a_password_of_ours_is_shown_once_and_never_again(stecker: Any, api: Any) -> None:
    made = as_json(stecker("connection", "add", *GOOGLE, "--json"))
    assert len(made["secret"]) > 30
    listed = stecker("connection", "list")
    assert "actions-center" in listed.stdout
    assert made["secret"] not in listed.stdout
    again = as_json(stecker("connection", "rotate", made["id"], "--json"))
    assert again["secret"] != made["secret"]
    assert as_json(stecker("connection", "list", "--json"))[0]["old_secret"] is True
    stecker("connection", "settle", made["id"])
    assert as_json(stecker("connection", "list", "--json"))[0]["old_secret"] is False
    assert "is removed" in stecker("connection", "remove", made["id"]).stdout
    assert stecker("connection", "list").stdout == "There is no connection.\n"


def test_a_polls_secret_says_how_to_authenticate_and_is_checked(stecker: Any, api: Any, secret: Any) -> None:
    scheme = {
        "scheme": "oauth2",
        "client_id": "us",
        "client_secret": "hush",
        "token_url": "https://api.otto.market/v1/token",
    }
    added = stecker("connection", "add", *POLL, *BASE, *secret(json.dumps(scheme)))
    assert added.exit_code == 0, added.output
    del scheme["client_secret"]
    refused = stecker("connection", "add", *POLL[:-1], "otto2", *BASE, *secret(json.dumps(scheme)))
    assert refused.exit_code == 2
    assert "client_secret (required)" in refused.stderr
    assert "hush" not in stecker("connection", "list", "--json").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--partner", "nobody", *GOOGLE[2:]), "no such partner"),
        ((*SHOP[:-1], "not a shop"), "myshopify"),
        (SHOP, "needs a secret"),
        ((*POLL, "--option", "base_url=http://example.com"), "over https"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(stecker: Any, api: Any, words: tuple[str, ...], said: str) -> None:
    refused = stecker("connection", "add", *words)
    assert refused.exit_code == 2
    assert said in refused.stderr


def test_an_id_that_is_none_is_said(stecker: Any, api: Any) -> None:
    for verb in ("rotate", "settle", "remove"):
        refused = stecker("connection", verb, "con_nothing")
        assert refused.exit_code == 2
        assert "stecker connection list" in refused.stderr
