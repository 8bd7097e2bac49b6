"""Where a `stecker listen` has come to: kept in a file, so that the next one goes on from there."""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from gateway.cli import Refused
from gateway.embedded.data import read_json, write_json


@dataclass
class Place:
    """An endpoint with its secret, and the last thing of its inbox that was dealt with. `of` says whose it is."""

    path: Path
    of: Mapping[str, str]
    endpoint_id: str = ""
    secret: str = ""
    cursor: str = ""

    def move(self, cursor: str) -> None:
        if cursor != self.cursor:
            self.cursor = cursor
            self.keep()

    def keep(self) -> None:
        write_json(self.path, {name: value for name, value in asdict(self).items() if name != "path"})

    def forget(self) -> None:
        self.endpoint_id = self.secret = self.cursor = ""
        self.path.unlink(missing_ok=True)


def usual_path(of: Mapping[str, str]) -> Path:
    """A file of its own for each of them, in the user's state folder (XDG_STATE_HOME)."""
    folder = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    name = hashlib.sha256("\n".join(of.values()).encode()).hexdigest()[:16]
    return Path(folder) / "stecker" / f"listen-{name}.json"


@contextmanager
def held(path: Path, of: Mapping[str, str]) -> Iterator[Place]:
    """The place in this file; nobody else has it meanwhile. Raises `Refused`."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Refused(f"{path} cannot be written ({error.strerror}); name another file with --state.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield _read(path, of)
    except BlockingIOError:
        raise Refused("Another `stecker listen` goes on here; give this one a file of its own: --state F.") from None
    finally:
        os.close(lock)


def _read(path: Path, of: Mapping[str, str]) -> Place:
    kept = read_json(path)
    if kept and kept.get("of") != of:
        raise Refused(f"{path} is of another client, URL or format; name another file with --state.")
    return Place(path, of, *(str(kept.get(name, "")) for name in ("endpoint_id", "secret", "cursor")))
