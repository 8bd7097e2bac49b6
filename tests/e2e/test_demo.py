"""`make demo`, as a newcomer runs it."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.embedded.data import DataDir, read_json

ROOT = Path(__file__).parents[2]


def demo(data_dir: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway.cli", "demo", "--data-dir", str(data_dir)]
    return subprocess.run(
        command, env={**environ, "PYTHONUTF8": "1"}, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False
    )


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Somebody's real settings, which the demo must not touch."""
    return {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "STECKER_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/production",
        "STECKER_REDIS_URL": "redis://127.0.0.1:1",
        "STECKER_DATA_DIR": "/nowhere",
    }


def test_shows_orders_visits_and_signed_webhooks_and_leaves_nothing_running(
    tmp_path: Path, environ: Mapping[str, str]
) -> None:
    data = DataDir(tmp_path / "demo")
    shown = demo(data.root, environ)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    said = shown.stdout
    for words in ("ORDERRESPONSE", "Jürg Müller", "Rämistrasse 5", "422, 5 faults", "customer_absent", "as before"):
        assert words in said
    assert len(re.findall(r"^ +10 +completed +customer +job\.completed .* good$", said, re.M)) == 2
    assert len(re.findall(r"^ +8 +failed +technician +job\.failed .* good$", said, re.M)) == 1
    assert re.search(r"2 orders, 3 jobs, 32 webhooks: all signatures good, in order, none twice", said)
    assert max(map(len, said.splitlines())) <= 100
    assert "\x1b" not in said
    assert not data.held()
    assert read_json(data.processes) == {}


def test_leaves_a_folder_alone_that_is_not_its_own(tmp_path: Path, environ: Mapping[str, str]) -> None:
    (tmp_path / "precious").write_text("mine")
    refused = demo(tmp_path, environ)
    assert refused.returncode == 1
    assert "is left alone" in refused.stderr
    assert (tmp_path / "precious").read_text() == "mine"
