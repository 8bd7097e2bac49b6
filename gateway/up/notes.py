"""What a run writes down: for whoever comes after it was killed, for other commands, and for the person before it."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.embedded import process
from gateway.embedded.data import DataDir, read_json, write_json
from gateway.supervisor import Child
from gateway.up.servers import Servers


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


def record(data: DataDir, runtime: Path, children: Sequence[Child]) -> None:
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


def publish(data: DataDir, servers: Servers, port: int, children: Sequence[Child]) -> None:
    """Let other commands attach (`gateway.embedded.attach`)."""
    state = {
        "variables": dict(servers.variables),
        "owner_database_url": servers.owner_url,
        "public_url": servers.variables["STECKER_PUBLIC_URL"],
        "port": port,
        "pid": os.getpid(),
        "processes": {child.spec.name: child.running.pid for child in children if child.running is not None},
    }
    write_json(data.state, state)


def announce(data: DataDir, url: str, children: Sequence[Child], say: Callable[[str], None]) -> None:
    """Say what there is, and what to try."""
    say(f"\nStecker is running on {url} (Ctrl-C stops it)\n")
    for child in children:
        pid = child.running.pid if child.running is not None else "-"
        say(f"  {child.spec.name:<10} running   pid {pid:<8} {child.spec.where}".rstrip())
    command = os.path.relpath(Path(sys.executable).with_name("stecker"))
    if data.sandbox_keys.exists():
        say(f"\n  Sandbox keys   {data.sandbox_keys}")
    say("\n  Try next       make demo")
    say(f"                 {command} client create --partner demo --environment sandbox")
    say(f"                 curl -s {url}/healthz/ready")
    key = read_json(data.sandbox_keys).get("demo")
    if key:
        say("\n  Try the sandbox with a key that works here; paste this:\n")
        for line in tried(url, key["client_id"], key["client_secret"]):
            say(line)
    say("")


def tried(url: str, client_id: str, client_secret: str) -> tuple[str, str]:
    """Two lines for a shell: a token, and a job's whole life with it."""
    token = 's/.*"access_token": *"\\([^"]*\\)".*/\\1/p'
    ask = f"curl -s -u {client_id}:{client_secret} -d grant_type=client_credentials {url}/oauth/token"
    return (
        f"TOKEN=$({ask} | sed -n '{token}')",
        f'curl -s -X POST -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: $(date +%s)" '
        f"{url}/v1/sandbox/scenarios/happy_path/run",
    )
