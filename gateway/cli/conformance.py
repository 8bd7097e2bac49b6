"""`stecker conformance`: whether a receiver takes our webhooks as it should. No server, no database."""

import json
import os
import threading
from contextlib import closing
from typing import Any

import click

from gateway import config
from gateway.cli import Refused
from gateway.conformance import report
from gateway.conformance.service import Result, Run
from gateway.endpoints.service import WORDS
from gateway.runtime import system_clock
from webhooks import egress, signing
from webhooks.transport import Transport

BUDGET = 180.0


@click.command()
@click.option("--endpoint", "url", required=True, metavar="URL", help="Where your receiver takes webhooks.")
@click.option("--secret-file", required=True, type=click.File("r"), metavar="F", help="Holds its secret: whsec_…")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def command(url: str, secret_file: Any, as_json: bool) -> None:
    """Fifteen checks of your own receiver; exit 0 where it holds them all, else 1.

    It calls where our webhooks may go (STECKER_EGRESS_ALLOW; without it: public addresses, and this machine).
    """
    allow = _allow()
    if faults := egress.check_url(url, allow):
        raise Refused("This cannot be called: " + " ".join(WORDS[code] for code in faults))
    with closing(Transport(allow=allow)) as transport:
        run = Run(
            url=url,
            key=_key(secret_file.read()),
            transport=transport,
            clock=system_clock,
            budget=BUDGET,
            stopping=threading.Event(),
        )
        results = [_told(result, as_json) for result in run.results()]
    click.echo(json.dumps(report.document(results), indent=2) if as_json else f"\n{report.summary(results)}")
    if not report.passed(results):
        raise click.exceptions.Exit(1)


def _told(result: Result, as_json: bool) -> Result:
    """Each as soon as it is there."""
    if not as_json:
        click.echo("\n".join(report.lines(result)))
    return result


def _key(secret: str) -> bytes:
    try:
        return signing.key(secret.strip())
    except ValueError as error:
        raise Refused(f"The secret cannot be used: {error}. It is the whsec_… of your endpoint.") from None


def _allow() -> tuple[config.Network, ...]:
    given = os.environ.get("STECKER_EGRESS_ALLOW", "").strip()
    try:
        return config.networks(given) if given else config.LOOPBACK
    except ValueError:
        raise Refused("STECKER_EGRESS_ALLOW must be CIDRs separated by commas, for example 10.1.0.0/16") from None
