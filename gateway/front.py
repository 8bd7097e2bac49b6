"""Between Connexion and the handlers: who is let in, how a handler is called, how every error becomes a problem."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import psycopg
from connexion.exceptions import ProblemException
from connexion.lifecycle import ConnexionRequest, ConnexionResponse
from flask import Response, request
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from gateway import errors, tracing
from gateway.bridge import Serve
from gateway.call import Call
from gateway.errors import Problem
from gateway.guard import Scope
from gateway.oauth.security import METHODS
from gateway.runtime import Runtime

log = logging.getLogger(__name__)

Handler = Callable[..., Response]

DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout, psycopg.OperationalError, psycopg.InterfaceError)
READING = frozenset({"GET", "HEAD"})
KINDS = (Problem, ProblemException, HTTPException, *DATABASE_AWAY, Exception)


class SpecificationError(Exception):
    """The specification and the code do not fit; the system must not start."""


def check_handlers(document: Mapping[str, Any], operations: Mapping[str, Handler]) -> None:
    """Every operation has its handler, and takes only text in its path: numbers there crash Connexion's converters."""
    faults = []
    for path, item in document["paths"].items():
        for operation in (item[method] for method in item if method != "parameters"):
            name = operation.get("operationId", path)
            if name not in operations:
                faults.append(f"{name}: has no handler")
            if any(parameter["schema"]["type"] != "string" for parameter in _path_parameters(item, operation)):
                faults.append(f"{name}: a path parameter is not a string")
    if faults:
        raise SpecificationError("; ".join(faults))


def _path_parameters(item: Mapping[str, Any], operation: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
    return [parameter for parameter in parameters if parameter.get("in") == "path"]


class Problems:
    """Turns whatever was raised into a problem, inside Flask and outside of it."""

    def __init__(self, runtime: Runtime, document: Mapping[str, Any]) -> None:
        self.base_url = runtime.settings.public_url
        self._methods = [
            (compile_path(path)[0], sorted(method.upper() for method in item if method in METHODS))
            for path, item in document["paths"].items()
        ]
        # Of each operation.
        self.paths: Mapping[str, str] = {
            item[method]["operationId"]: path
            for path, item in document["paths"].items()
            for method in item.keys() & set(METHODS)
        }

    def inside(self, error: Exception) -> Response:
        """An error handler of Flask's."""
        return self.answer(error, request.environ["stecker.scope"])

    def answer(self, error: Exception, scope: Scope) -> Response:
        request_id = scope["stecker.request_id"]
        problem = self.of(error, request_id)
        body = errors.document(problem, self.base_url, request_id)
        return Response(body, problem.status, content_type=errors.MEDIA_TYPE, headers=dict(problem.headers))

    def outside(self, asked: ConnexionRequest, error: Exception) -> ConnexionResponse:
        """An error handler of Connexion's: what routing, security, limits and checks raise."""
        request_id = asked.scope["stecker.request_id"]
        problem = self.of(error, request_id)
        if problem.status == 405:
            problem.headers = {"Allow": self._allowed(asked.scope["path"])}
        body = errors.document(problem, self.base_url, request_id)
        return ConnexionResponse(
            problem.status, content_type=errors.MEDIA_TYPE, body=body, headers=dict(problem.headers)
        )

    def _allowed(self, path: str) -> str:
        """All methods of this path: routing names only those of the first operation it comes by."""
        return ", ".join(method for pattern, methods in self._methods if pattern.match(path) for method in methods)

    @staticmethod
    def of(error: Exception, request_id: str) -> Problem:
        if isinstance(error, Problem):
            return error
        if isinstance(error, DATABASE_AWAY):
            log.error("database_unavailable: %s", type(error).__name__, extra={"request_id": request_id})
            detail = "The database did not answer. Try again in a moment: one Idempotency-Key never acts twice."
            return Problem(code="unavailable", detail=detail, headers={"Retry-After": "1"})
        status = getattr(error, "status_code", None) or getattr(error, "status", None) or getattr(error, "code", None)
        if isinstance(status, int) and status < 500:
            return errors.from_status(status)
        # The text of an exception may hold what was sent; the log gets where it happened.
        log.error("unexpected_error: %s", type(error).__name__, exc_info=error, extra={"request_id": request_id})
        return Problem(code="internal", detail="This is our fault; tell us the request_id, and we can look it up.")


def handlers(runtime: Runtime, operations: Mapping[str, Handler], problems: Problems) -> Mapping[str, Serve]:
    """Each operation's handler for the bridge: Connexion has checked the request already, and Flask would only find
    its way to the same handler once more, at a tenth of the cost of an order.
    """
    return {
        name: partial(_traced, partial(_serve, runtime, handler, problems), problems.paths[name])
        for name, handler in operations.items()
    }


def _traced(serve: Serve, route: str, scope: Scope) -> Response:
    return tracing.serve(scope, None if scope["method"] in READING else route, serve)


def _serve(runtime: Runtime, handler: Handler, problems: Problems, scope: Scope) -> Response:
    try:
        now = scope.get("stecker.clock") or runtime.clock()
        response = handler(Call(runtime, scope, now), **scope["path_params"])
    except Exception as error:  # the outermost frame of a request: everything is a problem
        return problems.answer(error, scope)
    if scope["method"] not in READING:
        runtime.wake()
    return response
