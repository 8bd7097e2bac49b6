"""Which servers a run brings itself, and what it tells its processes of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway import config
from gateway.embedded import postgres, redis
from gateway.embedded.data import DataDir
from gateway.embedded.process import Spec

EGRESS = "127.0.0.0/8,::1/128"
"""Where webhooks may go besides public addresses: a newcomer's receiver runs on this machine, as he does."""

Environ = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Servers:
    """The embedded servers to start, what every process is told, and the database as its owner."""

    specs: tuple[Spec, ...]
    variables: Environ
    owner_url: str


def prepare(data: DataDir, runtime: Path, environ: Environ, public_url: str) -> Servers:
    """The servers we bring, for the URLs that are not given, and the variables for everyone.

    Raises `CannotStart`, or `ConfigurationError` with every fault, before anything has been started.
    """
    variables = {"STECKER_PUBLIC_URL": public_url}
    variables |= {name: value for name, value in environ.items() if name.startswith("STECKER_") and value}
    specs: list[Spec] = []
    owner_url = variables.get("STECKER_DATABASE_URL", "")
    if not owner_url:
        specs.append(postgres.prepare(data, runtime))
        owner_url = postgres.url(data, runtime, postgres.OWNER)
        variables["STECKER_DATABASE_URL"] = postgres.url(data, runtime, postgres.APP)
        if variables["STECKER_PUBLIC_URL"].startswith("http:"):
            variables.setdefault("STECKER_EGRESS_ALLOW", EGRESS)
    if "STECKER_REDIS_URL" not in variables:
        specs.append(redis.prepare(data, runtime))
        variables["STECKER_REDIS_URL"] = redis.url(runtime)
    if specs and not variables.keys() & {"STECKER_SECRET_KEY", "STECKER_SECRET_KEY_FILE"}:
        data.secret(data.secret_key.name)
        variables["STECKER_SECRET_KEY_FILE"] = str(data.secret_key)
    config.load(variables)
    return Servers(tuple(specs), variables, owner_url)
