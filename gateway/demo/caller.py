"""A party with credentials: gets a token, and talks to Stecker over HTTP."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

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
        return self.ask("GET", self.url + path, 200, params=query).json()

    def post(self, path: str, document: Any, expect: int, key: str | None = None) -> requests.Response:
        """Post JSON under a key: whoever hears no answer sends the same again, and it happens once."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self.ask("POST", self.url + path, expect, json=document, headers=headers)

    def send(self, path: str, document: bytes, media_type: str, expect: int) -> requests.Response:
        """Post a document of the partner's dialect, as it is."""
        return self.ask("POST", self.url + path, expect, data=document, headers={"Content-Type": media_type})

    def ask(self, method: str, url: str, expect: int, **options: Any) -> requests.Response:
        """One request. Raises `DoesNotHold` where the answer is another, or none comes."""
        try:
            answer = self.session.request(method, url, timeout=TIMEOUT, **options)
        except requests.RequestException as error:
            raise DoesNotHold(f"{method} {urlsplit(url).path} was not answered: {type(error).__name__}.") from error
        if answer.status_code != expect:
            answered = f"{answer.status_code}, not {expect}: {answer.text[:300]}"
            raise DoesNotHold(f"{method} {urlsplit(url).path} was answered {answered}")
        return answer


def login(party: str, system: System) -> Caller:
    """A caller with a token (client_credentials, RFC 6749 section 4.4)."""
    keys: Mapping[str, str] = system.keys[party]
    caller = Caller(party, system.url)
    caller.session.trust_env = False  # loopback needs no proxy, and .netrc would replace the token
    form, basic = {"grant_type": "client_credentials"}, (keys["client_id"], keys["client_secret"])
    token = caller.ask("POST", keys["token_url"], 200, data=form, auth=basic).json()["access_token"]
    caller.session.headers["Authorization"] = f"Bearer {token}"
    return caller
