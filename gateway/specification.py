"""The specification: authored in pieces, bundled into one committed file."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

import orjson
import yaml

import specs

BUNDLE = "partner.yaml"
HEADER = "# Bundled from specs/partner/ by `stecker specs bundle`; edit the pieces, not this.\n"


def document() -> dict[str, Any]:
    """The bundled specification; a copy, which Connexion may write into."""
    copied: dict[str, Any] = orjson.loads(_parsed(specs.read(BUNDLE)))
    return copied


@lru_cache(maxsize=2)
def _parsed(bundle: bytes) -> bytes:
    """Parsing takes most of a start, and whoever builds several applications reads the same bytes each time."""
    return orjson.dumps(yaml.load(bundle, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def served_by_connexion() -> dict[str, Any]:
    """The bundle without the paths marked `x-beside`, which are served beside Connexion by rules of their own."""
    whole = document()
    paths = {path: item for path, item in whole["paths"].items() if not item.get("x-beside")}
    return {**whole, "paths": paths}


def bundled() -> str:
    """All pieces as one document. Raises ValueError where two pieces say the same thing."""
    whole: dict[str, Any] = {}
    pieces = sorted(
        files(specs).joinpath("partner").iterdir(), key=lambda piece: (piece.name != "root.yaml", piece.name)
    )
    for piece in pieces:
        _merge(whole, yaml.safe_load(piece.read_text(encoding="utf-8")), piece.name)
    return HEADER + yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=120)


def _merge(into: dict[str, Any], piece: Mapping[str, Any], name: str) -> None:
    for key, value in piece.items():
        if isinstance(into.get(key), dict) and isinstance(value, Mapping):
            _merge(into[key], value, name)
        elif key in into:
            raise ValueError(f"{name}: {key} stands in another piece already")
        else:
            into[key] = value
