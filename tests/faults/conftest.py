"""One running system for all faults: whoever kills a part of it leaves it running."""

import json
import random
import subprocess
import uuid
from collections.abc import Callable, Iterator
from itertools import chain

import pytest
import requests

from tests.faults.shop import TIMEOUT, Inbox, Shop, listening
from tests.support.system import STECKER, System, eventually, stecker_up


@pytest.fixture(scope="session")
def one_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = stecker_up(tmp_path_factory.mktemp("faults"))
    try:
        system.start()
        yield system
    finally:
        system.clear()


@pytest.fixture
def system(one_system: System) -> System:
    """The system, with every part of it there."""
    whole = {"postgres", "redis", "web", "worker 1", "worker 2", "tick"}
    eventually(lambda: one_system.pids().keys() == whole and is_ready(one_system), "every part is there")
    return one_system


def is_ready(system: System) -> bool:
    return readiness(system) == "ready"


def readiness(system: System) -> str:
    """What `/healthz/ready` says; `silent` where nobody is there."""
    try:
        return str(requests.get(f"{system.url}/healthz/ready", timeout=TIMEOUT).json()["status"])
    except requests.RequestException:
        return "silent"


@pytest.fixture(scope="session")
def credentials(one_system: System) -> dict[str, str]:
    create = ("client", "create", "--partner", "demo", "--environment", "sandbox", "--json")
    command = (*STECKER, *create, "--data-dir", str(one_system.data.root))
    printed = subprocess.run(command, env=one_system.environ, capture_output=True, check=True, text=True).stdout
    made: dict[str, str] = json.loads(printed)
    return made


@pytest.fixture
def login(credentials: dict[str, str]) -> Callable[[], str]:
    """A new token each time; one lives for 15 minutes."""
    pair = (credentials["client_id"], credentials["client_secret"])
    form = {"grant_type": "client_credentials"}

    def take() -> str:
        answer = requests.post(credentials["token_url"], data=form, auth=pair, timeout=TIMEOUT)
        return str(answer.json()["access_token"])

    return take


@pytest.fixture
def shop(system: System, login: Callable[[], str]) -> Shop:
    return Shop(system.url, login())


@pytest.fixture
def inbox(shop: Shop, name: str) -> Iterator[Inbox]:
    with listening(shop, name) as made:
        yield made


@pytest.fixture
def name() -> str:
    """What a test's orders begin with."""
    return uuid.uuid4().hex[:12]


@pytest.fixture
def seed() -> int:
    """Another one each run; the same again with the --randomly-seed that pytest prints in its head."""
    return random.getrandbits(32)


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Say it at the end of the whole run, whether the test has passed or not."""
    return lambda words: request.node.user_properties.append(("told", words))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in chain.from_iterable(terminalreporter.stats.values()):
        for name, words in getattr(report, "user_properties", ()):
            if name == "told" and report.when == "teardown":
                terminalreporter.section("soak")
                terminalreporter.write_line(words)
