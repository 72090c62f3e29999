"""Sends orders that we sign. Law: one task, one executed order, whenever the process dies.

An order is kept before it is sent, and a repeat sends the same one. Only when that one can never be
executed any more is another signed: it was rejected, its nonce is used by another, or its time is
over by a final block. By our clock alone that counts only if the new order takes the same nonce,
since two orders of one nonce exclude each other.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Literal
from weakref import WeakValueDictionary

from starlette.concurrency import run_in_threadpool

from backend.access.accepted import AcceptedOrders
from backend.access.ports import Node
from backend.access.views import rejection_code
from backend.protocol.eip712 import Domain
from backend.protocol.errors import BackPressure, NonceGap, NonceTooLow, PaymentError
from backend.protocol.hashing import Digest
from backend.protocol.order_records import OrderRecord, SignedOrder, decode_record
from backend.records.reader import Reader
from backend.records.registers.kept_orders import KeptOrder, KeptOrders

_RECORDS_WAIT_MS: Final = 10_000
_RECORDS_POLL_MS: Final = 20
_RETRY_AFTER_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Standing:
    """How a kept order stands. *open*: it may be sent; *dead*: it can never be executed."""

    status: Literal["final", "rejected", "pending", "open", "dead"]
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A kept order that the node has: pending, final, or rejected with a code."""

    kept: KeptOrder
    standing: Standing


@dataclass(frozen=True, slots=True)
class Made:
    """A record to be sent, and how much of it goes to the payee and back."""

    record: OrderRecord
    paid_minor: int
    returned_minor: int = 0


Make = Callable[[], Awaitable[Made]]


def busy() -> BackPressure:
    """Return the refusal of what may be asked again in a moment, by the same request."""
    return BackPressure(_RETRY_AFTER_MS)


class Locks:
    """A lock for each name, as long as somebody has it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def take(self, name: str) -> AsyncIterator[None]:
        """Let one at a time in."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            yield


class OrderSender:
    """Keeps orders and sends them."""

    def __init__(
        self,
        node: Node,
        reader: Reader,
        register: KeptOrders,
        accepted: AcceptedOrders,
        domain: Domain,
        clock_ms: Callable[[], int],
    ) -> None:
        self._node = node
        self._reader = reader
        self._register = register
        self._accepted = accepted
        self._domain = domain
        self._clock_ms = clock_ms
        self.locks = Locks()

    async def send(
        self,
        task: str,
        owner_id: str,
        make: Make,
        *,
        wait_ms: int,
        renews_rejected: bool = False,
    ) -> Sent:
        """Have a task's order executed, and wait for its end at most `wait_ms`.

        `make` signs it, if there is none or the last one can't be executed any more. A repeat
        sends the same order and tells how it stands. Raises PaymentError; then nothing was sent,
        and the order is kept for a repeat.
        """
        async with self.locks.take(owner_id):
            kept = await run_in_threadpool(self._register.newest, task)
            standing = Standing("dead") if kept is None else await self.standing(kept)
            if standing.status == "dead" or (standing.status == "rejected" and renews_rejected):
                kept = await self._keep(task, owner_id, await make())
                standing = Standing("open")
            assert kept is not None
            if standing.status == "open":
                standing = await self._submit(kept)
        if standing.status == "pending":
            standing = await self._end_of(kept, wait_ms) or standing
        return Sent(kept, standing)

    def kept_of(self, task: str, owner_id: str, made: Made) -> KeptOrder:
        """Return an order as it is kept for a task."""
        record = made.record
        return KeptOrder(
            task,
            owner_id,
            record.encode(),
            record.record_id(self._domain),
            record.orders[0].digest(self._domain),
            made.paid_minor,
            made.returned_minor,
            self._clock_ms(),
        )

    async def standing(self, kept: KeptOrder) -> Standing:
        """Return how an order stands. Raises BackPressure while the records lag behind."""
        ended = await self._end_of(kept, 0)
        if ended is not None:
            return ended
        if self._is_pending(kept):
            return Standing("pending")
        ts_s = await self.records_time()
        found = await run_in_threadpool(self._recorded, kept)
        if found is not None:
            return found
        if self._is_pending(kept):
            return Standing("pending")
        return Standing("dead" if self._is_dead(kept, ts_s) else "open")

    async def executed(self, kept: Sequence[KeptOrder]) -> list[KeptOrder]:
        """Return those orders that are final, each once.

        Raises BackPressure while the records lag behind.
        """
        by_id = {one.order_id: one for one in kept}
        ended = {one.order_id: await self._end_of(one, 0) for one in by_id.values()}
        if None in ended.values():
            await self.records_time()
        unknown = [order_id for order_id, standing in ended.items() if standing is None]
        recorded = await run_in_threadpool(self._payments_among, unknown)
        return [
            one
            for order_id, one in by_id.items()
            if order_id in recorded or ended[order_id] == Standing("final")
        ]

    async def records_time(self) -> int:
        """Wait until the records hold all that is final now; return the last block's time.

        Raises BackPressure while they lag behind.
        """
        number = self._node.status().block_number
        left_ms = _RECORDS_WAIT_MS
        while await run_in_threadpool(self._reader.block_number) < number:
            if left_ms <= 0:
                raise busy()
            await asyncio.sleep(_RECORDS_POLL_MS / 1000)
            left_ms -= _RECORDS_POLL_MS
        block = await run_in_threadpool(self._reader.block, number)
        return 0 if block is None else block.ts_ms // 1000

    async def _keep(self, task: str, owner_id: str, made: Made) -> KeptOrder:
        kept = self.kept_of(task, owner_id, made)
        await run_in_threadpool(self._register.add, kept)
        return kept

    async def _submit(self, kept: KeptOrder) -> Standing:
        record = decode_record(kept.record)
        try:
            await self._node.submit(record)
        except PaymentError as error:
            standing = await self.standing(kept)  # it may have been sent before, and be decided
            if standing.status not in ("open", "dead"):
                return standing
            if isinstance(error, NonceTooLow | NonceGap):
                raise busy() from error  # another order of the key came between: a repeat helps
            raise
        if isinstance(record, SignedOrder):
            self._accepted.add(kept.order_id, record, self._clock_ms())
        return Standing("pending")

    def _is_pending(self, kept: KeptOrder) -> bool:
        return self._node.order(Digest(kept.order_id)) is not None

    async def _end_of(self, kept: KeptOrder, wait_ms: int) -> Standing | None:
        outcome = await self._node.wait_final(Digest(kept.order_id), wait_ms)
        if outcome is None:
            return None
        return Standing("final") if outcome.is_final else Standing("rejected", outcome.code)

    def _recorded(self, kept: KeptOrder) -> Standing | None:
        """Ask the records, which forget nothing."""
        order_id = kept.order_id
        if self._reader.payment(order_id) or self._reader.withdrawal(order_id):
            return Standing("final")
        rejection = self._reader.rejection(order_id)
        if rejection is None:
            return None
        return Standing("rejected", rejection_code(rejection.code))

    def _payments_among(self, order_ids: Sequence[bytes]) -> set[bytes]:
        return {order_id for order_id in order_ids if self._reader.payment(order_id) is not None}

    def _is_dead(self, kept: KeptOrder, block_ts_s: int) -> bool:
        order = decode_record(kept.record).orders[0]
        if order.valid_until < block_ts_s:
            return True
        assets = self._node.assets().values()
        asset_id = next((one.asset_id for one in assets if one.token == order.asset), 0)
        account = self._node.account(order.payer, asset_id)
        if account is None:
            return False
        is_over = order.valid_until < self._clock_ms() // 1000
        return account.nonce > order.nonce or (is_over and account.nonce_next == order.nonce)
