"""The fulfilment API: a job's way through its life, and everything that is not on it."""

import pytest
from sqlalchemy import text

from tests.support.orders import json_order

HAPPY = ("offered", "assigned", "confirmed", "en_route", "on_site", "in_progress", "work_done", "completed")
ACTORS = {"offered": "dispatch", "completed": "customer"}


@pytest.fixture
def shop(api):
    return api.caller("demo")


@pytest.fixture
def dispatch(api):
    return api.caller("dispatch")


@pytest.fixture
def job(shop, clock):
    return shop.post("/v1/orders", json_order("W-1", clock())).json["jobs"][0]["id"]


def step(dispatch, job, to, actor=None, **more):
    wish = {"to": to, "actor": actor or ACTORS.get(to, "technician"), **more}
    return dispatch.post(f"/fulfilment/v1/jobs/{job}/transitions", wish)


def walk(dispatch, job, *states):
    for state in states:
        answer = step(dispatch, job, state)
        assert answer.status == 200, answer.body
    return answer.json


def test_a_job_goes_all_the_way(shop, dispatch, job):
    done = walk(dispatch, job, *HAPPY)
    assert (done["state"], done["sequence"]) == ("completed", 10)
    events = shop.get(f"/v1/jobs/{job}/events").json["items"]
    assert [event["data"]["sequence"] for event in events] == list(range(1, 11))
    assert events[-1]["type"] == "job.completed"
    assert events[-1]["data"]["previous_state"] == "work_done"
    assert events[-1]["data"]["actor"] == "customer"
    assert shop.get("/v1/orders").json["items"][0]["status"] == "completed"


def test_a_failed_visit_says_why_and_by_whose_fault(shop, dispatch, job):
    walk(dispatch, job, *HAPPY[:5])
    assert step(dispatch, job, "failed", reason="customer_absent").status == 200
    reason = shop.get(f"/v1/jobs/{job}").json["reason"]
    assert reason == {"code": "customer_absent", "group": "failure", "fault": "customer", "text": None}


def test_an_illegal_step_is_a_409_with_the_state_and_what_is_legal(dispatch, job):
    answer = step(dispatch, job, "completed")
    assert (answer.status, answer.json["code"], answer.json["state"]) == (409, "illegal-transition", "scheduled")
    assert {"to": "cancelled", "event": "job.cancelled"}.items() <= answer.json["legal"][-1].items()


def test_a_reason_of_the_wrong_group_is_a_422_that_lists_the_right_ones(dispatch, job):
    walk(dispatch, job, *HAPPY[:5])
    answer = step(dispatch, job, "failed", reason="changed_mind")
    assert (answer.status, answer.pointers) == (422, ["/reason"])
    assert "customer_absent" in answer.json["allowed_reasons"]


def test_asking_for_the_state_it_is_in_makes_no_event(dispatch, job):
    walk(dispatch, job, "offered")
    again = step(dispatch, job, "offered")
    assert (again.status, again.json["sequence"]) == (200, 3)


def test_another_eta_on_the_way_is_an_event(shop, dispatch, job):
    walk(dispatch, job, *HAPPY[:4])
    assert step(dispatch, job, "en_route", eta="2026-01-21T08:20:00+01:00").status == 200
    last = shop.get(f"/v1/jobs/{job}/events").json["items"][-1]
    assert last["type"] == "job.eta_changed"
    assert last["data"]["job"]["eta"].startswith("2026-01-21T0")


def test_two_technicians_cannot_both_get_the_job(dispatch, job):
    walk(dispatch, job, "offered")
    first = step(dispatch, job, "assigned", technician={"id": "t-1", "name": "A. Muster"})
    second = step(dispatch, job, "assigned", technician={"id": "t-2"})
    assert (first.status, second.status) == (200, 409)
    assert first.json["technician"] == {"id": "t-1", "name": "A. Muster"}


def test_of_many_who_accept_at_once_one_wins(api, dispatch, job):
    """R29"""
    walk(dispatch, job, "offered")
    url = f"/fulfilment/v1/jobs/{job}/transitions"
    wishes = [{"to": "assigned", "actor": "technician", "technician": {"id": f"t-{n}"}} for n in range(8)]
    answers = api.together(*(dispatch.request("POST", url, wish) for wish in wishes))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 7
    assert dispatch.get(f"/fulfilment/v1/jobs/{job}").json["sequence"] == 4


def test_a_step_is_taken_once_under_one_key(shop, dispatch, job):
    wish = {"to": "offered", "actor": "dispatch"}
    url = f"/fulfilment/v1/jobs/{job}/transitions"
    first, again = (dispatch.post(url, wish, Idempotency_Key="k") for _ in range(2))
    assert (again.body, again.headers["idempotency-replayed"]) == (first.body, "true")


def test_a_key_that_is_under_way_is_a_409_and_a_job_that_is_a_503(dispatch, job, runtime):
    """R26, R7: who waits for a lock in vain may try again."""
    url, wish = f"/fulfilment/v1/jobs/{job}/transitions", {"to": "offered", "actor": "dispatch"}
    for held, status in [("support_order", 503), ("idempotency_record", 409)]:
        with runtime.sessions.begin() as session:
            session.execute(text(f"LOCK TABLE {held} IN EXCLUSIVE MODE"))
            answer = dispatch.post(url, wish)
        assert (answer.status, answer.headers["retry-after"]) == (status, "1")
    assert dispatch.post(url, wish).status == 200


@pytest.mark.parametrize("actor", ["partner", "system", "nobody"])
def test_this_side_speaks_for_nobody_else(dispatch, job, actor):
    answer = step(dispatch, job, "cancelled", actor=actor, reason="changed_mind")
    assert (answer.status, answer.pointers) == (422, ["/actor"])


def test_rescheduling_needs_a_reason_and_a_window(dispatch, job):
    window = {"start": "2026-02-01T08:00:00+01:00", "end": "2026-02-01T12:00:00+01:00"}
    assert step(dispatch, job, "scheduled", "customer", window=window).pointers == ["/reason"]
    moved = step(dispatch, job, "scheduled", "customer", window=window, reason="customer_asked")
    assert moved.json["window"] == {**window, "timezone": "Europe/Zurich"}


ODD_TIMES = ["2016-12-31T23:59:60Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]


@pytest.mark.parametrize("at", ODD_TIMES)
def test_a_time_that_nobody_could_keep_is_a_422(shop, dispatch, job, at):
    window = {"start": "2026-02-01T08:00:00+01:00", "end": at}
    answer = step(dispatch, job, "scheduled", "customer", reason="customer_asked", at=at, eta=at, window=window)
    assert (answer.status, sorted(answer.pointers)) == (422, ["/at", "/eta", "/window/end"])
    assert shop.get(f"/v1/jobs?updated_after={at.replace('+', '%2B')}").pointers == ["?updated_after"]


def test_a_time_in_small_letters_and_far_from_greenwich_is_taken(dispatch, job):
    window = {"start": "2026-02-01t08:00:00z", "end": "2026-02-02T12:00:00+23:59"}
    moved = step(
        dispatch, job, "scheduled", "customer", reason="customer_asked", at="2026-01-14t14:00:00+23:59", window=window
    )
    assert (moved.status, moved.json["window"]["start"]) == (200, "2026-02-01T09:00:00+01:00")


def test_the_visit_shows_who_and_where(dispatch, job):
    visit = dispatch.get(f"/fulfilment/v1/jobs/{job}").json
    assert visit["customer"]["phone"] == "+41791234567"
    assert visit["service_address"]["city"] == "Zürich"
    assert visit["notes"] == "Hauseingang im Hof"
    assert visit["partner"].startswith("Demo Shop")


def test_jobs_of_all_partners_are_listed_and_paged(api, shop, dispatch, clock):
    for number, caller in enumerate([shop, api.caller("brack"), shop]):
        caller.post("/v1/orders", json_order(f"W-{number}", clock()))
        clock.advance(1)
    first = dispatch.get("/fulfilment/v1/jobs?state=scheduled&limit=2").json
    rest = dispatch.get(f"/fulfilment/v1/jobs?state=scheduled&limit=2&after={first['next']}").json
    assert [job["partner_order_id"] for job in first["items"] + rest["items"]] == ["W-0", "W-1", "W-2"]
    assert rest["next"] is None


def test_live_and_sandbox_do_not_see_each_other(api, dispatch, job, clock):
    """O77"""
    live = api.caller("dispatch", "live")
    assert live.get("/fulfilment/v1/jobs").json["items"] == []
    assert live.get(f"/fulfilment/v1/jobs/{job}").status == 404
    assert step(live, job, "offered").status == 404
    assert dispatch.get(f"/fulfilment/v1/jobs/{job}").json["state"] == "scheduled"


def test_a_partner_cannot_call_the_fulfilment_side(shop, job):
    answer = step(shop, job, "offered")
    assert answer.status == 403
    assert 'scope="fulfilment:write"' in answer.headers["www-authenticate"]


def test_a_partner_cancels_with_a_reason(shop, job):
    answer = shop.post(f"/v1/jobs/{job}/cancellation", {"reason": "changed_mind", "text": "too late"})
    assert (answer.status, answer.json["state"]) == (200, "cancelled")
    assert answer.json["reason"] == {
        "code": "changed_mind", "group": "cancel", "fault": "customer", "text": "too late",
    }  # fmt: skip
    assert answer.json["actions"] == []


def test_a_cancellation_too_late_is_a_409(shop, dispatch, job):
    walk(dispatch, job, *HAPPY[:6])
    answer = shop.post(f"/v1/jobs/{job}/cancellation", {"reason": "changed_mind"})
    assert (answer.status, answer.json["state"]) == (409, "in_progress")
