"""A run of the sandbox as it goes on: each step as soon as it is taken, and in between how long it still waits."""

import json
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import click

from gateway.cli.remote import Remote, aside

LOOK_EVERY = 1.0
"""Seconds."""

WAIT = 5
"""Seconds in which the API waits for what becomes of the webhooks."""

UNFINISHED = ("running", "paused")
CLEAR = "\r\x1b[K"

Run = dict[str, Any]


def follow(remote: Remote, run: Run, as_json: bool) -> None:
    """Until it is over; exit 1 where it did not come to its end. Ctrl-C leaves it alone, and it goes on."""
    shown = 0
    try:
        stands = run["status"] in UNFINISHED and _clock_stands(remote)
        while True:
            _clear()
            shown = shown if as_json else _steps(run, shown)
            if run["status"] not in UNFINISHED:
                break
            _progress(run, stands)
            time.sleep(LOOK_EVERY)
            run = remote.get(f"/v1/sandbox/runs/{run['id']}")
    except KeyboardInterrupt:
        _clear()
        aside(f"{run['id']} goes on without you; see `stecker sandbox runs`.")
        raise click.exceptions.Exit(130) from None
    if as_json:
        click.echo(json.dumps(run, indent=2, ensure_ascii=False))
    else:
        _end(run)
    if run["status"] != "done":
        raise click.exceptions.Exit(1)


def _steps(run: Run, shown: int) -> int:
    """Those taken since; how many have been shown by now."""
    taken = [step for step in run["steps"] if step["event_id"]]
    for place, step in enumerate(taken[shown:], shown + 1):
        place_of = f"{place}/{run['steps_total']}"
        reason = f"  {step['reason']}" if step["reason"] else ""
        said = f"{step['event']:<24} {step['to']:<15} {step['actor']:<10} {step['job_id']}{reason}"
        click.echo(f"{place_of:>7}  {step['at'][11:19]}Z  {said}")
    return len(taken)


def _clock_stands(remote: Remote) -> bool:
    """Whether the run waits for somebody to let time go on, who is told so."""
    clock = remote.get("/v1/sandbox/clock")
    if clock["status"] == "running":
        return False
    aside(
        f"The clock stands at {clock['now'][:19]}Z: `stecker sandbox clock advance` takes the run on, or `clock reset`."
    )
    return True


def _progress(run: Run, stands: bool) -> None:
    """One line that is written over, where somebody looks."""
    if not sys.stderr.isatty():
        return
    following = next((step["event"] for step in run["steps"] if not step["event_id"]), "the end")
    due = f"at {(run['next_step_at'] or '')[:19]}Z" if stands else f"in {_seconds_until(run['next_step_at'])} s"
    when = "paused" if run["status"] == "paused" else due
    click.echo(f"{CLEAR}{run['steps_taken']}/{run['steps_total']}  next: {following}, {when}", err=True, nl=False)


def _clear() -> None:
    if sys.stderr.isatty():
        click.echo(CLEAR, err=True, nl=False)


def _seconds_until(moment: str | None) -> int:
    left = (datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds() if moment else 0
    return max(0, round(left))


def _end(run: Run) -> None:
    click.echo(f"{run['id']} is {run['status']}: {run['steps_taken']} of {run['steps_total']} steps.")
    if run["problem"]:
        click.echo(f"  {run['problem'].get('detail', run['problem'])}")
    for job in run["jobs"]:
        reason = f" ({job['reason']['code']})" if job["reason"] else ""
        click.echo(f"  {job['id']}  {job['state']}{reason}")
    outcomes(run)


def outcomes(answer: dict[str, Any]) -> None:
    """What has become of the webhooks of a run, or of a step."""
    counts = Counter(one["status"] for one in answer["webhooks"])
    told = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
    click.echo(f"  webhooks: {told or 'none, as there is no endpoint for them'}")
