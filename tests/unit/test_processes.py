"""Processes of ours.

- ours, by a word of its command or by its file | another program's, ended, reaped by others
- its first thread has ended, another goes on
- without /proc: the number alone
"""

import subprocess
import sys
from pathlib import Path

import pytest

from backend import processes
from backend.processes import is_running

WAITS = "import sys; print(flush=True); sys.stdin.read()"


@pytest.fixture
def child():
    command = [sys.executable, "-c", WAITS, "ours"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()  # until then it is a copy of this program
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


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="the number alone must do")
def test_is_running__first_thread_ended__succeeds():
    goes_on = "threading.Thread(target=sys.stdin.read).start()"
    program = f"import ctypes, sys, threading; {goes_on}; ctypes.CDLL(None).pthread_exit(None)"
    command = [sys.executable, "-c", program, "ours"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        stat = Path(f"/proc/{process.pid}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] != "Z":
            pass

        assert is_running(process.pid, "ours")


def test_is_running__without_proc__number_alone_holds(child, no_proc):
    assert is_running(child.pid, "anything")
    _end(child)

    assert not is_running(child.pid, "anything")
