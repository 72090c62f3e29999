"""Zeros ahead of the log's end.

- keep: short logs have none, others as much as they have themselves; removed when it is closed
- frames: never laid over, whoever is quicker
- a killed process leaves zeros; no room on the disk
"""

import resource
import shutil

import pytest

from backend.engine import log_room
from backend.engine.log import LocalLog

ENTRIES = [number.to_bytes(4) * 300 for number in range(40)]


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(log_room, "STEP_BYTES", 4096)
    monkeypatch.setattr(log_room, "ROOM_BYTES_MAX", 16384)
    return tmp_path / "orders.log"


def file_bytes(path):
    return path.stat().st_size


def filled(log):
    """Wait until the zeros are written, if any are to be."""
    if log._room._filling is not None:
        log._room._filling.result(60)


def test_keep__short_log__changes_nothing(path):
    with LocalLog(path) as log:
        log.append([b"short"])
        filled(log)

        assert file_bytes(path) == 512


def test_keep__longer_log__succeeds(path):
    with LocalLog(path) as log:
        log.append(ENTRIES[:4])
        filled(log)
        used = log.size_bytes
        assert used == 5120
        assert path.read_bytes()[used:] == bytes(8192)

        log.append(ENTRIES[4:])
        filled(log)
        used = log.size_bytes
        assert path.read_bytes()[used:] == bytes(16384)
        assert list(log.read()) == ENTRIES
    assert file_bytes(path) == used


def test_keep__every_append__same_file_holds(path, tmp_path):
    """The filler is never waited for: it may be ahead of a frame, or behind it."""
    with LocalLog(path) as log:
        for entry in ENTRIES * 10:
            log.append([entry, entry])
    with LocalLog(tmp_path / "slow.log") as log:
        for entry in ENTRIES * 10:
            log.append([entry, entry])
            filled(log)

    assert path.read_bytes() == (tmp_path / "slow.log").read_bytes()
    with LocalLog(path) as log:
        assert list(log.read()) == [entry for entry in ENTRIES * 10 for _ in range(2)]


def test_open__killed_with_zeros_ahead__succeeds(path, tmp_path):
    killed = tmp_path / "killed.log"
    with LocalLog(path) as log:
        log.append(ENTRIES)
        filled(log)
        shutil.copyfile(path, killed)
        used = log.size_bytes
    assert file_bytes(killed) == used + 16384

    with LocalLog(killed) as log:
        assert file_bytes(killed) == used
        assert log.append([b"on"]) == len(ENTRIES)
        assert list(log.read()) == [*ENTRIES, b"on"]


def test_keep__disk_full__appends_what_fits_succeeds(path):
    with LocalLog(path) as log:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (9000, limits[1]))
            log.append(ENTRIES[:4])
            filled(log)
            assert file_bytes(path) == 9000
            log.append(ENTRIES[4:6])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        log.append(ENTRIES[6:])

        filled(log)
        assert file_bytes(path) == log.size_bytes
        assert list(log.read()) == ENTRIES


def test_append__failed_beyond_the_room__is_not_laid_over_holds(path):
    with LocalLog(path) as log:
        log.append(ENTRIES[:4])
        filled(log)
        with pytest.raises(RuntimeError), log._room.taken(30_000):
            raise RuntimeError

        assert log._room._end_bytes == 30_000
