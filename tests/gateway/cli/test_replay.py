"""`stecker message replay`: a kept message, read again after the adapter was mended."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from adapters.canonical import PlaceOrder
from adapters.errors import Problem, TranslationError
from adapters.opentrans.adapter import OpenTransAdapter
from gateway.intake.tables import InboundMessage
from tests.gateway.cli.conftest import as_json
from tests.support.orders import opentrans

WINDOW = ("2026-01-20T08:00:00+01:00", "2026-01-20T12:00:00+01:00")


@pytest.fixture
def brack(api: Any) -> Any:
    return api.caller("brack")


def send(brack: Any, body: bytes) -> Any:
    return brack.call("POST", "/inbound/brack", body, {"Content-Type": "application/xml"})


@pytest.fixture
def last(runtime: Any) -> Any:
    def last() -> str:
        with runtime.sessions() as session:
            found = select(InboundMessage.id).order_by(InboundMessage.received_at.desc(), InboundMessage.id.desc())
            return str(session.scalars(found).first())

    return last


@pytest.fixture
def refused(brack: Any, last: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """An order that an adapter with a fault has refused."""

    def fails(self: Any, message: Any) -> Any:
        raise TranslationError([Problem(pointer="//X", code="ours", detail="A fault of the adapter.")])

    with monkeypatch.context() as patched:
        patched.setattr(OpenTransAdapter, "parse", fails)
        assert send(brack, opentrans("4711", WINDOW)).status == 422
    return str(last())


def test_after_a_fix_a_refused_message_is_read_and_then_taken(stecker: Any, brack: Any, refused: str) -> None:
    shown = stecker("message", "replay", refused)
    assert shown.exit_code == 0, shown.output
    assert "Order 4711 is not here yet." in shown.stdout
    assert "--apply" in shown.stdout
    assert brack.get("/v1/orders").json["items"] == []
    taken = stecker("message", "replay", refused, "--apply")
    assert taken.exit_code == 0, taken.output
    assert "It was taken." in taken.stdout
    assert [order["partner_order_id"] for order in brack.get("/v1/orders").json["items"]] == ["4711"]
    assert as_json(stecker("message", "list", "--json"))[0]["outcome"] == "accepted"


def test_what_an_adapter_reads_otherwise_now_is_shown_before_anything_changes(
    stecker: Any, brack: Any, last: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse = OpenTransAdapter.parse

    def reads_otherwise(self: Any, message: Any) -> Any:
        [intent] = parse(self, message)
        assert isinstance(intent, PlaceOrder)
        return [replace(intent, order=replace(intent.order, notes="Beim Hauswart"))]

    assert send(brack, opentrans("4711", WINDOW)).status == 201
    message_id = last()
    unchanged = as_json(stecker("message", "replay", message_id, "--json"))
    assert (unchanged["intents"], unchanged["differences"], unchanged["new"]) == (["PlaceOrder"], [], [])
    monkeypatch.setattr(OpenTransAdapter, "parse", reads_otherwise)
    shown = stecker("message", "replay", message_id)
    assert 'Order 4711 /notes: here it is nothing, now it reads "Beim Hauswart".' in shown.stdout
    refused = stecker("message", "replay", message_id, "--apply")
    assert refused.exit_code == 1
    assert "/notes" in refused.stdout


def test_a_message_that_is_still_wrong_says_so_and_ends_with_1(stecker: Any, brack: Any, last: Any) -> None:
    send(brack, b"<ORDER>")
    result = stecker("message", "replay", last())
    assert result.exit_code == 1
    assert "not_xml" in result.stdout


def test_an_order_in_our_own_json_is_read_again_too(stecker: Any, order: Any, last: Any) -> None:
    told = as_json(stecker("message", "replay", last(), "--json"))
    assert (told["intents"], told["differences"]) == (["PlaceOrder"], [])


def test_an_id_that_is_none_is_said(stecker: Any, api: Any) -> None:
    result = stecker("message", "replay", "msg_nothing")
    assert result.exit_code == 2
    assert "stecker message list" in result.stderr
