"""How prizes and their entries stand: by the chain, or for orders by the ledger."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from starlette.concurrency import run_in_threadpool

from backend.access import l1_calls
from backend.access.prizes.ports import PrizeNeeds
from backend.access.prizes.views import EntryState, PrizeState
from backend.access.services import Services
from backend.protocol.authorised import AuthorisedTree
from backend.protocol.hashing import Digest
from backend.protocol.prizes import Prize, PrizeEntry, prize_tree
from backend.protocol.types import Address, address_text
from backend.records.registers.payouts import OPEN, PAID, SKIPPED, WAITING

TREES_MAX: Final = 16  # of prizes looked at last
_CLAIM: Final = ("bytes32", "uint256", "address", "uint48", "bytes32[]")


class PrizeStates:
    """Asks the contract, and the register of payouts."""

    def __init__(self, services: Services, needs: PrizeNeeds) -> None:
        self._services, self._needs = services, needs
        self._payouts = services.approvals.payouts.register

    async def has_lapsed(self, row: Any) -> bool:
        """Return whether nobody created a prize in time, so that nobody can any more."""
        # The time first: what is not there afterwards will never be.
        now_ts_s = await self._services.needs.chain.latest_ts_s()
        return now_ts_s > row.deadline_ts_s and await self._prize(row) is None

    async def of_prize(self, row: Any) -> PrizeState:
        """Return how a prize stands at L1's time."""
        now_ts_s = await self._services.needs.chain.latest_ts_s()
        prize = await self._prize(row)
        is_over = now_ts_s > row.deadline_ts_s
        if prize is None:
            return PrizeState("lapsed" if is_over else "prepared", row.total_minor, 0)
        claimed = await self._needs.book.claimed(Digest(row.id))
        created_minor = await self._needs.book.total_minor(Digest(row.id))
        if not _is_as_prepared(row, prize, created_minor):
            return PrizeState("differs", prize.remaining_minor, len(claimed))
        if row.payout_id is not None:
            return await self._by_orders(row, is_over)
        if not prize.remaining_minor:
            return PrizeState("ended", 0, len(claimed))
        return PrizeState("over" if is_over else "open", prize.remaining_minor, len(claimed))

    async def _by_orders(self, row: Any, is_over: bool) -> PrizeState:
        payout = await run_in_threadpool(self._payouts.get, row.payout_id)
        counts = await run_in_threadpool(self._payouts.counts, row.payout_id)
        ended = (PAID, SKIPPED)
        remaining_minor = sum(sums[1] for status, sums in counts.items() if status not in ended)
        paid_count = counts.get(PAID, (0, 0))[0]
        if payout is None or payout.status not in OPEN:
            return PrizeState("ended", remaining_minor, paid_count)
        return PrizeState("over" if is_over else "open", remaining_minor, paid_count)

    async def of_entries(self, row: Any, entries: Sequence[Any]) -> list[EntryState]:
        """Return how entries stand, with proof and claim where it is claimed."""
        if row.payout_id is not None:
            indexes = [entry.entry_index for entry in entries]
            lines = await run_in_threadpool(self._payouts.lines_at, row.payout_id, indexes)
            return [_of_line(lines[index]) for index in indexes]
        tree = await self._tree(row)
        is_there = await self._prize(row) is not None
        claimed = await self._needs.book.claimed(Digest(row.id))
        asked = (self._of_entry(row, entry, tree, is_there, claimed) for entry in entries)
        return [*await asyncio.gather(*asked)]

    async def _of_entry(
        self,
        row: Any,
        found: Any,
        tree: AuthorisedTree,
        is_there: bool,
        claimed: frozenset[int],
    ) -> EntryState:
        entry = PrizeEntry(found.entry_index, Address(found.person), found.amount_minor)
        proof = tree.proof(entry.index)
        if entry.index in claimed:
            return EntryState(PAID, proof=proof)
        if not is_there:
            return EntryState(WAITING, obstacle="the prize is not on the chain", proof=proof)
        words = (row.id, entry.index, address_text(entry.person), entry.amount_minor, proof)
        data = l1_calls.call_data("claim", _CLAIM, words)
        chain_id, to = self._services.settings.domain.chain_id, self._needs.book.address
        claim = l1_calls.transaction("claim", chain_id, None, to, data)
        obstacle = await self._needs.book.refusal_of_claim(Digest(row.id), entry, proof)
        return EntryState(WAITING, obstacle=obstacle, proof=proof, claim=claim)

    async def _prize(self, row: Any) -> Prize | None:
        return await self._needs.book.prize(Digest(row.id))

    async def _tree(self, row: Any) -> AuthorisedTree:
        trees = self._needs.trees
        if row.id not in trees:
            found = await run_in_threadpool(self._needs.register.entries, row.id)
            entries = [
                PrizeEntry(one.entry_index, Address(one.person), one.amount_minor) for one in found
            ]
            tree = await run_in_threadpool(prize_tree, Digest(row.id), entries)
            while len(trees) >= TREES_MAX:
                trees.pop(next(iter(trees)))
            trees[row.id] = tree
        return trees[row.id]


def _of_line(line: Any) -> EntryState:
    return EntryState(line.status, line.fee_minor, line.code, line.order_id)


def _is_as_prepared(row: Any, prize: Prize, created_minor: int | None) -> bool:
    """Return whether the chain has the prize that people were told of."""
    told = (row.sponsor, row.asset_id, row.payout, row.deadline_ts_s, row.root, row.terms_hash)
    there = (
        prize.sponsor,
        prize.asset_id,
        prize.payout.word,
        prize.deadline_ts_s,
        prize.root,
        prize.terms_hash,
    )
    return told == there and created_minor in (None, row.total_minor + row.fees_minor)
