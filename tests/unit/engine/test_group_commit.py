"""Group commit.

- many writers share one fsync; each learns its position when it is durable, and not before
- stamps never run backwards
- too many waiting; a failed log; stopping
"""

import asyncio
import threading

import numpy as np
import pytest

from backend.engine.group_commit import GroupCommit
from backend.engine.log import LocalLog, LogFailed
from backend.engine.runs import OrderRun
from backend.engine.vector.records import RecordRun
from backend.protocol.errors import BackPressure
from backend.protocol.log_entries import Entry, OrderEntry
from backend.protocol.order_records import encode_records
from tests.unit.engine.committee import DOMAIN, START_MS, key, payment
from tests.unit.engine.nodes import until

ORDERS = [OrderEntry(payment(key("payer"), key("payee").address, 1, nonce)) for nonce in range(9)]


class SlowLog:
    """A log whose fsync takes until `go` is set."""

    def __init__(self, failure=None):
        self.frames = []
        self.go = threading.Event()
        self.failure = failure

    def append_body(self, body, count):
        entries = []
        while body:
            end = 4 + int.from_bytes(body[:4])
            entries.append(body[4:end])
            body = body[end:]
        assert len(entries) == count
        self.go.wait(60)
        if self.failure is not None:
            raise self.failure
        first = sum(map(len, self.frames))
        self.frames.append([Entry.decode(entry) for entry in entries])
        return first


@pytest.fixture
async def started():
    """Return a function that starts a group commit and is stopped at the end."""
    running = []

    def start(log, **options):
        heard = []
        clock = options.pop("clock_ms", lambda: START_MS)
        commit = GroupCommit(log, clock, lambda *frame: heard.append(frame), **options)
        running.append((commit, asyncio.create_task(commit.run())))
        return commit, heard

    yield start
    for commit, task in running:
        commit.stop()
        await asyncio.wait_for(task, 5)


async def test_put_all__frame_on_its_way__succeeds(started):
    log = SlowLog()
    commit, heard = started(log)
    futures = commit.put_all(ORDERS[:1])
    await asyncio.sleep(0.02)
    for order in ORDERS[1:]:
        futures += commit.put_all([order])
    await asyncio.sleep(0.02)
    assert not any(future.done() for future in futures)
    assert heard == []

    log.go.set()

    assert await asyncio.gather(*futures) == list(range(9))
    assert [len(frame) for frame in log.frames] == [1, 8]
    assert [first for first, _ in heard] == [0, 1]


async def test_put_all__clock_set_back__succeeds(started, tmp_path):
    times = iter([5, 3, 9])
    with LocalLog(tmp_path / "log") as log:
        commit, _ = started(log, clock_ms=lambda: next(times), last_stamp_ms=4)
        for order in ORDERS[:3]:
            await commit.put_all([order])[0]
        stamps = [Entry.decode(entry).stamp_ms for entry in log.read()]

    assert stamps == [5, 5, 9]


async def test_put_all__too_many_waiting__rejects(started):
    log = SlowLog()
    commit, _ = started(log, waiting_max=3)
    futures = commit.put_all(ORDERS[:3])

    with pytest.raises(BackPressure):
        commit.put_all(ORDERS[3:4])

    commit.put(ORDERS[4])  # the engine's own entries are never refused
    log.go.set()
    await asyncio.gather(*futures)
    await commit.put_all(ORDERS[3:4])[0]


async def test_put_all__log_fails__rejects(started, tmp_path):
    failure = LogFailed(tmp_path, "no disk")
    log = SlowLog(failure)
    commit, heard = started(log)
    first = commit.put_all(ORDERS[:1])
    await asyncio.sleep(0.02)
    second = commit.put_all(ORDERS[1:3])

    log.go.set()
    results = await asyncio.gather(*first, *second, return_exceptions=True)

    assert results == [failure] * 3
    assert heard == []
    with pytest.raises(LogFailed):
        commit.put_all(ORDERS[4:])


async def test_stop__entries_wait__succeeds(started, tmp_path):
    with LocalLog(tmp_path / "log") as log:
        commit, heard = started(log)
        commit.put(ORDERS[0])
        commit.stop()
        await until(lambda: heard)

        assert log.next_position == 1
        assert len(heard) == 1


async def test_put_all__nobody_waits_any_more__succeeds(started):
    log = SlowLog()
    commit, heard = started(log)
    (future,) = commit.put_all(ORDERS[:1])
    await asyncio.sleep(0.02)
    future.cancel()
    log.go.set()
    await commit.put_all(ORDERS[1:2])[0]

    assert len(heard) == 2


async def test_put_run__between_others__has_its_places_holds(started):
    log = SlowLog()
    commit, heard = started(log)
    records = RecordRun(encode_records(entry.record for entry in ORDERS[:5]))
    ids = tuple(entry.record.record_id(DOMAIN) for entry in ORDERS[:5])
    run = OrderRun(records, ids, np.zeros(5, np.int64), np.zeros(5, np.uint64))

    (before,) = commit.put_all(ORDERS[5:6])
    first = commit.put_run(run)
    (after,) = commit.put_all(ORDERS[6:7])
    log.go.set()

    assert await asyncio.gather(before, first, after) == [0, 1, 6]
    assert [entry.payload for frame in log.frames for entry in frame] == [
        ORDERS[5],
        *ORDERS[:5],
        ORDERS[6],
    ]
    assert [len(entries) for _, entries in heard] == [3]
    assert heard[0][1][1].run is run


async def test_put_run__more_than_may_wait__rejects(started):
    commit, _ = started(SlowLog(), waiting_max=4)
    records = RecordRun(encode_records(entry.record for entry in ORDERS[:5]))
    run = OrderRun(records, (b"",) * 5, np.zeros(5, np.int64), np.zeros(5, np.uint64))

    with pytest.raises(BackPressure):
        commit.put_run(run)

    assert commit.room == 4
