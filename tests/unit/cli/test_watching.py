"""How `causeway watch` says what it found; what it finds: tests/e2e/test_exit_story.py."""

from backend.cli import watching
from backend.settlement.watching.challenger import Standing

FINE = Standing(3, 2, 4, [])
BAD = Standing(3, 2, 4, ["batch 4 is false: chunk 0"])


def test_lines__standing__say_what_is_wrong_holds():
    assert watching._lines(FINE) == ["batch 3 of 4, 2 settled: nothing is wrong"]
    assert watching._lines(BAD) == [
        "batch 3 of 4, 2 settled: ALARM",
        "  batch 4 is false: chunk 0",
    ]


def test_lines__not_all_is_known_or_frozen__is_said_holds():
    standing = Standing(3, 2, 4, [], unshown=[3], frozen_ts_s=1_800_000_000)

    assert watching._lines(standing)[1:] == [
        "  batch 3: its orders are not shown yet",
        "  frozen since 2027-01-15 08:00:00 UTC: see docs/guides/leaving.md",
    ]


def test_view__standing__has_its_alarms_holds():
    assert watching._view(BAD) == {
        "object": "watch",
        "batch": 3,
        "tip": 4,
        "settled": 2,
        "alarms": ["batch 4 is false: chunk 0"],
        "unshown_batches": [],
        "frozen_ts_s": None,
    }
