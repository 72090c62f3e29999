"""HTTP/1.1 as fast as one process of Python sends it: bytes made beforehand, kept connections, one
request at a time on each.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

OnAnswer = Callable[[int, bytes], None]
"""Takes an answer's status and body."""


def request(
    path: str, body: bytes, content_type: str, api_key: str, is_final_awaited: bool = False
) -> bytes:
    """Return a POST as it goes over the wire."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {api_key}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    )
    prefer = "Prefer: wait=final\r\n" if is_final_awaited else ""
    return f"{head}{prefer}\r\n".encode() + body


class Connection(asyncio.Protocol):
    """Sends a request, and tells of its answer. The server has to say how long a body is."""

    def __init__(self, on_answer: OnAnswer, on_lost: Callable[[], None]) -> None:
        self._on_answer, self._on_lost = on_answer, on_lost
        self._transport: asyncio.Transport | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_lost()

    def send(self, data: bytes) -> None:
        """Send a request. The one before must have been answered."""
        assert self._transport is not None
        self._transport.write(data)

    def close(self) -> None:
        """Leave."""
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if end and len(body) >= _content_length(head):
            self._received = b""
            self._on_answer(int(head[9:12]), body)


def _content_length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0])


async def send_all(port: int, shares: Sequence[Sequence[bytes]], expected: int) -> float:
    """Send each share over a connection of its own, one request after the other; return how many
    seconds that took. Raises RuntimeError at an answer of another status than expected.
    """
    loop = asyncio.get_running_loop()
    ended = [loop.create_future() for _ in shares]
    senders = [_Share(share, expected, end) for share, end in zip(shares, ended, strict=True)]
    for sender in senders:
        _, sender.connection = await loop.create_connection(sender.connect, "127.0.0.1", port)
    try:
        started = time.perf_counter()
        for sender in senders:
            sender.send_next()
        await asyncio.gather(*ended)
        return time.perf_counter() - started
    finally:
        for sender in senders:
            sender.connection.close()


class _Share:
    """What one connection sends."""

    connection: Connection

    def __init__(
        self, requests: Sequence[bytes], expected: int, end: "asyncio.Future[None]"
    ) -> None:
        self._requests = iter(requests)
        self._expected, self._end = expected, end

    def connect(self) -> Connection:
        return Connection(self._answered, lambda: self._fail("the connection was lost"))

    def send_next(self) -> None:
        if (data := next(self._requests, None)) is not None:
            self.connection.send(data)
        elif not self._end.done():
            self._end.set_result(None)

    def _answered(self, status: int, body: bytes) -> None:
        if status == self._expected:
            self.send_next()
        else:
            self._fail(f"answered {status}: {body[:500].decode(errors='replace')}")

    def _fail(self, message: str) -> None:
        if not self._end.done():
            self._end.set_exception(RuntimeError(message))


def send_all_here(port: int, shares: Sequence[Sequence[bytes]], expected: int) -> float:
    """Do the same in a process without a loop."""
    return asyncio.run(send_all(port, shares, expected))
