"""The demo's own receiver: it would notice a webhook that is not as it says."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from gateway.demo import story
from gateway.demo.page import Page
from gateway.demo.receiver import Heard, Receiver, is_good, listening
from gateway.demo.system import DoesNotHold
from webhooks import signing

SECRET = "whsec_" + "A" * 43 + "="


def heard(sequence: int, message_id: str | None = None, body: bytes | None = None) -> Heard:
    """A signed webhook of job_1."""
    said = body or b'{"data":{"sequence":%d,"job":{"id":"job_1"}}}' % sequence
    stamp, name = int(time.time()), message_id or f"whm_{sequence}"
    headers = {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(stamp),
        "webhook-signature": signing.sign(signing.key(SECRET), name, stamp, said),
    }
    return Heard("/shop", headers, said, 0.0)


def stage(*webhooks: Heard, lines: list[str] | None = None) -> story.Stage:
    page = Page((lines if lines is not None else []).append)
    receiver = Receiver(heard=list(webhooks))
    return story.Stage(page, receiver, {}, lambda: datetime.now(UTC), {"/shop": SECRET})


def test_finds_good_what_webhooks_has_signed() -> None:
    """W2"""
    one = heard(1)
    assert is_good(SECRET, one.headers, one.body)


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-id": "whm_2"},
        {"webhook-timestamp": str(int(time.time()) - 1000)},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""},
    ],
)
def test_finds_bad_what_was_changed(changes: dict[str, str]) -> None:
    one = heard(1)
    assert not is_good(SECRET, {**one.headers, **changes}, one.body)
    assert not is_good(SECRET, one.headers, one.body + b" ")


def test_sums_up_what_holds() -> None:
    lines: list[str] = []
    story._sum_up(stage(heard(1), heard(2), lines=lines), [{"id": "job_1"}], 3.0)
    assert "1 jobs, 2 webhooks: all signatures good, in order, none twice; 3 s" in lines[-1]


def test_stops_where_a_webhook_came_twice() -> None:
    with pytest.raises(DoesNotHold, match="1 webhooks came more than once: whm_1"):
        story._sum_up(stage(heard(1), heard(2, "whm_1")), [], 3.0)


def test_stops_where_they_came_in_another_order() -> None:
    with pytest.raises(DoesNotHold, match=r"The webhooks of job_1 came as \[2, 1\]"):
        story._sum_up(stage(heard(2), heard(1)), [{"id": "job_1"}], 3.0)


def test_stops_where_one_is_not_signed_with_the_secret() -> None:
    forged = replace(heard(1), body=b"{}")
    with pytest.raises(DoesNotHold, match="signature of whm_1"):
        story._sum_up(stage(forged), [], 3.0)


def test_stops_where_nothing_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.demo.receiver.WITHIN", 0.01)
    with pytest.raises(DoesNotHold, match="The greeting did not arrive within 0 seconds"):
        Receiver().wait_for("The greeting", lambda one: True)


def test_hears_what_is_posted(tmp_path: Path) -> None:
    one = heard(1)
    with listening() as receiver, requests.Session() as session:
        session.trust_env = False
        answer = session.post(f"{receiver.url}/shop", data=one.body, headers=dict(one.headers), timeout=5)
        assert answer.status_code == 204
        got = receiver.wait_for("It", lambda one: one.path == "/shop")
    assert (got.body, is_good(SECRET, got.headers, got.body), got.is_about("job_1")) == (one.body, True, True)
