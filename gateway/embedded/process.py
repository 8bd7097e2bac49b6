"""Server processes: what to start, how to tell that it is the one we started, and how to stop it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

LOG_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Account:
    """Who a process runs as, when not as ourselves."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One process: how to start it, when it is ready, how to stop it.

    `ready` is asked with the pid until it says yes. `explain` tells in a sentence why it ended before it was ready.
    `rank`: lower ones are stopped first. `patience`: seconds between `stop` and SIGKILL. `orphan`: the signal the
    kernel sends it when we are gone; None, where it notices by itself that its standard input has closed.
    """

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    ready: Callable[[int], bool]
    explain: Callable[[], str]
    where: str
    rank: int
    stop: signal.Signals = signal.SIGTERM
    patience: float = 10.0
    orphan: signal.Signals | None = None
    account: Account | None = None
    cwd: Path | None = None
    log: Path | None = field(default=None)


def start(spec: Spec, lifeline: int) -> subprocess.Popen[bytes]:
    """Start it, in a process group of its own so that Ctrl-C reaches us alone.

    `lifeline` is the reading end of a pipe nobody writes to: it closes when we are gone.
    """
    output = _open_log(spec.log) if spec.log else None
    try:
        return subprocess.Popen(
            _command(spec),
            env=dict(spec.environ),
            cwd=spec.cwd,
            stdin=subprocess.DEVNULL if spec.orphan else lifeline,
            stdout=output,
            stderr=output,
            process_group=0,
        )
    finally:
        if output is not None:
            os.close(output)


def _command(spec: Spec) -> tuple[str, ...]:
    if spec.orphan is None:
        return spec.command
    uid, gid = (str(spec.account.uid), str(spec.account.gid)) if spec.account else ("-", "-")
    bound = str(Path(__file__).with_name("bound.py"))
    return (sys.executable, "-I", "-S", bound, str(spec.orphan.value), str(os.getpid()), uid, gid, *spec.command)


def _open_log(path: Path) -> int:
    # One predecessor is kept; what grows has a bound.
    if path.exists() and path.stat().st_size > LOG_MAX:
        path.replace(path.with_suffix(".log.1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def identity(pid: int) -> str | None:
    """What tells this process from a later one with the same pid; None when there is none.

    On Linux the boot's id and the start in ticks since then (proc_pid_stat(5), field 22); elsewhere what `ps` says.
    """
    if not Path("/proc/self/stat").exists():
        shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return shown.stdout.strip() or None
    try:
        # The name in field 2 may hold spaces and parentheses.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    if fields[0] in "ZX":
        return None
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {fields[19]}"


def stop_other(pid: int, known: str, how: signal.Signals, patience: float) -> bool:
    """Stop a process that is not our child, if it still is the one we knew. False when it was gone already."""
    if identity(pid) != known:
        return False
    os.kill(pid, how)
    until = time.monotonic() + patience
    while identity(pid) == known:
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    return True


def describe_exit(code: int) -> str:
    """For people: `exit code 3`, `killed by SIGKILL`."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
