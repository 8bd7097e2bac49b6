"""`stecker webhook recover`: what failed is sent again, in the background."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from adapters.errors import Problem as Fault
from adapters.reading import Unfit
from adapters.values import instant
from gateway.cli import Refused, data_dir_option
from gateway.cli.layout import facts
from gateway.cli.session import transaction
from gateway.endpoints.documents import recovery_document
from gateway.endpoints.recoveries import faults
from gateway.ids import new_id
from webhooks import recovery
from webhooks.recovery import NewRecovery
from webhooks.tables import Endpoint
from webhooks.tenant import Tenant


class Moment(click.ParamType[datetime]):
    """A time with its offset."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return instant(value)
        except Unfit:
            self.fail("a time with its offset, for example 2026-01-14T15:32:10+01:00", param, ctx)


@click.command()
@click.argument("endpoint_id", metavar="ENDPOINT")
@click.option("--since", type=Moment(), required=True, help="Messages of this time and later.")
@click.option("--until", type=Moment(), help="Only those before this time; without it: up to now.")
@click.option("--event", "event_types", multiple=True, metavar="TYPE", help="Repeatable; without it: all.")
@click.option("--missing", is_flag=True, help="Write what the endpoint never had, too.")
@click.option("--rate", type=click.IntRange(1, 500), default=recovery.RATE, show_default=True, help="A second.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_dir_option
def recover(endpoint_id: str, as_json: bool, data_dir: Path, **said: Any) -> None:
    """Send everything of an endpoint again that has failed since a time. It goes on in the background."""
    with transaction(data_dir) as (runtime, session):
        endpoint, now = session.get(Endpoint, endpoint_id, with_for_update={"of": Endpoint}), runtime.clock()
        if endpoint is None or endpoint.deleted_at is not None:
            raise Refused("There is no such endpoint; see `stecker webhook list`.")
        until = said["until"] or now
        if found := faults(endpoint, said["since"], until, now, missing=said["missing"]):
            raise Refused("Not begun: " + " ".join(map(_told, found)))
        wish = NewRecovery(
            id=new_id("whr", now),
            endpoint_id=endpoint_id,
            since=said["since"],
            until=min(until, now),
            event_types=said["event_types"] or None,
            missing=said["missing"],
            rate_per_second=said["rate"],
        )
        begun = recovery.start(session, Tenant(endpoint.owner, endpoint.environment), wish, now=now)
        if begun is None:
            raise Refused("A recovery of this endpoint is running already.")
        record = recovery_document(begun)
    click.echo(json.dumps(record, indent=2)) if as_json else facts(record)


def _told(fault: Fault) -> str:
    return f"--{fault.pointer[1:]}: {fault.detail}"
