"""A new dialect: its first files out of `skeleton/`, and its name in the three places where dialects are listed."""

import keyword
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template

import adapters
from gateway.cli import Refused

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
SKELETON = Path(__file__).with_name("skeleton")
MAX_NAME = 24  # so that no line of the skeleton grows too long
CLASSES, IMPORTS = "adapters/__init__.py", "pyproject.toml"

_IMPORT = re.compile(r"^from adapters\S* import (?:\([^)]*\)|[^(\n]*)\n", re.M)


def write(name: str) -> list[str]:
    """All files of a new dialect, and the lists it stands in; the paths, beginning with the checkout's folder.

    Raises `Refused` where the name will not do or this is no checkout; nothing is written then.
    """
    root = _checkout()
    _check(name, root)
    kind = "".join(word.capitalize() for word in name.split("_"))
    written = {**_skeleton(root, name, kind), **_registered(root, name, kind)}
    for path, text in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [path.relative_to(root).as_posix() for path in written]


def _checkout() -> Path:
    root = Path(adapters.__file__).parents[1]
    if not (root / IMPORTS).is_file() or not (root / "tests" / "adapters").is_dir():
        raise Refused("A dialect is written in a checkout of the project, and this is an installed package.")
    return root


def _check(name: str, root: Path) -> None:
    if not NAME.fullmatch(name) or len(name) > MAX_NAME or keyword.iskeyword(name):
        rule = f"small letters, digits and single _ between them, at most {MAX_NAME} characters, no word of Python's"
        raise Refused(f"A dialect is named as a Python package is: {rule}.")
    taken = {one.stem for folder in ("adapters", "tests/adapters") for one in (root / folder).iterdir()}
    # The names of their classes are written together: of open_trans and opentrans only one can be there.
    if name.replace("_", "") in {one.replace("_", "") for one in taken}:
        raise Refused(f"The name {name} is taken, or too much like one that is; see adapters/ and tests/adapters/.")


def _skeleton(root: Path, name: str, kind: str) -> Mapping[Path, str]:
    places = {"dialect": root / "adapters" / name, "tests": root / "tests" / "adapters" / name}
    return {
        folder / file.relative_to(SKELETON / part).with_suffix(""): _sorted(
            Template(file.read_text(encoding="utf-8")).substitute(name=name, kind=kind)
        )
        for part, folder in places.items()
        for file in sorted((SKELETON / part).rglob("*.txt"))
    }


def _sorted(source: str) -> str:
    """The imports out of `adapters` in the order of the house, whatever the dialect is called."""
    statements = iter(sorted(_IMPORT.findall(source), key=lambda one: one.split()[1]))
    return _IMPORT.sub(lambda _: next(statements), source)


def _registered(root: Path, name: str, kind: str) -> Mapping[Path, str]:
    """Where dialects are listed: each list, found by how it begins, gets a line at its end."""
    lists = (
        (CLASSES, r"(?:^from adapters\.\S+ import .*\n)+", f"from adapters.{name}.adapter import {kind}Adapter\n"),
        (CLASSES, r"^ADAPTERS: .*\n(?:    \w+,\n)+", f"    {kind}Adapter,\n"),
        (IMPORTS, r'^    "adapters\.plain",\n(?:    "adapters\.\w+",\n)*', f'    "adapters.{name}",\n'),
    )
    texts = {path: (root / path).read_text(encoding="utf-8") for path in (CLASSES, IMPORTS)}
    for path, pattern, line in lists:
        found = re.search(pattern, texts[path], re.M)
        if found is None:
            raise Refused(f"The list in {path} is not written as it was, so nothing can be added to it: {line.strip()}")
        texts[path] = texts[path][: found.end()] + line + texts[path][found.end() :]
    return {root / path: _sorted(text) for path, text in texts.items()}
