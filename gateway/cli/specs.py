"""`stecker specs`: the OpenAPI document, bundled from its pieces, and whether it can be served."""

from collections.abc import Callable, Iterator
from pathlib import Path

import click

import specs
from gateway import specification
from gateway.app import OPERATIONS, PUBLIC
from gateway.front import SpecificationError, check_handlers
from gateway.intake.doors import conversations
from gateway.oauth.security import UnprotectedOperation, check_protection

STALE = f"specs/{specification.BUNDLE} is not what its pieces say; run: stecker specs bundle"


@click.group()
def command() -> None:
    """The OpenAPI document: bundle it, check it."""


@command.command()
def bundle() -> None:
    """Write specs/partner.yaml out of the pieces in specs/partner/."""
    path = Path(specs.__file__).with_name(specification.BUNDLE)
    path.write_text(specification.bundled(), encoding="utf-8")
    click.echo(f"{path} is written.")


@command.command()
def check() -> None:
    """Exit 1 where the bundle is stale, an operation is open to everybody, or nobody serves it."""
    faults = [line for fault in _faults() for line in fault.splitlines()]
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        raise click.exceptions.Exit(1)
    click.echo("The specification is bundled, protected and served.")


def _faults() -> Iterator[str]:
    if specs.read(specification.BUNDLE) != specification.bundled().encode():
        yield STALE
    served = specification.served_by_connexion()
    checks: tuple[Callable[[], None], ...] = (
        lambda: check_protection(served, PUBLIC),
        lambda: check_handlers(served, {**OPERATIONS, **conversations(served)}),
    )
    for holds in checks:
        try:
            holds()
        except (UnprotectedOperation, SpecificationError) as error:
            yield str(error)
