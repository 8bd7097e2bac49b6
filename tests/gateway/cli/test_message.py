"""`stecker message show`: facts and problems, and the bytes only when asked for."""

import base64
import json
from typing import Any

import pytest
from sqlalchemy import select

from gateway.intake.tables import InboundMessage
from gateway.runtime import Runtime
from tests.gateway.cli.conftest import as_json

GARBAGE = "<ORDER>Müller <".encode("latin-1")


@pytest.fixture
def message_id(api: Any, runtime: Runtime) -> str:
    """A document of brack's that could not be read, and was kept."""
    brack = api.caller("brack")
    assert brack.call("POST", "/inbound/brack", GARBAGE, {"Content-Type": "application/xml"}).status == 400
    with runtime.sessions() as session:
        return session.scalars(select(InboundMessage.id).where(InboundMessage.outcome == "refused")).one()


def test_shows_what_became_of_a_message_and_nothing_of_its_content(stecker: Any, message_id: str) -> None:
    shown = stecker("message", "show", message_id).stdout
    assert "partner      brack" in shown
    assert "outcome      refused" in shown
    assert f"bytes        {len(GARBAGE)}\n" in shown
    assert "not_xml" in shown
    assert "ller" not in shown


def test_gives_the_bytes_as_they_came(stecker: Any, message_id: str) -> None:
    assert stecker("message", "show", message_id, "--body").stdout_bytes == GARBAGE


def test_prints_json_for_scripts(stecker: Any, message_id: str) -> None:
    shown = as_json(stecker("message", "show", message_id, "--json"))
    assert shown["door"] == "/inbound/brack"
    assert [problem["code"] for problem in shown["problems"]] == ["not_xml"]


def test_lists_the_last_messages_newest_first(stecker: Any, order: Any, message_id: str) -> None:
    head, *rows = stecker("message", "list").stdout.splitlines()
    assert head.split() == ["message", "partner", "environment", "received", "outcome", "problems", "order"]
    assert [row.split()[1] for row in rows] == ["brack", "demo"]
    assert "not_xml" in rows[0]
    assert rows[1].endswith(order["id"])


def test_lists_what_was_refused_or_came_from_one_partner(stecker: Any, order: Any, message_id: str) -> None:
    (refused,) = as_json(stecker("message", "list", "--refused", "--json"))
    assert refused["id"] == message_id
    (accepted,) = as_json(stecker("message", "list", "--partner", "demo", "--json"))
    assert accepted["order_id"] == order["id"]
    assert stecker("message", "list", "--partner", "nobody").stdout == "There is no such message.\n"


def test_knows_no_other_messages(refusal: Any, api: Any) -> None:
    assert "no such message" in refusal("message", "show", "msg_x")


def test_says_that_the_key_is_another(refusal: Any, message_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STECKER_SECRET_KEY", base64.b64encode(bytes(32)).decode())
    assert "another STECKER_SECRET_KEY" in refusal("message", "show", message_id)


def test_shows_an_accepted_order_with_its_id(stecker: Any, runtime: Runtime, order: Any) -> None:
    with runtime.sessions() as session:
        message_id = session.scalars(select(InboundMessage.id)).one()
    shown = as_json(stecker("message", "show", message_id, "--json"))
    assert (shown["outcome"], shown["order_id"], shown["problems"]) == ("accepted", order["id"], [])
    assert json.loads(stecker("message", "show", message_id, "--body").stdout)["partner_order_id"] == "W-1001"
