"""Processes of ours.

- ours, by a word of its command or by its file | another program's, ended, reaped by others
- without /proc: the number alone
"""

import subprocess
import sys

import pytest

from backend import processes
from backend.processes import is_running

WAITS = "import sys; sys.stdin.read()"


@pytest.fixture
def child():
    with subprocess.Popen([sys.executable, "-c", WAITS, "ours"], stdin=subprocess.PIPE) as process:
        while not is_running(process.pid, "ours"):  # until then it is a copy of this program
            pass
        yield process
        process.kill()


def _end(process):
    process.kill()
    process.wait()


@pytest.fixture
def no_proc(monkeypatch):
    monkeypatch.setattr(processes.Path, "exists", lambda _: False)


@pytest.mark.parametrize("word", ["ours", sys.executable.rpartition("/")[2]])
def test_is_running__command_names_it__succeeds(child, word):
    assert is_running(child.pid, word)


@pytest.mark.parametrize("word", ["our", "anvil"])
def test_is_running__another_program__rejects(child, word):
    assert not is_running(child.pid, word)


def test_is_running__ended__rejects(child):
    child.kill()
    child.stdin.close()
    while child.returncode is None and is_running(child.pid, "ours"):
        pass

    assert not is_running(child.pid, "ours")


def test_is_running__without_proc__number_alone_holds(child, no_proc):
    assert is_running(child.pid, "anything")
    _end(child)

    assert not is_running(child.pid, "anything")
