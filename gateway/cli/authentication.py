"""How a command is told how calls are authenticated. Secrets come from a file or a prompt, never as arguments."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from gateway.cli import Refused
from webhooks import schemes

F = TypeVar("F", bound=Callable[..., Any])


def authentication_options(command: F) -> F:
    """`--scheme`, `--option` and `--secrets-file`, of which `told` makes an authentication."""
    for option in (
        click.option("--secrets-file", type=click.File("r"), help="JSON with the secrets of the scheme; - is stdin."),
        click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="A member of the scheme."),
        click.option("--scheme", type=click.Choice(schemes.CALLING), help="How calls are authenticated."),
    ):
        command = option(command)
    return command


def told(scheme: str | None, options: tuple[str, ...], secrets_file: Any) -> dict[str, Any] | None:
    """The authentication; None where no scheme was named. Asks for secrets that are missing. Raises `Refused`."""
    if scheme is None:
        if options or secrets_file:
            raise Refused("An option or a secret is one of a scheme; name it with --scheme.")
        return None
    said: dict[str, Any] = {name: value for name, _, value in (option.partition("=") for option in options)}
    secret = [member.name for member in schemes.MEMBERS[scheme] if member.secret]
    if spoken := sorted(said.keys() & set(secret)):
        raise Refused(f"{', '.join(spoken)}: others can read what is written after a command; use --secrets-file.")
    if secrets_file is not None:
        said |= _read(scheme, secrets_file)
    for name in secret:
        if name not in said:
            said[name] = click.prompt(name, hide_input=True, err=True)
    return {"scheme": scheme, **said}


def _read(scheme: str, file: Any) -> Mapping[str, Any]:
    """What the scheme knows of it: the key file of a Google service account has more than that."""
    try:
        found = json.load(file)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused("The file of secrets is no JSON object.")
    return {member.name: found[member.name] for member in schemes.MEMBERS[scheme] if member.name in found}
