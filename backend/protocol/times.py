"""Times as people read them."""

from datetime import UTC, datetime


def time_text(ts_s: int) -> str:
    """Return a time in seconds as a date and a time of day. Raises ValueError after year 9999."""
    return f"{datetime.fromtimestamp(ts_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
