"""Nodes that stand before anvil and pass questions on: one lies, one does as geth does."""

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

    def _passed_on(self, question: Any) -> Any:
        return question

    async def _answer(self, request: web.Request) -> web.Response:
        question = self._passed_on(await request.json())
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


class GethLikeNode(LyingNode):
    """Takes the base fee for 0 in a call that names no gas price. Anvil takes the block's own."""

    def _passed_on(self, question: Any) -> Any:
        if question["method"] != "eth_call" or "gasPrice" in question["params"][0]:
            return question
        call, block_id = question["params"]
        return question | {"params": [call, block_id, {}, {"baseFee": "0x0"}]}
