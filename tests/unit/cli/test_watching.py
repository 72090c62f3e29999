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


def test_view__standing__has_its_alarms_holds():
    assert watching._view(BAD) == {
        "object": "watch",
        "batch": 3,
        "tip": 4,
        "settled": 2,
        "alarms": ["batch 4 is false: chunk 0"],
    }
