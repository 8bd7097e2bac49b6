"""Delivery into a drop folder: whole files in order, again under the same name, and never anywhere else."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.calling import caller_over
from tests.support.outbox import DEMO, add_endpoint, event, eventually, rows, say, statuses
from webhooks import folders
from webhooks.courier import Courier
from webhooks.outbox import Payload
from webhooks.tenant import Tenant
from webhooks.transport import Transport

Sessions = sessionmaker[Session]
BODY = b"UNA:+.? 'UNB+UNOC:3'"
EDI = Payload(body=BODY, media_type="application/edifact; charset=iso-8859-1", headers={"x-not": "in a file"})


def deliver(couriers: Callable[..., Courier], transport: Transport, root: Path) -> list[tuple[Tenant, str]]:
    """Starts a courier over drop folders below `root`; returns who asks for which."""
    asked: list[tuple[Tenant, str]] = []

    def folder(tenant: Tenant, name: str) -> Path | None:
        asked.append((tenant, name))
        return root if name == "shop" else None

    couriers(caller=caller_over(transport, folder=folder))
    return asked


def out(root: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in (root / "shop" / "out").iterdir()}


def attempts(sessions: Sessions) -> list[tuple[object, ...]]:
    return rows(sessions, "SELECT step, verdict, status_code, error FROM webhook_attempt ORDER BY id")


def test_each_message_is_a_file_in_their_order(
    sessions: Sessions, couriers: Callable[..., Courier], transport: Transport, tmp_path: Path
) -> None:
    add_endpoint(sessions, "folder:shop", authentication={"scheme": "folder"})
    say(sessions, *(event("job_1", number, words=(EDI,)) for number in range(12)))
    asked = deliver(couriers, transport, tmp_path)
    eventually(lambda: set(statuses(sessions)) == {"delivered"})
    names = sorted(out(tmp_path))
    told = rows(sessions, "SELECT position, event_id FROM webhook_message ORDER BY position")
    assert names == [f"{position:012d}-{event_id}.edi" for position, event_id in told]
    assert set(out(tmp_path).values()) == {BODY}
    assert set(attempts(sessions)) == {("folder", "delivered", None, None)}
    assert set(asked) == {(DEMO, "shop")}
    assert list((tmp_path / "shop" / "tmp").iterdir()) == []


def test_a_repeat_takes_the_place_of_the_first(
    sessions: Sessions, couriers: Callable[..., Courier], transport: Transport, tmp_path: Path
) -> None:
    """A crash between the file and the row that says so writes it again."""
    add_endpoint(sessions, "folder:shop", authentication={"scheme": "folder"})
    say(sessions, event("job_1", words=(EDI,)))
    deliver(couriers, transport, tmp_path)
    eventually(lambda: statuses(sessions) == ["delivered"])
    before = out(tmp_path)
    with sessions.begin() as session:
        session.connection().connection.cursor().execute(
            "UPDATE webhook_message SET status = 'pending', next_attempt_at = now();"
            "UPDATE webhook_mailbox SET due_at = now()"
        )
    eventually(lambda: len(attempts(sessions)) == 2)
    assert out(tmp_path) == before


@pytest.mark.parametrize("url", ["folder:somebody-elses", "folder:../shop", "folder:", "folder:SHOP"])
def test_a_folder_that_is_not_theirs_is_a_retry_and_touches_nothing(
    sessions: Sessions, couriers: Callable[..., Courier], transport: Transport, tmp_path: Path, url: str
) -> None:
    add_endpoint(sessions, url, authentication={"scheme": "folder"})
    say(sessions, event("job_1", words=(EDI,)))
    deliver(couriers, transport, tmp_path)
    eventually(lambda: attempts(sessions))
    assert attempts(sessions)[0] == ("folder", "retry", None, "no_folder")
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_is_not_there_just_now_loses_nothing(
    sessions: Sessions, couriers: Callable[..., Courier], transport: Transport, tmp_path: Path
) -> None:
    root = tmp_path / "mounted later"
    add_endpoint(sessions, "folder:shop", authentication={"scheme": "folder"})
    say(sessions, event("job_1", words=(EDI,)))
    deliver(couriers, transport, root)
    eventually(lambda: attempts(sessions))
    assert attempts(sessions)[0] == ("folder", "retry", None, "folder_unavailable")
    assert not root.exists()
    root.mkdir()
    eventually(lambda: statuses(sessions) == ["delivered"])
    assert list(out(root).values()) == [BODY]


def test_nobody_ever_sees_half_a_file(tmp_path: Path) -> None:
    bodies = {bytes([letter]) * 300_000 for letter in b"ab"}
    over = threading.Event()

    def write(body: bytes) -> None:
        while not over.is_set():
            folders.write(tmp_path, "shop", "1.xml", body)

    writers = [threading.Thread(target=write, args=(body,)) for body in bodies]
    for writer in writers:
        writer.start()
    try:
        file = tmp_path / "shop" / "out" / "1.xml"
        eventually(file.exists)
        seen = {file.read_bytes() for _ in range(200)}
    finally:
        over.set()
        for writer in writers:
            writer.join()
    assert seen <= bodies
    assert [one.name for one in (tmp_path / "shop" / "out").iterdir()] == ["1.xml"]


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "shop" / "out" / "1.xml").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        folders.write(tmp_path, "shop", "1.xml", b"x")
    assert list((tmp_path / "shop" / "tmp").iterdir()) == []


@pytest.mark.parametrize("part", ["out", "tmp", ""])
def test_a_link_leads_us_nowhere(tmp_path: Path, part: str) -> None:
    """Partners write into their folders, too."""
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (root / "shop" / part).parent.mkdir(parents=True, exist_ok=True)
    os.symlink(elsewhere, root / "shop" / part if part else root / "shop")
    with pytest.raises(OSError, match="somewhere else"):
        folders.write(root, "shop", "1.xml", b"x")
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "/etc", "A", "a b", "-a", "a.", "a\n", "ä", "a" * 65])
def test_only_a_plain_word_is_a_folders_name(tmp_path: Path, name: str) -> None:
    assert folders.name_of(f"folder:{name}") is None
    with pytest.raises(ValueError, match="not the name"):
        folders.place(tmp_path, name)


def test_names_of_folders(tmp_path: Path) -> None:
    assert folders.name_of("folder:lumimart-sandbox_2") == "lumimart-sandbox_2"
    assert folders.name_of("https://folder:x") is None
    assert folders.place(tmp_path, "a", "in") == tmp_path / "a" / "in"


@pytest.mark.parametrize(
    ("media_type", "ending"),
    [
        ("application/xml", "xml"),
        ("text/xml; charset=utf-8", "xml"),
        ("application/EDIFACT", "edi"),
        ("application/problem+json", "json"),
        ("text/plain", "txt"),
        ("application/octet-stream", "bin"),
    ],
)
def test_a_file_ends_as_what_it_is(media_type: str, ending: str) -> None:
    assert folders.file_name(7, "evt_1", media_type) == f"000000000007-evt_1.{ending}"
