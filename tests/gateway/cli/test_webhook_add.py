"""`stecker webhook add`: endpoints that operators make, and where their secrets come from."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from joserfc.jwk import RSAKey

from gateway.cli import main
from tests.gateway.cli.conftest import as_json

URL = "https://api.partner.example/v1"
WORDS = ("webhook", "add", "--partner", "brack", "--environment", "sandbox", "--format", "dialect", "--url")


@pytest.fixture
def seeded(api: Any) -> None:
    """Partners are there."""


@pytest.fixture
def file(tmp_path: Path) -> Any:
    """Writes a file of secrets, and gives the words that name it."""

    def write(content: object) -> tuple[str, str]:
        path = tmp_path / "secrets.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return "--secrets-file", str(path)

    return write


def test_makes_an_endpoint_that_signs(stecker: Any, seeded: None) -> None:
    made = as_json(stecker(*WORDS, URL, "--event", "job.completed", "--json"))
    assert made["secret"].startswith("whsec_")
    assert (made["partner"], made["event_types"]) == ("brack", ["job.completed"])
    (listed,) = as_json(stecker("webhook", "list", "--json"))
    assert listed["id"] == made["id"]


def test_makes_one_with_limits_and_without_order(stecker: Any, seeded: None) -> None:
    made = as_json(stecker(*WORDS, URL, "--unordered", "--concurrency", "3", "--rate", "0.5", "--json"))
    assert (made["ordered"], made["concurrency"], made["rate_per_second"]) == (False, 3, 0.5)


def test_takes_secrets_from_a_file_and_shows_none(stecker: Any, seeded: None, file: Any) -> None:
    options = ("--scheme", "oauth2", "--option", f"token_url={URL}/token", "--option", "client_id=us")
    result = stecker(*WORDS, URL, *options, *file({"client_secret": "c4nary"}))
    assert result.exit_code == 0, result.output
    assert "c4nary" not in result.output
    assert f"authentication   oauth2, {URL}/token, us" in result.output
    assert "whsec_" not in result.output
    (listed,) = as_json(stecker("webhook", "list", "--json"))
    assert listed["authentication"]["client_id"] == "us"
    assert "c4nary" not in stecker("webhook", "show", listed["id"]).output


def test_takes_the_key_file_of_a_service_account_as_it_is(stecker: Any, seeded: None, file: Any) -> None:
    key = RSAKey.generate_key(2048).as_pem(private=True).decode()
    account = {"type": "service_account", "client_email": "a@b.example", "private_key": key, "token_uri": "https://x/"}
    options = ("--scheme", "google", "--option", "scope=https://www.googleapis.com/auth/mapsbooking")
    made = as_json(stecker(*WORDS, URL, *options, *file(account), "--json"))
    assert made["authentication"]["client_email"] == "a@b.example"


def test_asks_for_a_secret_that_is_missing(stecker: Any, seeded: None) -> None:
    options = ("--scheme", "basic", "--option", "username=us")
    result = CliRunner().invoke(main, [*WORDS, URL, *options], input="c4nary\n")
    assert result.exit_code == 0, result.output
    assert "password" in result.stderr
    assert "c4nary" not in result.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--scheme", "bearer", "--option", "token=c4nary"), "use --secrets-file"),
        (("--option", "token=c4nary"), "name it with --scheme"),
        (("--service", "net.routers"), "/services/0: There is no such service"),
        (("--scheme", "header", "--option", "name=Host"), "/authentication/name: This header has a meaning"),
    ],
)
def test_refuses_what_cannot_be_so(refusal: Any, seeded: None, file: Any, words: tuple[str, ...], says: str) -> None:
    said = refusal(*WORDS, URL, *words, *(file({"value": "c4nary"}) if "header" in words else ()))
    assert says in said
    assert "c4nary" not in said


def test_refuses_a_file_that_is_no_object(refusal: Any, seeded: None, file: Any) -> None:
    for content in ("c4nary", [1]):
        said = refusal(*WORDS, URL, "--scheme", "bearer", *file(content))
        assert "no JSON object" in said
        assert "c4nary" not in said


def test_refuses_a_url_a_partner_and_a_folder_that_are_none(refusal: Any, seeded: None) -> None:
    assert "/url: Only https" in refusal(*WORDS, "http://api.partner.example/")
    assert "/url: You have no drop folder" in refusal(*WORDS, "folder:brack")
    assert "has no dialect" in refusal(*WORDS[:3], "dispatch", *WORDS[4:], URL)
    assert "no such partner" in refusal(*WORDS[:3], "nobody", *WORDS[4:], URL)


def test_a_drop_folder_of_the_partner_is_an_endpoint(stecker: Any, seeded: None) -> None:
    stecker("connection", "add", "--partner", "brack", "--environment", "sandbox", "--door", "folder", "--name", "brk")
    made = as_json(stecker(*WORDS, "folder:brk", "--json"))
    assert (made["url"], made["authentication"]) == ("folder:brk", {"scheme": "folder"})
    assert "secret" not in made
