"""The OAuth routes: plain Flask, beside Connexion, so that every answer is RFC 6749's and none a problem document."""

from flask import Blueprint, Response, jsonify, request

from gateway.oauth.attempts import Attempts
from gateway.oauth.front import GRANT
from gateway.oauth.keys import CACHE, KeyRing
from gateway.oauth.refusals import TemporarilyUnavailable
from gateway.oauth.scopes import SCOPES
from gateway.oauth.server import DATABASE_AWAY, RETRY_SECONDS, TokenEndpoint
from gateway.oauth.tokens import Realm
from gateway.runtime import Runtime


def routes(runtime: Runtime, keys: KeyRing, attempts: Attempts) -> Blueprint:
    """`/oauth/token`, the metadata and the key set, for the Flask application inside Connexion."""
    blueprint = Blueprint("oauth", __name__)
    endpoint = TokenEndpoint(runtime, keys, attempts)

    @blueprint.post("/oauth/token", provide_automatic_options=False)
    def issue_token() -> Response:
        return endpoint.respond(request)

    @blueprint.route("/oauth/token", methods=["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
    def only_post() -> Response:
        refused = jsonify(error="invalid_request", error_description="Tokens are asked for by POST.")
        refused.status_code, refused.headers["Allow"] = 405, "POST"
        refused.headers["Cache-Control"] = refused.headers["Pragma"] = "no-store"
        return refused

    @blueprint.get("/.well-known/oauth-authorization-server")
    def get_oauth_metadata() -> Response:
        return _public(metadata(endpoint.realm))

    @blueprint.get("/.well-known/jwks.json")
    def get_jwks() -> Response:
        try:
            return _public({"keys": keys.public()})
        except DATABASE_AWAY:
            return endpoint.handle_response(*TemporarilyUnavailable(RETRY_SECONDS)())

    return blueprint


def metadata(realm: Realm) -> dict[str, object]:
    """RFC 8414: only what really works."""
    return {
        "issuer": realm.issuer,
        "token_endpoint": realm.token_url,
        "jwks_uri": f"{realm.issuer}/.well-known/jwks.json",
        "grant_types_supported": [GRANT],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": list(SCOPES),
    }


def _public(document: dict[str, object]) -> Response:
    response = jsonify(document)
    response.headers["Cache-Control"] = f"public, max-age={int(CACHE.total_seconds())}"
    return response
