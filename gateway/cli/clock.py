"""`stecker sandbox clock`: time stands still in the sandbox, and goes on as far as it is told."""

import json
import re
import sys
from typing import Any

import click

from gateway.cli.layout import facts
from gateway.cli.remote import Remote, aside, remote_options
from gateway.cli.run import CLEAR

CLOCK = "/v1/sandbox/clock"
WAIT = 2
"""Seconds for which a request waits: few advances take longer. What has fired meanwhile is shown then."""

LENGTH = re.compile(r"(?:\d+[wdhms])+")

Clock = dict[str, Any]

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def command() -> None:
    """The test clock of your sandbox: show, freeze, advance, reset."""


@command.command()
@as_json_option
@remote_options
def show(remote: Remote, as_json: bool) -> None:
    """What time it is in your sandbox, and what waits next."""
    _shown(remote.get(CLOCK), as_json)


@command.command()
@click.option("--at", metavar="TIME", help="Go on to this time first, such as 2027-03-28T09:00:00+02:00.")
@as_json_option
@remote_options
def freeze(remote: Remote, at: str | None, as_json: bool) -> None:
    """Let the clock stand. Nothing falls due by itself then; what you do is delivered at once."""
    _change(remote, {"action": "freeze"} | ({"at": at} if at else {}), as_json)


@command.command()
@click.argument("far", metavar="LENGTH|TIME")
@as_json_option
@remote_options
def advance(remote: Remote, far: str, as_json: bool) -> None:
    """Let the clock go on, such as 26h, 1d12h, PT90M, or to a time, and show what falls due. Ctrl-C leaves it alone."""
    _change(remote, {"action": "advance", **_far(far)}, as_json)


@command.command()
@as_json_option
@remote_options
def reset(remote: Remote, as_json: bool) -> None:
    """Back to real time; what waits keeps what is left of its wait."""
    _change(remote, {"action": "reset"}, as_json)


def _far(said: str) -> dict[str, str]:
    """What is said as the API takes it; what is neither is refused there, in its words."""
    if LENGTH.fullmatch(said.lower()):
        days = "".join(re.findall(r"\d+[wd]", said.lower()))
        time = "".join(re.findall(r"\d+[hms]", said.lower()))
        return {"by": f"P{days}{'T' if time else ''}{time}".upper()}
    return {"to" if "-" in said else "by": said}


def _change(remote: Remote, wish: dict[str, str], as_json: bool) -> None:
    clock, shown = remote.post(CLOCK, wish, wait=WAIT), 0
    try:
        while clock["status"] == "advancing":
            shown = shown if as_json else _fired(clock, shown)
            _progress(clock)
            clock = remote.get(CLOCK, wait=WAIT)
    except KeyboardInterrupt:
        _clear()
        aside("It goes on without you; see `stecker sandbox clock show`.")
        raise click.exceptions.Exit(130) from None
    _clear()
    if not as_json and len(wish) > 1:
        _fired(clock, shown)
    _shown(clock, as_json)


def _fired(clock: Clock, shown: int) -> int:
    """What has fired since; how much has been shown by now."""
    _clear()
    fired = clock["advance"]["fired"]
    for one in fired[shown:]:
        attempt = f", attempt {one['attempt']}" if "attempt" in one else ""
        click.echo(f"{_moment(one['at'])}  {one['kind']:<13} {one['id']}  {one['outcome']}{attempt}")
    return len(fired)


def _progress(clock: Clock) -> None:
    """One line that is written over, where somebody looks."""
    if sys.stderr.isatty():
        said = f"{_moment(clock['now'])} of {_moment(clock['advance']['to'])}"
        click.echo(f"{CLEAR}{said}, {clock['advance']['fired_count']} fired", err=True, nl=False)


def _clear() -> None:
    if sys.stderr.isatty():
        click.echo(CLEAR, err=True, nl=False)


def _shown(clock: Clock, as_json: bool) -> None:
    if as_json:
        return click.echo(json.dumps(clock, indent=2, ensure_ascii=False))
    due = clock["next_due"]
    told = {
        "clock": clock["status"],
        "now": _moment(clock["now"]),
        "next": f"{_moment(due['at'])}  {due['kind']} {due['id']}" if due else "nothing waits",
    }
    facts(told)


def _moment(text: str) -> str:
    return f"{text[:10]} {text[11:19]}Z"
