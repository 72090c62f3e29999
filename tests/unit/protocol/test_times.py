"""Times as people read them."""

import pytest

from backend.protocol.times import time_text


@pytest.mark.parametrize(
    ("ts_s", "text"),
    [
        (0, "1970-01-01 00:00:00 UTC"),
        (1_800_000_000, "2027-01-15 08:00:00 UTC"),
        (253_402_300_799, "9999-12-31 23:59:59 UTC"),
    ],
)
def test_time_text__time__succeeds(ts_s, text):
    assert time_text(ts_s) == text


def test_time_text__no_calendar_has_it__rejects():
    with pytest.raises(ValueError, match="year"):
        time_text(253_402_300_800)
