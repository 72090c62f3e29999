"""Makes people's exit kits of what a running platform has: nothing is executed anew.

Who doesn't trust it makes the same of the chain alone (`causeway exit-kit`); a test compares both.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from backend.engine.batch.desk import BatchDesk
from backend.protocol.batches import CHUNK_SLOTS
from backend.protocol.types import AccountId, Address, DepositRecord
from backend.records.paging import LIMIT_MAX, Page
from backend.records.reader import OrderFilter, Placed, Reader
from backend.settlement.batch_data import AcceptedBatch
from backend.settlement.bounties import bounty_wei
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import Deployment
from backend.settlement.exit_kit import Deadlines, Position, StateAt, Unpaid, exit_kit
from backend.settlement.exit_kit_file import kit_json
from backend.settlement.proving.replay import AccountOf, LedgerState
from backend.settlement.queries import token_name
from backend.settlement.watcher import Watcher

_Holding = tuple[Address, int]


class ExitKits:
    """Joins batches, records and the chain to the position of one owner."""

    def __init__(
        self,
        client: ChainClient,
        deployment: Deployment,
        watcher: Watcher,
        desk: BatchDesk,
        reader: Reader,
    ) -> None:
        self._client, self._deployment = client, deployment
        self._watcher, self._desk, self._reader = watcher, desk, reader

    async def kit(self, owner: Address) -> Mapping[str, Any]:
        """Return what an owner has to send to leave, as its file has it.

        Raises ChainUnavailable, and BatchNotFound if the last batch is rolled back meanwhile.

        It stands on the last batch that is confirmed.
        """
        position = await self._position(owner)
        return await asyncio.to_thread(lambda: kit_json(exit_kit(position, owner)))

    async def _position(self, owner: Address) -> Position:
        client, contract = self._client, self._deployment.rollup
        exits, parameters = self._deployment.core("Exits"), self._deployment.parameters
        now = await client.latest()
        tip, frontier = [int(await client.read(contract, name)) for name in ("tip", "frontier")]
        account_of = await asyncio.to_thread(self._accounts, owner)
        last, settled = await asyncio.to_thread(self._states, account_of, frontier)
        number = 0 if last is None else last.batch.header.number
        assets = {asset.asset_id: asset for asset in self._watcher.listings(0, now.number)}
        names = {each: await token_name(client, asset.token) for each, asset in assets.items()}
        waiting = {
            (account_id, owner): int(await client.read(exits, "waitingSince", account_id, owner))
            for account_id in account_of.values()
        }
        escaped = [
            account_id
            for account_id in account_of.values()
            if await client.read(contract, "hasEscaped", account_id)
        ]
        return Position(
            chain_id=self._deployment.chain_id,
            rollup=contract,
            exits_contract=exits,
            ts_s=now.ts_s,
            block_number=now.number,
            deadlines=Deadlines(
                challenge_window_s=parameters.challenge_window_s,
                exit_deadline_s=parameters.exit_deadline_s,
                deposit_timeout_s=parameters.deposit_timeout_s,
                silence_deadline_s=parameters.silence_deadline_s,
            ),
            bounty_wei=bounty_wei(now.base_fee_wei, parameters.gas_price_floor_wei),
            tip=tip,
            frontier=frontier,
            frozen_ts_s=await client.read(contract, "frozenTsS"),
            rolled_back_ts_s=await client.read(contract, "rolledBackTsS"),
            assets=assets,
            names={each: name for each, name in names.items() if name is not None},
            last=last,
            settled=settled,
            unsettled=tuple(self._batches(frontier + 1, number)),
            unpaid=tuple(await asyncio.to_thread(self._unpaid, owner)),
            waiting_deposits=await asyncio.to_thread(self._waiting_deposits, owner, last),
            exits={key: since_ts_s for key, since_ts_s in waiting.items() if since_ts_s},
            escaped=frozenset(escaped),
        )

    def _accounts(self, owner: Address) -> dict[_Holding, AccountId]:
        """Return an owner's accounts by asset; he has one of each at most."""
        part = self._reader.accounts(owner, None, Page(LIMIT_MAX))
        return {(owner, row.asset_id): AccountId(row.account_id) for row in part.rows}

    def _states(
        self, account_of: Mapping[_Holding, AccountId], frontier: int
    ) -> tuple[StateAt | None, StateAt | None]:
        """Return the states after the last batch and after the settled one, where known."""
        known = AccountOf().with_opened(account_of)

        def state_at(number: int) -> StateAt | None:
            batch = self._watcher.batch(number)
            if batch is None:
                return None
            return StateAt(batch.accepted, LedgerState(self._desk.tree(number), known))

        last = self._desk.tip.number
        return state_at(last), state_at(min(frontier, last))

    def _batches(self, first: int, last: int) -> Iterator[AcceptedBatch]:
        for number in range(first, last + 1):
            batch = self._watcher.batch(number)
            if batch is not None:
                yield batch.accepted

    def _unpaid(self, owner: Address) -> Iterator[Unpaid]:
        """Yield the owner's withdrawals in batches that the chain has not paid."""
        for placed in self._withdrawals(owner):
            if placed.claim is not None or placed.chunk is None or placed.slot is None:
                continue
            number, row = placed.batch.number if placed.batch is not None else 0, placed.order
            batch = self._watcher.batch(number)
            if batch is None:
                continue
            slot = placed.chunk * CHUNK_SLOTS + placed.slot
            proof = self._desk.withdrawal_proof(number, slot)
            leaf = proof.leaf
            shown = (leaf.owner, leaf.asset_id, leaf.nonce, leaf.balance_minor)
            yield Unpaid(
                batch=batch.accepted,
                owner=owner,
                payee=owner if placed.advance is None else Address(placed.advance.provider),
                asset_id=row.asset_id,
                amount_minor=row.amount_minor,
                nonce=row.nonce,
                proof=(slot, proof.chunk, proof.chunk_path, *shown, proof.leaf_path),
            )

    def _withdrawals(self, owner: Address) -> Sequence[Placed]:
        """Return all executed withdrawals of an owner, the oldest first."""
        found: list[Placed] = []
        page = Page(LIMIT_MAX)
        while True:
            part = self._reader.withdrawals(OrderFilter(payer=owner), page)
            found += part.rows
            if not part.has_more:
                return found[::-1]
            page = Page(LIMIT_MAX, after=found[-1].order.sequence)

    def _waiting_deposits(self, owner: Address, last: StateAt | None) -> dict[int, DepositRecord]:
        """Return the owner's deposits that the last batch doesn't have, but for those refunded."""
        cursor = 0 if last is None else last.batch.header.deposit_cursor
        records = self._watcher.deposits(cursor, self._watcher.confirmed().number)
        waiting = {}
        for index, record in enumerate(records, cursor):
            if record.owner != owner:
                continue
            view = self._reader.deposit(index)
            if view is None or view.seen is None or view.seen.refunded_tx_hash is None:
                waiting[index] = record
        return waiting
