"""`stecker seed`: the partners of the first day, what they call our services, and their prices."""

from contextlib import closing
from pathlib import Path

import click

from gateway import runtime, seed
from gateway.cli import data_dir_option, settings_for
from gateway.cli.session import reachable


@click.command()
@data_dir_option
def command(data_dir: Path) -> None:
    """Add the partners of the first day; what is there already is left as it is."""
    with reachable(), closing(runtime.build(settings_for(data_dir), pool_size=1)) as built:
        seed.seed(built)
    retailers = [one for one in seed.PARTNERS if one.kind == "retailer"]
    click.echo(
        f"{len(seed.PARTNERS)} partners are there; {len(retailers)} of them sell {len(seed.ARTICLES)} services of ours "
        "under their own numbers. See `stecker partner list`."
    )
