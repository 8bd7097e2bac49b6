"""Clients who stay until they are answered; those of `tests.support.api` leave as soon as they have asked."""

import asyncio
import json
import time
from collections.abc import Awaitable
from typing import Any

from tests.support.api import Answer, Api


async def going(api: Api, request: tuple[Any, ...], gone: asyncio.Event | None = None) -> tuple[Answer, float]:
    """The answer to a client who stays, or leaves when `gone` is set, and the seconds that it took."""
    method, url, body, headers = request
    asked = b"" if body is None else json.dumps(body).encode()
    given = {name.lower(): value for name, value in headers.items()} | {"content-length": str(len(asked))}
    if body is not None:
        given["content-type"] = "application/json"
    waiting, sent, start = [asked], [], time.monotonic()

    async def receive() -> Any:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        await (gone or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await api.app(Api._scope(method, url, given), receive, send)
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    body = b"".join(part.get("body", b"") for part in sent)
    return Answer(sent[0]["status"], answered, body), time.monotonic() - start


def together(api: Api, *calls: Awaitable[Any]) -> list[Any]:
    """All of them at once."""

    async def run() -> list[Any]:
        return await asyncio.gather(*calls)

    return api.loop.run_until_complete(run())
