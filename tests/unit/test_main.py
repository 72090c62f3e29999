"""What the operator is told when the platform ends by an error.

- each expected error: its own message, in one line
- log lines on a full disk: lost, without an error
- a group of them: a line each; with a bug of ours among them: nothing, so that it keeps its trace
"""

import os
import sys
from pathlib import Path

import pytest

from backend.__main__ import Output, explained
from backend.engine.log import LogCorrupted, LogLocked
from backend.protocol.errors import ChainUnavailable, DiskFull, InvariantViolated
from backend.settlement.watcher import ConfirmedBlockGone


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (LogCorrupted(Path("a.log"), 3, 700, "its chain hash"), "frame 3 at byte 700"),
        (ChainUnavailable(), "set CAUSEWAY_RPC_URL"),
        (DiskFull(), "full"),
        (ConfirmedBlockGone(7), "L1 block 7"),
    ],
)
def test_explained__expected_error__is_one_line_holds(error, words):
    (line,) = explained(error)

    assert words in line
    assert "\n" not in line


def test_explained__group__has_a_line_each_holds():
    group = ExceptionGroup("", [DiskFull(), ExceptionGroup("", [LogLocked(Path("a.log"), "12")])])

    assert len(explained(group)) == 2


@pytest.mark.parametrize("bug", [InvariantViolated("x"), KeyError("x"), PermissionError()])
def test_explained__bug__is_nothing_holds(bug):
    assert explained(bug) == []
    assert explained(ExceptionGroup("", [DiskFull(), bug])) == []


def test_output__disk_full__changes_nothing(monkeypatch):
    with open("/dev/full", "wb") as full:
        monkeypatch.setattr(sys, "stdout", full)

        assert Output().write("a line\n") == 7
        Output().flush()


def test_output__pipe__writes_at_once_succeeds(monkeypatch):
    read, write = os.pipe()
    with os.fdopen(write, "wb") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)

        Output().write("a line\n")

        assert os.read(read, 100) == b"a line\n"
    os.close(read)
