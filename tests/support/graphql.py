"""Just enough GraphQL to see that a document is one, and asks only for what a schema has."""

import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(r'\s*(?:([A-Za-z_]\w*)|(\$\w+)|(-?\d+)|([{}():,!\[\]])|("[^"]*"))')

# The schema of a document: fields by type, each with the type of what is in it (None is a value) and its arguments.
Schema = Mapping[str, Mapping[str, tuple[str | None, frozenset[str]]]]


class Wrong(AssertionError):
    """The document is no GraphQL, or not of this schema."""


def check(document: str, variables: Mapping[str, Any], schema: Schema) -> list[str]:
    """The fields at the top of the document. Raises `Wrong`; so do variables that are not all declared and used."""
    tokens = _tokens(document)
    operation, _name, declared = _head(tokens)
    used: set[str] = set()
    found = _selection(tokens, operation, schema, used)
    if tokens:
        raise Wrong("something stands behind the document")
    if not (used == set(declared) == {f"${name}" for name in variables}):
        raise Wrong(f"declared {declared}, used {used}, given {list(variables)}")
    missing = [name for name, kind in declared.items() if kind.endswith("!") and variables[name[1:]] is None]
    if missing:
        raise Wrong(f"without a value: {missing}")
    return found


def _tokens(document: str) -> list[str]:
    tokens, at = [], 0
    while at < len(document.rstrip()):
        found = _TOKEN.match(document, at)
        if found is None:
            raise Wrong(f"no token at {at}")
        tokens.append(found[0].strip())
        at = found.end()
    return tokens[::-1]


def _head(tokens: list[str]) -> tuple[str, str, dict[str, str]]:
    operation, name, declared = tokens.pop(), tokens.pop(), {}
    if operation not in ("query", "mutation"):
        raise Wrong("no operation")
    _take(tokens, "(")
    while tokens[-1] != ")":
        variable = tokens.pop()
        _take(tokens, ":")
        kind = tokens.pop()
        while tokens[-1] in "!]":
            kind += tokens.pop()
        declared[variable] = kind
        if tokens[-1] == ",":
            tokens.pop()
    _take(tokens, ")")
    return operation, name, declared


def _selection(tokens: list[str], kind: str, schema: Schema, used: set[str]) -> list[str]:
    _take(tokens, "{")
    found: list[str] = []
    while tokens[-1] != "}":
        name = tokens.pop()
        if name not in schema[kind]:
            raise Wrong(f"{kind} has no {name}")
        inner, arguments = schema[kind][name]
        _arguments(tokens, name, arguments, used)
        if inner is not None:
            _selection(tokens, inner, schema, used)
        found.append(name)
    _take(tokens, "}")
    if not found:
        raise Wrong(f"nothing is asked of {kind}")
    return found


def _arguments(tokens: list[str], field: str, known: frozenset[str], used: set[str]) -> None:
    if tokens[-1] != "(":
        return
    tokens.pop()
    while tokens[-1] != ")":
        name = tokens.pop()
        if name not in known:
            raise Wrong(f"{field} does not take {name}")
        _take(tokens, ":")
        value = tokens.pop()
        if value.startswith("$"):
            used.add(value)
        if tokens[-1] == ",":
            tokens.pop()
    tokens.pop()


def _take(tokens: list[str], wanted: str) -> None:
    if not tokens or tokens.pop() != wanted:
        raise Wrong(f"{wanted} is missing")
