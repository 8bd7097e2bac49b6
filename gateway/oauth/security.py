"""Connexion's side of the checks: the handler of the scheme `oauth2`, and what a specification must say."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from connexion.security import AbstractSecurityHandler

from gateway.connections.security import BasicSecurity, Doorkeeper, SignatureSecurity
from gateway.oauth.bearer import Bearer, let_in
from gateway.oauth.scopes import SCOPES

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


# Kinds of security schemes, each with what it must say for its handler; anything else nobody here checks.
CHECKED: Mapping[tuple[str, str | None], tuple[str, ...]] = {
    ("oauth2", None): (),
    ("http", "basic"): ("x-door",),
    ("apiKey", None): ("x-door", "x-name-header", "name"),
}


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
            let_in(request.scope, caller)
            caller.require(required_scopes)
            return {"sub": caller.client_id}

        return check


SecurityMap = Mapping[str, Callable[[], AbstractSecurityHandler]]
"""For `connexion.FlaskApp(security_map=…)`, by Connexion's names of the kinds in `CHECKED`."""


def security_map(bearer: Bearer, doorkeeper: Doorkeeper) -> SecurityMap:
    return {
        "oauth2": lambda: BearerSecurity(bearer),
        "basic": lambda: BasicSecurity(doorkeeper),
        "apiKey": lambda: SignatureSecurity(doorkeeper),
    }


def check_protection(document: Mapping[str, Any], public: Collection[str]) -> None:
    """Every operation but the `public` ones (operationIds) asks for a scope of ours. Raises `UnprotectedOperation`."""
    faults = [*_scheme_faults(document), *_operation_faults(document, public)]
    if faults:
        raise UnprotectedOperation("\n".join(faults))


def _scheme_faults(document: Mapping[str, Any]) -> Iterator[str]:
    for name, scheme in document.get("components", {}).get("securitySchemes", {}).items():
        says = CHECKED.get((scheme.get("type"), scheme.get("scheme")))
        if says is None:
            yield f"security scheme {name}: nothing here checks {scheme.get('type')}"
        for word in says or ():
            if word not in scheme:
                yield f"security scheme {name}: does not say {word}"


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
    if any(len(one) != 1 for one in asked):
        return "must ask for one scheme, or for one of several"
    named = [(scheme, scopes) for one in asked for scheme, scopes in one.items()]
    if not all(scheme in document.get("components", {}).get("securitySchemes", {}) for scheme, _ in named):
        return "asks for a scheme that is not there"
    if not all(set(scopes) <= set(SCOPES) for _, scopes in named):
        return "asks for a scope that does not exist"
    return None
