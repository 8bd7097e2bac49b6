"""`stecker demo`: what a newcomer should see first."""

import os
import sys
from io import TextIOWrapper
from pathlib import Path

import click

from gateway.demo import partner as business
from gateway.demo import story
from gateway.demo.page import Page
from gateway.demo.parts import PARTS
from gateway.demo.system import DoesNotHold
from gateway.embedded.data import CannotStart
from gateway.runtime import system_clock


@click.command()
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=".demo",
    show_default=True,
    help="A folder of the demo's own; it begins empty each time.",
)
@click.option("--partner", type=click.Choice(sorted(PARTS)), help="This partner's business, in its own words.")
def command(data_dir: Path, partner: str | None) -> None:
    """Orders in, jobs through their life, signed webhooks out: on a system of its own, in under a minute."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without arrows and umlauts gets question marks
    colour = False if os.environ.get("NO_COLOR") else None
    page = Page(lambda line: click.echo(line, color=colour))
    try:
        if partner is None:
            story.perform(page, data_dir, os.environ, system_clock)
        else:
            business.perform(page, partner, data_dir, os.environ, system_clock)
    except (CannotStart, DoesNotHold) as error:
        click.echo(f"\nThe demo stops here. {error}", err=True)
        raise click.exceptions.Exit(1) from None
