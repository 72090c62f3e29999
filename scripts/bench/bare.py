"""What our REST API is compared with: the same server around an endpoint that does nothing, and a
server that is no more than a socket. Each runs in a process of its own.
"""

import asyncio
import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fastapi import FastAPI
from pydantic import BaseModel

from backend.serving import ApiServer, bind
from scripts.ports import free_port

STATUS = 202
_START_WAIT_S = 30
_FIXED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"


class Message(BaseModel):
    """The shape of a payment's message."""

    payer: str
    payee: str
    asset: str
    amount: str
    fee: str
    nonce: str
    validUntil: str
    memo: str
    link: str


class Payment(BaseModel):
    """The shape of a signed payment."""

    order: Message
    signature: str


def endpoint() -> FastAPI:
    """Return an API whose payments mean nothing."""
    api = FastAPI()

    @api.post("/v1/payments", status_code=STATUS)
    async def create_payment(payment: Payment) -> dict[str, str]:
        return {"object": "payment", "id": payment.order.nonce, "status": "accepted"}

    return api


def serve_endpoint(port: int) -> None:
    """Serve it as the platform is served."""
    with bind("127.0.0.1", port) as listener:
        asyncio.run(ApiServer(endpoint()).serve([listener]))


def serve_fixed(port: int) -> None:
    """Answer whatever comes, unread, but for where a request ends: the client's own ceiling."""
    asyncio.run(_serve_fixed(port))


async def _serve_fixed(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Fixed, "127.0.0.1", port)
    await server.serve_forever()


class _Fixed(asyncio.Protocol):
    """A request comes in one piece: it is small, and the next waits for this one's answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(_FIXED)


@contextmanager
def running(serve: Callable[[int], None]) -> Iterator[int]:
    """Run a server in a process of its own; yield its port once it listens."""
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(port,), daemon=True)
    process.start()
    try:
        _wait_until_it_listens(process, port)
        yield port
    finally:
        process.terminate()
        process.join()


def _wait_until_it_listens(process: multiprocessing.process.BaseProcess, port: int) -> None:
    deadline = time.monotonic() + _START_WAIT_S
    while process.is_alive() and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("a server of the benchmark did not start")
