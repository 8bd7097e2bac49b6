"""A small real system to start, kill and start again: real PostgreSQL and Redis, tiny processes in place of ours."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.embedded.data import DataDir
from tests.support.system import ROOT, System, environment, free_port

TINY = (sys.executable, str(ROOT / "tests/support/tiny_system.py"))


def tiny_system(data: Path, words: Path) -> System:
    port = free_port()
    return System((*TINY, str(data), str(port)), DataDir(data), port, environment(), words)


@pytest.fixture(scope="session")
def made_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of a system that has run and was stopped; to be copied."""
    folder = tmp_path_factory.mktemp("made") / "data"
    system = tiny_system(folder, folder.parent / "words")
    system.start()
    assert system.end()[0] == 0
    return folder


@pytest.fixture
def system(made_data: Path, tmp_path: Path) -> Iterator[System]:
    """A system on a folder that has been used before; stopped at the end, and whoever it left is killed."""
    shutil.copytree(made_data, tmp_path / "data")
    made = tiny_system(tmp_path / "data", tmp_path / "words")
    yield made
    made.clear()
