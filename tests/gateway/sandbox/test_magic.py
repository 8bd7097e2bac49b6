"""Values that make something happen: in the sandbox, and never in earnest."""

import pytest

from gateway.errors import CATALOGUE
from gateway.jobs.lifecycle import lifecycle
from gateway.sandbox import runs
from gateway.sandbox.magic import magic
from gateway.sandbox.scenarios import scenarios
from tests.support.orders import json_order, opentrans

WINDOW = ("2026-01-20T08:00:00+01:00", "2026-01-20T12:00:00+01:00")


@pytest.fixture
def live(api):
    return api.caller("demo", "live")


def with_sign(sign, now, number="W-1"):
    """An order with all that the sign looks for."""
    order = json_order(number, now)
    if sign.sku:
        order["lines"][0]["sku"] = sign.sku
    if sign.postcode:
        order["service_address"] |= {"postcode": sign.postcode, "country": sign.country}
    if sign.family_name:
        order["customer"]["family_name"] = sign.family_name
    return order


def go(api, clock):
    clock.advance(runs.LEASE.total_seconds())
    for _ in range(20):
        runs.go(api.runtime)


def test_the_table_names_problems_reasons_and_scenarios_that_there_are():
    assert set(magic().orders.values()) <= set(CATALOGUE)
    assert {sign.reason for sign in magic().lines} <= set(lifecycle().document["reasons"]["intake"])
    assert {sign.scenario for sign in magic().jobs} <= set(scenarios())


@pytest.mark.parametrize(("number", "code"), sorted(magic().orders.items()))
def test_the_number_of_an_order_provokes_a_problem_by_every_door(api, shop, clock, number, code):
    status = CATALOGUE[code][0]
    answers = [
        shop.post("/v1/orders", json_order(number, clock())),
        api.caller("brack").post("/inbound/brack", opentrans(number, WINDOW), Content_Type="application/xml"),
    ]
    assert [(answer.status, answer.json["code"]) for answer in answers] == [(status, code)] * 2
    assert all("retry-after" in answer.headers for answer in answers) == (status != 500)
    assert shop.get("/v1/orders").json["items"] == []


@pytest.mark.parametrize("sign", magic().lines, ids=lambda sign: sign.reason)
def test_a_line_is_rejected_for_its_reason(shop, clock, sign):
    [job] = shop.post("/v1/orders", with_sign(sign, clock())).json["jobs"]
    assert (job["state"], job["reason"]["code"]) == ("rejected", sign.reason)


@pytest.mark.parametrize("sign", magic().jobs, ids=lambda sign: sign.scenario)
def test_a_job_goes_its_way_by_itself(api, shop, clock, sign):
    [job] = shop.post("/v1/orders", with_sign(sign, clock())).json["jobs"]
    assert job["state"] == "scheduled"
    go(api, clock)
    events = [event["type"] for event in shop.get(f"/v1/jobs/{job['id']}/events").json["items"]]
    assert events[2:] == [step.event for step in scenarios()[sign.scenario].steps]
    assert shop.get(f"/v1/jobs/{job['id']}").json["state"] == next(iter(scenarios()[sign.scenario].ends.values()))


def test_both_jobs_of_an_order_go_and_a_rejected_one_does_not(api, shop, clock):
    order = json_order("W-1", clock())
    order["customer"]["family_name"] = "Absent"
    [line] = order["lines"]
    order["lines"] = [line, {**line, "line_id": "20"}, {**line, "line_id": "30", "sku": "TEST-UNKNOWN"}]
    jobs = shop.post("/v1/orders", order).json["jobs"]
    go(api, clock)
    states = [shop.get(f"/v1/jobs/{job['id']}").json["state"] for job in jobs]
    assert states == ["failed", "failed", "rejected"]


def test_the_same_order_again_is_the_same_order(shop, clock):
    order = json_order("W-1", clock())
    order["customer"]["family_name"] = "Absent"
    assert [shop.post("/v1/orders", order).status for _ in range(2)] == [201, 200]
    assert len(shop.get("/v1/sandbox/runs").json["items"]) == 1


def test_in_earnest_they_mean_nothing(api, live, clock):
    numbers = [live.post("/v1/orders", json_order(number, clock())) for number in magic().orders]
    assert [(answer.status, answer.json["jobs"][0]["state"]) for answer in numbers] == [(201, "scheduled")] * len(
        numbers
    )
    signs = [sign for sign in (*magic().lines, *magic().jobs) if not sign.sku]
    jobs = [live.post("/v1/orders", with_sign(sign, clock(), f"W-{n}")).json["jobs"][0] for n, sign in enumerate(signs)]
    go(api, clock)
    states = {live.get(f"/v1/jobs/{job['id']}").json["state"] for job in jobs}
    assert states == {"scheduled"}
