"""The scenarios: each legal from its first step to its last, and each heard as it is written."""

import json
from itertools import pairwise

import pytest

from adapters.canonical import JobState, OrderLine, SupportOrder
from adapters.plain import reader as plain
from gateway.catalogue.service import TIMEZONES, services
from gateway.jobs.lifecycle import lifecycle
from gateway.sandbox import samples
from gateway.sandbox.scenarios import scenario, scenarios, seconds

# All of the sandbox's first day; those with slots, quotes and wind-down come with them.
NAMES = {
    "happy_path",
    "happy_after_goods_delivery",
    "two_lines",
    "unknown_sku",
    "no_technician_then_found",
    "technician_drops_out_rebooked",
    "technician_no_show",
    "customer_absent",
    "line_not_active",
    "wrong_material",
    "product_defective",
    "on_site_change_approved",
    "change_refused",
    "part_needed_second_visit",
    "retailer_cancels_en_route",
    "late_cancel",
    "dispute",
    "partner_reschedules_twice",
}


def begins(line) -> JobState:
    if line.service is None:
        return JobState.REJECTED
    return JobState.SCHEDULED if line.wished_in else JobState.UNSCHEDULED


def test_all_of_them_are_there():
    assert set(scenarios()) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_step_is_legal_and_leads_to_the_end_that_is_told(name):
    one = scenarios()[name]
    states = {line.line_id: begins(line) for line in one.lines}
    for step in one.steps:
        edge = lifecycle().step(states[step.line], step.to, step.actor)
        assert edge.event == step.event
        lifecycle().reason(edge, step.reason, None)
        states[step.line] = step.to
    assert states == one.ends
    assert all(line.service is None or line.service in services() for line in one.lines)
    assert one.teaches.endswith(".")


@pytest.mark.parametrize("text", ["", "5", "5 m", "1h30m", "-1m", "m"])
def test_a_length_of_time_is_a_number_and_a_unit(text):
    with pytest.raises(ValueError, match="no length"):
        seconds(text)


@pytest.mark.parametrize("change", [{"title": None}, {"steps": [{"after": "5m", "evnt": "job.offered"}]}])
def test_a_file_that_is_none_of_them_is_refused(change):
    said = {"title": "T", "teaches": "t", "order": {"lines": [{"line_id": "1"}]}, "steps": [], "ends": {}} | change
    said = {key: value for key, value in said.items() if value is not None}
    with pytest.raises((KeyError, TypeError)):
        scenario("x", said)


@pytest.mark.parametrize("country", sorted(TIMEZONES))
def test_there_is_a_customer_in_every_country(country, clock):
    document = samples.order(scenarios()["two_lines"], country, "S-1", clock())
    [placed] = plain.read(document)
    order: SupportOrder = placed.order
    assert order.service_address.country == country
    assert order.customer.phone == samples.phone(country)
    assert order.customer.phone.startswith("+")
    window = order.lines[0].requested_windows[0]
    assert (window.start.minute, window.start > clock()) == (0, True)
    assert isinstance(order.lines[1], OrderLine)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_scenario_is_walked_by_one_call_and_heard_in_order(shop, heard, name):
    answer = shop.post(f"/v1/sandbox/scenarios/{name}/run?wait=10", {"pace": "instant"})
    assert answer.status == 201, answer.body
    run, one = answer.json, scenarios()[name]
    assert (run["status"], run["problem"]) == ("done", None)
    assert {job["line_id"]: job["state"] for job in run["jobs"]} == one.ends
    assert [step["event"] for step in run["steps"]] == [step.event for step in one.steps]
    assert run["settled"]
    assert {row["status"] for row in run["webhooks"]} == {"delivered"}
    # Two of the opening for each line, and one for each step, all of them received and none twice.
    told = [json.loads(request.body) for request in heard.got if b'"job"' in request.body]
    assert len(told) == len(run["webhooks"]) == 2 * len(one.lines) + len(one.steps)
    for job in run["jobs"]:
        mine = [event for event in told if event["data"]["job"]["id"] == job["id"]]
        assert [event["data"]["sequence"] for event in mine] == list(range(1, job["sequence"] + 1))
        for before, event in pairwise(mine):
            legal = lifecycle().legal(JobState(before["data"]["job"]["state"]), event["data"]["actor"])
            assert (event["type"], event["data"]["job"]["state"]) in {(edge.event, edge.target) for edge in legal}


def test_they_are_listed_with_what_they_teach(shop):
    listed = shop.get("/v1/sandbox/scenarios").json
    assert ({one["name"] for one in listed["items"]}, listed["next"]) == (NAMES, None)
    unknown = next(one for one in listed["items"] if one["name"] == "unknown_sku")
    assert unknown["lines"][0] == {"line_id": "10", "service": None, "sku": "TEST-UNKNOWN", "ends": "rejected"}
    assert "rejects that line alone" in unknown["teaches"]


def test_an_unknown_scenario_is_a_404_that_lists_those_that_there_are(shop):
    answer = shop.post("/v1/sandbox/scenarios/alien_landing/run")
    assert (answer.status, set(answer.json["scenarios"])) == (404, NAMES)
    assert shop.get("/v1/orders").json["items"] == []
