"""Recovery of the local log, whatever is left of the file.

The model is the list of entries whose append returned. A crash leaves the frame being written cut
anywhere, filled up with zeros from anywhere, or without some of its sectors, where zeros stood
before; a process may also end between write and fsync.
"""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.engine.log import LocalLog
from backend.engine.log_frames import body_of

_entries = st.binary(max_size=80) | st.integers(0, 2500).map(bytes)
_frame = st.lists(_entries, min_size=1, max_size=4)
_frames = st.lists(_frame, max_size=6)
# A crash in the middle of a frame: how much of it was written, and what came of the rest.
_crashes = st.tuples(
    _frame,
    st.integers(min_value=0, max_value=10_000),
    st.sampled_from(["cut", "zeros", "sectors", "whole"]),
)


@settings(max_examples=300, deadline=None)
@given(lives=st.lists(st.tuples(_frames, _crashes), min_size=1, max_size=5))
def test_recovery__crashes_at_any_byte__holds(lives):
    model: list[bytes] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "orders.log")
        for frames, (last_frame, written, rest) in lives:
            with LocalLog(path) as log:
                assert list(log.read()) == model
                for frame in frames:
                    if written % 2:
                        assert log.append(frame) == len(model)
                    else:
                        assert log.append_body(body_of(frame), len(frame)) == len(model)
                    model += frame
                durable_bytes = path.stat().st_size
                log.append(last_frame)
            whole = path.read_bytes()
            # Eight bytes short of the end: fewer zeros may be the honest end of a hash.
            cut = min(durable_bytes + written, len(whole) - 9)
            if rest == "cut":
                path.write_bytes(whole[:cut])
            elif rest == "zeros":
                path.write_bytes(whole[:cut].ljust(len(whole), b"\0"))
            elif rest == "sectors" and (torn := without_sectors(whole, durable_bytes, written)):
                path.write_bytes(torn)
            else:
                model += last_frame
        with LocalLog(path) as log:
            assert list(log.read()) == model
            assert log.next_position == len(model)


def without_sectors(whole: bytes, start: int, which: int) -> bytes | None:
    """Return the file without some sectors of its last frame; None if nothing is missing then."""
    torn = bytearray(whole + bytes(4096))
    for bit, at in enumerate(range(start, len(whole), 512)):
        if which >> bit & 1:
            torn[at : at + 512] = bytes(512)
    return None if torn.startswith(whole) else bytes(torn)
