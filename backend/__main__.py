"""Runs the platform in the foreground: `python -m backend`."""

import asyncio
import logging

import structlog

from backend.app import serve
from backend.config import settings


def main() -> None:
    """Serve until the process is told to end."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )
    asyncio.run(serve(settings()))


if __name__ == "__main__":
    main()
