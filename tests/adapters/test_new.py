"""`stecker adapter new`, in a copy of the project: what it writes runs, is clean, and says what is left to do."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

import adapters
from gateway.cli.adapter import adapter
from gateway.cli.newcomer import SKELETON
from tests.support.dialects import ROOT

NAME = "klingon_trade"
PARTS = ("adapters", "gateway", "specs", "webhooks", "tests/adapters", "tests/support", "pyproject.toml")


def run(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=copy, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The project with a new dialect in it."""
    folder = tmp_path_factory.mktemp("copy")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, folder / part)
    made = run(folder, "gateway.cli", "adapter", "new", NAME)
    assert made.returncode == 0, made.stderr
    yield folder
    shutil.rmtree(folder)


def test_it_runs_under_the_contract_suite_and_fails_only_where_it_says_replace(copy: Path) -> None:
    places = [f"tests/adapters/{place}" for place in ("test_contract.py", "test_samples.py", NAME)]
    run(copy, "pytest", "--noconftest", "-p", "no:cacheprovider", "-k", NAME, "--junitxml=found.xml", *places)
    cases = list(ElementTree.parse(copy / "found.xml").iter("testcase"))
    told = [failure.get("message", "") for case in cases for failure in (*case.iter("failure"), *case.iter("error"))]
    assert [message for message in told if "REPLACE: " not in message] == []
    assert {case.get("name", "").partition("[")[0] for case in cases if not len(case)} >= {
        "test_renders_a_state_exactly_where_it_has_a_word_for_it",
        "test_a_document_cut_off_anywhere_is_refused",
        "test_a_sample_means_what_its_folder_says",
        "test_all_that_is_missing_is_said_at_once",
        "test_a_refusal_says_all_that_is_wrong",
    }
    sentences = re.findall(r"REPLACE: .+", "\n".join(file.read_text() for file in SKELETON.rglob("*.txt")))
    assert len(sentences) > 10
    assert sorted(re.findall(r"REPLACE: .+", "\n".join(told))) == sorted(sentences)


def test_what_it_writes_is_formatted_linted_typed_and_kept_apart(copy: Path) -> None:
    package, tests = f"adapters/{NAME}", f"tests/adapters/{NAME}"
    types = ("mypy", "--cache-dir", str(copy / "types"))
    for words in (
        ("ruff", "check", "--no-cache", package, tests, "adapters/__init__.py"),
        ("ruff", "format", "--no-cache", "--check", package, tests, "adapters/__init__.py"),
        (*types, "-p", f"adapters.{NAME}"),
        (*types, f"{tests}/test_reader.py", f"{tests}/test_writer.py"),
    ):
        said = run(copy, *words)
        assert said.returncode == 0, said.stdout + said.stderr
    assert f'    "adapters.{NAME}",\n]' in (copy / "pyproject.toml").read_text()


def test_it_is_one_of_the_dialects_and_refuses_to_be_written_again(copy: Path) -> None:
    assert f"\n{NAME}" in run(copy, "gateway.cli", "adapter", "list").stdout
    said = run(copy, "gateway.cli", "adapter", "new", NAME)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith(f"The name {NAME} is taken")


def new(name: str) -> Result:
    return CliRunner().invoke(adapter, ["new", name])


@pytest.mark.parametrize("name", ["opentrans", "open_trans", "values", "canonical", "test_contract"])
def test_a_name_that_is_taken_or_nearly_so_is_refused(name: str) -> None:
    said = new(name)
    assert said.exit_code == 2
    assert "is taken" in said.output


@pytest.mark.parametrize(
    "name", ["Klingon", "9lives", "two words", "a-b", "_a", "a__b", "class", "a" * 25, "../up", ""]
)
def test_a_name_that_is_no_packages_is_refused(name: str) -> None:
    said = new(name)
    assert said.exit_code == 2
    assert "named as a Python package is" in said.output


def test_without_a_checkout_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters, "__file__", str(tmp_path / "adapters" / "__init__.py"))
    said = new("klingon")
    assert said.exit_code == 2
    assert "checkout" in said.output
    assert list(tmp_path.iterdir()) == []
