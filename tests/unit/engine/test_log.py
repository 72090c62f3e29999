"""The local log.

- append: positions, several frames, in a row, nothing at all, refused after a failure, a closing
- read: from any position, only what was durable at the call; frames
- open: fresh, whole, torn anywhere, by zeros, by sectors, changed anywhere, changed
  position, zeros behind, a hole before later frames
- copy: while it is written, torn, changed
- failures: disk full (a real limit), failed fsync, second opener
"""

import os
import resource
import signal
import struct
import subprocess
import sys
import zlib
from itertools import combinations

import pytest

from backend.engine import log as log_module
from backend.engine import log_frames
from backend.engine.log import LocalLog, LogCorrupted, LogFailed, LogLocked, copy_log
from backend.protocol.errors import DiskFull
from backend.protocol.hashing import sha256

FRAMES = ([b"one", b""], [b"two" * 40], [b"three", b"four", b"\0" * 5])
ENTRIES = [entry for frame in FRAMES for entry in frame]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "orders.log"


def written(path, frames=FRAMES):
    """Return the offsets of the frames, and the end."""
    offsets = []
    with LocalLog(path) as log:
        for frame in frames:
            offsets.append(path.stat().st_size)
            log.append(frame)
    return [*offsets, path.stat().st_size]


def entries_of(path):
    with LocalLog(path) as log:
        return list(log.read())


def test_append__several_frames__succeeds(path):
    with LocalLog(path) as log:
        positions = [log.append(frame) for frame in FRAMES]

        assert positions == [0, 2, 3]
        assert log.next_position == 6
        assert list(log.read()) == ENTRIES
    assert entries_of(path) == ENTRIES


def test_append__bytes_of_the_frame__succeeds(path):
    written(path, [[b"ab"]])

    checked = struct.pack(">QIII", 0, 1, 6, 0)
    content = checked + struct.pack(">I", zlib.crc32(checked)) + b"\0\0\0\2ab"
    content = content.ljust(512 - 32, b"\0")
    assert path.read_bytes() == content + sha256(bytes(32), content)


def test_append__entries_in_a_row__succeeds(path, tmp_path):
    written(path)

    with LocalLog(tmp_path / "rows") as log:
        bodies = [log_frames.body_of(frame) for frame in FRAMES]
        positions = [
            log.append_body(body, len(frame)) for body, frame in zip(bodies, FRAMES, strict=True)
        ]
        assert positions == [0, 2, 3]
        assert list(log.read_frames()) == list(zip(positions, bodies, strict=True))
    assert (tmp_path / "rows").read_bytes() == path.read_bytes()


def test_append__nothing__changes_nothing(path):
    with LocalLog(path) as log:
        log.append([b"one"])
        size_bytes = path.stat().st_size

        assert log.append([]) == 1
        assert path.stat().st_size == size_bytes


def test_append__closed__rejects(path):
    log = LocalLog(path)
    log.close()
    log.close()

    with pytest.raises(LogFailed, match="closed"):
        log.append([b"one"])


@pytest.mark.parametrize("position", range(8))
def test_read__any_position__succeeds(path, position):
    written(path)

    with LocalLog(path) as log:
        assert list(log.read(position)) == ENTRIES[position:]


@pytest.mark.parametrize(("position", "firsts"), [(0, [0, 2, 3]), (1, [0, 2, 3]), (2, [2, 3]),
    (3, [3]), (5, [3]), (6, []), (7, [])])  # fmt: skip
def test_read_frames__any_position__succeeds(path, position, firsts):
    written(path)

    with LocalLog(path) as log:
        assert [first for first, _ in log.read_frames(position)] == firsts


def test_read__appended_meanwhile__changes_nothing(path):
    with LocalLog(path) as log:
        log.append([b"one"])
        reading = log.read()
        log.append([b"two"])

        assert list(reading) == [b"one"]


def test_open__last_frame_cut_anywhere__succeeds(path):
    *_, last, end = written(path)
    whole = path.read_bytes()

    for cut in range(last, end, 7):
        path.write_bytes(whole[:cut])
        with LocalLog(path) as log:
            assert list(log.read()) == ENTRIES[:3], cut
            assert path.stat().st_size == last
            log.append([b"again"])
        assert entries_of(path) == [*ENTRIES[:3], b"again"]


@pytest.mark.parametrize("zeros_after", [0, 1, 4096])
def test_open__last_frame_zero_from_any_byte__succeeds(path, zeros_after):
    *_, last, end = written(path)
    whole = path.read_bytes()

    for cut in range(last, end - 8, 7):
        path.write_bytes(whole[:cut] + bytes(end - cut + zeros_after))
        assert entries_of(path) == ENTRIES[:3], cut


def test_open__byte_changed_anywhere__rejects(path):
    offsets = written(path)
    whole = path.read_bytes()

    for at in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[at] ^= 1 + at % 255
        path.write_bytes(changed)
        with pytest.raises(LogCorrupted) as caught:
            LocalLog(path)
        frame = max(index for index, offset in enumerate(offsets) if offset <= at)
        assert (caught.value.path, caught.value.frame) == (path, frame)
        assert caught.value.offset == offsets[frame]


def test_open__changed_frame_ends_in_a_zero_byte__rejects(path):
    """One frame in 256 does, and is no more torn than the others."""
    number = next(
        number
        for number in range(10_000)
        if log_frames.frame_of(bytes(32), 0, 1, struct.pack(">II", 4, number))[1][-1] == 0
    )
    written(path, [[struct.pack(">I", number)]])
    changed = bytearray(path.read_bytes())
    assert changed[-1] == 0
    changed[31] ^= 1
    path.write_bytes(changed)

    with pytest.raises(LogCorrupted):
        LocalLog(path)


def test_open__frames_exchanged_with_another_log__rejects(path, tmp_path):
    offsets = written(path)
    other = tmp_path / "other.log"
    written(other, [[b"ONE", b""], *FRAMES[1:]])
    mixed = other.read_bytes()[: offsets[1]] + path.read_bytes()[offsets[1] :]
    path.write_bytes(mixed)

    with pytest.raises(LogCorrupted) as caught:
        LocalLog(path)

    assert caught.value.frame == 1


# Six sectors; the third and the fourth are honest zeros.
SECTORS = [b"a" * 900, bytes(1500), b"b" * 500]


def test_open__sectors_never_written__succeeds(path):
    """A disk writes a frame's sectors in any order: some are still the zeros of before."""
    first, end = written(path, [[b"kept"], SECTORS])[1:]
    whole = path.read_bytes()
    assert (end - first) // 512 == 6
    lost_ones = [lost for count in range(1, 5) for lost in combinations((0, 1, 4, 5), count)]

    for lost in lost_ones:
        torn = bytearray(whole + bytes(2048))
        for sector in lost:
            torn[first + 512 * sector : first + 512 * (sector + 1)] = bytes(512)
        path.write_bytes(torn)
        assert entries_of(path) == [b"kept"], lost
        assert path.stat().st_size == first


@pytest.mark.parametrize("zeros_after", [0, 2048])
def test_open__byte_changed_beside_honest_zeros__rejects(path, zeros_after):
    first, end = written(path, [[b"kept"], SECTORS])[1:]
    whole = path.read_bytes() + bytes(zeros_after)

    for at in range(first, end, 7):
        changed = bytearray(whole)
        changed[at] ^= 1
        path.write_bytes(changed)
        with pytest.raises(LogCorrupted):
            LocalLog(path)


def test_open__sectors_lost_of_a_frame_before_others__rejects(path):
    """What was followed by another frame was durable, and is not torn."""
    first, last, end = written(path, [[b"kept"], SECTORS, [b"durable"]])[1:]
    whole = path.read_bytes() + bytes(2048)

    for sector in range(first // 512, last // 512):
        changed = bytearray(whole)
        changed[512 * sector : 512 * (sector + 1)] = bytes(512)
        path.write_bytes(changed)
        if changed == whole:
            continue
        with pytest.raises(LogCorrupted) as caught:
            LocalLog(path)
        assert caught.value.offset == first
    path.write_bytes(whole[:first] + bytes(last - first) + whole[last:end])
    with pytest.raises(LogCorrupted):
        LocalLog(path)


@pytest.mark.parametrize("zeros", [1, 511, 512, 4096, 1 << 21])
def test_open__zeros_behind__succeeds(path, zeros):
    *_, end = written(path)
    path.write_bytes(path.read_bytes() + bytes(zeros))

    assert entries_of(path) == ENTRIES
    assert path.stat().st_size == end


def test_copy_log__open_and_half_written__succeeds(path, tmp_path):
    *_, last, _ = written(path)
    whole = path.read_bytes()
    for data in (whole[:last], whole[: last + 100], whole[: last + 10], whole + bytes(4096)):
        path.write_bytes(data)
        copy_log(path, tmp_path / "copy")
        expected = ENTRIES if len(data) > len(whole) else ENTRIES[:3]
        assert entries_of(tmp_path / "copy") == expected
        assert path.read_bytes() == data
    assert (tmp_path / "copy").read_bytes() == whole


def test_copy_log__changed_byte__rejects(path, tmp_path):
    offsets = written(path)
    whole = path.read_bytes()
    for at in range(3, len(whole), 31):
        changed = bytearray(whole)
        changed[at] ^= 1
        path.write_bytes(changed)
        copy_log(path, tmp_path / "copy")
        with pytest.raises(LogCorrupted) as caught:
            LocalLog(tmp_path / "copy")
        assert caught.value.offset == max(offset for offset in offsets if offset <= at)


def test_open__file_and_folder__holds(path, monkeypatch):
    """A process killed between write and fsync leaves a frame that is in memory alone."""
    written(path)
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (synced.append(os.fstat(file)), fsync(file)))

    entries_of(path)

    assert {stat.st_ino for stat in synced} == {path.stat().st_ino, path.parent.stat().st_ino}


def test_open__second_opener__rejects(path):
    with LocalLog(path), pytest.raises(LogLocked) as caught:
        LocalLog(path)

    assert caught.value.holder == str(os.getpid())
    assert entries_of(path) == []


def test_open__holder_was_killed__succeeds(path):
    script = (
        "import sys, time; from pathlib import Path; from backend.engine.log import LocalLog;"
        "log = LocalLog(Path(sys.argv[1])); log.append([b'one']);"
        "sys.stdout.write('up\\n'); sys.stdout.flush(); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "up\n"
        with pytest.raises(LogLocked):
            LocalLog(path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()

    assert entries_of(path) == [b"one"]


def test_append__disk_full__rejects(path):
    with LocalLog(path) as log:
        log.append([b"kept"])
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 30, limits[1]))
            with pytest.raises(DiskFull):
                log.append([b"too much" * 100])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

        with pytest.raises(LogFailed, match="opened again"):
            log.append([b"room again, but what is on the disk?"])
        assert list(log.read()) == [b"kept"]
    assert entries_of(path) == [b"kept"]


def test_append__fsync_failed__rejects(path, monkeypatch):
    def fail(_file):
        raise OSError(5, "Input/output error")

    with LocalLog(path) as log:
        log.append([b"kept"])
        with monkeypatch.context() as patch:
            patch.setattr(log_module, "_sync", fail)
            with pytest.raises(LogFailed, match="Input/output error"):
                log.append([b"unknown"])

        with pytest.raises(LogFailed):
            log.append([b"refused"])
        assert list(log.read()) == [b"kept"]
    # Unknown is not failed: the frame is there after all, and durable once it was opened.
    assert entries_of(path) == [b"kept", b"unknown"]


def test_append__frame_too_large__rejects(path, monkeypatch):
    monkeypatch.setattr(log_frames, "BODY_BYTES_MAX", 10)

    with LocalLog(path) as log:
        with pytest.raises(ValueError, match="fewer entries"):
            log.append([b"eleven bytes"])
        assert log.append([b"six"]) == 0
