"""`stecker specs` needs no system; `stecker seed` may be run any number of times; every noun can be asked for help."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

import specs
from gateway import specification
from gateway.cli import NOUNS, main
from gateway.cli import specs as command
from gateway.partners.tables import Partner
from gateway.runtime import Runtime
from gateway.seed import PARTNERS


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No database, no Redis, no running system."""
    for name in ("STECKER_DATABASE_URL", "STECKER_REDIS_URL", "STECKER_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STECKER_DATA_DIR", str(tmp_path / "none"))
    return tmp_path


def test_checks_the_specification_without_a_system(nowhere: Path) -> None:
    result = CliRunner().invoke(main, ("specs", "check"))
    assert result.exit_code == 0, result.output
    assert result.stdout == "The specification is bundled, protected and served.\n"


def test_says_that_the_bundle_is_stale(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(specification, "HEADER", "# another\n")
    result = CliRunner().invoke(main, ("specs", "check"))
    assert result.exit_code == 1
    assert result.stderr.strip() == command.STALE


def test_says_which_operation_nobody_serves(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = {name: handler for name, handler in command.OPERATIONS.items() if name != "create_order"}
    monkeypatch.setattr(command, "OPERATIONS", served)
    result = CliRunner().invoke(main, ("specs", "check"))
    assert result.exit_code == 1
    assert "create_order: has no handler" in result.stderr


def test_says_which_operation_is_open_to_everybody(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C-list: an operation without security never goes unseen."""
    monkeypatch.setattr(command, "PUBLIC", frozenset())
    result = CliRunner().invoke(main, ("specs", "check"))
    assert result.exit_code == 1
    assert "GET /healthz/live: has no security" in result.stderr


def test_writes_the_bundle(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(specs, "__file__", str(nowhere / "__init__.py"))
    assert CliRunner().invoke(main, ("specs", "bundle")).exit_code == 0
    assert (nowhere / "partner.yaml").read_bytes() == specs.read("partner.yaml")


def test_seeds_as_often_as_one_likes(stecker: Any, runtime: Runtime) -> None:
    for _ in range(2):
        result = stecker("seed")
        assert result.exit_code == 0, result.output
        assert f"{len(PARTNERS)} partners are there" in result.stdout
    with runtime.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Partner)) == len(PARTNERS)


@pytest.mark.parametrize("words", [("job", "show", "x"), ("seed",), ("webhook", "list"), ("message", "show", "x")])
def test_says_how_to_start_the_system_where_none_runs(nowhere: Path, words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "stecker up" in result.stderr


@pytest.mark.parametrize("words", [("job", "show", "x"), ("seed",)])
def test_says_that_the_database_is_away(stecker: Any, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    monkeypatch.setenv("STECKER_DATABASE_URL", "postgresql://nobody:nothing@127.0.0.1:1/none")
    result = stecker(*words)
    assert result.exit_code == 2
    assert "database cannot be reached" in result.stderr


@pytest.mark.parametrize("noun", NOUNS)
def test_helps_with_every_noun(noun: str) -> None:
    result = CliRunner().invoke(main, (noun, "--help"))
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Usage: ")
