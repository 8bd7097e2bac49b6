"""How tests ask for a token."""

import base64
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.oauth.service import Issued

PATH = "/oauth/token"
FORM = "application/x-www-form-urlencoded"
GRANT = "grant_type=client_credentials"


def basic(client_id: str, secret: str) -> dict[str, str]:
    return basic_bytes(f"{client_id}:{secret}".encode())


def basic_bytes(pair: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(pair).decode()}


def ask(endpoint: FlaskClient, issued: Issued | None, body: str = GRANT, **options: Any) -> TestResponse:
    """A token request with the client's credentials by Basic; without a client, as it stands."""
    headers = basic(issued.client_id, issued.client_secret) if issued else {}
    headers |= options.pop("headers", {})
    return endpoint.post(PATH, data=body, headers=headers, content_type=FORM, **options)


def token(endpoint: FlaskClient, issued: Issued, body: str = GRANT) -> str:
    answer = ask(endpoint, issued, body)
    assert answer.status_code == 200, answer.text
    text: str = answer.json["access_token"]
    return text


def refusal(answer: TestResponse, status: int, error: str) -> None:
    """RFC 6749 §5.2, and nothing beyond it."""
    assert (answer.status_code, answer.json["error"]) == (status, error), answer.text
    assert answer.mimetype == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    assert set(answer.json) <= {"error", "error_description", "error_uri"}
    assert answer.json["error_description"].isascii()
