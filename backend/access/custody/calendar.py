"""When a schedule's payments are due. Law: a function of the schedule alone, in UTC."""

import calendar
from datetime import UTC, datetime, timedelta
from typing import Final

_DAYS: Final = {"day": 1, "week": 7}


def due_ts_s(first_ts_s: int, every: str, ordinal: int) -> int:
    """Return when occurrence number `ordinal` (from 0) is due, in seconds.

    A month later is the same day of the month and the same time of day, or the month's last day if
    it is shorter; it is counted from the first date, so 31 January is followed by 28 February and
    31 March.
    """
    first = datetime.fromtimestamp(first_ts_s, UTC)
    if every == "month":
        years, month = divmod(first.month - 1 + ordinal, 12)
        year = first.year + years
        day = min(first.day, calendar.monthrange(year, month + 1)[1])
        return int(first.replace(year=year, month=month + 1, day=day).timestamp())
    return int((first + timedelta(days=_DAYS.get(every, 0) * ordinal)).timestamp())
