"""The lifecycle file, and what is read out of it."""

import pytest

from adapters.canonical import JobState
from gateway.jobs.lifecycle import IllegalTransition, WrongReason, lifecycle


def test_the_states_written_out_are_those_of_the_file():
    assert [state.value for state in JobState] == list(lifecycle().document["states"])


def test_every_edge_names_known_states_actors_and_reason_groups():
    life = lifecycle()
    assert len(life.steps) >= len(life.document["transitions"])
    for step in life.steps:
        assert step.by <= set(life.actors)
        assert step.reasons is None or life.document["reasons"][step.reasons]


def test_no_edge_leaves_a_final_state():
    life = lifecycle()
    assert life.final == {JobState.REJECTED, JobState.CANCELLED, JobState.HANDED_OVER}
    assert not [step for step in life.steps if step.source in life.final]


def test_every_state_is_reached_from_received():
    reached, frontier = {JobState.RECEIVED}, [JobState.RECEIVED]
    while frontier:
        source = frontier.pop()
        for step in lifecycle().steps:
            if step.source is source and step.target not in reached:
                reached.add(step.target)
                frontier.append(step.target)
    assert reached == set(JobState)


def test_two_edges_between_the_same_states_never_share_an_actor():
    seen = set()
    for step in lifecycle().steps:
        for actor in step.by:
            assert (step.source, step.target, actor) not in seen
            seen.add((step.source, step.target, actor))


def test_an_actor_who_may_not_take_the_step_is_told_what_is_legal():
    with pytest.raises(IllegalTransition) as refused:
        lifecycle().step(JobState.SCHEDULED, JobState.COMPLETED, "customer")
    assert {step.target for step in refused.value.legal} == {JobState.SCHEDULED, JobState.CANCELLED}


def test_the_fault_of_a_reason_comes_from_the_file():
    step = lifecycle().step(JobState.ON_SITE, JobState.FAILED, "technician")
    reason = lifecycle().reason(step, "customer_absent", None)
    assert (reason.group, reason.fault) == ("failure", "customer")


@pytest.mark.parametrize("code", [None, "customer_absent", "no_such_reason"])
def test_a_step_that_needs_a_reason_refuses_none_and_those_of_another_group(code):
    step = lifecycle().step(JobState.SCHEDULED, JobState.CANCELLED, "partner")
    with pytest.raises(WrongReason) as refused:
        lifecycle().reason(step, code, None)
    assert "changed_mind" in refused.value.allowed


def test_a_step_without_reasons_refuses_one():
    step = lifecycle().step(JobState.SCHEDULED, JobState.OFFERED, "dispatch")
    with pytest.raises(WrongReason):
        lifecycle().reason(step, "changed_mind", None)
