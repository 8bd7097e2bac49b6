"""One look into every drop folder: each file that is whole becomes orders, and its answer a file.

Nothing is kept about a file but what the gateway keeps of each message. Whatever ends us between the orders and the
file's end, the same file comes again, its orders are known, and its answer is written over the first one.
"""

import logging
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from adapters.contract import Adapter, RawMessage, Rendered
from gateway import clocks
from gateway.connections import service as connections
from gateway.connections.tables import Connection
from gateway.errors import Problem
from gateway.folders import problems
from gateway.front import DATABASE_AWAY
from gateway.intake import doors
from gateway.intake.arrival import Arrival
from gateway.partners.dialect import adapter_of
from gateway.runtime import Runtime
from gateway.tenant import Tenant
from webhooks import folders

log = logging.getLogger(__name__)

# What SFTP and FTP clients write under while they write, and what nobody means to send.
TEMPORARY = re.compile(r"\..*|.*(\.(tmp|temp|part|partial|filepart|crdownload|swp)|~)", re.IGNORECASE)
# A client without temporary names writes in place: a file is whole when nobody has touched it for so long.
QUIET_SECONDS = 5.0
AT_ONCE = 200
LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A partner's folder, and what is spoken there."""

    runtime: Runtime
    root: Path
    name: str
    tenant: Tenant
    dialect: Adapter

    @property
    def door(self) -> str:
        return f"/folder/{self.name}"

    def place(self, part: str) -> Path:
        return folders.place(self.root, self.name, part)


def look(runtime: Runtime) -> int:
    """Take every file that is whole, in the order of their names; returns how many. One bad file stops no other."""
    taken = 0
    for folder in _folders(runtime):
        try:
            for file in _whole(folder, runtime.clock()):
                taken += _take(folder, file)
        except OSError as error:
            log.error("folder_away: %s: %s", folder.name, type(error).__name__)
    return taken


def _folders(runtime: Runtime) -> list[Folder]:
    root = runtime.settings.folders
    if root is None:
        return []
    with runtime.sessions() as session:
        found = [(one, adapter_of(session, one.partner_id)) for one in connections.active(session, "folder")]
    return [_made(_folder(runtime, root, one, dialect)) for one, dialect in found if dialect is not None]


def _folder(runtime: Runtime, root: Path, connection: Connection, dialect: Adapter) -> Folder:
    tenant = Tenant(connection.partner_id, connection.environment)
    return Folder(runtime=runtime, root=root, name=connection.name, tenant=tenant, dialect=dialect)


def _made(folder: Folder) -> Folder:
    for part in ("in", "out", "error"):
        folder.place(part).mkdir(parents=True, exist_ok=True)
    return folder


def _whole(folder: Folder, now: datetime) -> Iterator[Path]:
    files = sorted(folder.place("in").iterdir())
    for file in [one for one in files if not TEMPORARY.fullmatch(one.name)][:AT_ONCE]:
        found = file.lstat()
        # Only files: what a link leads to may be anything on this machine.
        if stat.S_ISREG(found.st_mode) and now.timestamp() - found.st_mtime >= QUIET_SECONDS:
            yield file


def _take(folder: Folder, file: Path) -> bool:
    """Whether the file is done with. It stays where it is when the fault is ours."""
    try:
        answer, refused = _answered(folder, file)
        if answer is not None:
            ending = Path(folders.file_name(0, "", answer.media_type)).suffix
            folders.write(folder.root, folder.name, f"{_short(file.name)}.answer{ending}", answer.body)
        if refused is None:
            file.unlink(missing_ok=True)
        else:
            _set_aside(folder, file, refused)
    except (OSError, *DATABASE_AWAY) as error:
        log.error("file_not_taken: %s: %s", folder.name, type(error).__name__)
        return False
    except Exception as error:  # the outermost frame of a file: its fault or ours, the next one is taken
        log.exception("file_failed: %s: %s", folder.name, type(error).__name__)
        return False
    return True


def _answered(folder: Folder, file: Path) -> tuple[Rendered | None, Problem | None]:
    most = folder.dialect.profile.max_bytes
    body = _read(file, most + 1)
    if len(body) > most:
        return None, Problem(code="too-large", detail=f"A document may have {most} bytes.")
    message = RawMessage(body=body, media_type=folder.dialect.profile.media_types[0], path=folder.door)
    runtime, tenant = folder.runtime, folder.tenant
    now = clocks.moment(runtime, tenant)
    arrival = Arrival(runtime=runtime, tenant=tenant, door=folder.door, message=message, now=now)
    taken = doors.taken(folder.dialect, arrival)
    return taken.answer, taken.problem


def _read(file: Path, most: int) -> bytes:
    handle = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(handle, "rb") as stream:
        return stream.read(most)


def _set_aside(folder: Folder, file: Path, problem: Problem) -> None:
    """Into `error/`, with the reason beside it: first the reason, so that no file is there without one."""
    error, name = folder.place("error"), _short(file.name)
    (error / f"{name}.reason.txt").write_text(problems.text(name, problem), encoding="utf-8", errors="replace")
    file.replace(error / name)


def _short(name: str) -> str:
    """A name with room for an ending, and other than that of any other file: file systems take 255 bytes."""
    if len(os.fsencode(name)) <= LONGEST:
        return name
    return f"{sha256(os.fsencode(name)).hexdigest()[:16]}-{os.fsencode(name)[-100:].decode('ascii', 'replace')}"
