"""`stecker webhook`: endpoints, deliveries, and what is wrong with a signature."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.cli.conftest import as_json
from webhooks import signing

SECRET = "whsec_" + "A" * 43 + "="
BODY = '{"city":"Zürich"}'.encode()


@pytest.fixture
def endpoint(shop: Any) -> Any:
    answer = shop.post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/hook"})
    assert answer.status == 201, answer.body
    return answer.json


def test_lists_the_endpoints_with_how_their_deliveries_stand(stecker: Any, endpoint: Any, order: Any) -> None:
    head, row = stecker("webhook", "list").stdout.splitlines()
    assert head.split() == ["endpoint", "partner", "environment", "status", "format", "failing", "deliveries", "url"]
    assert row.split()[:2] == [endpoint["id"], "demo"]
    (listed,) = as_json(stecker("webhook", "list", "--json"))
    assert sum(listed["deliveries"].values()) == 3
    assert "secret" not in listed


def test_says_that_there_is_no_endpoint_yet(stecker: Any, api: Any) -> None:
    assert "No partner has an endpoint yet" in stecker("webhook", "list").stdout


def test_shows_an_endpoint_with_its_last_deliveries(stecker: Any, endpoint: Any, order: Any) -> None:
    shown = stecker("webhook", "show", endpoint["id"]).stdout
    assert "url              http://127.0.0.1:9/hook" in shown
    assert endpoint["secret"] not in shown
    assert endpoint["secret"][:10] + "…" in shown
    deliveries = as_json(stecker("webhook", "show", endpoint["id"], "--json"))["deliveries"]
    assert [one["type"] for one in deliveries] == ["job.scheduled", "job.received", "webhook_endpoint.created"]


def test_leaves_a_delivery_that_is_waiting_its_turn(stecker: Any, endpoint: Any) -> None:
    (greeting,) = as_json(stecker("webhook", "show", endpoint["id"], "--json"))["deliveries"]
    assert "waiting for its turn" in stecker("webhook", "retry", greeting["id"]).stdout


def test_sends_a_delivery_again(stecker: Any, shop: Any, endpoint: Any) -> None:
    shop.call("DELETE", f"/v1/webhook-endpoints/{endpoint['id']}")
    (ended,) = as_json(stecker("webhook", "show", endpoint["id"], "--json"))["deliveries"]
    assert ended["status"] == "failed"
    assert "is on its way" in stecker("webhook", "retry", ended["id"]).stdout


def test_knows_no_other_endpoints_and_deliveries(refusal: Any, api: Any) -> None:
    assert "no such endpoint" in refusal("webhook", "show", "whep_x")
    assert "no such delivery" in refusal("webhook", "retry", "whm_x")


def test_replaces_a_secret_and_lets_the_one_before_sign_for_a_while_k3(stecker: Any, refusal: Any, shop: Any) -> None:
    words = (
        "--partner",
        "demo",
        "--environment",
        "sandbox",
        "--url",
        "https://shop.example.com/",
        "--signature",
        "v1a",
    )
    made = as_json(stecker("webhook", "add", *words, "--json"))
    assert made["signature"] == "v1a"
    rotated = as_json(stecker("webhook", "rotate", made["id"], "--overlap-hours", "2", "--json"))
    assert [one["prefix"] for one in rotated["secrets"]] == [rotated["secret"][:10], made["secret"][:10]]
    assert rotated["secrets"][0]["public_key"] != rotated["secrets"][1]["public_key"]
    shown = stecker("webhook", "show", made["id"]).stdout
    assert f"{made['secret'][:10]}…, until " in shown
    assert "The secret before signs until" in refusal("webhook", "rotate", made["id"])
    leaked = as_json(stecker("webhook", "rotate", made["id"], "--overlap-hours", "0", "--json"))
    assert len(leaked["secrets"]) == 1
    assert "no such endpoint" in refusal("webhook", "rotate", "whep_x")


# --- verify ------------------------------------------------------------------------------------------------------


@pytest.fixture
def received(tmp_path: Path) -> Any:
    """Writes a signed webhook down, and gives the words that verify it."""

    def write(*, age: timedelta = timedelta(0), secret: str = SECRET, body: bytes = BODY, form: str = "lines") -> Any:
        stamp = int((datetime.now(UTC) - age).timestamp())
        headers = {
            "Webhook-Id": "whm_1",
            "Webhook-Timestamp": str(stamp),
            "Webhook-Signature": signing.sign(signing.key(SECRET), "whm_1", stamp, BODY),
        }
        lines = "\n".join(f"{name}: {value}" for name, value in headers.items())
        (tmp_path / "headers").write_text(json.dumps(headers) if form == "json" else lines)
        (tmp_path / "body").write_bytes(body)
        return ("webhook", "verify", "--secret", secret, "--headers", str(tmp_path / "headers"), str(tmp_path / "body"))

    return write


@pytest.mark.parametrize("form", ["lines", "json"])
def test_says_that_a_signature_is_good(stecker: Any, received: Any, form: str) -> None:
    """W2"""
    result = stecker(*received(form=form))
    assert result.exit_code == 0
    assert result.stdout.startswith("Good: ")


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        ({"body": BODY.replace(b"Z", b"z")}, "no signature is of this secret"),
        ({"secret": "whsec_" + "B" * 43 + "="}, "no signature is of this secret"),
        ({"body": BODY + b"\n"}, "line break at its end"),
        ({"age": timedelta(hours=1)}, "five minutes away"),
    ],
)
def test_says_what_is_wrong_with_a_signature(stecker: Any, received: Any, spoilt: Any, says: str) -> None:
    result = stecker(*received(**spoilt))
    assert result.exit_code == 1
    assert result.stderr.startswith("Not good: ")
    assert says in result.stderr


def test_verifies_an_old_capture_when_told_to(stecker: Any, received: Any) -> None:
    words = received(age=timedelta(days=30))
    assert stecker(*words, "--any-age").exit_code == 0


def test_names_a_header_that_is_missing(stecker: Any, received: Any, tmp_path: Path) -> None:
    words = received()
    (tmp_path / "headers").write_text("webhook-id: whm_1\n")
    result = stecker(*words)
    assert result.exit_code == 1
    assert "webhook-timestamp is missing" in result.stderr


def test_knows_public_keys_and_several_secrets(stecker: Any, received: Any, tmp_path: Path) -> None:
    words = received()
    assert stecker(*words, "--secret", "whsec_" + "B" * 43 + "=").exit_code == 0
    signs, stamp = signing.new(b"x" * 32, b"y" * 32), int(datetime.now(UTC).timestamp())
    value = signing.value(signing.signers([signs])[1:], "whm_1", stamp, BODY)
    lines = f"webhook-id: whm_1\nwebhook-timestamp: {stamp}\nwebhook-signature: {value}"
    (tmp_path / "headers").write_text(lines)
    assert stecker(*words).exit_code == 1
    assert stecker(*words, "--secret", str(signs.public_key)).exit_code == 0


@pytest.mark.parametrize("secret", ["whsec_short", "not base64 at all", "whpk_c2hvcnQ="])
def test_refuses_a_secret_that_is_none(refusal: Any, received: Any, secret: str) -> None:
    assert "The secret cannot be used" in refusal(*received(secret=secret))


def test_refuses_headers_that_only_look_like_json(refusal: Any, received: Any, tmp_path: Path) -> None:
    words = received()
    (tmp_path / "headers").write_text("{ webhook-id")
    assert "name: value" in refusal(*words)


def test_begins_a_recovery_and_says_what_speaks_against_one(
    stecker: Any, refusal: Any, endpoint: Any, shop: Any
) -> None:
    begun = as_json(stecker("webhook", "recover", endpoint["id"], "--since", "2026-01-01T00:00:00Z", "--json"))
    assert (begun["status"], begun["endpoint_id"], begun["rate_per_second"]) == ("running", endpoint["id"], 50)
    since = ("--since", "2026-01-01T00:00:00Z")
    assert "is running already" in refusal("webhook", "recover", endpoint["id"], *since)
    assert "no such endpoint" in refusal("webhook", "recover", "whep_x", *since)
    assert "--since: This must be before" in refusal(
        "webhook", "recover", endpoint["id"], "--since", "2099-01-01T00:00:00Z"
    )
    shown = stecker("webhook", "show", endpoint["id"]).stdout
    assert "attempts 0, failures 0, dead_letters 0" in shown
