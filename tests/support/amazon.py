"""Calls of ours held against the model of Amazon's API."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl, unquote

import jsonschema_rs

from adapters.contract import Rendered


def operation(model: dict[str, Any], said: Rendered) -> dict[str, Any]:
    """The one operation that a call is of, with the values of its path checked."""
    path, _, query = said.path.partition("?")
    for template, methods in model["paths"].items():
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/?]+)", template), path)
        known = methods.get(said.method.lower()) if found else None
        if found and known:
            told = {**found.groupdict(), **dict(parse_qsl(query, keep_blank_values=True))}
            assert not violations(model, known, told, said.body)
            return dict(known)
    raise AssertionError(f"{said.method} {path} is no operation of theirs")


def violations(model: dict[str, Any], known: dict[str, Any], told: dict[str, str], body: bytes) -> list[str]:
    wrong = []
    for one in known["parameters"]:
        if one["in"] == "body":
            rooted = {**one["schema"], "definitions": model["definitions"]}
            if not jsonschema_rs.Draft4Validator(rooted, validate_formats=True).is_valid(json.loads(body)):
                wrong.append("body")
            continue
        if not one.get("required") and one["name"] not in told:
            continue
        value = unquote(told.get(one["name"], ""))
        if not one.get("minLength", 1) <= len(value) <= one.get("maxLength", 1000) or not re.search(
            one.get("pattern", ""), value
        ):
            wrong.append(one["name"])
    return wrong + [name for name in told if name not in {one["name"] for one in known["parameters"]}]
