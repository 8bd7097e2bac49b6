"""What the README shows is there: files, make targets, commands, settings."""

import re
from pathlib import Path

import click
import pytest

from adapters import ADAPTERS
from gateway.cli import NOUNS, main
from gateway.cli.matrix import markdown, placed

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_heading_that_is_linked_is_there() -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lower()).replace(" ", "-") for line in re.findall(r"^#+ (.+)", README, re.M)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= headings


def test_every_make_target_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    shown = set(re.findall(r"make ([a-z]+)", README))
    assert shown <= targets, shown - targets


@pytest.mark.parametrize("words", sorted(set(re.findall(r"stecker ([a-z]+(?: [a-z]+)?)", README))))
def test_every_command_exists(words: str) -> None:
    noun, _, verb = words.partition(" ")
    assert noun in NOUNS, words
    context = click.Context(main)
    command = main.get_command(context, noun)
    if isinstance(command, click.Group) and verb:
        assert verb in command.list_commands(context), words


def test_every_setting_is_explained() -> None:
    sources = [ROOT / "gateway/config.py", *(ROOT / "gateway/cli").glob("*.py")]
    read = {name for source in sources for name in re.findall(r'"(STECKER_[A-Z_]+)"', source.read_text())}
    assert {name for name in read if f"`{name}`" not in README} == set()


def test_what_each_dialect_can_is_what_its_profile_says() -> None:
    matrix = markdown([adapter.profile for adapter in ADAPTERS])
    assert placed(README, matrix) == README, "README.md says something else of the dialects than they do; make matrix"
