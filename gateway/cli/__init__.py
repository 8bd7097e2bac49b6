"""The `stecker` command: one module per noun, imported when it is called."""

import os
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway import config, embedded
from gateway.config import ConfigurationError, Settings
from gateway.embedded.data import CannotStart
from gateway.lifeline import stop_with_parent

F = TypeVar("F", bound=Callable[..., Any])

# noun: (where its command is, what it does). The help stands here so that `stecker --help` imports none of them.
NOUNS: Mapping[str, tuple[str, str]] = {
    "up": ("gateway.cli.up:command", "Start everything on one machine."),
    "web": ("gateway.cli.web:command", "Serve the API."),
    "worker": ("gateway.cli.worker:command", "Deliver webhooks."),
    "tick": ("gateway.cli.tick:command", "Look every second for what is due."),
    "partner": ("gateway.cli.partner:command", "Who may talk to us."),
    "client": ("gateway.cli.client:command", "OAuth clients of partners."),
    "connection": ("gateway.cli.connection:command", "Doors without OAuth: Google, Shopify, polls, folders."),
    "adapter": ("gateway.cli.adapter:adapter", "Partners' dialects, tried on files."),
    "message": ("gateway.cli.message:command", "What partners sent us."),
    "job": ("gateway.cli.job:command", "Support jobs: show one, move one on."),
    "webhook": ("gateway.cli.webhook:command", "Endpoints, deliveries, signatures."),
    "conformance": ("gateway.cli.conformance:command", "Check a receiver of webhooks."),
    "listen": ("gateway.cli.listen:command", "Bring the sandbox's webhooks to a receiver on your machine."),
    "trigger": ("gateway.cli.trigger:command", "Place an order of the sandbox, and tell its whole story."),
    "sandbox": (
        "gateway.cli.sandbox:command",
        "The sandbox over its API: scenarios, steps, runs, inbox, keys, chaos, checkpoints.",
    ),
    "keys": ("gateway.cli.keys:command", "The keys that sign access tokens."),
    "db": ("gateway.cli.db:command", "Migrate the database, or check it."),
    "seed": ("gateway.cli.seed:command", "Add the partners of the first day."),
    "specs": ("gateway.cli.specs:command", "The OpenAPI document: bundle it, check it."),
    "demo": ("gateway.cli.demo:command", "Orders in, jobs done, webhooks out: see it all in under a minute."),
}


class Refused(click.ClickException):
    """Ends the command with a sentence on standard error and exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(self.message, file=sys.stderr)


class Nouns(click.Group):
    """Knows its commands by name, and imports the one that is called."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(NOUNS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in NOUNS:
            return None
        module, _, attribute = NOUNS[name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in NOUNS.items()])


@click.group(cls=Nouns, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Stecker, the partner gateway. On a fresh machine: `make run`, then `make demo`."""


def data_dir_option(command: F) -> F:
    """`--data-dir`, for every command; the function gets `data_dir: Path`."""
    return click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="STECKER_DATA_DIR",
        default=".stecker",
        show_default=True,
        help="Folder of the embedded system (STECKER_DATA_DIR).",
    )(command)


def stop_with_parent_option(command: F) -> F:
    """`--stop-with-parent`, for the processes that `up` starts: they end when it is gone."""
    return click.option(
        "--stop-with-parent",
        is_flag=True,
        hidden=True,
        expose_value=False,
        callback=lambda context, option, value: stop_with_parent() if value else None,
    )(command)


def settings_for(data_dir: Path) -> Settings:
    """The settings of the environment, else those of the system that runs on this folder. Raises `Refused`."""
    return _or_refuse(lambda: config.load(_variables(data_dir)))


def owner_url_for(data_dir: Path) -> str:
    """The database as the owner of its tables. A given STECKER_DATABASE_URL serves for that too. Raises `Refused`."""
    given = os.environ.get("STECKER_OWNER_DATABASE_URL") or os.environ.get("STECKER_DATABASE_URL")
    return config.psycopg_url(given) if given else _or_refuse(lambda: embedded.owner_url(data_dir))


T = TypeVar("T")


def _or_refuse(act: Callable[[], T]) -> T:
    try:
        return act()
    except (ConfigurationError, CannotStart) as error:
        raise Refused(str(error)) from error


def _variables(data_dir: Path) -> Mapping[str, str]:
    given = {name: value for name, value in os.environ.items() if value.strip()}
    if {"STECKER_DATABASE_URL", "STECKER_REDIS_URL"} <= given.keys():
        return given
    attached = dict(embedded.attach(data_dir))
    if "STECKER_SECRET_KEY" in given:
        attached.pop("STECKER_SECRET_KEY_FILE", None)
    return {**attached, **given}
