"""The system under test: our own processes on durable servers, and a partner who may use them."""

import base64
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select

from gateway import config
from gateway import runtime as runtimes
from gateway.embedded import postgres
from gateway.endpoints.secrets import sealer
from gateway.ids import new_id
from gateway.oauth.service import create_client
from gateway.partners.tables import Partner
from gateway.runtime import Runtime
from gateway.seed import seed
from tests.support.servers import Servers, servers
from webhooks import endpoints
from webhooks.tenant import Tenant

STECKER = (sys.executable, "-m", "gateway.cli")
READY_WITHIN = 60.0
ENVIRONMENT = "live"
REDIS_DATABASES = 16

# Everything is on, and the limits are where no load of ours gets.
LIMITS = {
    "STECKER_REQUESTS_PER_MINUTE": "100000000",
    "STECKER_REQUESTS_BURST": "1000000",
    "STECKER_EGRESS_ALLOW": "127.0.0.0/8",
    "STECKER_LOG_LEVEL": "WARNING",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A process that serves."""

    port: int
    pid: int

    def cpu(self) -> float:
        """Seconds of processor time so far, in all its threads (proc_pid_stat(5), fields 14 and 15)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class System:
    """A migrated, seeded database with what belongs to it. `environ` is for the processes on it."""

    environ: Mapping[str, str]
    runtime: Runtime
    partner_id: str
    processes: ExitStack

    @property
    def tenant(self) -> Tenant:
        return Tenant(self.partner_id, ENVIRONMENT)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a process that ends with the system."""
        process = subprocess.Popen(command, env={**os.environ, **self.environ}, stdin=subprocess.DEVNULL)
        self.processes.callback(_stop, process)
        return process

    def serve(self, *command: str) -> "Server":
        """Start a server, its port added to the command, and wait until it listens."""
        port = _free_port()
        process, until = self.start(*command, str(port)), time.monotonic() + READY_WITHIN
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{' '.join(command)} does not come up")
            time.sleep(0.05)
        return Server(port, process.pid)

    def web(self) -> "Server":
        """Start our web process."""
        return self.serve(*STECKER, "web", "--port")

    def token(self, port: int) -> str:
        """An access token, as a partner gets it."""
        with self.runtime.sessions.begin() as session:
            partner = session.get_one(Partner, self.partner_id)
            client = create_client(session, self.runtime.vault, partner, ENVIRONMENT, (), self.runtime.clock())
        form = {
            "grant_type": "client_credentials",
            "client_id": client.client_id,
            "client_secret": client.client_secret,
        }
        return str(_post_form(port, "/oauth/token", form)["access_token"])

    def subscribe(self, url: str, event_types: tuple[str, ...] = ("*",)) -> str:
        """An endpoint that hears these events; returns its id."""
        now = self.runtime.clock()
        new = endpoints.NewEndpoint(
            id=new_id("whep", now),
            url=url,
            event_types=event_types,
            format="plain",
            description=None,
            secret_bytes=secrets.token_bytes(32),
        )
        with self.runtime.sessions.begin() as session:
            endpoints.create(session, self.tenant, new, seal=sealer(self.runtime.vault), now=now)
        return new.id


@contextmanager
def durable_servers() -> Iterator[Servers]:
    """PostgreSQL and Redis as in production: every commit on disk, the append-only file each second."""
    with (
        tempfile.TemporaryDirectory(prefix="stecker-bench-") as folder,
        servers(Path(folder), postgres.SETTINGS) as running,
    ):
        yield running


@contextmanager
def system(running: Servers) -> Iterator[System]:
    """A system of its own; all that was started in it is stopped at the end."""
    with running.database() as url, ExitStack() as stack:
        environ = {
            **LIMITS,
            "STECKER_DATABASE_URL": url,
            # Two at once would take each other's rings.
            "STECKER_REDIS_URL": running.redis.replace("db=0", f"db={next(running.numbers) % REDIS_DATABASES}"),
            "STECKER_SECRET_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        }
        runtime = runtimes.build(config.load(environ))
        stack.callback(runtime.close)
        seed(runtime)
        with runtime.sessions() as session:
            partner_id = session.scalars(select(Partner.id).where(Partner.slug == "demo")).one()
        yield System(environ, runtime, partner_id, stack)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _post_form(port: int, path: str, form: Mapping[str, str]) -> Any:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", path, urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
