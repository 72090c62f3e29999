"""How the process serves and ends.

- bind: a free port, without Nagle's algorithm; one that somebody listens on; an address that is
  not this machine's
- end_by_signal: nothing serves yet, so the task ends; then whatever serves is told
- calm_collector: rare looks, and none at what is there already
- ApiServer: it ends when told, at once the second time
"""

import asyncio
import gc
import os
import signal
import socket

import httpx
import pytest
from fastapi import FastAPI

from backend.serving import ApiServer, PortTaken, bind, calm_collector, end_by_signal


def test_bind__free_port__succeeds():
    with bind("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0


def test_bind__connection__answers_without_delay_holds():
    async def no_delay() -> int:
        accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer = writer.get_extra_info("socket")
            accepted.set_result(peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with bind("127.0.0.1", 0) as listener:
            async with await asyncio.start_server(greet, sock=listener):
                _, writer = await asyncio.open_connection(*listener.getsockname())
                writer.close()
                return await asyncio.wait_for(accepted, 5)

    assert asyncio.run(no_delay()) != 0


def test_bind__somebody_listens__rejects():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with (
            pytest.raises(PortTaken, match=rf"127.0.0.1:{port} .* set CAUSEWAY_API_PORT"),
            bind("127.0.0.1", port),
        ):
            pass


def test_bind__address_of_another_machine__rejects():
    with pytest.raises(PortTaken, match="192.0.2.1"), bind("192.0.2.1", 1):
        pass


def test_calm_collector__objects_that_are_there__are_not_looked_at_again_holds():
    before = gc.get_threshold()
    try:
        calm_collector()

        assert gc.get_threshold()[0] > before[0]
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def test_end_by_signal__while_starting__ends_the_task_holds():
    opened = []

    async def start() -> None:
        with end_by_signal():
            try:
                opened.append(True)
                os.kill(os.getpid(), signal.SIGTERM)
                await asyncio.sleep(30)
            finally:
                opened.clear()

    asyncio.run(start())

    assert opened == []


def test_end_by_signal__cancelled_by_another__is_cancelled_holds():
    async def start() -> None:
        with end_by_signal():
            await asyncio.sleep(30)

    async def cancel() -> None:
        task = asyncio.create_task(start())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())


def test_api_server__signal__answers_and_ends_holds():
    async def serve() -> int:
        api = FastAPI()

        @api.get("/")
        async def slow() -> str:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.05)
            return "done"

        with bind("127.0.0.1", 0) as listener, end_by_signal() as ending:
            server = ApiServer(api)
            ending.append(server.end)
            serving = asyncio.create_task(server.serve([listener]))
            port = listener.getsockname()[1]
            while not server.started:
                await asyncio.sleep(0)
            async with httpx.AsyncClient() as http:
                answer = await http.get(f"http://127.0.0.1:{port}/")
            await serving
        return answer.status_code

    assert asyncio.run(serve()) == 200


def test_api_server__told_twice__stops_at_once_holds():
    told = []
    server = ApiServer(FastAPI(), lambda: told.append(server.should_exit))

    server.end()
    is_forced_at_first = server.force_exit
    server.end()

    assert (is_forced_at_first, server.force_exit, server.should_exit) == (False, True, True)
    assert told == [False, True]
