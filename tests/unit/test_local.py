"""A platform on this machine: the parts that need none.

- running_backend: no file, a broken one, a process that ended, another program's process
- read_api_key: the settings' own goes first, then the command line's file, then none
- stop: nothing runs, so nothing is stopped
"""

import asyncio
import json
import os
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


def test_read_api_key__own_file__succeeds(settings):
    local.key_file(settings).write_text("cwk_file\n")

    assert local.read_api_key(settings) == "cwk_file"


def test_read_api_key__settings_name_one__succeeds(settings):
    local.key_file(settings).write_text("cwk_file\n")
    named = settings.model_copy(update={"api_key": type(settings.api_key)("cwk_named")})

    assert local.read_api_key(named) == "cwk_named"


def test_read_api_key__none__is_empty_holds(settings):
    assert local.read_api_key(settings) == ""
