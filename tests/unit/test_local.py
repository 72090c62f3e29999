"""A platform on this machine: the parts that need none.

- running_backend: no file, a broken one, a process that ended, another program's process
- start: another program listens on the API's port
- last words: of a backend that did not start
- stop: nothing runs, so nothing is stopped
"""

import asyncio
import json
import os
import socket
import subprocess
import sys

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
