"""What custody does by itself: returns the money of holds that are over, and pays what is due.

Law: all of it can be repeated; what fails is logged and tried at the next round.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from traceback import format_exc
from typing import Final, Protocol, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from backend.access.custody.hold_orders import HoldOrders
from backend.access.custody.hold_states import state_of
from backend.access.custody.schedules import ScheduleDesk
from backend.access.services import Services
from backend.protocol.errors import InvariantViolated, PaymentError
from backend.protocol.types import Address
from backend.records.registers.holds import Hold

ROUND_MS: Final = 1_000
CLOSED_MS: Final = 600_000  # how often to look for money that came to holds that have ended
_PAGE: Final = 500
_AT_ONCE: Final = 50
_WAIT_MS: Final = 2_000

log = structlog.get_logger(__name__)


class _Numbered(Protocol):
    @property
    def number(self) -> int: ...


RowT = TypeVar("RowT", bound=_Numbered)


class CustodyRunner:
    """Looks at open holds and schedules, round after round."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._holds = services.needs.registers.custody.holds
        self._schedules = services.needs.registers.custody.schedules
        self._orders = HoldOrders(services)
        self._desk = ScheduleDesk(services)
        self._closed_ts_ms = 0

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                await self.round()
            except SQLAlchemyError as error:
                log.warning("custody_round_failed", reason=str(error))
            await asyncio.sleep(ROUND_MS / 1000)

    async def round(self) -> None:
        """Do once what has to be done now."""
        now_ms = self._services.needs.clock_ms()
        await self._each(self._holds.open, self._look_at_hold)
        if now_ms >= self._closed_ts_ms + CLOSED_MS:
            await self._each(self._holds.closed, self._look_at_closed)
            self._closed_ts_ms = now_ms
        await self._each(
            lambda after, limit: self._schedules.open(now_ms, after, limit),
            lambda schedule: self._desk.execute_due(schedule.id),
        )

    async def _each(
        self,
        read: Callable[[int, int], Sequence[RowT]],
        work: Callable[[RowT], Awaitable[None]],
    ) -> None:
        after = 0
        while rows := await run_in_threadpool(read, after, _PAGE):
            for start in range(0, len(rows), _AT_ONCE):
                await asyncio.gather(
                    *(self._one(row, work) for row in rows[start : start + _AT_ONCE])
                )
            after = rows[-1].number

    async def _one(self, row: RowT, work: Callable[[RowT], Awaitable[None]]) -> None:
        """Deal with a row; one that can't be dealt with must not stop the others' money."""
        try:
            await work(row)
        except PaymentError as error:
            log.info("custody_work_waits", number=row.number, code=error.code)
        except InvariantViolated:
            raise
        except Exception:
            log.error("custody_work_failed", number=row.number, error=format_exc())

    async def _look_at_hold(self, hold: Hold) -> None:
        """Give back what a hold that is over has, and close it when it is empty."""
        now_ms = self._services.needs.clock_ms()
        account = self._services.node.account(Address(hold.account), hold.asset_id)
        is_late = now_ms // 1000 > hold.expires_ts_s
        if not is_late and hold.released_ts_ms is None and not (account and account.nonce):
            return
        async with self._services.sender.locks.take(f"hold {hold.id}"):
            fresh = await run_in_threadpool(self._holds.get, hold.id)
            hold = hold if fresh is None else fresh
            state = await state_of(self._services, hold)
            if not state.is_over or state.is_pending:
                return
            if not self._orders.is_empty(hold, state):
                state = await self._orders.give_back(hold, f"hold:{hold.id}", _WAIT_MS)
            if self._orders.is_empty(hold, state) and not state.is_pending:
                await run_in_threadpool(self._holds.close, hold.id, now_ms)

    async def _look_at_closed(self, hold: Hold) -> None:
        """Open a hold again to which money came after its end."""
        account = self._services.node.account(Address(hold.account), hold.asset_id)
        if account is None or not account.balance_minor:
            return
        if not self._orders.is_empty(hold, await state_of(self._services, hold)):
            await run_in_threadpool(self._holds.close, hold.id, None)
