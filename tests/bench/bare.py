"""What we compare the intake with: the same specification on a Connexion FlaskApp as it comes, with a constant answer.

`python -m tests.bench.bare PORT`. One uvicorn process, with the settings of ours.
"""

import sys
from typing import Any

import connexion
import uvicorn
from connexion.options import SwaggerUIOptions
from connexion.resolver import Resolver

from gateway import specification

ORDER = {"id": "ord_01K9ZK4N2D3W5Y7A8B9C0D1E2F", "status": "scheduled", "jobs": []}


async def token_info(token: str) -> dict[str, Any]:
    """Everybody may do everything."""
    return {"sub": "bench", "scope": ["orders:write"]}


def handler(*args: Any, **kwargs: Any) -> tuple[dict[str, Any], int, dict[str, str]]:
    return ORDER, 201, {"Location": f"/v1/orders/{ORDER['id']}", "Content-Type": "application/json"}


def build() -> connexion.FlaskApp:
    document = specification.served_by_connexion()
    for scheme in document["components"]["securitySchemes"].values():
        scheme["x-tokenInfoFunc"] = f"{__spec__.name if __spec__ else __name__}.token_info"
    app = connexion.FlaskApp(
        __name__, resolver=Resolver(lambda name: handler), swagger_ui_options=SwaggerUIOptions(swagger_ui=False)
    )
    app.add_api(document)
    return app


if __name__ == "__main__":
    uvicorn.run(
        build(), port=int(sys.argv[1]), log_config=None, access_log=False, proxy_headers=False, server_header=False
    )
