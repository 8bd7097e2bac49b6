"""`stecker trigger`: an order of the sandbox, and its whole story."""

from typing import Any
from urllib.parse import quote

import click

from gateway.cli.remote import Remote, remote_options
from gateway.cli.run import WAIT, follow

PACES = click.Choice(["instant", "x60", "realtime"])


@click.command()
@click.argument("scenario")
@click.option("--pace", type=PACES, default="instant", show_default=True, help="x60: sixty times as fast.")
@click.option("--seed", metavar="TEXT", help="The same one gives the same ids and times.")
@click.option("--country", metavar="CC", help="Where the customer lives: CH, DE, AT, GB or FR.")
@click.option("--order-id", "partner_order_id", metavar="ID", help="Your number of the order.")
@click.option("--json", "as_json", is_flag=True, help="The run as JSON, when it is over.")
@remote_options
def command(remote: Remote, scenario: str, as_json: bool, **said: Any) -> None:
    """Place the order of a scenario, and walk it to its end; `stecker sandbox scenarios` lists them.

    Exit 0 when it came to its end, else 1. Ctrl-C leaves the run alone, and it goes on.
    """
    wish = {name: value for name, value in said.items() if value is not None}
    follow(remote, remote.post(f"/v1/sandbox/scenarios/{quote(scenario, safe='')}/run", wish, wait=WAIT), as_json)
