"""What the simulator says where nobody else has said it: enough for every step that is legal, whenever it is taken."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.canonical import Job, JobState, Technician, Window
from gateway.jobs.lifecycle import lifecycle
from gateway.jobs.moving import Move, moved
from gateway.sandbox import planning
from gateway.sandbox.scenarios import scenarios
from gateway.sandbox.seeded import Noted, seeded

NOW = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # in Zurich the last hour but one before summer begins
WINDOWS = {
    "none": None,
    "past": Window(start=NOW - timedelta(hours=9), end=NOW - timedelta(hours=5)),
    "long past": Window(start=NOW - timedelta(days=400, hours=4), end=NOW - timedelta(days=400)),
    "now": Window(start=NOW - timedelta(hours=1), end=NOW + timedelta(hours=1)),
    "ahead": Window(start=NOW + timedelta(days=7), end=NOW + timedelta(days=7, hours=4)),
}
JOB = Job(
    id="job_1",
    order_id="ord_1",
    partner_order_id="W-1",
    environment="sandbox",
    line_id="10",
    unit=1,
    service="tv.wall_mount_l",
    sku=None,
    state=JobState.RECEIVED,
    status="received",
    sequence=3,
    state_since=NOW,
    timezone="Europe/Zurich",
)


@pytest.mark.parametrize("edge", lifecycle().steps, ids=lambda edge: f"{edge.source}-{edge.event}-{edge.target}")
@pytest.mark.parametrize("window", sorted(WINDOWS))
def test_every_legal_step_can_be_taken_with_nothing_but_its_name(edge, window):
    on_the_way = edge.source is JobState.EN_ROUTE
    job = replace(JOB, state=edge.source, window=WINDOWS[window], eta=NOW if on_the_way else None)
    reason = next(iter(lifecycle().document["reasons"].get(edge.reasons, ())), None)
    for actor in edge.by:
        wish = planning.told(Move(to=edge.target, actor=actor, reason=reason), edge.event, job, NOW)
        _, after = moved(job, wish, NOW)
        assert (after.state, after.sequence) == (edge.target, 4)
        if edge.target is JobState.SCHEDULED:
            assert after.window.end > NOW
            assert after.window != job.window or edge.event in ("job.scheduled", "job.released")
        if edge.target is JobState.ASSIGNED:
            assert after.technician == planning.TECHNICIANS[0]
        if edge.target is JobState.EN_ROUTE:
            assert after.eta > NOW


def test_what_was_said_is_left_as_it_is():
    wish = Move(to=JobState.SCHEDULED, actor="dispatch", window=WINDOWS["ahead"])
    assert planning.told(wish, "job.revisit", replace(JOB, state=JobState.FAILED), NOW) == wish
    wish = Move(to=JobState.ASSIGNED, actor="dispatch", technician=Technician(id="t-9"))
    assert planning.told(wish, "job.assigned", JOB, NOW) == wish
    wish = Move(to=JobState.EN_ROUTE, actor="technician", eta=NOW)
    assert planning.told(wish, "job.en_route", JOB, NOW) == wish


def test_another_day_is_at_the_same_hour_also_when_the_clocks_change():
    before = Window(start=datetime(2026, 3, 28, 7, tzinfo=UTC), end=datetime(2026, 3, 28, 11, tzinfo=UTC))
    job = replace(JOB, state=JobState.SCHEDULED, window=before)
    moved_to = planning.told(Move(to=JobState.SCHEDULED, actor="partner"), "job.rescheduled", job, before.start).window
    assert (moved_to.start.hour, moved_to.start.astimezone(UTC).hour) == (8, 6)


@pytest.mark.parametrize("state", list(JobState))
@pytest.mark.parametrize("name", sorted(name for name, one in scenarios().items() if len(one.lines) == 1))
def test_a_scenario_joined_from_any_state_is_legal_or_says_that_it_is_not(name, state):
    begins = planning.of_scenario(scenarios()[name], {"10": JOB.id})[0]
    try:
        steps = planning.joined(scenarios()[name], replace(JOB, state=state))
    except planning.NoWay:
        assert (begins.event, begins.to) not in {(edge.event, edge.target) for edge in planning.legal(state)}
        return
    for step in steps:
        state = lifecycle().step(state, JobState(step.to), step.actor).target
    assert state is scenarios()[name].ends["10"]


def test_ids_with_a_seed_are_the_same_and_others_are_new():
    first, again, other = (seeded("ptn", seed, "job_1", "3", today=NOW) for seed in ("s", "s", "t"))
    assert first("evt", NOW) == again("evt", NOW) != other("evt", NOW)
    assert first("evt", NOW) == again("evt", NOW)
    assert first("whm", NOW) != again("whm", NOW)
    assert first("ord", NOW)[:14] == seeded("x", today=NOW)("ord", NOW)[:14]  # the time stands in front


def test_ids_are_kept_by_their_kind():
    made = Noted(seeded("x", today=NOW))
    ids = [made(prefix, NOW) for prefix in ("evt", "whm", "evt")]
    assert (made.of("evt"), made.of("whm"), made.of("job")) == ([ids[0], ids[2]], [ids[1]], [])
