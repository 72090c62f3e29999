"""Pays authorised payouts. Law: what became of a line is the ledger's to say, never this module's.

A line's two orders share a nonce, so at most one of them is executed, however often either is sent.
That a line is to be skipped is written before its other order is sent. So the end of this process
at any moment costs nothing but a second look.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from backend.access.payouts.desk import PayoutDesk, orders_of
from backend.access.payouts.orders import SKIP_AMOUNT_MINOR, PayoutOrders
from backend.access.payouts.ports import PayeeCheck, PayingNode
from backend.access.settings import ApiSettings
from backend.access.views import rejection_code
from backend.protocol.errors import (
    BackPressure,
    ChainUnavailable,
    DiskFull,
    FeeTooLow,
    InsufficientFunds,
    InvariantViolated,
    NonceGap,
    NonceTooLow,
    NoQuorum,
    OrderExpired,
    PaymentError,
    RootUnknown,
    SignerUnknown,
)
from backend.protocol.hashing import Digest
from backend.protocol.types import Address, digest_text
from backend.records.reader import Reader
from backend.records.registers.payouts import PAID, SKIPPED, SKIPPING, LineEnd

CHUNK_LINES: Final = 1_000
_POLL_S: Final = 0.2
_WAIT_FINAL_MS: Final = 10_000
# The same order may be taken later: who is short of funds may be given more, fees may sink again.
_PASSING: Final = (
    BackPressure,
    NoQuorum,
    DiskFull,
    ChainUnavailable,
    RootUnknown,
    NonceGap,
    NonceTooLow,
    InsufficientFunds,
    FeeTooLow,
)
_NEVER_EXECUTED: Final = ("expired", "cancelled", "vetoed", "failed")

log = structlog.get_logger(__name__)


class PayoutRunner:
    """Follows all payouts that are in progress."""

    def __init__(
        self,
        desk: PayoutDesk,
        node: PayingNode,
        reader: Reader,
        payees: PayeeCheck,
        settings: ApiSettings,
        clock_ms: Callable[[], int],
    ) -> None:
        self._desk, self._node, self._reader = desk, node, reader
        self._payees, self._settings, self._clock_ms = payees, settings, clock_ms
        self._register = desk.register
        self._orders: dict[bytes, PayoutOrders] = {}
        self._waiting: set[bytes] = set()  # payouts that could not go on the last time

    async def run(self) -> None:
        """Follow for ever. What can't be done now is tried again."""
        while True:
            try:
                is_busy = await self.advance()
            except SQLAlchemyError as error:
                log.warning("payouts_wait", reason=repr(error))
                is_busy = False
            await asyncio.sleep(0 if is_busy else _POLL_S)

    async def advance(self) -> bool:
        """Bring each payout one step further; return whether any has come further. One that can't
        go on keeps no other from it.
        """
        is_busy = False
        for row in await run_in_threadpool(self._register.all_open):
            step = self._await_root if row.status == "proposed" else self._pay
            try:
                is_busy |= await step(row)
                self._waiting.discard(row.id)
            except InvariantViolated:
                raise
            except Exception as error:  # the node or the chain is down, and says so itself
                if row.id not in self._waiting:
                    payout = digest_text(row.id)
                    log.warning("payout_waits", payout=payout, reason=repr(error))
                self._waiting.add(row.id)
        return is_busy

    async def _await_root(self, row: Any) -> bool:
        try:
            row = await self._desk.propose(row)
        except SignerUnknown:  # the proposer was removed before he could propose
            await run_in_threadpool(self._register.set_status, row.id, "failed", self._clock_ms())
            return True
        status = "paying" if self._desk.has_root(row) else None
        if status is None and await self._is_over(row) and not self._desk.has_root(row):
            status = "failed"
        if status is None:
            return False
        log.info("payout_" + status, payout=digest_text(row.id), lines=row.line_count)
        await run_in_threadpool(self._register.set_status, row.id, status, self._clock_ms())
        return True

    async def _is_over(self, row: Any) -> bool:
        """Return whether nobody can authorise the payout any more, or in time."""
        if self._is_too_old(row):
            return True
        if row.proposal_id is None or self._desk.proposals is None:
            return False
        proposal = await self._desk.proposals.get(row.proposal_id)
        return proposal.status in _NEVER_EXECUTED

    async def _pay(self, row: Any) -> bool:
        """Send the next lines, and write how they ended."""
        lines = await run_in_threadpool(self._register.undecided, row.id, CHUNK_LINES)
        if not lines:
            await run_in_threadpool(self._register.set_status, row.id, "done", self._clock_ms())
            log.info("payout_done", payout=digest_text(row.id), lines=row.line_count)
            self._orders.pop(row.id, None)
            return True
        orders = await self._orders_of(row)
        if await self._write_ends(row, lines, orders):
            return True
        lines = await self._without_refused(row, lines)
        if self._is_short(row, lines[0]):
            return False
        records = [
            orders.record(line.line_index, is_skip=line.status == SKIPPING) for line in lines
        ]
        results = await self._node.submit_many(records)
        has_refused = await self._write_refusals(row, lines, results)
        accepted = [
            line
            for line, result in zip(lines, results, strict=True)
            if not isinstance(result, PaymentError)
        ]
        if accepted:
            await self._node.wait_final(_order_id(orders, accepted[-1]), _WAIT_FINAL_MS)
        return bool(accepted) or has_refused

    def _is_short(self, row: Any, line: Any) -> bool:
        """Return whether the next line waits for funds: a thousand orders are not tried in vain."""
        is_least = line.status == SKIPPING and row.return_until is None
        least_minor = SKIP_AMOUNT_MINOR + row.skip_fee_minor
        needed_minor = least_minor if is_least else line.amount_minor + line.fee_minor
        account = self._node.account(Address(row.owner), row.asset_id)
        is_short = account is None or account.available_minor < needed_minor
        return is_short and not self._is_too_old(row)

    def _is_too_old(self, row: Any) -> bool:
        return bool((row.return_until or row.valid_until) < self._clock_ms() // 1000)

    async def _orders_of(self, row: Any) -> PayoutOrders:
        if row.id not in self._orders:
            lines = await run_in_threadpool(self._register.lines, row.id)
            self._orders[row.id] = await run_in_threadpool(orders_of, row, lines, self._settings)
        return self._orders[row.id]

    async def _without_refused(self, row: Any, lines: Sequence[Any]) -> Sequence[Any]:
        """Write which payees are refused by now, and return the lines as they stand then."""
        payees = {Address(line.payee) for line in lines if line.status != SKIPPING}
        refused = await self._payees.refused(Address(row.token), payees)
        codes = [
            (line.line_index, refused[Address(line.payee)])
            for line in lines
            if line.status != SKIPPING and line.payee in refused
        ]
        if not codes:
            return lines
        await run_in_threadpool(self._register.mark_skipping, row.id, codes)
        return await run_in_threadpool(self._register.undecided, row.id, CHUNK_LINES)

    async def _write_refusals(self, row: Any, lines: Sequence[Any], results: Sequence[Any]) -> bool:
        """Write what the node won't take: a payment is skipped then. What is too old has ended."""
        codes: list[tuple[int, str]] = []
        ends: list[LineEnd] = []
        for line, result in zip(lines, results, strict=True):
            if not isinstance(result, PaymentError) or isinstance(result, _PASSING):
                continue
            is_over, is_prize = isinstance(result, OrderExpired), row.return_until is not None
            if line.status == SKIPPING and not is_over:
                continue  # refused now; until its time is over, either order may be executed yet
            if line.status == SKIPPING or (is_over and not is_prize):
                ends.append(LineEnd(line.line_index, SKIPPED, line.code or result.code, None))
            else:
                codes.append((line.line_index, result.code))
        await run_in_threadpool(self._register.mark_skipping, row.id, codes)
        await run_in_threadpool(self._register.end_lines, row.id, ends)
        return bool(codes or ends)

    # What the ledger says

    async def _write_ends(self, row: Any, lines: Sequence[Any], orders: PayoutOrders) -> bool:
        """Write how lines ended by now, and which payments were rejected; return if any."""
        ends: list[LineEnd] = []
        codes: list[tuple[int, str]] = []
        for line in lines:
            index = line.line_index
            payment_id, skip_id = orders.payment_id(index), orders.skip_id(index)
            paid = await self._node.wait_final(payment_id, 0)
            skipped = await self._node.wait_final(skip_id, 0)
            if paid is not None and paid.is_final:
                ends.append(LineEnd(index, PAID, None, payment_id))
            elif skipped is not None and skipped.is_final:
                ends.append(LineEnd(index, SKIPPED, line.code, skip_id))
            elif skipped is not None:
                ends.append(LineEnd(index, SKIPPED, line.code, None))
            elif paid is not None and line.status != SKIPPING:
                codes.append((index, paid.code or ""))
        known = {end.line_index for end in ends} | {index for index, _ in codes}
        rest = [line for line in lines if line.line_index not in known]
        more = await run_in_threadpool(self._ends_in_records, row, rest, orders)
        if not known and not more:
            codes = await run_in_threadpool(self._rejected_first, lines[0], orders)
        await run_in_threadpool(self._register.mark_skipping, row.id, codes)
        await run_in_threadpool(self._register.end_lines, row.id, [*ends, *more])
        return bool(ends or codes or more)

    def _ends_in_records(
        self, row: Any, lines: Sequence[Any], orders: PayoutOrders
    ) -> list[LineEnd]:
        """Return how lines ended that the node has forgotten: their nonces are used."""
        # Read before the payments: whatever used these nonces is there, too.
        account = self._reader.account(row.owner, row.asset_id)
        nonce = 0 if account is None else account.nonce
        ends = []
        for line in lines:
            index = line.line_index
            if row.nonce_first + index >= nonce:
                break
            payment_id, skip_id = orders.payment_id(index), orders.skip_id(index)
            if self._reader.payment(payment_id) is not None:
                ends.append(LineEnd(index, PAID, None, payment_id))
            elif self._reader.payment(skip_id) is not None:
                ends.append(LineEnd(index, SKIPPED, line.code, skip_id))
            else:  # another order of the owner's took the nonce
                ends.append(LineEnd(index, SKIPPED, NonceTooLow.code, None))
        return ends

    def _rejected_first(self, line: Any, orders: PayoutOrders) -> list[tuple[int, str]]:
        """Return whether the payment that all others wait for was rejected before a restart."""
        rejection = self._reader.rejection(orders.payment_id(line.line_index))
        if rejection is None or line.status == SKIPPING:
            return []
        return [(line.line_index, rejection_code(rejection.code))]


def _order_id(orders: PayoutOrders, line: Any) -> Digest:
    index = line.line_index
    return orders.skip_id(index) if line.status == SKIPPING else orders.payment_id(index)
