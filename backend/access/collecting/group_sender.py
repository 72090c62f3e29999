"""Sends groups that all have signed and that the node has not taken. Law: unknown is asked again.

The last signature is durable before the group goes to the node. If the process ends in between, or
the node is too busy, the group is sent again under the same id.
"""

import asyncio
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from backend.access.collecting.groups import send_complete
from backend.access.services import Services
from backend.protocol.errors import InvariantViolated, PaymentError

_PAUSE_S: Final = 2

log = structlog.get_logger(__name__)


class GroupSender:
    """Follows complete groups in the background."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def run(self) -> None:
        """Send what is complete, now and then, for ever."""
        while True:
            try:
                await self.step()
            except SQLAlchemyError as error:  # what fails here is done the next time
                log.warning("groups_not_read", reason=str(error))
            await asyncio.sleep(_PAUSE_S)

    async def step(self) -> None:
        """Send each complete group once."""
        register = self._services.needs.registers.collecting.groups
        for group in await run_in_threadpool(register.complete):
            try:
                await send_complete(self._services, group)
            except PaymentError as error:
                log.info("group_waits", group=group.id.hex(), code=error.code)
            except InvariantViolated:
                raise
            except Exception as error:  # the node is down: readiness says so
                log.warning("group_not_sent", group=group.id.hex(), reason=repr(error))
