"""What the tests know of every dialect by its folders: its smallest order, and whether it is done."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SKELETON = re.compile(r"(?:^|# )(REPLACE: .+)")


@cache
def smallest(name: str) -> bytes:
    """The smallest order of a dialect: `tests/adapters/<dialect>/smallest.<whatever it is written in>`."""
    folder = ROOT / "tests" / "adapters" / name
    [file] = folder.glob("smallest.*") or [folder / "smallest.json"]
    return file.read_bytes()


def left_to_replace(name: str) -> list[str]:
    """Each REPLACE that is left in a dialect and its tests, as `file:line: what to do`."""
    folders = ROOT / "adapters" / name, ROOT / "tests" / "adapters" / name
    return [
        f"{file.relative_to(ROOT)}:{number}: {found[1]}"
        for folder in folders
        for file in sorted([*folder.rglob("*.py"), *folder.rglob("*.md")])
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if (found := SKELETON.search(line))
    ]
