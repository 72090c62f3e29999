"""Frames of the local log. What files of them mean is in test_log.py.

- bytes: whole sectors; sectors of zeros counted | too large a body
- problems: of a head, of a hash
"""

import pytest

from backend.engine import log_frames
from backend.engine.log_frames import (
    Head,
    body_of,
    entries_of,
    frame_of,
    hash_problem,
    head_problem,
)

PARENT = bytes(range(32))


def frame(entries, position=7):
    parts, chain_hash = frame_of(PARENT, position, len(entries), body_of(entries))
    data = b"".join(parts)
    assert data.endswith(chain_hash)
    return data


@pytest.mark.parametrize("entry_bytes", [0, 1, 451, 452, 453, 963, 964, 965, 5000])
def test_frame_of__any_size__whole_sectors_holds(entry_bytes):
    entries = [b"\1" * entry_bytes]
    data = frame(entries)
    head = Head.decode(data)

    assert len(data) == head.frame_bytes == -(-(24 + 4 + entry_bytes + 32) // 512) * 512
    assert head[:4] == (7, 1, 4 + entry_bytes, 0)
    assert list(entries_of(data[24 : 24 + head.body_bytes])) == entries
    assert head_problem(data[:24], 7) is None
    assert hash_problem(PARENT, data) is None


@pytest.mark.parametrize("zeros_before", [0, 1, 483, 484, 485, 996])
@pytest.mark.parametrize("zeros", [0, 480, 481, 512, 1023, 1024, 1500, 4096])
@pytest.mark.parametrize("after", [b"", b"\1", b"\1" * 40, b"\1" * 480])
def test_frame_of__zeros_within__are_counted_holds(zeros_before, zeros, after):
    data = frame([b"\1" * zeros_before + bytes(zeros) + after])

    sectors = [data[start : start + 512] for start in range(0, len(data), 512)]
    assert Head.decode(data).zero_sectors == sectors.count(bytes(512))


def test_head_problem__of_each_kind__rejects():
    data = frame([b"one"])

    assert head_problem(data[:23], 7) == "its head is cut short"
    assert head_problem(data[:24], 8) == "it should begin at position 8"
    for at in range(24):
        changed = bytearray(data[:24])
        changed[at] ^= 1
        assert head_problem(bytes(changed), 7) == "the checksum of its head"


def test_hash_problem__other_parent_or_byte__rejects():
    data = frame([b"one"])
    changed = bytearray(data)
    changed[300] ^= 1  # padding

    assert hash_problem(bytes(32), data) == hash_problem(PARENT, bytes(changed)) == "its chain hash"


def test_frame_of__body_too_large__rejects(monkeypatch):
    monkeypatch.setattr(log_frames, "BODY_BYTES_MAX", 7)

    with pytest.raises(ValueError, match="fewer entries"):
        frame([b"four"])
    assert frame([b"six"])
