"""Delivery into a drop folder: a file that is either whole or not there."""

import os
import re
import tempfile
from pathlib import Path

PREFIX = "folder:"

_NAME = re.compile(r"[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?")

_ENDINGS = (("json", ".json"), ("edifact", ".edi"), ("xml", ".xml"), ("text/plain", ".txt"))


def name_of(url: str) -> str | None:
    """The folder that `folder:<name>` means; None where it is no such URL, or no name."""
    name = url.removeprefix(PREFIX)
    return name if url.startswith(PREFIX) and is_name(name) else None


def is_name(name: str) -> bool:
    """Whether this may be a folder's name: 1 to 64 of a-z, 0-9, _ and -, none of the two at its ends."""
    return _NAME.fullmatch(name) is not None


def place(root: Path, name: str, *parts: str) -> Path:
    """Where a drop folder is, or what is in it, below the `root` of all. Raises ValueError for what is no name."""
    if not is_name(name):
        raise ValueError("not the name of a folder")
    return root.joinpath(name, *parts)


def file_name(position: int, event_id: str, media_type: str) -> str:
    """The name of a message's file: in the order of the messages, and the same each time."""
    kind = media_type.partition(";")[0].lower()
    return f"{position:012d}-{event_id}" + next((ending for part, ending in _ENDINGS if part in kind), ".bin")


def write(root: Path, name: str, file: str, body: bytes) -> None:
    """Put a file into `out/` of this folder, in place of one of the same name. Raises OSError and ValueError.

    It is written in `tmp/` beside it, so that who looks into `out/` never sees half of one. When this returns, it is
    on the disk.
    """
    root = root.resolve(strict=True)
    out, temporary = place(root, name, "out"), place(root, name, "tmp")
    for folder in (out, temporary):
        # Partners write here, too: a link of theirs is not followed.
        if folder.resolve() != folder:
            raise OSError("the folder leads to somewhere else")
        folder.mkdir(parents=True, exist_ok=True)
    handle, written = tempfile.mkstemp(dir=temporary, prefix=f"{file}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(body)
            stream.flush()
            os.fsync(handle)
        os.chmod(written, 0o640)  # the partner's own server reads it by its group
        os.replace(written, out / file)
    except BaseException:
        Path(written).unlink(missing_ok=True)
        raise
    _sync(out)


def _sync(folder: Path) -> None:
    """The new name is on the disk as well. Windows knows no such thing for folders."""
    if os.name != "nt":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
