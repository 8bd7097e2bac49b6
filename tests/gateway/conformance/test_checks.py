"""Receivers that are broken in one place, each caught by the name of its check, and the one that is not."""

import json
import threading
import time
from datetime import UTC, datetime

import pytest

from adapters.plain.writer import event_json
from gateway.config import LOOPBACK
from gateway.conformance import report
from gateway.conformance.checks import CHECKS
from gateway.conformance.messages import Maker, Shot, minified
from gateway.conformance.service import LATE, UNREACHABLE, Run, fault
from gateway.runtime import system_clock
from tests.support.documents import make_update
from tests.support.receivers import KEY, STATES, Sound, serving
from webhooks import signing
from webhooks.policy import Answer
from webhooks.transport import Transport


def run(url, *, deadline=5.0, budget=60.0, allow=LOOPBACK, stopping=None):
    transport = Transport(allow=allow, deadline=deadline)
    try:
        one = Run(
            url=url,
            key=KEY,
            transport=transport,
            clock=system_clock,
            budget=budget,
            stopping=stopping or threading.Event(),
        )
        return list(one.results())
    finally:
        transport.close()


def failed(results):
    return {result.check.name for result in results if result.status == "failed"}


# --- the broken ones ---------------------------------------------------------------------------------------------


class BelievesEverything(Sound):
    def is_signed(self, headers, body):
        return True


class LooksOnlyForTheHeader(Sound):
    def is_signed(self, headers, body):
        return bool(self.offered(headers))


class LetsTheUnsignedPass(Sound):
    def is_signed(self, headers, body):
        return "webhook-signature" not in headers or super().is_signed(headers, body)


class KnowsTheIdBeforeItVerifies(Sound):
    def answer(self, method, headers, body):
        if headers.get("webhook-id") in self.seen:
            return 204
        return super().answer(method, headers, body)


class NeverLooksAtTheClock(Sound):
    def is_fresh(self, stamp):
        return stamp.isdecimal()


class MindsOnlyThePast(Sound):
    def is_fresh(self, stamp):
        return stamp.isdecimal() and time.time() - int(stamp) < 300


class RefusesRepeats(Sound):
    def repeat(self):
        return 409


class WantsThemInOrder(Sound):
    def take(self, event):
        job, number = event["data"]["job"]["id"], event["data"]["sequence"]
        if number <= self.latest.get(job, 0):
            return 409
        self.latest[job] = number
        return 204


class KnowsAllFields(Sound):
    def take(self, event):
        known = {"id", "type", "timestamp", "environment", "api_version", "data"}
        return 204 if event.keys() == known else 422


class KnowsAllStates(Sound):
    def take(self, event):
        return 204 if event["data"]["job"]["state"] in STATES else {}["state"]


class WritesTheBodyAnew(Sound):
    def is_signed(self, headers, body):
        try:
            again = json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")).encode()
        except ValueError:
            return False
        return super().is_signed(headers, again)


class TakesLittle(Sound):
    def answer(self, method, headers, body):
        return 413 if len(body) > 32 * 1024 else super().answer(method, headers, body)


class ReadsOneSignature(Sound):
    def offered(self, headers):
        return [headers.get("webhook-signature", "")]


class WorksBeforeItAnswers(Sound):
    """One after the other."""

    def take(self, event):
        time.sleep(0.25)
        return 204


class CrashesOnStrays(Sound):
    def answer(self, method, headers, body):
        assert headers["webhook-signature"]
        return super().answer(method, headers, body)


class RefusesWithGone(Sound):
    def refusal(self):
        return 410


REFUSALS = {"tampered_body_refused", "tampered_id_refused", "missing_signature_refused", "wrong_secret_refused"}
BROKEN = {
    BelievesEverything: REFUSALS,
    LooksOnlyForTheHeader: REFUSALS,
    LetsTheUnsignedPass: {"missing_signature_refused"},
    KnowsTheIdBeforeItVerifies: {"tampered_id_refused"},
    NeverLooksAtTheClock: {"stale_timestamp_refused", "future_timestamp_refused"},
    MindsOnlyThePast: {"future_timestamp_refused"},
    RefusesRepeats: {"duplicate_ignored"},
    WantsThemInOrder: {"out_of_order_survived"},
    KnowsAllFields: {"unknown_survived"},
    KnowsAllStates: {"unknown_survived"},
    WritesTheBodyAnew: {"raw_body_verified"},
    TakesLittle: {"large_body_accepted"},
    ReadsOneSignature: {"rotation_accepted"},
    CrashesOnStrays: {"missing_signature_refused", "strays_survived"},
    RefusesWithGone: {*REFUSALS, "stale_timestamp_refused", "future_timestamp_refused", "strays_survived"},
}


def test_a_sound_receiver_holds_them_all():
    receiver = Sound()
    with serving(receiver) as url:
        results = run(url)
    assert failed(results) == set()
    assert report.passed(results)
    assert report.summary(results) == "15 of 15 checks hold."
    assert len(receiver.seen) > 20


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.__name__)
def test_a_broken_receiver_is_caught_by_the_name_of_its_check(broken):
    with serving(broken()) as url:
        results = run(url)
    assert failed(results) == BROKEN[broken]
    assert not report.passed(results)


def test_one_that_works_before_it_answers_is_too_late_for_many():
    with serving(WorksBeforeItAnswers()) as url:
        assert failed(run(url, deadline=1.0)) == {"answered_in_time"}


def test_every_check_but_the_first_is_broken_by_somebody():
    found = set().union(*BROKEN.values(), {"answered_in_time"})
    assert found == {check.name for check in CHECKS} - {"valid_accepted"}
    assert len(CHECKS) == 15


# --- nobody there, or no time ------------------------------------------------------------------------------------


def test_where_nobody_is_the_rest_is_not_run():
    with serving(Sound()) as url:
        pass
    first, *others = run(url)
    assert (first.status, first.details) == ("failed", ("a message: the connection was refused.",))
    assert {(one.status, one.details, one.sent) for one in others} == {("not_run", (UNREACHABLE,), ())}
    assert report.summary([first, *others]) == "0 of 15 checks hold."


def test_it_goes_nowhere_that_webhooks_do_not_go():
    receiver = Sound()
    with serving(receiver) as url:
        first, *others = run(url, allow=())
    assert first.sent[0].answer.error == "blocked_by_policy"
    assert first.sent[0].answer.duration_ms == 0
    assert {one.status for one in others} == {"not_run"}
    assert receiver.seen == set()


def test_a_run_ends_when_its_time_is_over():
    with serving(WorksBeforeItAnswers()) as url:
        start = time.monotonic()
        results = run(url, budget=1.0)
    assert time.monotonic() - start < 5
    assert results[0].status == "passed"
    assert (results[-1].status, results[-1].details) == ("not_run", (LATE,))
    assert len(results) == 15


def test_a_run_that_nobody_waits_for_stops():
    stopping = threading.Event()
    stopping.set()
    receiver = Sound()
    with serving(receiver) as url:
        assert {one.status for one in run(url, stopping=stopping)} == {"not_run"}
    assert len(receiver.seen) <= 1


# --- what is sent, and what an answer means ----------------------------------------------------------------------


def test_the_event_is_one_of_ours():
    ours, real = Maker(datetime.now(UTC)).event(), event_json(make_update())
    assert ours.keys() == real.keys()
    assert ours["data"].keys() == real["data"].keys()
    assert ours["data"]["job"].keys() == real["data"]["job"].keys()


def test_a_tampered_body_is_another_state_of_the_same_length():
    shots = {check.name: check.shots(Maker(datetime.now(UTC))) for check in CHECKS}
    (shot,) = shots["tampered_body_refused"]
    assert shot.sent_body != shot.body
    assert len(shot.sent_body) == len(shot.body)
    assert json.loads(shot.sent_body)["data"]["job"]["state"] != json.loads(shot.body)["data"]["job"]["state"]


def test_a_shot_as_it_should_be_is_signed_with_the_secret():
    now = datetime(2026, 1, 14, tzinfo=UTC)
    shot = Shot(label="", id="whm_1", body=minified({"a": "ü"}))
    request = shot.request("http://127.0.0.1/hook", {"yours": KEY, "another": bytes(32)}, now)
    signing.verify(KEY, request.headers, request.body, now=now)


@pytest.mark.parametrize(
    ("expected", "answer", "wrong"),
    [
        ("taken", Answer(status_code=200), None),
        ("taken", Answer(status_code=204), None),
        ("taken", Answer(status_code=302), "302"),
        ("taken", Answer(status_code=401), "401"),
        ("taken", Answer(status_code=200, error="timeout"), "in time"),
        ("taken", Answer(), "no answer in HTTP"),
        ("refused", Answer(status_code=400), None),
        ("refused", Answer(status_code=401), None),
        ("refused", Answer(status_code=200), "must be refused"),
        ("refused", Answer(status_code=302), "must be refused"),
        ("refused", Answer(status_code=410), "disables"),
        ("refused", Answer(status_code=500), "crash"),
        ("refused", Answer(error="timeout"), "in time"),
        ("unhurt", Answer(status_code=200), None),
        ("unhurt", Answer(status_code=405), None),
        ("unhurt", Answer(status_code=410), "disables"),
        ("unhurt", Answer(status_code=503), "crash"),
        ("unhurt", Answer(error="connection_reset"), "cut"),
    ],
)
def test_what_an_answer_means(expected, answer, wrong):
    found = fault(Shot(label="", id="whm_1", body=b"", expected=expected), answer)
    assert found is None if wrong is None else wrong in found
