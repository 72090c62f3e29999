"""Runs the platform in the foreground: `python -m backend`.

What an operator can mend is told in one line on stderr, with exit code 1; a bug of ours keeps its
traceback.
"""

import asyncio
import contextlib
import logging
import os
import sys
from typing import Final

import structlog
from pydantic import ValidationError

from backend.app import serve
from backend.config import settings
from backend.deploying import NotDeployed
from backend.engine.log import LogError
from backend.engine.recovery import WrongLog
from backend.keys import KeyUnreadable
from backend.protocol.errors import ChainUnavailable, DiskFull
from backend.records.database import DatabaseUnreadable
from backend.serving import PortTaken
from backend.settlement.deployment_file import DeploymentOutdated
from backend.settlement.watcher import ConfirmedBlockGone

# The message of each says what is wrong and what to do.
EXPECTED: Final = (
    ChainUnavailable,
    ConfirmedBlockGone,
    DatabaseUnreadable,
    DeploymentOutdated,
    DiskFull,
    KeyUnreadable,
    LogError,
    NotDeployed,
    PortTaken,
    WrongLog,
)


class Output:
    """Standard output for log lines, which may be a file on a full disk. Law: a line that can't be
    written is lost, and nothing else is: no log line is worth a payment."""

    def write(self, text: str) -> int:
        """Write `text` at once, as far as that can be done."""
        with contextlib.suppress(OSError):
            os.write(sys.stdout.fileno(), text.encode(errors="replace"))
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""


def main() -> int:
    """Serve until the process is told to end; return the exit code."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=Output()),  # type: ignore[arg-type]
    )
    try:
        asyncio.run(serve(settings()))
    except Exception as error:
        lines = explained(error)
        if not lines:
            raise
        sys.stderr.writelines(f"causeway: {line}\n" for line in lines)
        return 1
    return 0


def explained(error: BaseException) -> list[str]:
    """Return what to tell the operator, a line for each error; nothing if one is a bug of ours."""
    if isinstance(error, ExceptionGroup):
        parts = [explained(one) for one in error.exceptions]
        return [line for part in parts for line in part] if all(parts) else []
    if isinstance(error, ValidationError):
        return [f"{'.'.join(map(str, one['loc']))} {one['msg']}".strip() for one in error.errors()]
    if isinstance(error, ChainUnavailable):
        return [
            f"no node answers at {settings().rpc_url}. Start it, or set CAUSEWAY_RPC_URL to one "
            "that runs."
        ]
    return [" ".join(str(error).split())] if isinstance(error, EXPECTED) else []


if __name__ == "__main__":
    sys.exit(main())
