"""A party with credentials: gets a token, and talks to Stecker over HTTP."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from gateway.demo.system import DoesNotHold, System

TIMEOUT = 20


@dataclass
class Caller:
    """`party` is who speaks, `url` the base of the API."""

    party: str
    url: str
    session: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str, **query: str) -> Any:
        answer = self.session.get(self.url + path, params=query, timeout=TIMEOUT)
        return _expect(answer, 200).json()

    def post(self, path: str, document: Any, expect: int, key: str | None = None) -> requests.Response:
        """Post JSON under a key: whoever hears no answer sends the same again, and it happens once."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return _expect(self.session.post(self.url + path, json=document, headers=headers, timeout=TIMEOUT), expect)

    def send(self, path: str, document: bytes, media_type: str, expect: int) -> requests.Response:
        """Post a document of the partner's dialect, as it is."""
        headers = {"Content-Type": media_type}
        return _expect(self.session.post(self.url + path, data=document, headers=headers, timeout=TIMEOUT), expect)


def login(party: str, system: System) -> Caller:
    """A caller with a token (client_credentials, RFC 6749 section 4.4)."""
    keys: Mapping[str, str] = system.keys[party]
    caller = Caller(party, system.url)
    caller.session.trust_env = False  # loopback needs no proxy, and .netrc would replace the token
    answer = caller.session.post(
        keys["token_url"],
        data={"grant_type": "client_credentials"},
        auth=(keys["client_id"], keys["client_secret"]),
        timeout=TIMEOUT,
    )
    caller.session.headers["Authorization"] = f"Bearer {_expect(answer, 200).json()['access_token']}"
    return caller


def _expect(answer: requests.Response, status: int) -> requests.Response:
    if answer.status_code != status:
        raise DoesNotHold(
            f"{answer.request.method} {answer.request.path_url} was answered {answer.status_code}, not {status}: "
            f"{answer.text[:300]}"
        )
    return answer
