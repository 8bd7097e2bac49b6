"""`stecker sandbox`: what `/v1/sandbox` can, from the command line."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import click

from gateway.cli import checkpoint, clock
from gateway.cli.layout import facts, table
from gateway.cli.remote import Remote, remote_options
from gateway.cli.run import WAIT, follow, outcomes
from gateway.cli.trigger import PACES

RESET_WITHIN = 120.0
"""Seconds; much to remove takes several requests."""

CHAOS = "/v1/sandbox/chaos"

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
limit_option = click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)


@click.group()
def command() -> None:
    """The sandbox over its API: scenarios, steps, runs, the test clock, the inbox, keys, chaos, checkpoints, reset."""


command.add_command(clock.command, "clock")
command.add_command(checkpoint.command, "checkpoint")


@command.command()
@as_json_option
@remote_options
def scenarios(remote: Remote, as_json: bool) -> None:
    """The stories there are, and what each teaches; `stecker trigger` tells one."""
    found = remote.get("/v1/sandbox/scenarios")["items"]
    rows = [(one["name"], len(one["steps"]), f"{one['lasts_seconds'] // 60} min", one["teaches"]) for one in found]
    _listed(found, as_json, ("scenario", "steps", "in earnest", "teaches"), rows)


@command.command()
@click.argument("job_id", metavar="JOB")
@as_json_option
@remote_options
def steps(remote: Remote, job_id: str, as_json: bool) -> None:
    """What may happen to a job now."""
    found = remote.get(f"/v1/sandbox/jobs/{quote(job_id, safe='')}/steps")
    rows = [
        (one["event"], one["to"], ", ".join(one["actors"]), ", ".join(one["reasons"]) or None) for one in found["items"]
    ]
    if not as_json:
        click.echo(f"{job_id} is {found['state']}, #{found['sequence']}")
    _listed(found, as_json, ("event", "to", "by", "for one of"), rows)


@command.command()
@click.argument("job_id", metavar="JOB")
@click.argument("event", metavar="EVENT")
@click.option("--to", metavar="STATE", help="Where the event leads to several.")
@click.option("--actor", metavar="A", help="Who takes it; else the first who may.")
@click.option("--reason", metavar="CODE")
@click.option("--text", metavar="T", help="The reason in words.")
@click.option("--note", metavar="T")
@as_json_option
@remote_options
def step(remote: Remote, job_id: str, event: str, as_json: bool, **said: str | None) -> None:
    """Let it happen: one step of a job, and what became of its webhooks."""
    wish = {"event": event, **_given(said)}
    taken = remote.post(f"/v1/sandbox/jobs/{quote(job_id, safe='')}/steps", wish, wait=WAIT)
    if as_json:
        return _print(taken)
    click.echo(f"{job_id} is {taken['job']['state']}, #{taken['job']['sequence']}")
    outcomes(taken)


@command.command()
@click.argument("job_id", metavar="JOB")
@click.option("--until", metavar="STATE", help="Walk it to this state,")
@click.option("--scenario", metavar="NAME", help="or through this scenario.")
@click.option("--reason", metavar="CODE", help="For the last step to the state.")
@click.option("--pace", type=PACES, default="instant", show_default=True)
@click.option("--seed", metavar="TEXT")
@as_json_option
@remote_options
def run(remote: Remote, job_id: str, as_json: bool, **said: str | None) -> None:
    """Walk a job of yours to a state, or through a scenario. Ctrl-C leaves the run alone, and it goes on."""
    begun = remote.post(f"/v1/sandbox/jobs/{quote(job_id, safe='')}/run", _given(said), wait=WAIT)
    follow(remote, begun, as_json)


@command.command()
@limit_option
@as_json_option
@remote_options
def runs(remote: Remote, limit: int, as_json: bool) -> None:
    """Your runs, newest first."""
    found = remote.get("/v1/sandbox/runs", limit=limit)["items"]
    head = ("run", "status", "story", "pace", "steps", "order", "begun")
    rows = [
        (
            one["id"],
            one["status"],
            one["scenario"] or f"until {one['until']}",
            one["pace"],
            f"{one['steps_taken']}/{one['steps_total']}",
            one["order_id"],
            _moment(one["created_at"]),
        )
        for one in found
    ]
    _listed(found, as_json, head, rows)


def _change(verb: str, about: str) -> None:
    @remote_options
    def change(remote: Remote, run_id: str) -> None:
        changed = remote.post(f"/v1/sandbox/runs/{quote(run_id, safe='')}/{verb}")
        click.echo(f"{run_id} is {changed['status']}.")

    command.command(verb, help=about)(click.argument("run_id", metavar="RUN")(change))


_change("pause", "Pause a run; what was left of its wait is kept.")
_change("resume", "Let a paused run go on.")
_change("stop", "End a run where it is.")


@command.command()
@limit_option
@click.option("--endpoint", "endpoint_id", metavar="ID", help="Only what was sent to this one.")
@as_json_option
@remote_options
def inbox(remote: Remote, limit: int, endpoint_id: str | None, as_json: bool) -> None:
    """What came to endpoints whose url is `inbox:`, newest first, with the verdict over each signature."""
    found = remote.get("/v1/sandbox/inbox", limit=limit, endpoint_id=endpoint_id)["items"]
    rows = [
        (
            _moment(one["received_at"]),
            one["endpoint_id"],
            one["headers"].get("webhook-id"),
            one["verdict"]["code"],
            len(one["body"] or one["body_base64"] or ""),
        )
        for one in found
    ]
    _listed(found, as_json, ("received", "endpoint", "webhook-id", "verdict", "characters"), rows)


@command.command()
@as_json_option
@remote_options
def keys(remote: Remote, as_json: bool) -> None:
    """The keys that your engineers made."""
    found = remote.get("/v1/sandbox/keys")["items"]
    rows = [
        (one["id"], one["label"], *(_moment(one[at]) for at in ("created_at", "last_used_at", "expires_at")))
        for one in found
    ]
    _listed(found, as_json, ("key", "label", "made", "last used", "expires"), rows)


@command.command("add-key")
@click.argument("label")
@as_json_option
@remote_options
def add_key(remote: Remote, label: str, as_json: bool) -> None:
    """A key for an engineer; its secret is shown this once."""
    made = remote.post("/v1/sandbox/keys", {"label": label})
    if as_json:
        return _print(made)
    facts({**made, "scopes": " ".join(made["scopes"])})


@command.command("revoke-key")
@click.argument("key_id", metavar="KEY")
@remote_options
def revoke_key(remote: Remote, key_id: str) -> None:
    """Refuse a key, and its tokens, from the next second on."""
    remote.delete(f"/v1/sandbox/keys/{quote(key_id, safe='')}")
    click.echo(f"{key_id} is revoked.")


@command.group()
def chaos() -> None:
    """Disturb your own webhooks and requests, for a while."""


@chaos.command("start")
@click.argument("kind", metavar="KIND")
@click.option("--times", type=int, metavar="N", help="How many messages or requests; else one.")
@click.option("--lasts", "lasts_seconds", type=int, metavar="SECONDS", help="When it ends at the latest; else 600.")
@click.option("--endpoint", "endpoint_id", metavar="ID", help="Only webhooks of this endpoint.")
@click.option("--event", "event_types", metavar="TYPE", multiple=True, help="Only webhooks of these types.")
@click.option("--method", metavar="M", help="Only requests with this method.")
@click.option("--path", metavar="P", help="Only requests whose path begins so.")
@click.option("--copies", type=int, metavar="N", help="Of duplicate.")
@click.option("--delay", "delay_seconds", type=int, metavar="SECONDS", help="Of delay.")
@click.option("--attempts", type=int, metavar="N", help="Of drop_first.")
@click.option("--body", "body_seconds", type=int, metavar="SECONDS", help="Of slow_body.")
@click.option("--retry-after", type=int, metavar="SECONDS", help="Of too_many_requests and unavailable.")
@as_json_option
@remote_options
def start_chaos(remote: Remote, as_json: bool, event_types: tuple[str, ...], **said: Any) -> None:
    """Begin one. Of webhooks: duplicate, reorder, sequence_gap, delay, drop_first, wrong_signature, old_secret,
    slow_body, redirect, unknown_field, unknown_enum. Of requests with this key: lost_answer, too_many_requests,
    unavailable.
    """
    started = remote.post(CHAOS, _given({**said, "event_types": list(event_types) or None}))
    if as_json:
        return _print(started)
    facts({name: ", ".join(value) if isinstance(value, list) else value for name, value in started.items()})


@chaos.command("list")
@limit_option
@as_json_option
@remote_options
def list_chaos(remote: Remote, limit: int, as_json: bool) -> None:
    """What this key disturbs, and did of late; newest first."""
    found = remote.get(CHAOS, limit=limit)["items"]
    rows = [
        (one["id"], one["kind"], one["status"], f"{one['remaining']} of {one['times']}", _moment(one["until"]))
        for one in found
    ]
    _listed(found, as_json, ("chaos", "kind", "status", "left", "until"), rows)


@chaos.command("stop")
@click.argument("chaos_id", metavar="[CHAOS]", required=False)
@remote_options
def stop_chaos(remote: Remote, chaos_id: str | None) -> None:
    """End one, or all of this key's."""
    remote.delete(CHAOS if chaos_id is None else f"{CHAOS}/{quote(chaos_id, safe='')}")
    click.echo("Nothing is disturbed any more." if chaos_id is None else f"{chaos_id} has ended.")


@command.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--checkpoint", metavar="ID", help="And go back to what the sandbox held then.")
@as_json_option
@remote_options
def reset(remote: Remote, yes: bool, checkpoint: str | None, as_json: bool) -> None:
    """Remove all that is in your sandbox; keys and endpoints stay."""
    if not yes:
        click.confirm(f"Remove every order, job and message of the sandbox at {remote.url}?", abort=True, err=True)
    wish = None if checkpoint is None else {"checkpoint": checkpoint}
    removed = remote.ask("POST", "/v1/sandbox/reset", document=wish, patience=RESET_WITHIN)["removed"]
    _print(removed) if as_json else facts(removed)


def _given(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None}


def _print(document: Any) -> None:
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _listed(document: Any, as_json: bool, head: tuple[str, ...], rows: Sequence[Sequence[object]]) -> None:
    if as_json:
        return _print(document)
    if not rows:
        return click.echo("None.")
    table(head, rows)


def _moment(at: str | None) -> str | None:
    return f"{at[:10]} {at[11:19]}Z" if at else None
