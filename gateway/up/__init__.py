"""What `stecker up` runs: PostgreSQL, Redis, web, workers and tick, from one data folder, under one supervisor."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.embedded.data import CannotStart, DataDir, runtime_folder
from gateway.embedded.process import Spec
from gateway.supervisor import Stopped, Supervisor
from gateway.up import notes
from gateway.up import servers as embedded
from gateway.up.apps import HOST
from gateway.up.servers import Environ, Servers

SERVERS_WITHIN, APPS_WITHIN, PREPARE_WITHIN = 120.0, 60.0, 300.0
"""Seconds: recovery after a crash and a long migration take their time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run. `prepare` is run once the servers are there; `apps` are started when it has succeeded."""

    data: DataDir
    port: int
    environ: Environ
    prepare: tuple[str, ...]
    apps: Callable[[Environ, int], Sequence[Spec]]
    say: Callable[[str], None]


def run(plan: Plan) -> None:
    """Run until SIGINT or SIGTERM, then drain. Raises `CannotStart` or `ConfigurationError`; nothing is left then."""
    plan.data.make()
    held = plan.data.hold()
    try:
        stopped = notes.take_over(plan.data)
        if stopped:
            plan.say(f"Stopped what a killed run had left: {', '.join(stopped)}")
        check_port(plan.port)
        _run(plan)
    finally:
        os.close(held)


def _run(plan: Plan) -> None:
    data, runtime = plan.data, runtime_folder()
    notes.record(data, runtime, ())
    supervisor = Supervisor(plan.say, lambda children: notes.record(data, runtime, children))
    with supervisor.signals():
        try:
            servers = embedded.prepare(data, runtime, plan.environ, f"http://{HOST}:{plan.port}")
            supervisor.start(servers.specs, within=SERVERS_WITHIN)
            # A system that has run before serves first and looks at its seed later.
            ready = _is_prepared(plan, servers)
            if not ready and not _prepare(plan, supervisor, servers):
                raise CannotStart("The database could not be brought up to date; the reason stands above.")
            web, *others = plan.apps({**plan.environ, **servers.variables}, plan.port)
            # The web process has the longest way to go, and both cores to itself.
            supervisor.start([web], within=APPS_WITHIN)
            supervisor.start(others, within=APPS_WITHIN)
            notes.publish(data, servers, plan.port, supervisor.children)
            notes.announce(data, servers.variables["STECKER_PUBLIC_URL"], supervisor.children, plan.say)
            if ready and not _prepare(plan, supervisor, servers):
                plan.say("The seed could not be looked after this time; what was there is there.")
            supervisor.run()
        except Stopped:
            pass
        finally:
            data.state.unlink(missing_ok=True)
            if supervisor.children:
                plan.say("Stopping…")
            supervisor.stop()
            supervisor.close()
            shutil.rmtree(runtime)
            data.processes.unlink(missing_ok=True)
    plan.say("Stopped.")


def check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CannotStart(
                f"Port {port} cannot be used ({error.strerror}); choose another: make run PORT={port + 1}, "
                f"or stecker up --port {port + 1}."
            ) from error


def _is_prepared(plan: Plan, servers: Servers) -> bool:
    """The database is at the newest revision and, where we seed it, has its keys."""
    if not plan.environ.get("STECKER_DATABASE_URL") and not plan.data.sandbox_keys.exists():
        return False
    command = (sys.executable, "-m", "gateway.migrations.current")
    return not subprocess.run(command, input=servers.owner_url, text=True, process_group=0, check=False).returncode


def _prepare(plan: Plan, supervisor: Supervisor, servers: Servers) -> bool:
    """Run `prepare` to its end, while the supervisor looks after the rest; whether it succeeded."""
    given = bool(plan.environ.get("STECKER_DATABASE_URL"))
    told = {
        **plan.environ,
        **servers.variables,
        "STECKER_OWNER_DATABASE_URL": servers.owner_url,
        "STECKER_DATA_DIR": str(plan.data.root),
    }
    command = plan.prepare if given else (*plan.prepare, "--seed")
    running = subprocess.Popen(command, env=told, stdin=subprocess.DEVNULL, process_group=0)
    until = time.monotonic() + PREPARE_WITHIN
    try:
        while running.poll() is None:
            supervisor.check()
            supervisor.tend()
            if time.monotonic() > until:
                plan.say(f"The database was not up to date after {PREPARE_WITHIN:.0f} s; look what holds it.")
                return False
            time.sleep(0.02)
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()
    return running.returncode == 0
