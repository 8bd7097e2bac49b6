"""The strict front of the token endpoint: what can be read in two ways is refused before Authlib reads it."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from flask import Request

from gateway.oauth import secret as secrets
from gateway.oauth.refusals import InvalidClient, InvalidRequest, TooLarge, UnsupportedGrantType

FORM = "application/x-www-form-urlencoded"
GRANT = "client_credentials"
MAX_BODY = 16 * 1024
MAX_PARAMETERS = 50
MAX_AUTHORIZATION = 4 * 1024


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the caller offers; either may be any text."""

    client_id: str
    secret: str

    @property
    def plausible(self) -> bool:
        """Not plausible credentials are wrong without a look into the database."""
        return secrets.CLIENT_ID.fullmatch(self.client_id) is not None and secrets.well_formed(self.secret)


class TokenRequest(OAuth2Request):  # type: ignore[misc]
    """A request that has passed the front."""

    def __init__(self, uri: str, form: Mapping[str, str], credentials: Credentials) -> None:
        super().__init__("POST", uri)
        self.payload = BasicOAuth2Payload(dict(form))
        self.credentials = credentials

    @property
    def form(self) -> Any:
        return self.payload.data


def read(request: Request, token_url: str) -> TokenRequest:
    """The request, read once and in one way only. Raises `OAuth2Error`."""
    if request.query_string:
        raise InvalidRequest("Parameters belong into the body, not into the address.")
    if request.mimetype != FORM:
        raise InvalidRequest(f"The Content-Type must be {FORM}.")
    form = _form(request)
    grant = form.get("grant_type")
    if not grant:
        raise InvalidRequest("grant_type is missing.")
    if grant != GRANT:
        raise UnsupportedGrantType()
    # Whether plain http will do has been decided from the settings; Authlib would decide by the name of the host.
    return TokenRequest(token_url.replace("http://", "https://", 1), form, _credentials(request, form))


def _form(request: Request) -> dict[str, str]:
    if (request.content_length or 0) > MAX_BODY:
        raise TooLarge()
    try:
        body = request.get_data(cache=False).decode("ascii")
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=MAX_PARAMETERS, errors="strict")
    except ValueError:
        raise InvalidRequest("The body is not a form that can be read.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise InvalidRequest("A parameter is given more than once.")
    return form


def _credentials(request: Request, form: Mapping[str, str]) -> Credentials:
    header = request.headers.get("Authorization")
    in_body = [name for name in ("client_secret", "client_assertion") if form.get(name)]
    if len(in_body) + (header is not None) > 1:
        raise InvalidRequest("The client authenticates in more than one way.")
    if header is None:
        return Credentials(form.get("client_id", ""), form.get("client_secret", ""))
    credentials = _basic(header)
    if form.get("client_id", credentials.client_id) != credentials.client_id:
        raise InvalidRequest("client_id differs from the one in the Authorization header.")
    return credentials


def _basic(header: str) -> Credentials:
    """RFC 7617, both parts percent-decoded (RFC 6749 §2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(header) > MAX_AUTHORIZATION:
        raise InvalidClient()
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
        client_id, colon, secret = text.partition(":")
        parts = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError):
        raise InvalidClient() from None
    if not colon or not all(parts):
        raise InvalidClient()
    return Credentials(*parts)
