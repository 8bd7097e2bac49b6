"""The partner's server of the benchmarks: answers 204 and notes when each message began to arrive.

`python -m tests.bench.receiver PORT`. `GET` tells what has arrived since the last time: webhook-id → monotonic seconds,
a clock that all processes of the machine share.
"""

import asyncio
import json
import sys
import time

HEAD_END = b"\r\n\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver(asyncio.Protocol):
    """One connection. Requests come one after the other."""

    def __init__(self, arrived: dict[str, float]) -> None:
        self.arrived = arrived
        self.buffer = bytearray()
        self.began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if not self.buffer:
            self.began = time.monotonic()
        self.buffer += data
        split = self.buffer.find(HEAD_END)
        if split < 0:
            return
        head = bytes(self.buffer[:split]).lower()
        if len(self.buffer) < split + len(HEAD_END) + int(_header(head, b"content-length") or 0):
            return
        self.buffer.clear()
        if head.startswith(b"get"):
            self.transport.write(self._told())
        else:
            # As it was sent: ids are in capital letters.
            self.arrived[_header(head, b"webhook-id").decode().upper()] = self.began
            self.transport.write(NO_CONTENT)

    def _told(self) -> bytes:
        body = json.dumps(self.arrived).encode()
        self.arrived.clear()
        return f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def _header(head: bytes, name: bytes) -> bytes:
    return head.partition(b"\r\n" + name + b":")[2].partition(b"\r\n")[0].strip()


async def serve(port: int) -> None:
    arrived: dict[str, float] = {}
    server = await asyncio.get_running_loop().create_server(lambda: Receiver(arrived), "127.0.0.1", port, backlog=500)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
