"""Each disturbance of webhooks, as a real receiver sees it; and that every message comes as it should afterwards."""

import json
import threading
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from gateway.config import LOOPBACK
from gateway.sandbox.chaos import plans
from gateway.sandbox.chaos.deliveries import disturber
from gateway.sandbox.chaos.kinds import KINDS
from gateway.worker.process import caller_of
from tests.support.orders import json_order
from tests.support.outbox import eventually
from tests.support.receiver import answer
from tests.support.statements import noted
from webhooks import delivery
from webhooks.delivery import Claimed, Share
from webhooks.schemes import STANDARD, StandardWebhooks
from webhooks.transport import Transport
from webhooks.verify import InvalidSignature, verify


class Trial:
    """An endpoint of the shop's, and a job of whom it has heard everything so far."""

    def __init__(self, shop, receiver, clock, **wish):
        self.shop, self.receiver, self.clock = shop, receiver, clock
        made = shop.post("/v1/webhook-endpoints", {"url": receiver.url, **wish}).json
        self.id, self.secret = made["id"], made["secret"]
        self.job = shop.post("/v1/orders", json_order("W-1", clock())).json["jobs"][0]["id"]
        self.seen = len(receiver.wait_for(3))
        self.settled()

    def disturb(self, kind, **wish):
        answered = self.shop.post("/v1/sandbox/chaos", {"kind": kind, **wish})
        assert answered.status == 201, answered.body
        return answered.json

    def step(self, event="job.offered", wait=5):
        """Take it; returns its message as it is once it was tried."""
        taken = self.shop.post(f"/v1/sandbox/jobs/{self.job}/steps?wait={wait}", {"event": event})
        assert taken.status == 200, taken.body
        return taken.json["webhooks"][0]

    def came(self, count):
        """The requests that came since, which are so many."""
        found = self.receiver.wait_for(self.seen + count)[self.seen :]
        assert len(found) == count
        return found

    def later(self, seconds):
        """All that is due by then is tried."""
        self.clock.advance(seconds)

    def messages(self):
        items = self.shop.get(f"/v1/webhook-endpoints/{self.id}/deliveries").json["items"]
        return {item["id"]: item for item in items}

    def settled(self):
        """Everything was delivered."""
        return eventually(self._all_delivered)

    def _all_delivered(self):
        found = self.messages()
        return found if {one["status"] for one in found.values()} == {"delivered"} else None

    def good(self, request, secret=None):
        try:
            verify(secret or self.secret, request.headers, request.body, now=self.clock().timestamp())
        except InvalidSignature:
            return False
        return True


@pytest.fixture
def trial(shop, receiver, delivering, clock):
    return Trial(shop, receiver, clock)


def marks(requests):
    return [request.headers.get("stecker-chaos") for request in requests]


def ids(requests):
    return [request.headers["webhook-id"] for request in requests]


def event(request):
    return json.loads(request.body)


def kinds(message):
    return [attempt["chaos"] and attempt["chaos"]["kind"] for attempt in message["attempts"]]


def test_duplicate(trial):
    started = trial.disturb("duplicate", copies=2)
    message = trial.step()
    came = trial.came(3)
    assert (marks(came), set(ids(came))) == (["duplicate"] * 3, {message["id"]})
    assert all(trial.good(request) for request in came)
    [attempt] = message["attempts"]
    assert (message["status"], attempt["chaos"]["id"]) == ("delivered", started["id"])
    assert attempt["chaos"]["sent"] == [{"id": message["id"], "status_code": 204, "error": None}] * 3
    # It is used up: what comes then is as usual.
    trial.step("job.assigned")
    assert marks(trial.came(4)[3:]) == [None]


def test_reorder_waits_for_the_next_message_and_lets_it_overtake(trial):
    trial.disturb("reorder")
    first = trial.step()
    [attempt] = first["attempts"]
    assert (first["status"], attempt["error"], attempt["chaos"]["sent"]) == ("pending", "held_back", [])
    assert attempt["detail"] == "The call: it was held back on purpose. It is tried again."
    second = trial.step("job.assigned", wait=0)
    trial.later(2)
    came = trial.came(3)
    assert ids(came) == [second["id"], first["id"], second["id"]]
    assert marks(came) == ["reorder", "reorder", None]
    assert all(trial.good(request) for request in came)
    assert kinds(trial.settled()[first["id"]]) == ["reorder", "reorder"]


def test_a_message_that_nobody_overtakes_goes_out_all_the_same(trial):
    trial.disturb("reorder")
    first = trial.step()
    for tries, seconds in ((2, 2), (3, 5), (4, 10)):
        trial.later(seconds)
        eventually(lambda tries=tries: len(trial.messages()[first["id"]]["attempts"]) == tries)
    assert marks(trial.came(1)) == [None]
    assert kinds(trial.settled()[first["id"]]) == ["reorder"] * plans.HOLDS + [None]


def test_sequence_gap_leaves_a_number_out_until_the_next_attempt(trial):
    trial.step(wait=0)
    trial.came(1)
    trial.settled()
    trial.disturb("sequence_gap")
    late = trial.step("job.assigned")
    early = trial.step("job.confirmed", wait=0)
    trial.later(2)
    [ahead] = trial.came(2)[1:]
    assert (ahead.headers["webhook-id"], marks([ahead])) == (early["id"], ["sequence_gap"])
    eventually(lambda: len(trial.messages()[late["id"]]["attempts"]) == 2)
    trial.later(5)
    came = trial.came(4)
    numbers = [event(request)["data"]["sequence"] for request in came]
    assert numbers == [3, 5, 4, 5]
    assert marks(came) == [None, "sequence_gap", None, None]
    trial.settled()


def test_delay(trial):
    trial.disturb("delay", delay_seconds=30)
    message = trial.step()
    due = datetime.fromisoformat(message["next_attempt_at"])
    assert due == trial.clock() + timedelta(seconds=30)
    trial.later(30)
    assert marks(trial.came(1)) == ["delay"]
    assert kinds(trial.settled()[message["id"]]) == ["delay", "delay"]


def test_drop_first(trial):
    trial.disturb("drop_first", attempts=2)
    message = trial.step()
    trial.later(2)
    eventually(lambda: len(trial.messages()[message["id"]]["attempts"]) == 2)
    trial.later(5)
    assert marks(trial.came(1)) == [None]
    found = trial.settled()[message["id"]]
    assert kinds(found) == ["drop_first", "drop_first", None]
    assert [one["error"] for one in found["attempts"]] == ["held_back", "held_back", None]


def test_what_was_held_back_goes_out_once_the_chaos_is_ended(trial):
    started = trial.disturb("drop_first", attempts=4)
    message = trial.step()
    assert trial.shop.call("DELETE", f"/v1/sandbox/chaos/{started['id']}").status == 204
    trial.later(2)
    assert marks(trial.came(1)) == [None]
    assert kinds(trial.settled()[message["id"]]) == ["drop_first", None]


def test_what_was_held_back_goes_out_once_its_time_is_over(trial):
    trial.disturb("drop_first", attempts=4, lasts_seconds=1)
    message = trial.step()
    trial.later(2)
    assert marks(trial.came(1)) == [None]
    assert kinds(trial.settled()[message["id"]]) == ["drop_first", None]


@pytest.mark.parametrize(("status", "error"), [("401 No", "unexpected_status"), ("204 Taken", "disturbed")])
def test_wrong_signature_comes_again_whatever_was_answered(trial, status, error):
    trial.receiver.always(answer(status))
    trial.disturb("wrong_signature")
    message = trial.step()
    assert (message["status"], message["attempts"][0]["error"]) == ("pending", error)
    trial.receiver.always(answer("204 Good"))
    trial.later(2)
    wrong, right = trial.came(2)
    assert (marks([wrong, right]), ids([wrong, right])) == (["wrong_signature", None], [message["id"]] * 2)
    assert wrong.headers["webhook-signature"].startswith("v1,")
    assert (trial.good(wrong), trial.good(right)) == (False, True)
    trial.settled()


def test_a_disturbed_attempt_neither_disables_nor_ends_anything(trial):
    trial.disturb("wrong_signature")
    trial.receiver.always(answer("410 Gone", "webhook-delivery: abort"))
    message = trial.step()
    assert message["status"] == "pending"
    assert trial.shop.get(f"/v1/webhook-endpoints/{trial.id}").json["status"] == "enabled"


def test_old_secret(trial):
    refused = trial.shop.post("/v1/sandbox/chaos", {"kind": "old_secret", "endpoint_id": trial.id})
    assert (refused.status, refused.json["code"]) == (409, "conflict")
    assert "rotate-secret" in refused.json["detail"]
    newest = trial.shop.post(f"/v1/webhook-endpoints/{trial.id}/rotate-secret", {}).json["secret"]
    trial.disturb("old_secret", endpoint_id=trial.id)
    trial.step()
    [request] = trial.came(1)
    assert marks([request]) == ["old_secret"]
    assert (trial.good(request), trial.good(request, newest)) == (True, False)
    trial.step("job.assigned")
    assert all(trial.good(trial.came(2)[1], secret) for secret in (trial.secret, newest))


def test_slow_body(trial):
    trial.disturb("slow_body", body_seconds=1)
    message = trial.step()
    [request] = trial.came(1)
    assert (marks([request]), trial.good(request)) == (["slow_body"], True)
    assert message["status"] == "delivered"


def test_redirect_is_a_get_of_nothing_and_then_the_message(trial):
    trial.disturb("redirect")
    message = trial.step()
    trial.later(2)
    left, whole = trial.came(2)
    assert (left.line.split()[0], left.body, marks([left])) == ("GET", b"", ["redirect"])
    assert ids([left, whole]) == [message["id"]] * 2
    assert (trial.good(left), trial.good(whole)) == (False, True)
    trial.settled()


@pytest.mark.parametrize("shape", ["plain", "cloudevents"])
def test_unknown_field(shop, receiver, delivering, clock, shape):
    trial = Trial(shop, receiver, clock, format=shape)
    trial.disturb("unknown_field")
    message = trial.step()
    [request] = trial.came(1)
    told = event(request)["data"] if shape == "cloudevents" else event(request)
    assert (marks([request]), trial.good(request)) == (["unknown_field"], True)
    assert "sandbox_only" in told
    assert "sandbox_only" in told["data"]["job"]
    assert message["status"] == "delivered"


def test_unknown_enum_is_a_message_of_its_own_before_the_true_one(trial):
    trial.disturb("unknown_enum")
    message = trial.step()
    unknown, true = trial.came(2)
    assert (marks([unknown, true]), ids([true])) == (["unknown_enum"] * 2, [message["id"]])
    assert unknown.headers["webhook-id"] not in trial.messages()
    assert trial.good(unknown)
    assert trial.good(true)
    assert event(unknown)["type"] == "job.sandbox_only"
    assert event(unknown)["data"]["job"]["state"] == "sandbox_only"
    assert event(unknown)["id"] != event(true)["id"] == message["event_id"]
    assert event(unknown)["data"]["sequence"] < event(true)["data"]["sequence"]
    trial.settled()


@pytest.mark.parametrize("wish", [{"ordered": False}, {"authentication": {"scheme": "bearer", "token": "t0k3n"}}])
def test_what_cannot_be_done_to_a_message_is_not_done(shop, receiver, delivering, clock, wish):
    """No promise of order is broken where none was given, and no signature where there is none."""
    trial = Trial(shop, receiver, clock, **wish)
    for kind in ("reorder", "sequence_gap") if "ordered" in wish else ("wrong_signature",):
        trial.disturb(kind)
    assert trial.step()["status"] == "delivered"
    assert marks(trial.came(1)) == [None]


def test_a_worker_that_is_killed_when_it_has_taken_one_loses_no_message(runtime, shop, receiver, clock):
    """Killed between the request and its record: what it had in hand comes when its lease has ended."""
    shop.post("/v1/webhook-endpoints", {"url": receiver.url})
    shop.post("/v1/orders", json_order("W-1", clock()))
    shop.post("/v1/sandbox/chaos", {"kind": "drop_first", "event_types": ["job.received"]})
    with closing(Transport(allow=LOOPBACK)) as transport:
        caller, share = caller_of(runtime, transport), Share(limit=9, cap=9, rooms={})
        for tried in (("held_back", None), (None, 204)):
            with runtime.sessions.begin() as session:
                claimed = delivery.claim(session, share, lease=timedelta(seconds=30), now=clock())
            [received] = [one for one in claimed if one.subject.startswith("job_")]
            found, _ = caller.attempt(received, clock())
            assert (found.error, found.status_code) == tried
            clock.advance(31)
    assert shop.get("/v1/sandbox/chaos").json["items"][0]["remaining"] == 0


def test_every_kind_has_its_plan():
    assert set(plans.PLANS) == {name for name, kind in KINDS.items() if kind.place == "webhooks"}


# --- whose, and how many ----------------------------------------------------------------------------------------------


def test_only_what_it_was_narrowed_to_is_disturbed(trial):
    other = trial.shop.post("/v1/webhook-endpoints", {"url": "inbox:"}).json["id"]
    trial.disturb("duplicate", endpoint_id=other)
    narrowed = trial.disturb("duplicate", times=2, event_types=["job.assigned"])
    trial.step()
    assert marks(trial.came(1)) == [None]
    trial.step("job.assigned")
    assert marks(trial.came(3)[1:]) == ["duplicate"] * 2
    inbox = eventually(lambda: found if len(found := trial.shop.get("/v1/sandbox/inbox").json["items"]) == 5 else None)
    assert [one["headers"].get("stecker-chaos") for one in inbox[::-1]] == [None] + ["duplicate"] * 4
    left = {one["id"]: one["remaining"] for one in trial.shop.get("/v1/sandbox/chaos").json["items"]}
    assert left[narrowed["id"]] == 0


def test_nobody_else_is_disturbed(api, trial, clock):
    trial.disturb("duplicate", times=100)
    live, brack = api.caller("demo", "live"), api.caller("brack")
    for place, caller in enumerate((live, brack)):
        caller.post("/v1/webhook-endpoints", {"url": trial.receiver.url})
        assert caller.post("/v1/orders", json_order("W-1", clock())).status == 201
        assert marks(trial.came(3 * place + 3)) == [None] * (3 * place + 3)
    assert [one["remaining"] for one in trial.shop.get("/v1/sandbox/chaos").json["items"]] == [100]


def claimed_by(shop, runtime, environment="sandbox", **over):
    """What a courier would have in hand, of the shop's."""
    with runtime.sessions() as session:
        owner = session.scalar(text("SELECT id FROM partner WHERE slug = 'demo'"))
    blank = dict.fromkeys(Claimed._fields)
    known = {"owner": owner, "environment": environment, "endpoint_id": "whep_1", "subject": "job_1", "attempts": 0}
    return Claimed(**{**blank, **known, "message_id": "whm_1", "scheme": STANDARD, "url": "http://x/", **over})


def test_what_is_live_costs_nothing_and_an_attempt_in_the_sandbox_one_look(runtime, shop, clock):
    disturb, scheme = disturber(runtime), StandardWebhooks(())
    for over, looks in (({"environment": "live"}, 0), ({}, 1), ({"attempts": 1}, 1), ({"attempts": plans.LAST}, 0)):
        claimed = claimed_by(shop, runtime, **over)
        with noted(runtime.engine) as statements:
            assert disturb(claimed, scheme, clock()) is None
        assert len(statements) == looks


def test_couriers_that_look_at_once_never_take_the_same(runtime, shop, clock):
    assert shop.post("/v1/sandbox/chaos", {"kind": "drop_first", "times": 50}).status == 201
    claimed, found = claimed_by(shop, runtime), []

    def courier():
        disturb = disturber(runtime)
        found.extend(disturb(claimed, StandardWebhooks(()), clock()) for _ in range(20))

    threads = [threading.Thread(target=courier) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([plan for plan in found if plan is not None]) == 50


def test_a_message_has_its_last_attempt_undisturbed(runtime, trial):
    trial.disturb("wrong_signature", times=100)
    message = trial.step()
    for tries, seconds in ((2, 2), (3, 5), (4, 10), (5, 20)):
        trial.later(seconds)
        eventually(lambda tries=tries: len(trial.messages()[message["id"]]["attempts"]) == tries)
    assert kinds(trial.settled()[message["id"]]) == ["wrong_signature"] * 4 + [None]
    with runtime.sessions() as session:
        assert session.scalar(text("SELECT remaining FROM sandbox_chaos")) == 96
