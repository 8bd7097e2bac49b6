"""Every request against the specification: media type, parameters, body. All faults at once, none with its value.

In the place of Connexion's own request validation, which parses what `json` parses (NaN, duplicate names, any depth),
stops at the first fault, repeats values in its answers and builds its validators anew for each request.
"""

import asyncio
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import jsonschema_rs
import orjson
from connexion.middleware.abstract import RoutedAPI, RoutedMiddleware
from connexion.operations import AbstractOperation

from adapters import values
from adapters.errors import MalformedMessage
from adapters.errors import Problem as Fault
from adapters.reading import Unfit, step, strict_json
from gateway.errors import Problem
from gateway.guard import App, Receive, Scope, Send

JSON = "application/json"
# Above this a body is parsed off the event loop, so that one large order does not hold up everybody else's.
LARGE = 32 * 1024

# JSON Schema keyword: what is wrong, for people, and the bound or the values that would be right.
WORDS: Mapping[str, str] = {
    "type": "This has another type than the specification asks for: {}.",
    "format": "This is not in the format that the specification asks for.",
    "pattern": "This is not in the form that the specification asks for.",
    "enum": "This is none of the values that the specification lists: {}.",
    "required": "This is missing.",
    "additionalProperties": "The specification does not know this.",
    "minimum": "This is too small: {} is the least.",
    "maximum": "This is too large: {} is the most.",
    "minLength": "This is too short: {} characters are the least.",
    "maxLength": "This is too long: {} characters are the most.",
    "minItems": "There are too few of these: {} is the least.",
    "maxItems": "There are too many of these: {} is the most.",
    "uniqueItems": "These are not all different.",
    "minProperties": "This says too little.",
}


def _is_instant(text: str) -> bool:
    try:
        values.instant(text)
    except Unfit:
        return False
    return True


# RFC 3339 knows leap seconds, the year 0 and the year 9999 far in the west; Python, PostgreSQL and we do not.
FORMATS = {"date-time": _is_instant}


class Checker:
    """One schema, compiled once."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.compiled = _compiled(orjson.dumps(schema))

    def faults(self, document: Any, prefix: str = "") -> list[Fault]:
        if self.compiled.is_valid(document):
            return []
        return [fault for error in self.compiled.iter_errors(document) for fault in _faults(error, prefix)]


@lru_cache(maxsize=1024)
def _compiled(schema: bytes) -> jsonschema_rs.Draft4Validator:
    return jsonschema_rs.Draft4Validator(_draft4(orjson.loads(schema)), validate_formats=True, formats=FORMATS)


def _draft4(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(schema, list):
        return [_draft4(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    plain = {key: _draft4(value) for key, value in schema.items() if key not in ("nullable", "example")}
    if schema.get("nullable") and "type" in plain:
        plain["type"] = [plain["type"], "null"]
        if "enum" in plain:
            plain["enum"] = [*plain["enum"], None]
    return plain


def _faults(error: jsonschema_rs.ValidationError, prefix: str) -> Iterable[Fault]:
    at = [step(str(part)) for part in error.instance_path]
    keyword = str(error.schema_path[-1]) if error.schema_path else "type"
    names: list[str | None] = [None]
    kind: Any = error.kind
    if keyword == "additionalProperties":
        names = list(kind.unexpected)
    elif hasattr(kind, "property"):
        keyword, names = "required", [kind.property]
    for name in names:
        path = [*at, step(name)] if name is not None else at
        pointer = prefix + "".join(f"/{part}" for part in path)
        yield Fault(pointer=pointer, code=_code(keyword), detail=_words(keyword, kind))


def _words(keyword: str, kind: Any) -> str:
    right = getattr(kind, "limit", None)
    if right is None:
        listed = getattr(kind, "types", getattr(kind, "options", ()))
        right = ", ".join(str(value) for value in listed if value is not None)
    return WORDS.get(keyword, "This does not fit the specification.").format(right)


def _code(keyword: str) -> str:
    return {"additionalProperties": "unknown_field", "required": "required"}.get(keyword, f"bad_{_snake(keyword)}")


def _snake(keyword: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in keyword)


class CheckedOperation:
    """The checks of one operation. What it read is left in the scope: `stecker.query` and `stecker.document`.

    An operation marked `x-merge-faults` gets the body's faults in `stecker.faults` instead of a refusal, since its
    handler finds more of them and answers with all. One marked `x-dialect` speaks a standard's words: its query and
    its body are the dialect's to check.
    """

    def __init__(self, next_app: App, operation: AbstractOperation) -> None:
        self.next_app = next_app
        body = operation.request_body or {}
        self.required = bool(body.get("required"))
        self.content: dict[str, Any] = dict(body.get("content", {}))
        self.merges = bool(body.get("x-merge-faults"))
        self.is_ours = "x-dialect" not in operation._operation
        self.body = Checker(operation.body_schema(JSON)) if JSON in self.content else None
        self.query = {p["name"]: p for p in operation.parameters if p["in"] == "query"}
        self.query_checkers = {name: Checker(parameter["schema"]) for name, parameter in self.query.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["stecker.query"] = self._query(scope) if self.is_ours else {}
        scope["stecker.faults"] = ()
        if self.content:
            media_type = self._media_type(scope)
            if media_type == JSON and self.body is not None:
                await self._document(scope)
        await self.next_app(scope, receive, send)

    def _query(self, scope: Scope) -> dict[str, Any]:
        faults: list[Fault] = []
        values: dict[str, Any] = {}
        for name, text in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
            if name not in self.query:
                faults.append(
                    Fault(pointer=f"?{step(name)}", code="unknown_parameter", detail=WORDS["additionalProperties"])
                )
            elif name in values:
                faults.append(Fault(pointer=f"?{name}", code="repeated", detail="This is given more than once."))
            else:
                values[name] = _typed(text, self.query[name]["schema"])
                faults += self.query_checkers[name].faults(values[name], f"?{name}")
        for name, parameter in self.query.items():
            if parameter.get("required") and name not in values:
                faults.append(Fault(pointer=f"?{name}", code="required", detail=WORDS["required"]))
        if faults:
            raise Problem(code="bad-request", detail="The query cannot be used.", faults=tuple(faults))
        return values

    def _media_type(self, scope: Scope) -> str | None:
        given = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
        media_type = given.decode("latin-1").split(";")[0].strip().lower()
        if not scope["stecker.body"] and not self.required:
            return None
        if media_type not in self.content and "*/*" not in self.content:
            takes = ", ".join(sorted(self.content))
            raise Problem(code="unsupported-media-type", detail=f"The Content-Type must be {takes}.")
        return media_type

    async def _document(self, scope: Scope) -> None:
        body: bytes = scope["stecker.body"]
        if len(body) > LARGE:
            found = await asyncio.get_running_loop().run_in_executor(None, self._read, body)
        else:
            found = self._read(body)
        scope["stecker.document"], faults = found
        if faults and not self.merges:
            raise Problem(code="invalid", detail="The message has faults.", faults=tuple(faults))
        scope["stecker.faults"] = tuple(faults)

    def _read(self, body: bytes) -> tuple[Any, list[Fault]]:
        assert self.body is not None
        try:
            document = strict_json(body)
        except MalformedMessage as error:
            detail = "The body is not JSON that can be read."
            raise Problem(code="malformed", detail=detail, faults=error.problems) from None
        return document, self.body.faults(document)


def _typed(text: str, schema: Mapping[str, Any]) -> Any:
    if schema.get("type") == "integer" and text.isdecimal() and text.isascii() and len(text) <= 15:
        return int(text)
    return text


class CheckedAPI(RoutedAPI[CheckedOperation]):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_paths()

    def make_operation(self, operation: AbstractOperation) -> CheckedOperation:
        return CheckedOperation(self.next_app, operation)


class Checks(RoutedMiddleware[CheckedAPI]):  # type: ignore[misc]
    """The middleware that Connexion routes each request through."""

    api_cls = CheckedAPI
