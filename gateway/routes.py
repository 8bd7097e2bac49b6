"""Routing: by a table where there is nothing to match."""

from typing import Any

from connexion.middleware.abstract import ROUTING_CONTEXT
from connexion.middleware.routing import RoutingMiddleware
from connexion.spec import Specification

from gateway.guard import App, Receive, Scope, Send


class Routes(RoutingMiddleware):  # type: ignore[misc]
    """Connexion's routing, with the paths that have no parameters looked up; the others are matched one by one."""

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.exact: dict[tuple[str, str], dict[str, str]] = {}

    def add_api(self, specification: Specification, *args: Any, **kwargs: Any) -> None:
        super().add_api(specification, *args, **kwargs)
        base = specification.base_path
        for path, item in specification["paths"].items():
            for method, operation in item.items():
                if "{" not in path and method != "parameters":
                    found = {"api_base_path": base, "operation_id": operation["operationId"]}
                    self.exact[method.upper(), base + path] = found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self.exact.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if found is None:
            await super().__call__(scope, receive, send)
            return
        scope["path_params"] = {}
        scope.setdefault("extensions", {})[ROUTING_CONTEXT] = {**found}
        await self.app(scope, receive, send)
