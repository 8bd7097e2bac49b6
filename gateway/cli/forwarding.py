"""A delivery of the inbox, sent on to a receiver: the same method, path, headers and bytes."""

import base64
import time
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from gateway.cli.remote import pauses
from webhooks.policy import Answer
from webhooks.transport import Request, Transport, joined

ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
"""Whoever runs the command says where to."""

NOT_THERE = frozenset({"connection_refused", "connection_failed", "connection_reset", "dns_failure"})
OF_THE_CONNECTION = frozenset({"content-length", "host", "connection", "accept-encoding"})


class Forwarder:
    """Sends to `url`. A receiver that is not there is waited for; what it answers, or that it hangs, is its answer."""

    def __init__(self, url: str, say: Callable[[str], None]) -> None:
        self._url = url
        self._say = say
        self._transport = Transport(allow=ANYWHERE)

    def __call__(self, item: dict[str, Any]) -> Answer:
        request, said = self._request(item), False
        for pause in pauses():
            answer = self._transport.send(request)
            if answer.error not in NOT_THERE:
                break
            if not said:
                self._say(f"{self._url} is not there ({answer.error}); trying again until it is.")
            said = True
            time.sleep(pause)
        return answer

    def close(self) -> None:
        self._transport.close()

    def _request(self, item: dict[str, Any]) -> Request:
        text, path = item["body"], item["path"]
        return Request(
            method=item["method"],
            url=joined(self._url, path) if path else self._url,
            headers={name: value for name, value in item["headers"].items() if name.lower() not in OF_THE_CONNECTION},
            body=base64.b64decode(item["body_base64"] or "") if text is None else text.encode(),
        )
