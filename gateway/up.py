"""What `stecker up` runs: PostgreSQL, Redis, web, workers and tick, from one data folder, under one supervisor."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from gateway import config
from gateway.embedded import postgres, process, redis
from gateway.embedded.data import CannotStart, DataDir, read_json, runtime_folder, write_json
from gateway.embedded.process import Spec
from gateway.supervisor import Child, Stopped, Supervisor

HOST = "127.0.0.1"
SERVERS_WITHIN, APPS_WITHIN, PREPARE_WITHIN = 120.0, 60.0, 300.0
"""Seconds: recovery after a crash and a long migration take their time."""
EMBEDDED_EGRESS = "127.0.0.0/8,::1/128"
STECKER = (sys.executable, "-m", "gateway.cli")

Environ = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run. `prepare` is run once the servers are there; `apps` are started when it has succeeded."""

    data: DataDir
    port: int
    environ: Environ
    prepare: tuple[str, ...]
    apps: Callable[[Environ, int], Sequence[Spec]]
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Servers:
    """The embedded servers to start, what every process is told, and the database as its owner."""

    specs: tuple[Spec, ...]
    variables: Environ
    owner_url: str


def run(plan: Plan) -> None:
    """Run until SIGINT or SIGTERM, then drain. Raises `CannotStart` or `ConfigurationError`; nothing is left then."""
    plan.data.make()
    held = plan.data.hold()
    try:
        stopped = take_over(plan.data)
        if stopped:
            plan.say(f"Stopped what a killed run had left: {', '.join(stopped)}")
        check_port(plan.port)
        _run(plan)
    finally:
        os.close(held)


def _run(plan: Plan) -> None:
    data, runtime = plan.data, runtime_folder()
    supervisor = Supervisor(plan.say, lambda children: _record(data, runtime, children))
    with supervisor.signals():
        try:
            servers = _servers(plan, runtime)
            supervisor.start(servers.specs, within=SERVERS_WITHIN)
            # A system that has run before serves first and looks at its seed later.
            ready = _is_prepared(plan, servers)
            if not ready:
                _prepare(plan, supervisor, servers)
            web, *others = plan.apps({**plan.environ, **servers.variables}, plan.port)
            # The web process has the longest way to go, and both cores to itself.
            supervisor.start([web], within=APPS_WITHIN)
            supervisor.start(others, within=APPS_WITHIN)
            _publish(plan, servers, supervisor.children)
            if ready:
                _prepare(plan, supervisor, servers)
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


def take_over(data: DataDir) -> list[str]:
    """Stop what a killed supervisor left behind; their names and pids. We hold the folder, so they are nobody's."""
    data.state.unlink(missing_ok=True)
    left = read_json(data.processes)
    found = sorted(left.get("processes", ()), key=lambda one: int(one["rank"]))
    stopped = [
        f"{one['name']} ({one['pid']})"
        for one in found
        if process.stop_other(one["pid"], one["identity"], signal.Signals(one["stop"]), one["patience"])
    ]
    if "runtime" in left:
        shutil.rmtree(left["runtime"], ignore_errors=True)
    data.processes.unlink(missing_ok=True)
    return stopped


def _record(data: DataDir, runtime: Path, children: Sequence[Child]) -> None:
    running = [(child.spec, child.running.pid) for child in children if child.running is not None]
    write_json(
        data.processes,
        {
            "runtime": str(runtime),
            "processes": [
                {
                    "name": spec.name,
                    "pid": pid,
                    "identity": process.identity(pid),
                    "rank": spec.rank,
                    "stop": int(spec.stop),
                    "patience": spec.patience,
                }
                for spec, pid in running
            ],
        },
    )


def _servers(plan: Plan, runtime: Path) -> Servers:
    """The servers we bring, for the URLs that are not given, and the variables for everyone."""
    data, environ = plan.data, plan.environ
    variables = {"STECKER_PUBLIC_URL": f"http://{HOST}:{plan.port}"}
    variables |= {name: value for name, value in environ.items() if name.startswith("STECKER_") and value}
    specs: list[Spec] = []
    owner_url = variables.get("STECKER_DATABASE_URL", "")
    if not owner_url:
        specs.append(postgres.prepare(data, runtime))
        owner_url = postgres.url(data, runtime, postgres.OWNER)
        variables["STECKER_DATABASE_URL"] = postgres.url(data, runtime, postgres.APP)
        variables.setdefault("STECKER_EGRESS_ALLOW", EMBEDDED_EGRESS)
    if "STECKER_REDIS_URL" not in variables:
        specs.append(redis.prepare(data, runtime))
        variables["STECKER_REDIS_URL"] = redis.url(runtime)
    if specs and not variables.keys() & {"STECKER_SECRET_KEY", "STECKER_SECRET_KEY_FILE"}:
        data.secret(data.secret_key.name)
        variables["STECKER_SECRET_KEY_FILE"] = str(data.secret_key)
    config.load(variables)  # every fault now, before anything has been started
    return Servers(tuple(specs), variables, owner_url)


def _is_prepared(plan: Plan, servers: Servers) -> bool:
    """The database is at the newest revision and, where we seed it, has its keys."""
    if not plan.environ.get("STECKER_DATABASE_URL") and not plan.data.sandbox_keys.exists():
        return False
    command = (sys.executable, "-m", "gateway.migrations.current")
    return not subprocess.run(command, input=servers.owner_url, text=True, process_group=0, check=False).returncode


def _prepare(plan: Plan, supervisor: Supervisor, servers: Servers) -> None:
    """Run `prepare` to its end, while the supervisor looks after the servers."""
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
                raise CannotStart(f"The database was not up to date after {PREPARE_WITHIN:.0f} s; look what holds it.")
            time.sleep(0.02)
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()
    if running.returncode:
        raise CannotStart("The database could not be brought up to date; the reason stands above.")


def _publish(plan: Plan, servers: Servers, children: Sequence[Child]) -> None:
    """Let other commands attach, and tell the person before us what there is."""
    running = {child.spec.name: child.running.pid for child in children if child.running is not None}
    url = servers.variables["STECKER_PUBLIC_URL"]
    state = {
        "variables": dict(servers.variables),
        "owner_database_url": servers.owner_url,
        "public_url": url,
        "port": plan.port,
        "pid": os.getpid(),
        "processes": running,
    }
    write_json(plan.data.state, state)
    plan.say(f"\nStecker is running on {url} (Ctrl-C stops it)\n")
    for child in children:
        plan.say(f"  {child.spec.name:<10}  running  pid {running.get(child.spec.name, 0):<7}  {child.spec.where}")
    if plan.data.sandbox_keys.exists():
        plan.say(f"\n  Sandbox keys  {plan.data.sandbox_keys}")
    plan.say(f"\n  Try next      make demo\n                curl -s {url}/v1/lifecycle\n")


def apps(workers: int) -> Callable[[Environ, int], Sequence[Spec]]:
    """Our own processes: one web, so many workers, one tick."""

    def specs(environ: Environ, port: int) -> Sequence[Spec]:
        web = (*STECKER, "web", "--port", str(port), "--stop-with-parent")
        url = f"http://{HOST}:{port}"
        names = [f"worker {number}" for number in range(1, workers + 1)] if workers > 1 else ["worker"]
        return (
            app("web", web, environ, rank=0, where=url, ready=lambda pid: healthy(port)),
            *(app(name, (*STECKER, "worker", "--stop-with-parent"), environ, rank=1) for name in names),
            app("tick", (*STECKER, "tick", "--stop-with-parent"), environ, rank=2),
        )

    return specs


def app(
    name: str,
    command: tuple[str, ...],
    environ: Environ,
    *,
    rank: int,
    where: str = "",
    ready: Callable[[int], bool] = lambda pid: True,
) -> Spec:
    """One process of ours. It drains within what a delivery may take, and within what the web process waits."""
    return Spec(
        name=name,
        command=command,
        environ=environ,
        ready=ready,
        explain=lambda: f"{name} does not come up; its own words stand above.",
        where=where,
        rank=rank,
        patience=30.0,
    )


def healthy(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", "/healthz/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
