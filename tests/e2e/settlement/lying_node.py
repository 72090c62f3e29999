"""A node that lies: it stands before anvil, passes questions on, and spoils some answers."""

import asyncio
import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from scripts.ports import free_port

Spoil = Callable[[str, Any], Any]
"""Takes a method and the node's whole answer; returns an answer, or bytes to be sent so."""


class LyingNode:
    """Honest until `spoil` is set; slow by `delay_s`."""

    def __init__(self, upstream: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.spoil: Spoil = lambda _, answer: answer
        self.delay_s = 0.0
        self.asked: list[str] = []
        self._upstream = upstream

    async def _answer(self, request: web.Request) -> web.Response:
        question = await request.json()
        self.asked.append(question["method"])
        async with self._session.post(self._upstream, json=question) as response:
            answer = await response.json()
        await asyncio.sleep(self.delay_s)
        spoilt = self.spoil(question["method"], answer)
        body = spoilt if isinstance(spoilt, bytes) else json.dumps(spoilt).encode()
        return web.Response(body=body, content_type="application/json")

    @asynccontextmanager
    async def running(self):
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        async with aiohttp.ClientSession() as self._session:
            await web.TCPSite(runner, "127.0.0.1", int(self.url.rpartition(":")[2])).start()
            try:
                yield self
            finally:
                await runner.cleanup()
