"""Scheduled payments of customers whose keys we keep. Law: an occurrence is paid once, or skipped.

What became due while nobody was here is made up for, the oldest first. An occurrence that can't be
paid is tried again for a day; then it is skipped, and says why.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import structlog
from starlette.concurrency import run_in_threadpool

from backend.access.building import (
    amount_minor_of,
    check_parties,
    fee_minor_of,
    nonce_next,
    payment_order,
)
from backend.access.collecting.memos import check_memos
from backend.access.custody.calendar import due_ts_s
from backend.access.custody.customers import customer_of, payer_of, scope_id
from backend.access.custody.schemas import ScheduleIn
from backend.access.custody.sending import Made, Sent
from backend.access.errors import is_transient
from backend.access.services import Services
from backend.access.settings import WAIT_FINAL_MS_MAX
from backend.access.texts import memo_of, ts_s_of
from backend.protocol import errors
from backend.protocol.orders import PaymentOrder
from backend.protocol.types import Address
from backend.records.registers.api_keys import ApiKey
from backend.records.registers.customers import Customer
from backend.records.registers.schedules import Occurrence, Schedule

AHEAD_S_MAX: Final = 5 * 366 * 24 * 3600
BEHIND_S_MAX: Final = 3600  # a clock that is behind, a request that was long on its way
WINDOW_MS: Final = 24 * 3600 * 1000
RETRY_MS: Final = 60_000

log = structlog.get_logger(__name__)


class ScheduleDesk:
    """Everything that happens to a schedule."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._register = services.needs.registers.custody.schedules

    async def get(self, schedule_id: str) -> Schedule:
        """Return a schedule. Raises ScheduleNotFound."""
        found = await run_in_threadpool(self._register.get, schedule_id)
        if found is None:
            raise errors.ScheduleNotFound(schedule_id)
        return found

    async def create(self, wish: ScheduleIn, scope: str, caller: ApiKey) -> Schedule:
        """Make a schedule. `scope` is the request's key: a repeat returns the same one.

        Raises CustomerNotFound, PermissionDenied, FirstTimeInvalid, MalformedRequest, and what is
        wrong with the payment.
        """
        _, customer = await payer_of(self._services, wish.customer_id, caller)
        if customer is None:
            raise errors.CustomerNotFound(wish.customer_id)
        first_ts_s = ts_s_of(wish.first_at, "first_at")
        now_ms = self._services.needs.clock_ms()
        now_ts_s = now_ms // 1000
        if not now_ts_s - BEHIND_S_MAX <= first_ts_s <= now_ts_s + AHEAD_S_MAX:
            raise errors.FirstTimeInvalid(first_ts_s, now_ts_s, now_ts_s + AHEAD_S_MAX)
        if wish.every == "once" and wish.count != 1:
            raise errors.MalformedRequest("count", "what happens once has a count of 1")
        named = await self._services.assets.find(wish.asset)
        amount_minor = amount_minor_of(wish.amount)
        check_parties(customer.address, wish.payee)
        schedule = Schedule(
            0,
            f"sch_{scope_id(scope)}",
            customer.id,
            wish.payee,
            named.asset_id,
            amount_minor,
            memo_of(wish.memo),
            first_ts_s,
            wish.every,
            wish.count,
            0,
            first_ts_s * 1000,
            now_ms,
        )
        return await run_in_threadpool(self._register.add, schedule)

    async def cancel(self, schedule_id: str) -> Schedule:
        """Pay nothing more by a schedule, but what is on its way. A repeat changes nothing."""
        async with self._services.sender.locks.take(schedule_id):
            schedule = await self.get(schedule_id)
            if schedule.ended_ts_ms is None:
                now_ms = self._services.needs.clock_ms()
                await run_in_threadpool(self._register.cancel, schedule_id, now_ms)
            return await self.get(schedule_id)

    async def execute_due(self, schedule_id: str) -> None:
        """Pay what is due by now, the oldest first. A repeat pays nothing twice."""
        async with self._services.sender.locks.take(schedule_id):
            schedule = await self._begun(await self.get(schedule_id))
            customer = await customer_of(self._services, schedule.customer_id)
            left = []
            for occurrence in await run_in_threadpool(self._register.due, schedule.id):
                changed = await self._execute(schedule, customer, occurrence)
                if changed != occurrence:
                    await run_in_threadpool(self._register.save, changed)
                if changed.status == "due":
                    left.append(changed.next_try_ts_ms or 0)
            await self._plan(schedule, left)

    async def _begun(self, schedule: Schedule) -> Schedule:
        """Write the occurrences that have become due, unless no more are wanted."""
        if schedule.cancelled_ts_ms is not None:
            return schedule
        now_ts_s = self._services.needs.clock_ms() // 1000
        due = []
        for ordinal in range(schedule.begun, schedule.count):
            ts_s = due_ts_s(schedule.first_ts_s, schedule.every, ordinal)
            if ts_s > now_ts_s:
                break
            due.append(Occurrence(schedule.id, ordinal, ts_s, "due"))
        begun = schedule.begun + len(due)
        await run_in_threadpool(self._register.begin, due, begun)
        return replace(schedule, begun=begun)

    async def _plan(self, schedule: Schedule, next_tries_ts_ms: Sequence[int]) -> None:
        """Note when there will be something to do, or that there is nothing left."""
        moments = [*next_tries_ts_ms]
        if schedule.begun < schedule.count and schedule.cancelled_ts_ms is None:
            next_ts_s = due_ts_s(schedule.first_ts_s, schedule.every, schedule.begun)
            moments.append(next_ts_s * 1000)
        if moments:
            await run_in_threadpool(self._register.look_at, schedule.id, min(moments))
        else:
            now_ms = self._services.needs.clock_ms()
            await run_in_threadpool(self._register.end, schedule.id, now_ms)

    async def _execute(
        self, schedule: Schedule, customer: Customer, occurrence: Occurrence
    ) -> Occurrence:
        """Try to pay an occurrence; return what became of it."""
        now_ms = self._services.needs.clock_ms()
        if now_ms < (occurrence.next_try_ts_ms or 0):
            return occurrence
        sent = await self._on_its_way(schedule, occurrence)
        tried_ts_ms = occurrence.tried_ts_ms or now_ms
        is_late = now_ms > tried_ts_ms + WINDOW_MS
        if sent is None and (schedule.cancelled_ts_ms is not None or is_late):
            status = "skipped" if schedule.cancelled_ts_ms is None else "cancelled"
            return replace(occurrence, status=status, next_try_ts_ms=None)
        tried = replace(occurrence, tried_ts_ms=tried_ts_ms)
        if occurrence.tried_ts_ms is None:
            await run_in_threadpool(self._register.save, tried)
        try:
            sent = sent or await self._send(schedule, customer, occurrence)
        except errors.PaymentError as error:
            log.info("occurrence_not_paid", schedule=schedule.id, code=error.code)
            # What passes by itself is tried again at once; the rest needs somebody to act.
            wait_ms = 0 if is_transient(error) else RETRY_MS
            return replace(tried, code=error.code, next_try_ts_ms=now_ms + wait_ms)
        if sent.standing.status == "final":
            return replace(
                tried,
                status="paid",
                code=None,
                next_try_ts_ms=None,
                payment_id=sent.kept.order_id,
            )
        if sent.standing.status == "rejected":
            return replace(tried, code=sent.standing.code, next_try_ts_ms=now_ms + RETRY_MS)
        return tried

    async def _on_its_way(self, schedule: Schedule, occurrence: Occurrence) -> Sent | None:
        """Return the occurrence's order if the node has it: nobody can take that back."""
        register = self._services.needs.registers.custody.kept_orders
        kept = await run_in_threadpool(register.newest, _task(schedule, occurrence))
        if kept is None:
            return None
        standing = await self._services.sender.standing(kept)
        return Sent(kept, standing) if standing.status in ("final", "pending") else None

    async def _send(self, schedule: Schedule, customer: Customer, occurrence: Occurrence) -> Sent:
        services = self._services

        async def make() -> Made:
            order = await self._order(schedule, customer)
            actor = f"schedule:{schedule.id}"
            signed = await services.needs.custody.sign(customer.id, order, "schedule", actor)
            await check_memos(services, signed)
            return Made(signed, schedule.amount_minor)

        return await services.sender.send(
            _task(schedule, occurrence),
            customer.id,
            make,
            wait_ms=WAIT_FINAL_MS_MAX,
            renews_rejected=True,
        )

    async def _order(self, schedule: Schedule, customer: Customer) -> PaymentOrder:
        services = self._services
        named = await services.assets.find(str(schedule.asset_id))
        payer = Address(customer.address)
        fee_minor = fee_minor_of(services, named, schedule.amount_minor, None)
        return payment_order(
            named.asset,
            payer,
            schedule.payee,
            schedule.amount_minor,
            fee_minor,
            nonce_next(services, payer, named),
            services.needs.clock_ms() // 1000 + services.settings.order_life_s,
            schedule.memo,
        )


def _task(schedule: Schedule, occurrence: Occurrence) -> str:
    return f"{schedule.id}/{occurrence.ordinal}"
