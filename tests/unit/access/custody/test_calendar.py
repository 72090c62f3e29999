"""When payments of a schedule are due.

- once, day, week; month: the same day, the month's last if it is shorter, from the first date
- over a year's end, in leap years; always later than the one before
"""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.access.custody.calendar import due_ts_s


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("first", "every", "ordinal", "expected"),
    [
        ("2027-01-15 08:00:00", "once", 0, "2027-01-15 08:00:00"),
        ("2027-01-15 08:00:00", "day", 20, "2027-02-04 08:00:00"),
        ("2027-01-15 08:00:00", "week", 2, "2027-01-29 08:00:00"),
        ("2027-01-31 23:59:59", "month", 0, "2027-01-31 23:59:59"),
        ("2027-01-31 23:59:59", "month", 1, "2027-02-28 23:59:59"),
        ("2027-01-31 23:59:59", "month", 2, "2027-03-31 23:59:59"),
        ("2027-01-31 23:59:59", "month", 13, "2028-02-29 23:59:59"),
        ("2027-12-30 00:00:00", "month", 2, "2028-02-29 00:00:00"),
        ("2027-11-15 08:00:00", "month", 25, "2029-12-15 08:00:00"),
    ],
)
def test_due_ts_s__calendar__holds(first, every, ordinal, expected):
    assert due_ts_s(moment(first), every, ordinal) == moment(expected)


@given(
    st.integers(moment("2024-01-01"), moment("2060-01-01")),
    st.sampled_from(["day", "week", "month"]),
    st.integers(0, 998),
)
def test_due_ts_s__next__is_later_holds(first_ts_s, every, ordinal):
    now_ts_s, next_ts_s = (due_ts_s(first_ts_s, every, ordinal + more) for more in (0, 1))

    assert 0 < next_ts_s - now_ts_s <= 31 * 24 * 3600
    assert (next_ts_s - first_ts_s) % (24 * 3600) == 0
    assert due_ts_s(first_ts_s, every, 0) == first_ts_s
