"""What the token endpoint answers when it does not answer with a token (RFC 6749 §5.2). No text repeats input."""

from authlib.oauth2 import OAuth2Error

REALM = "stecker"


class InvalidRequest(OAuth2Error):  # type: ignore[misc]
    error = "invalid_request"


class TooLarge(InvalidRequest):
    status_code = 413
    description = "The request is larger than 16 KB."


class UnsupportedGrantType(OAuth2Error):  # type: ignore[misc]
    error = "unsupported_grant_type"
    description = "The only grant type is client_credentials."


class InvalidScope(OAuth2Error):  # type: ignore[misc]
    error = "invalid_scope"
    description = "A requested scope is not one of this client."


class InvalidClient(OAuth2Error):  # type: ignore[misc]
    """One answer for an unknown client, a wrong secret, a suspended client and an expired secret."""

    error = "invalid_client"
    status_code = 401
    description = "The client could not be authenticated."

    def get_headers(self) -> list[tuple[str, str]]:
        return [*super().get_headers(), ("WWW-Authenticate", f'Basic realm="{REALM}", charset="UTF-8"')]


class _TryAgain(OAuth2Error):  # type: ignore[misc]
    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.seconds = seconds

    def get_headers(self) -> list[tuple[str, str]]:
        return [*super().get_headers(), ("Retry-After", str(self.seconds))]


class TooManyAttempts(_TryAgain):
    error = "invalid_client"
    status_code = 429
    description = "Too many failed attempts; wait before the next."


class TemporarilyUnavailable(_TryAgain):
    error = "temporarily_unavailable"
    status_code = 503
    description = "Clients cannot be looked up at the moment."
