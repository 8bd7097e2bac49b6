"""The life of a support job, out of `specs/lifecycle.yaml`: which step is legal, for whom, with which reasons. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

import specs
from adapters.canonical import Action, JobState, Reason


class IllegalTransition(Exception):
    """This actor cannot take the job there from where it is. `legal` lists what it can do."""

    def __init__(self, state: JobState, legal: tuple["Step", ...]) -> None:
        self.state, self.legal = state, legal
        super().__init__(f"not legal from {state}")


class WrongReason(Exception):
    """The step needs a reason of another group, or none; `allowed` are the codes it takes."""

    def __init__(self, group: str | None, allowed: tuple[str, ...]) -> None:
        self.group, self.allowed = group, allowed
        super().__init__(f"needs a reason of the group {group}" if group else "takes no reason")


@dataclass(frozen=True, slots=True)
class Step:
    """One edge of the graph. `reasons` is the group its reason comes from, or None."""

    source: JobState
    target: JobState
    event: str
    by: frozenset[str]
    reasons: str | None


class Lifecycle:
    """The whole file. `document` is the YAML as it is served to partners."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        facts = {JobState(name): row for name, row in document["states"].items()}
        self.document = document
        self.actors: tuple[str, ...] = tuple(document["actors"])
        self.statuses = {state: str(row["status"]) for state, row in facts.items()}
        self.final = frozenset(state for state, row in facts.items() if row.get("final"))
        self.rank = {state: position for position, state in enumerate(facts)}
        self.steps = _steps(document)
        # The actions are part of every job that is shown, so they are laid out once.
        self._actions = {(state, actor): self._actions_of(state, actor) for state in JobState for actor in self.actors}

    def step(self, source: JobState, target: JobState, actor: str) -> Step:
        """The edge this actor takes. Raises `IllegalTransition`."""
        for step in self.legal(source, actor):
            if step.target is target:
                return step
        raise IllegalTransition(source, self.legal(source, actor))

    def legal(self, source: JobState, actor: str) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.source is source and actor in step.by)

    def actions(self, source: JobState, actor: str) -> tuple[Action, ...]:
        """What this actor may do now, an entry an event."""
        return self._actions[source, actor]

    def reason(self, step: Step, code: str | None, text: str | None) -> Reason | None:
        """The reason with its fault. Raises `WrongReason`."""
        if step.reasons is None and code is None:
            return None
        faults = self.document["reasons"].get(step.reasons, {})
        if code is None or code not in faults:
            raise WrongReason(step.reasons, tuple(faults))
        return Reason(code=code, group=str(step.reasons), fault=faults[code], text=text)

    def _actions_of(self, state: JobState, actor: str) -> tuple[Action, ...]:
        named = {step.event: step for step in self.legal(state, actor)}
        reasons = self.document["reasons"]
        return tuple(Action(event=event, reasons=tuple(reasons.get(step.reasons, ()))) for event, step in named.items())


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _steps(document: Mapping[str, Any]) -> tuple[Step, ...]:
    return tuple(
        Step(JobState(source), JobState(target), row["event"], frozenset(row["by"]), row.get("reasons"))
        for row in document["transitions"]
        for source in _listed(row["from"])
        for target in _listed(row["to"])
    )


@lru_cache(maxsize=1)
def lifecycle() -> Lifecycle:
    """The one lifecycle of this process."""
    return Lifecycle(yaml.safe_load(specs.read("lifecycle.yaml")))
