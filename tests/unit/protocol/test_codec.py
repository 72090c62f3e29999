"""Reading bytes.

- take: to the end | past it
- count: fits | can't fit
- finish: nothing left | something left
- size: right | wrong
"""

import pytest

from backend.protocol.codec import Reader, need
from backend.protocol.errors import MalformedBytes


def test_reader__whole_data__succeeds():
    reader = Reader(b"\x01\x02\x03\x04\x05")

    assert reader.uint(2) == 0x0102
    assert reader.take(1) == b"\x03"
    assert (reader.position, reader.remaining) == (3, 2)
    assert reader.rest() == b"\x04\x05"
    reader.finish()


def test_take__past_the_end__rejects():
    with pytest.raises(MalformedBytes, match="ends at byte 3, 4 were due at 0"):
        Reader(b"abc").uint(4)


def test_count__fits__succeeds():
    assert Reader(b"\0\0\0\x02abcd").count(2) == 2


def test_count__cannot_fit__rejects():
    with pytest.raises(MalformedBytes, match="3 records"):
        Reader(b"\0\0\0\x03abcd").count(2)


def test_finish__something_left__rejects():
    with pytest.raises(MalformedBytes, match="1 bytes too many"):
        Reader(b"a").finish()


def test_need__wrong_size__rejects():
    need(2, b"ab", "a pair")
    with pytest.raises(MalformedBytes, match="a pair has 2 bytes, not 3"):
        need(2, b"abc", "a pair")
