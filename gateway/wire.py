"""HTTP on the wire: an answer leaves in one piece."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Whole:
    """A transport that keeps what is written to it until the answer is complete, at most for one turn of the loop.

    uvicorn writes head and body one after the other, and uvloop sends each at once: two system calls, two packets, and
    a client that is woken twice.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._kept: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._kept:
            self._loop.call_soon(self.flush)
        self._kept.append(data)

    def flush(self) -> None:
        if self._kept:
            kept, self._kept = self._kept, []
            self._transport.write(b"".join(kept))

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Protocol(HttpToolsProtocol):
    """uvicorn's own, on such a transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._whole = Whole(transport, self.loop)
        super().connection_made(self._whole)  # type: ignore[arg-type]

    def on_message_begin(self) -> None:
        super().on_message_begin()
        # For the sandbox, whose answers may get lost.
        self.scope["stecker.cut"] = self._whole.abort  # type: ignore[typeddict-unknown-key]

    def on_response_complete(self) -> None:
        self._whole.flush()
        super().on_response_complete()
