"""The authorization server: Authlib's, with our own idea of who a client is and what a token looks like."""

import logging
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from flask import Request, Response
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gateway import clocks
from gateway.oauth import front, peer, scopes, service, tokens
from gateway.oauth.attempts import Attempts
from gateway.oauth.keys import KeyRing
from gateway.oauth.refusals import InvalidClient, InvalidRequest, InvalidScope, TemporarilyUnavailable, TooManyAttempts
from gateway.runtime import Runtime
from gateway.tenant import Tenant

DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)
RETRY_SECONDS = 5


class AuthenticatedClient(ClientMixin):  # type: ignore[misc]
    """A client as Authlib asks for one, after its secret has been checked."""

    def __init__(self, identity: service.Identity) -> None:
        self.identity = identity

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == front.GRANT

    def get_allowed_scope(self, scope: str | None) -> str:
        allowed = scopes.requested(scope, self.identity.scopes)
        if allowed is None:
            raise InvalidScope()
        return allowed


class TokenEndpoint(AuthorizationServer):  # type: ignore[misc]
    """`POST /oauth/token`, whatever was posted to it."""

    def __init__(self, runtime: Runtime, keys: KeyRing, attempts: Attempts) -> None:
        super().__init__()
        self.runtime, self.keys, self.attempts = runtime, keys, attempts
        self.realm = tokens.Realm(runtime.settings.public_url)
        generator = BearerTokenGenerator(self._access_token, expires_generator=tokens.LIFETIME_SECONDS)
        self.register_token_generator("default", generator)
        self.register_grant(ClientCredentialsGrant)
        # At DEBUG Authlib logs the tokens it issues.
        logging.getLogger("authlib").setLevel(logging.INFO)

    def respond(self, request: Request) -> Response:
        """The answer to a token request; an `OAuth2Error` in JSON where it is not a token."""
        try:
            return self._answer(request)
        except OAuth2Error as error:
            return self._written(*error())

    def _answer(self, request: Request) -> Response:
        other = peer.seen(request.environ, self.runtime.settings.trusted_proxies)
        if not (other.secure or self.runtime.settings.insecure_transport):
            raise InvalidRequest("Secrets are taken over https only.")
        asked = front.read(request, self.realm.token_url)
        try:
            asked.client = self._authenticate(asked.credentials, other.address)
            response: Response = self.create_token_response(asked)
        except DATABASE_AWAY:
            raise TemporarilyUnavailable(RETRY_SECONDS) from None
        return response

    def _authenticate(self, offered: front.Credentials, address: str) -> AuthenticatedClient:
        wait = self.attempts.wait(offered.client_id, address)
        if wait:
            raise TooManyAttempts(wait)
        identity = self._recognise(offered)
        if identity is None:
            self.attempts.failed(offered.client_id, address)
            raise InvalidClient()
        return AuthenticatedClient(identity)

    def _recognise(self, offered: front.Credentials) -> service.Identity | None:
        if not offered.plausible:
            return None
        with self.runtime.sessions.begin() as session:
            now = self.runtime.clock()
            identity = service.recognise(session, self.runtime.vault, offered.client_id, offered.secret, now)
        if identity and identity.environment == "live" and not self.runtime.settings.live_enabled:
            return None
        return identity

    # What Authlib calls.

    def create_oauth2_request(self, request: front.TokenRequest) -> front.TokenRequest:
        return request

    def authenticate_client(self, request: front.TokenRequest, methods: Any, endpoint: str = "token") -> Any:
        return request.client

    def save_token(self, token: dict[str, Any], request: front.TokenRequest) -> None:
        """Tokens are signed, not stored."""

    def handle_response(self, status: int, payload: dict[str, Any], headers: list[tuple[str, str]]) -> Response:
        return self._written(status, payload, headers)

    def _access_token(self, client: AuthenticatedClient, grant_type: str, user: None, scope: str) -> str:
        identity = client.identity
        now = clocks.moment(self.runtime, Tenant(identity.partner_id, identity.environment))
        return tokens.mint(self.realm, self.keys, identity, scope, now)

    def _written(self, status: int, payload: dict[str, Any], headers: list[tuple[str, str]]) -> Response:
        response: Response = super().handle_response(status, payload, headers)
        return response
