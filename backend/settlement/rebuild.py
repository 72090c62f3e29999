"""The ledger made again from L1 and the batches' data, with nothing of the operator.

Law: every operation of every batch is executed as L1 would, and every root compared. Where data is
missing, execution goes on from a later state whose root a batch names.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from backend.protocol.batches import (
    chunk_hashes,
    slot_number,
    withdrawal_key,
)
from backend.protocol.errors import InvariantViolated
from backend.protocol.operations import Withdrawal
from backend.protocol.state_tree import StateTree, chunk_path
from backend.protocol.types import AccountId, Address, DepositRecord, Leaf
from backend.settlement.abi import ContractError
from backend.settlement.archive import STATE_INTERVAL, Archive
from backend.settlement.artifacts import artifact
from backend.settlement.batch_data import AcceptedBatch, PostedBatch
from backend.settlement.chain import Contract, RpcError
from backend.settlement.data_sources import DataMismatch, DataMissing, DataSources
from backend.settlement.exit_kit import Unpaid
from backend.settlement.l1_history import History, L1Reader, Say
from backend.settlement.proving.fraud import FraudFound
from backend.settlement.proving.proofs import Arguments
from backend.settlement.proving.replay import (
    LedgerState,
    ReplayedBatch,
    TreeOf,
    genesis_state,
)
from backend.settlement.proving.replay import (
    replay as replay_batch,
)

_SAY_EACH: Final = 16  # batches


@dataclass(slots=True)
class Rebuilt:
    """A ledger as L1 and the batches' data make it.

    `batches` are all executed ones and the one it began with, by number; `state` is after the last
    of them, `settled` after the one at the frontier, if it is among them. `skipped` counts batches
    whose data was missing: what was withdrawn in them is not in `unpaid`. `wrong` says what is
    wrong with the batch after the last one, if that is fraud.
    """

    history: History
    state: LedgerState
    number: int = 0
    batches: dict[int, AcceptedBatch] = field(default_factory=dict)
    settled: LedgerState | None = None
    unpaid: list[Unpaid] = field(default_factory=list)
    skipped: int = 0
    wrong: str | None = None

    @property
    def deposit_cursor(self) -> int:
        """How many deposits the executed batches have consumed."""
        return self.batches[self.number].header.deposit_cursor if self.number else 0

    def accounts(self) -> Iterator[tuple[AccountId, Leaf]]:
        """Yield the accounts, BRIDGE among them."""
        return self.state.accounts()

    def waiting_deposits(self) -> Iterator[tuple[int, DepositRecord]]:
        """Yield the deposits that no batch has consumed and nobody was given back."""
        deposits = self.history.deposits
        for index in range(self.deposit_cursor, len(deposits)):
            if index not in self.history.refunded:
                yield index, deposits[index]


@dataclass(frozen=True, slots=True)
class AssetBooks:
    """What the ledger owes of an asset, in minor units, and what L1 has to pay it with.

    `outstanding_minor` is the rollup's own count, `vault` its tokens in base units; None if the
    token doesn't answer.
    """

    asset_id: int
    token: Address
    unit: int
    account_count: int
    balances_minor: int
    unpaid_minor: int
    waiting_minor: int
    outstanding_minor: int
    vault: int | None

    @property
    def owed_minor(self) -> int:
        """All that people can take out or have credited."""
        return self.balances_minor + self.unpaid_minor + self.waiting_minor

    @property
    def is_covered(self) -> bool:
        """Whether the vault holds at least what is owed."""
        return self.vault is not None and self.vault >= self.owed_minor * self.unit


class Rebuilder:
    """Executes the batches of one history."""

    def __init__(
        self,
        reader: L1Reader,
        history: History,
        sources: DataSources,
        out: Archive | None = None,
        say: Say = lambda _: None,
        observe: Callable[[PostedBatch], None] = lambda _: None,
        tree_of: TreeOf = StateTree,
    ) -> None:
        """`out` is given every batch's chunks and the last states, so that it does without blobs
        from now on. `observe` is told of each batch, with its chunks, before it is executed."""
        self._reader, self._history, self._sources = reader, history, sources
        self._deposits = dict(enumerate(history.deposits))
        self._out, self._say, self._observe = out, say, observe
        self._tree_of = tree_of
        self.result = Rebuilt(history, genesis_state(tree_of))

    async def run(self, *, from_state: bool = False, may_skip: bool = True) -> Rebuilt:
        """Return the ledger after the last batch, or before the first wrong one.

        With `from_state` it begins at the newest state of the archives: quick, but blind for
        earlier withdrawals. Raises DataMissing; if it may skip, only where no state helps.
        """
        result = self.result
        self._note_settled()
        if from_state:
            await self._go_on_after(1)
        while result.number < self._history.tip and result.wrong is None:
            number = result.number + 1
            batch = await self._reader.batch(self._history, number)
            try:
                self._execute(replace(batch, chunks=await self._sources.chunks(batch)))
            except DataMissing:
                if not (may_skip and await self._go_on_after(number)):
                    raise
            except (DataMismatch, FraudFound) as fraud:
                result.wrong = f"batch {number}: {fraud}"
        self._keep_state()
        return result

    async def _go_on_after(self, number_min: int) -> bool:
        """Go to the newest state that comes after batch `number_min` or a later one."""
        for archive in self._sources.archives:
            for number in archive.states():
                if not number_min <= number <= self._history.tip:
                    continue
                batch = await self._reader.batch(self._history, number)
                leaves = archive.state(batch)
                if leaves is not None:
                    self.result.skipped += number - self.result.number
                    self._advance(batch, LedgerState.of(leaves, self._tree_of))
                    self._say(f"going on from the state after batch {number}")
                    return True
        return False

    def _execute(self, batch: PostedBatch) -> None:
        self._observe(batch)
        history = self._history
        replayed = replay_batch(batch, (), self.result.state, history.assets, self._deposits)
        if self._out is not None:
            self._out.keep_chunks(batch.header_hash, replayed.chunks)
        self.result.unpaid += self._unpaid_in(replayed)
        self._advance(batch, replayed.after)
        number = batch.header.number
        if number % _SAY_EACH == 0 or number == history.tip:
            self._say(f"executed batch {number} of {history.tip}")

    def _advance(self, batch: PostedBatch, state: LedgerState) -> None:
        number = batch.header.number
        self.result.number, self.result.state = number, state
        self.result.batches[number] = batch.accepted
        self._header_hash = batch.header_hash
        self._note_settled()
        if number % STATE_INTERVAL == 0 or number == self._history.frontier:
            self._keep_state()

    def _note_settled(self) -> None:
        if self.result.number == self._history.frontier:
            self.result.settled = self.result.state

    def _keep_state(self) -> None:
        result = self.result
        if self._out is not None and result.number:
            leaves = dict(result.state.accounts())
            self._out.keep_state(result.number, self._header_hash, leaves)

    def _unpaid_in(self, replayed: ReplayedBatch) -> Iterator[Unpaid]:
        """Yield the batch's withdrawals that L1 has not paid, with their proofs."""
        batch, chunks = replayed.posted, replayed.chunks
        hashes = chunk_hashes(chunks)
        for index, chunk in enumerate(chunks):
            operations = chunk.operations()
            for position, operation in operations:
                if not isinstance(operation, Withdrawal):
                    continue
                tree = replayed.trees[index]
                leaf = tree.leaf(operation.payer)
                if leaf is None:
                    raise InvariantViolated("a payer without an account")
                later = sum(
                    at >= position and getattr(other, "payer", None) == operation.payer
                    for at, other in operations
                )
                nonce = leaf.nonce - later
                asset = self._history.assets[leaf.asset_id]
                amount = operation.amount_minor * asset.unit
                key = withdrawal_key(leaf.owner, nonce, asset.token, amount)
                if key in self._history.paid:
                    continue
                yield Unpaid(
                    batch=batch.accepted,
                    owner=leaf.owner,
                    payee=self._history.providers.get(key, leaf.owner),
                    asset_id=leaf.asset_id,
                    amount_minor=operation.amount_minor,
                    nonce=nonce,
                    proof=(
                        slot_number(index, position),
                        chunk.encode(),
                        chunk_path(hashes, index),
                        *_fields(leaf),
                        tree.path(operation.payer),
                    ),
                )


async def books(reader: L1Reader, rebuilt: Rebuilt) -> list[AssetBooks]:
    """Compare what the ledger owes with what L1 holds, asset by asset."""
    history = rebuilt.history
    counts, balances, unpaid, waiting = (Counter[int]() for _ in range(4))
    for account_id, leaf in rebuilt.accounts():
        if account_id not in history.escaped:
            counts[leaf.asset_id] += 1
            balances[leaf.asset_id] += leaf.balance_minor
    for one in rebuilt.unpaid:
        unpaid[one.asset_id] += one.amount_minor
    for _, record in rebuilt.waiting_deposits():
        waiting[record.asset_id] += record.amount_minor
    found = []
    for asset_id, asset in sorted(history.assets.items()):
        block = history.head.number
        listing = await reader.view("assets", asset_id, at_block=block)
        found.append(
            AssetBooks(
                asset_id=asset_id,
                token=asset.token,
                unit=asset.unit,
                account_count=counts[asset_id],
                balances_minor=balances[asset_id],
                unpaid_minor=unpaid[asset_id],
                waiting_minor=waiting[asset_id],
                outstanding_minor=listing[3],
                vault=await _vault(reader, asset.token, block),
            )
        )
    return found


async def _vault(reader: L1Reader, token: Address, block: int) -> int | None:
    contract = Contract(token, artifact("Stablecoin").abi)
    rollup = reader.contract.address
    try:
        return int(await reader.client.read(contract, "balanceOf", rollup, block_id=block))
    except (ContractError, RpcError):
        return None


def _fields(leaf: Leaf) -> Arguments:
    return leaf.owner, leaf.asset_id, leaf.nonce, leaf.balance_minor
