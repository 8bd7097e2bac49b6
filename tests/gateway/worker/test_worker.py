"""The worker process, as it is started in earnest."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from gateway.config import ConfigurationError, Settings
from gateway.endpoints.secrets import opener, sealer
from gateway.runtime import Runtime
from gateway.worker.process import FILES, check_eviction
from gateway.worker.wake import Bell
from tests.support.outbox import DEMO, event, eventually, fresh, say, statuses
from tests.support.receiver import NO_CONTENT, Receiver
from webhooks import endpoints
from webhooks.endpoints import NewEndpoint

PROGRAM = """
import sys
from ipaddress import ip_network
from gateway.worker import process as worker
from gateway.config import Settings
{before}
worker.run(Settings(database_url=sys.argv[1], redis_url=sys.argv[2], secret_key=bytes(range(32)),
                    egress_allow=(ip_network("127.0.0.0/8"),)))
"""


def test_it_has_as_many_open_files_as_it_may() -> None:
    """Where it may have 1024 only until it asks."""
    program = """
import resource
from gateway.worker import process
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
process.allow_files()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[3], capture_output=True, text=True
    )
    soft, hard = told.stdout.split()
    assert int(soft) > 1024
    assert soft == hard or int(soft) == FILES


@pytest.fixture
def start(settings: Settings) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    started: list[subprocess.Popen[bytes]] = []

    def go(before: str = "", redis_url: str | None = None) -> "subprocess.Popen[bytes]":
        program = PROGRAM.format(before=before)
        arguments = [settings.database_url, redis_url or settings.redis_url]
        started.append(subprocess.Popen([sys.executable, "-c", program, *arguments], cwd=Path(__file__).parents[3]))
        return started[-1]

    yield go
    for process in started:
        process.kill()
        process.wait(10)


def listen_at(runtime: Runtime, url: str) -> None:
    new = NewEndpoint(
        id=fresh("whep"), url=url, event_types=("*",), format="plain", description=None, secret_bytes=bytes(32)
    )
    with runtime.sessions.begin() as session:
        endpoints.create(session, DEMO, new, seal=sealer(runtime.vault), now=runtime.clock())


def test_a_ring_is_answered_at_once_and_sigterm_finishes_what_is_in_flight_r13(
    start: Callable[..., "subprocess.Popen[bytes]"], runtime: Runtime, redis_url: str, receiver: Receiver
) -> None:
    listen_at(runtime, receiver.url)
    receiver.behave = lambda n: NO_CONTENT if n == 0 else slow
    process = start()
    say(runtime.sessions, event("job_1"))
    receiver.wait_for(1, within=20)
    bell = Bell(redis_url)

    def slow(sock: object, request: object) -> None:
        process.send_signal(signal.SIGTERM)
        receiver.over.wait(0.5)
        NO_CONTENT(sock, request)  # type: ignore[arg-type]

    eventually(lambda: statuses(runtime.sessions) == ["delivered"])
    with redis.from_url(redis_url) as client:
        eventually(lambda: client.scard("rq:workers") == 1)
    say(runtime.sessions, event("job_2"))
    bell.wake("deliver")
    receiver.wait_for(2, within=3)

    assert process.wait(20) == 0
    assert statuses(runtime.sessions) == ["delivered"] * 2
    bell.close()


def test_delivers_while_redis_is_away_r6(
    start: Callable[..., "subprocess.Popen[bytes]"], runtime: Runtime, receiver: Receiver
) -> None:
    listen_at(runtime, receiver.url)
    process = start(redis_url="redis://127.0.0.1:1/0")
    say(runtime.sessions, event("job_1"))

    receiver.wait_for(1, within=20)
    process.send_signal(signal.SIGTERM)

    assert process.wait(20) == 0


def test_a_dead_courier_ends_the_process_for_its_supervisor_to_start_again(
    start: Callable[..., "subprocess.Popen[bytes]"],
) -> None:
    before = "from webhooks import courier\ncourier.Courier._turn = lambda self, pool: 1 / 0"

    assert start(before).wait(30) == 70


def test_a_redis_that_evicts_is_refused_q10(redis_url: str) -> None:
    with redis.from_url(redis_url) as client:
        check_eviction(client)
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            with pytest.raises(ConfigurationError, match="noeviction"):
                check_eviction(client)
        finally:
            client.config_set("maxmemory-policy", "noeviction")


def test_secrets_open_where_they_were_sealed_and_nowhere_else_k8(runtime: Runtime) -> None:
    sealed = sealer(runtime.vault)(b"whsec_x", "ptn_demo", "whep_1")

    assert opener(runtime.vault)(sealed, "ptn_demo", "whep_1") == b"whsec_x"
    with pytest.raises(Exception, match="moved row"):
        opener(runtime.vault)(sealed, "ptn_demo", "whep_2")
