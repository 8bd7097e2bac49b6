"""One running system, and a client of its sandbox, for every test that needs no more than that."""

import json
import subprocess
from collections.abc import Iterator, Mapping

import pytest

from gateway.cli.remote import Remote
from tests.support.system import STECKER, System, stecker_up


@pytest.fixture(scope="session")
def stecker_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = stecker_up(tmp_path_factory.mktemp("e2e"))
    try:
        system.start()
        yield system
    finally:
        system.clear()


@pytest.fixture(scope="session")
def client(stecker_system: System) -> Mapping[str, str]:
    """The settings with which the commands talk to it."""
    create = ("client", "create", "--partner", "demo", "--environment", "sandbox", "--json")
    command = (*STECKER, *create, "--data-dir", str(stecker_system.data.root))
    printed = subprocess.run(command, env=stecker_system.environ, capture_output=True, check=True, text=True).stdout
    made = json.loads(printed)
    return {"STECKER_URL": stecker_system.url, "STECKER_CLIENT": f"{made['client_id']}:{made['client_secret']}"}


@pytest.fixture
def remote(client: Mapping[str, str]) -> Remote:
    client_id, _, secret = client["STECKER_CLIENT"].partition(":")
    return Remote(client["STECKER_URL"], client_id, secret)
