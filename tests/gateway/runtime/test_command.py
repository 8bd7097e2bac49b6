"""The `stecker` command as such: quick, and clear about what it talks to."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import NOUNS, Refused, main, owner_url_for, settings_for
from gateway.embedded.data import DataDir, write_json

KEY = base64.b64encode(bytes(32)).decode()
STATE = {
    "variables": {
        "STECKER_DATABASE_URL": "postgresql://a@/s",
        "STECKER_REDIS_URL": "unix:///r",
        "STECKER_SECRET_KEY": KEY,
    },
    "owner_database_url": "postgresql+psycopg://owner@/s",
}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SECRET_KEY_FILE", "DATA_DIR", "PUBLIC_URL"):
        monkeypatch.delenv(f"STECKER_{name}", raising=False)


def test_help_names_every_noun_and_imports_none() -> None:
    listed = "import sys; from gateway.cli import main; main(['--help'], standalone_mode=False); "
    heavy = "sys.exit(' '.join({'sqlalchemy', 'flask', 'redis', 'alembic', 'gateway.up'} & sys.modules.keys()) or 0)"
    done = subprocess.run([sys.executable, "-c", listed + heavy], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"  {noun} " in done.stdout for noun in NOUNS)


@pytest.mark.parametrize("noun", NOUNS)
def test_every_noun_in_the_table_is_there(noun: str) -> None:
    shown = CliRunner().invoke(main, [noun, "--help"])
    assert shown.exit_code == 0
    assert shown.output.startswith(f"Usage: main {noun} ")


def test_without_a_running_system_a_sentence_says_how_to_start_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gateway.cli", "db", "check", "--data-dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"Nothing runs on {tmp_path}: start it with `make run` or `stecker up`")
    assert len(done.stderr.splitlines()) == 1


def test_attaches_to_the_system_on_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = DataDir(tmp_path)
    data.make()
    data.hold()  # as a running system does
    with pytest.raises(Refused, match="just starting or stopping"):
        settings_for(tmp_path)
    write_json(data.state, STATE)
    assert settings_for(tmp_path).redis_url == "unix:///r"
    assert owner_url_for(tmp_path) == "postgresql+psycopg://owner@/s"
    # What the environment says goes first, one by one.
    monkeypatch.setenv("STECKER_REDIS_URL", "redis://elsewhere")
    assert settings_for(tmp_path).redis_url == "redis://elsewhere"
    assert settings_for(tmp_path).database_url == "postgresql+psycopg://a@/s"


def test_with_both_urls_the_environment_alone_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STECKER_DATABASE_URL", "postgresql://here/s")
    monkeypatch.setenv("STECKER_REDIS_URL", "redis://here")
    with pytest.raises(Refused, match="STECKER_SECRET_KEY is not set"):
        settings_for(tmp_path)
    monkeypatch.setenv("STECKER_SECRET_KEY", KEY)
    assert settings_for(tmp_path).secret_key == bytes(32)
    assert owner_url_for(tmp_path) == "postgresql+psycopg://here/s"
