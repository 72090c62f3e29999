"""A platform on this machine: the parts that need none.

- running_backend: no file, a broken one, a process that ended, another program's process
- start: another program listens on the API's port
- start: a platform that is ready, or frozen; one that is neither says why
- last words: of a backend that did not start
- stop: nothing runs, so nothing is stopped
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest

from backend import local
from backend.config import Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(_env_file=None, data_dir=tmp_path, deployments_dir=tmp_path)


@pytest.mark.parametrize("content", [None, "", "{", "{}", '{"pid": "many"}'])
def test_running_backend__no_good_file__is_none_holds(settings, content):
    if content is not None:
        (settings.data_dir / "backend.pid").write_text(content)

    assert local.running_backend(settings) is None


def test_running_backend__process_ended__is_none_holds(settings):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    (settings.data_dir / "backend.pid").write_text(json.dumps({"pid": process.pid}))

    assert local.running_backend(settings) is None


def test_stop__another_programs_process__changes_nothing(settings):
    (settings.data_dir / "backend.pid").write_text(json.dumps({"pid": os.getpid()}))

    stopped = asyncio.run(local.stop(settings))

    assert stopped == []  # and this process is still here to say so


async def test_start__another_program_on_the_port__rejects(settings, monkeypatch):
    async def nothing(*_):
        return None

    monkeypatch.setattr(local, "_ensure_chain", nothing)
    monkeypatch.setattr(local, "deploy_platform", nothing)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = settings.model_copy(update={"api_port": other.getsockname()[1]})

        with pytest.raises(local.StartFailed, match="another program listens"):
            await local.start(taken)

    assert not (settings.data_dir / "backend.pid").exists()


@asynccontextmanager
async def backend_that_says(settings, status_line, shown):
    """Answer each request alike, on a port of its own."""

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps(shown)
        head = f"HTTP/1.1 {status_line}\r\nConnection: close\r\nContent-Length: {len(body)}"
        writer.write(f"{head}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield settings.model_copy(update={"api_port": port})


@pytest.mark.parametrize(
    ("status_line", "frozen_ts_s"), [("200 OK", None), ("503 Service Unavailable", 1_800_000_000)]
)
async def test_wait_until_ready__ready_or_frozen__succeeds(
    settings, monkeypatch, status_line, frozen_ts_s
):
    monkeypatch.setattr(local, "running_backend", lambda _: 1)
    shown = {"problems": [], "frozen_ts_s": frozen_ts_s}

    async with backend_that_says(settings, status_line, shown) as here:
        await local._wait_until_ready(here)


async def test_wait_until_ready__neither__says_why_rejects(settings, monkeypatch):
    monkeypatch.setattr(local, "running_backend", lambda _: 1)
    monkeypatch.setattr(local, "_START_WAIT_S", 3 * local._POLL_S)
    shown = {"problems": ["no quorum"], "frozen_ts_s": None}

    async with backend_that_says(settings, "503 Service Unavailable", shown) as here:
        with pytest.raises(local.StartFailed, match="runs, but is not ready: no quorum"):
            await local._wait_until_ready(here)


def test_spawn__log__is_for_its_owner_alone_holds(settings, monkeypatch):
    monkeypatch.setattr(local.sys, "executable", "/bin/true")

    local._spawn(settings)

    assert (settings.data_dir / "backend.log").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("", "."),
        ('{"event": "x"}\n', "."),
        ('{"event": "x"}\ncauseway: no node answers.\n', ": no node answers."),
    ],
)
def test_last_words__of_a_backend__are_for_people_holds(tmp_path, log, words):
    (tmp_path / "backend.log").write_text(log)

    assert local._last_words(tmp_path / "backend.log") == words
