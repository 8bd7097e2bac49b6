"""`stecker sandbox checkpoint`: what a sandbox holds is kept; `stecker sandbox reset --checkpoint` goes back to it."""

import json
from urllib.parse import quote

import click

from gateway.cli.layout import facts, table
from gateway.cli.remote import Remote, remote_options

PATH = "/v1/sandbox/checkpoints"

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def command() -> None:
    """Keep what your sandbox holds, to come back to it."""


@command.command()
@click.argument("label", required=False)
@as_json_option
@remote_options
def create(remote: Remote, label: str | None, as_json: bool) -> None:
    """Keep it as it is now."""
    made = remote.post(PATH, {} if label is None else {"label": label})
    if as_json:
        return click.echo(json.dumps(made, indent=2, ensure_ascii=False))
    facts({**made, "counts": _counts(made["counts"])})


@command.command("list")
@as_json_option
@remote_options
def list_all(remote: Remote, as_json: bool) -> None:
    """What is kept, newest first."""
    found = remote.get(PATH)["items"]
    if as_json:
        return click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    if not found:
        return click.echo("None.")
    rows = [(one["id"], one["label"], _counts(one["counts"]), one["created_at"][:19] + "Z") for one in found]
    table(("checkpoint", "label", "holds", "made"), rows)


@command.command()
@click.argument("checkpoint_id", metavar="CHECKPOINT")
@remote_options
def delete(remote: Remote, checkpoint_id: str) -> None:
    """Keep one no longer."""
    remote.delete(f"{PATH}/{quote(checkpoint_id, safe='')}")
    click.echo(f"{checkpoint_id} is gone.")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items())
