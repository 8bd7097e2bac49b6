"""The data folder: where things lie in it, who holds it, its secrets, and what is written down for other commands."""

import base64
import fcntl
import json
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOCKET_FOLDER_MAX = 60  # "/redis/redis.sock" and PostgreSQL's lock file follow; a socket's path ends at 103 characters

LOOKS = 10


class CannotStart(Exception):
    """Why the system cannot run here: one sentence, with the way out."""


class NotRunning(CannotStart):
    """There is nothing to attach to."""


@dataclass(frozen=True, slots=True)
class DataDir:
    """One folder with everything of one system, for the eyes of its owner alone."""

    root: Path

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def redis(self) -> Path:
        return self.root / "redis"

    @property
    def logs(self) -> Path:
        return self.root / "log"

    @property
    def secret_key(self) -> Path:
        """The file with `STECKER_SECRET_KEY`, where the environment gives none."""
        return self.root / "keys" / "secret_key"

    @property
    def sandbox_keys(self) -> Path:
        """The file with the credentials of the seeded sandbox."""
        return self.root / "keys" / "sandbox.json"

    @property
    def state(self) -> Path:
        """What other commands need to attach; there while the system runs."""
        return self.root / "run" / "state.json"

    @property
    def processes(self) -> Path:
        """What was started, for whoever comes after a killed supervisor."""
        return self.root / "run" / "processes.json"

    def make(self) -> None:
        """Make the folders. Raises `CannotStart` where that is not allowed."""
        try:
            for folder in (self.root, self.redis, self.logs, self.state.parent, self.secret_key.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.state.parent):
                pass
        except OSError as error:
            raise CannotStart(
                f"The data folder {self.root} cannot be written ({error.strerror}); "
                "choose another with --data-dir or STECKER_DATA_DIR."
            ) from error

    def hold(self) -> int:
        """Hold the folder as long as the returned descriptor is open. Raises `CannotStart` while another does."""
        handle = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        for _ in range(LOOKS):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return handle
            except BlockingIOError:
                time.sleep(0.02)  # a command that asks `held` has it for a moment
        os.close(handle)
        raise CannotStart(
            f"Stecker is already running on {self.root}; stop that one first, or choose another folder with --data-dir."
        )

    def held(self) -> bool:
        try:
            handle = os.open(self.root / "lock", os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    def secret(self, name: str) -> str:
        """32 random bytes in base64, made on first use and kept in `keys/`."""
        path = self.root / "keys" / name
        if not path.exists():
            write_private(path, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Write the whole file or nothing of it, readable by its owner alone."""
    handle, name = tempfile.mkstemp(dir=path.parent)  # mode 0600
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    write_private(path, json.dumps(content, indent=2) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """The content; nothing where there is no such file or it is torn."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def runtime_folder() -> Path:
    """A new short-lived folder for sockets, which every account of this machine may pass through.

    Short, because the path of a socket must be; passable, because under root PostgreSQL runs as another account.
    """
    for parent in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/dev/shm")):
        place = Path(parent)
        if len(parent) <= SOCKET_FOLDER_MAX and passable(place) and os.access(place, os.W_OK):
            folder = Path(tempfile.mkdtemp(prefix="stecker-", dir=place))
            folder.chmod(0o711)
            return folder
    raise CannotStart("There is no folder for sockets: make /tmp writable, or name a short writable folder in TMPDIR.")


def passable(folder: Path) -> bool:
    """Every account may enter this folder and all above it."""
    try:
        return all(place.stat().st_mode & stat.S_IXOTH for place in (folder.resolve(), *folder.resolve().parents))
    except OSError:
        return False
