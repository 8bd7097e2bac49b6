"""Connexion's side of the token check: the handler of the scheme `oauth2`, and what a specification must say."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from connexion.security import AbstractSecurityHandler

from gateway.oauth.bearer import Bearer
from gateway.oauth.scopes import SCOPES

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class UnprotectedOperation(ValueError):
    """The specification leaves something open, or closes it for everybody; the text lists all of it."""


class BearerSecurity(AbstractSecurityHandler):  # type: ignore[misc]
    """Checks the token on the event loop (no I/O) and leaves the `Caller` in the scope as `stecker.caller`.

    In the place of Connexion's own handler, which takes a function's name from the environment too, reads the first of
    two Authorization headers, and answers without WWW-Authenticate.
    """

    def __init__(self, bearer: Bearer) -> None:
        self.bearer = bearer

    def get_fn(
        self, security_scheme: Mapping[str, Any], required_scopes: Sequence[str]
    ) -> Callable[[Any], Awaitable[dict[str, Any]]]:
        async def check(request: Any) -> dict[str, Any]:
            given = [value for name, value in request.scope["headers"] if name == b"authorization"]
            caller = self.bearer.authenticate(given)
            caller.require(required_scopes)
            request.scope["stecker.caller"] = caller
            return {"sub": caller.client_id}

        return check


def security_map(bearer: Bearer) -> dict[str, Callable[[], BearerSecurity]]:
    """For `connexion.FlaskApp(security_map=…)`."""
    return {"oauth2": lambda: BearerSecurity(bearer)}


def check_protection(document: Mapping[str, Any], public: Collection[str]) -> None:
    """Every operation but the `public` ones (operationIds) asks for a scope of ours. Raises `UnprotectedOperation`."""
    faults = [*_scheme_faults(document), *_operation_faults(document, public)]
    if faults:
        raise UnprotectedOperation("\n".join(faults))


def _scheme_faults(document: Mapping[str, Any]) -> Iterator[str]:
    for name, scheme in document.get("components", {}).get("securitySchemes", {}).items():
        if scheme.get("type") != "oauth2":
            yield f"security scheme {name}: nothing here checks {scheme.get('type')}"


def _operation_faults(document: Mapping[str, Any], public: Collection[str]) -> Iterator[str]:
    for path, methods in document.get("paths", {}).items():
        for method in METHODS:
            operation = methods.get(method)
            if operation is not None:
                asked = operation.get("security", document.get("security", []))
                fault = _fault(asked, document, operation.get("operationId") in public)
                if fault:
                    yield f"{method.upper()} {path}: {fault}"


def _fault(asked: Sequence[Mapping[str, Sequence[str]]], document: Mapping[str, Any], is_public: bool) -> str | None:
    if is_public:
        return "asks for a token, and is on the list of public operations" if asked else None
    if not asked:
        return "has no security, and is not on the list of public operations"
    if len(asked) > 1 or len(asked[0]) != 1:
        return "must ask for one scheme, without an alternative"
    ((scheme, scopes),) = asked[0].items()
    if scheme not in document.get("components", {}).get("securitySchemes", {}):
        return "asks for a scheme that is not there"
    if not set(scopes) <= set(SCOPES):
        return "asks for a scope that does not exist"
    return None
