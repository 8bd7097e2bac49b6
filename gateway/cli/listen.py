"""`stecker listen`: webhooks of the sandbox, brought to a receiver that has no public address."""

import json
import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from gateway.cli import Refused
from gateway.cli.forwarding import Forwarder
from gateway.cli.place import Place, held, usual_path
from gateway.cli.remote import NotDone, Remote, aside, http_url, remote_options
from webhooks.policy import Answer

INBOX, ENDPOINTS = "/v1/sandbox/inbox", "/v1/webhook-endpoints"
WAIT, LIMIT = 25, 100
BREATH = 1.0
"""Seconds that a page without anything takes at least."""

LEAVE_WITHIN = 3.0
STALE = 300
"""Seconds after which a receiver refuses a signature."""

Item = dict[str, Any]
Forward = Callable[[Item], Answer | None]
Show = Callable[[Item, Answer | None], None]


@click.command()
@click.option("--forward-to", metavar="URL", help="Your receiver: http://localhost:3000/hook; without it: show.")
@click.option("--format", "form", type=click.Choice(["plain", "dialect"]), default="plain", show_default=True)
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="F",
    help="Keeps where to go on from; else a file in your state folder (XDG_STATE_HOME).",
)
@click.option("--keep", is_flag=True, help="Leave the endpoint there at the end; the next one goes on from here.")
@click.option("--print-secret", is_flag=True, help="Print the secret that the next `listen` signs with, and end.")
@click.option("--print-json", is_flag=True, help="Each delivery as a line of JSON, with what became of it.")
@remote_options
def command(remote: Remote, forward_to: str | None, form: str, state: Path | None, keep: bool, **printed: bool) -> None:
    """Bring the sandbox's webhooks to a receiver of yours, until Ctrl-C.

    They come with the path, the headers and the bytes that they would have, signed with the secret that is shown at
    the start. Who is restarted is waited for: your receiver, or Stecker. Whatever came meanwhile is brought then.
    """
    if forward_to:
        http_url(forward_to, "--forward-to")
    of = {"url": remote.url, "client": remote.client_id, "format": form}
    with held(state or usual_path(of), of) as place:
        _arrive(remote, place)
        if printed["print_secret"]:
            return click.echo(place.secret)
        show = _as_json if printed["print_json"] else _as_line
        aside(f"Secret      {place.secret}")
        aside(f"Endpoint    {place.endpoint_id}, forwarded to {forward_to or 'nowhere'}; Ctrl-C ends it")
        with _interruptible(), _forward(forward_to) as forward:
            try:
                follow(remote, place, forward, show)
            except KeyboardInterrupt:
                _leave(remote, place, keep)


def _arrive(remote: Remote, place: Place) -> None:
    """Have an endpoint: the one of before, while it is there."""
    if place.endpoint_id:
        try:
            remote.get(f"{ENDPOINTS}/{place.endpoint_id}")
            return
        except NotDone as error:
            if error.status != 404:
                raise
    # Asked first: what comes to the new endpoint is behind it.
    place.cursor = remote.get(INBOX, limit=1)["next"]
    made = remote.post(ENDPOINTS, {"url": "inbox:", "format": place.of["format"]})
    place.endpoint_id, place.secret = made["id"], made["secret"]
    place.keep()


def _leave(remote: Remote, place: Place, keep: bool) -> None:
    """The endpoint is removed, if that can be done now."""
    try:
        if not keep:
            remote.delete(f"{ENDPOINTS}/{place.endpoint_id}", patience=LEAVE_WITHIN)
            aside(f"{place.endpoint_id} is removed.")
            return place.forget()
    except Refused as error:
        aside(f"Not removed: {error}")
    aside(f"{place.endpoint_id} stays; the next `stecker listen` goes on from here.")


def follow(remote: Remote, place: Place, forward: Forward, show: Show) -> None:
    """One delivery after the other, forever; the place moves behind each."""
    while True:
        start = time.monotonic()
        query = {"after": place.cursor, "wait": WAIT, "limit": LIMIT, "endpoint_id": place.endpoint_id}
        page = remote.get(INBOX, patience=math.inf, **query)
        for item in page["items"]:
            show(item, forward(item))
            place.move(item["cursor"])
        place.move(page["next"])
        if not page["items"]:
            time.sleep(max(0.0, BREATH - (time.monotonic() - start)))


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends it as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _forward(url: str | None) -> Iterator[Forward]:
    if url is None:
        yield lambda item: None
    else:
        with closing(Forwarder(url, aside)) as forwarder:
            yield forwarder


def _as_json(item: Item, answer: Answer | None) -> None:
    told = answer and {"status": answer.status_code, "error": answer.error, "duration_ms": answer.duration_ms}
    click.echo(json.dumps({**item, "forwarded": told}, ensure_ascii=False))


def _as_line(item: Item, answer: Answer | None) -> None:
    """When it came, what the receiver said and how soon, and what it was about."""
    took = f"{answer.duration_ms:>5} ms" if answer else " " * 8
    outcome = click.style(f"{_outcome(item, answer):<18}", fg=_colour(item, answer), bold=True)
    line = f"{item['received_at'][11:19]}Z  {outcome} {took}  {_about(item)}"
    if item["verdict"]["code"] not in ("good", "unsigned"):
        line += click.style(f"  {item['verdict']['code']}: {item['verdict']['detail']}", fg="yellow")
    if disturbed := item["headers"].get("stecker-chaos"):
        line += click.style(f"  chaos: {disturbed}", fg="yellow")
    if answer and not _taken(answer) and _age(item) > STALE:
        line += click.style("  signed more than five minutes ago, which receivers refuse", fg="yellow")
    click.echo(line, color=False if os.environ.get("NO_COLOR") else None)


def _outcome(item: Item, answer: Answer | None) -> str:
    return str(answer.error or answer.status_code) if answer else str(item["verdict"]["code"])


def _colour(item: Item, answer: Answer | None) -> str:
    good = _taken(answer) if answer else item["verdict"]["code"] == "good"
    return "green" if good else "red"


def _taken(answer: Answer) -> bool:
    return answer.error is None and answer.status_code is not None and 200 <= answer.status_code < 300


def _age(item: Item) -> float:
    stamp = item["headers"].get("webhook-timestamp", "")
    return time.time() - int(stamp) if stamp.isdecimal() else 0.0


def _about(item: Item) -> str:
    """The event and its job; what kind it is, of a document in a dialect."""
    headers = item["headers"]
    try:
        event = json.loads(item["body"] or "")
        what, job = event["type"], event["data"].get("job")
    except (ValueError, KeyError, TypeError, AttributeError):
        what, job = headers.get("content-type", "-"), None
    which = f"{job['id']}  {job['state']}  #{job['sequence']}" if job else headers.get("webhook-id", "")
    return f"{what:<24} {which}"
