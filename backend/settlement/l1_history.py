"""All that L1 tells of a rollup, read from any node by the rollup's address alone.

Law: what rolled back batches held is not history. What the contract counts is compared with what
was read, since nodes leave logs out while they index, and know nothing of before their beginning.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, fields
from typing import Any

from backend.protocol.eip712 import Domain, ledger_domain
from backend.protocol.errors import ChainUnavailable, InvariantViolated
from backend.protocol.types import (
    AccountId,
    Address,
    Asset,
    AuthorisedRoot,
    DepositRecord,
    address_text,
    deposits_hash,
)
from backend.settlement.abi import ContractError, Decoded
from backend.settlement.artifacts import artifact
from backend.settlement.batch_data import PostedBatch, posted_batch
from backend.settlement.chain import Contract, L1Block, L1Log, RpcError
from backend.settlement.client import ChainClient, block_ranges
from backend.settlement.decoding import event_of
from backend.settlement.events import AssetListed, DepositSeen, OrdersAuthorised, Place

Say = Callable[[str], None]


class NoRollup(Exception):
    """No rollup of this release is at an address."""

    def __init__(self, address: Address) -> None:
        super().__init__(f"There is no rollup at {address_text(address)} on this chain.")


class HistoryIncomplete(Exception):
    """The node told less than the rollup has counted."""

    def __init__(self, what: str, counted: object, read: object) -> None:
        super().__init__(
            f"The rollup has {counted} as {what}, the node's logs say {read}. Begin at an earlier "
            "block (--from-block), or ask another node."
        )


@dataclass(slots=True)
class History:
    """What has happened up to the block `head`, without what was rolled back.

    `posted` are the logs of the accepted batches, number 1 first. `paid` are the keys of the
    withdrawals that L1 has paid, `providers` say who is to be paid for whom he has advanced.
    `exits` were asked for, at some time. `roots` are of orders. `reorganisations` counts how often
    blocks were found gone: what was read of L1 at an earlier count may not be so any more.
    """

    head: L1Block
    assets: dict[int, Asset] = field(default_factory=dict)
    deposits: list[DepositRecord] = field(default_factory=list)
    posted: list[L1Log] = field(default_factory=list)
    paid: set[bytes] = field(default_factory=set)
    providers: dict[bytes, Address] = field(default_factory=dict)
    exits: dict[tuple[AccountId, Address], None] = field(default_factory=dict)
    roots: set[AuthorisedRoot] = field(default_factory=set)
    escaped: set[int] = field(default_factory=set)
    refunded: set[int] = field(default_factory=set)
    frontier: int = 0
    reorganisations: int = 0

    @property
    def tip(self) -> int:
        """The number of the last accepted batch; 0 is genesis."""
        return len(self.posted)

    def copied_to(self, head: L1Block) -> "History":
        """Return a copy for a later head, which goes on by itself."""
        happened = [copy(getattr(self, one.name)) for one in fields(self) if one.name != "head"]
        return History(head, *happened)


class L1Reader:
    """Reads one rollup on one chain."""

    def __init__(
        self, client: ChainClient, rollup: Contract, exits: Contract, domain: Domain
    ) -> None:
        self.client, self.contract, self.exits, self.domain = client, rollup, exits, domain
        self._abi = rollup.abi.joined(exits.abi)

    @classmethod
    async def at(cls, client: ChainClient, address: Address) -> "L1Reader":
        """Return the reader of the rollup at an address. Raises NoRollup."""
        domain = ledger_domain(await client.chain_id(), address)
        rollup = Contract(address, artifact("Rollup").abi)
        try:
            separator = await client.read(rollup, "domainSeparator")
            exits = Address(await client.read(rollup, "exits"))
        except (ContractError, RpcError) as error:
            raise NoRollup(address) from error
        if separator != domain.separator:
            raise NoRollup(address)
        return cls(client, rollup, Contract(exits, artifact("Exits").abi), domain)

    async def view(self, function: str, *arguments: Any, at_block: int | None = None) -> Any:
        """Return what a view of the rollup answers, now or at a block."""
        block_id = "latest" if at_block is None else at_block
        return await self.client.read(self.contract, function, *arguments, block_id=block_id)

    async def history(
        self, from_block: int = 0, say: Say = lambda _: None, known: History | None = None
    ) -> History:
        """Return all that has happened; what is `known` is read anew only if its head was
        reorganised away. Raises HistoryIncomplete, ChainUnavailable."""
        head = await self.client.latest()
        history = History(head)
        if known is not None and await self.client.block(known.head.number) == known.head:
            history, from_block = known.copied_to(head), known.head.number + 1
        elif known is not None:
            history.reorganisations = known.reorganisations + 1
        last = head.number
        addresses = [self.contract.address, self.exits.address]
        for first, end in block_ranges(from_block, last):
            for log in await self.client.logs(addresses, first, end):
                self._note(history, log)
            if end < last:
                say(f"read L1's logs up to block {end} of {last}")
        await self._check(history)
        return history

    async def batch(self, history: History, number: int) -> PostedBatch:
        """Return an accepted batch with all that its transaction holds."""
        log = history.posted[number - 1]
        transaction = await self.client.transaction(log.tx_hash)
        if transaction is None:
            raise ChainUnavailable()  # reorganised meanwhile, or a node that has lost it
        return posted_batch(self.contract.abi, self.domain, log, transaction)

    def accepted_ts_s(self, posted: L1Log) -> int:
        """Return when L1 accepted the batch of a log."""
        decoded = self._abi.decode_log(posted.topics, posted.data)
        if decoded is None:
            raise InvariantViolated("the log is no batch's")
        return int(decoded.values["acceptedTsS"])

    def _note(self, history: History, log: L1Log) -> None:
        decoded = self._abi.decode_log(log.topics, log.data)
        if decoded is None:
            return
        event = event_of(Place(log.block, log.tx_hash, log.log_index), decoded)
        if isinstance(event, AssetListed):
            history.assets[event.asset.asset_id] = event.asset
        elif isinstance(event, DepositSeen):
            history.deposits.append(event.record)
        elif isinstance(event, OrdersAuthorised):
            history.roots.add(event.root)
        elif decoded.name == "BatchPosted":
            history.posted.append(log)
        else:
            _note_leaving(history, decoded)

    async def _check(self, history: History) -> None:
        """Compare what was read with what the contract says at the same block."""
        at_block = history.head.number
        read = {
            "assetCount": len(history.assets),
            "depositCount": len(history.deposits),
            "authorisedRootCount": len(history.roots),
            "tip": history.tip,
            "frontier": history.frontier,
        }
        for function, value in read.items():
            counted = await self.view(function, at_block=at_block)
            if counted != value:
                raise HistoryIncomplete(function, counted, value)
        deposit_count = len(history.deposits)
        queue = await self.view("depositHash", deposit_count, at_block=at_block)
        if queue != deposits_hash(history.deposits):
            raise HistoryIncomplete("depositHash", queue.hex(), "another")
        head = await self.client.block(at_block)
        if head is None or head.block_hash != history.head.block_hash:
            raise ChainUnavailable()  # the chain was reorganised while we read


def _note_leaving(history: History, decoded: Decoded) -> None:
    values = decoded.values
    match decoded.name:
        case "RolledBack":
            del history.posted[values["number"] - 1 :]
        case "BatchSettled":
            history.frontier = values["number"]
        case "WithdrawalClaimed":
            history.paid.add(values["key"])
        case "Advanced":
            history.providers[values["key"]] = Address(values["provider"])
        case "ExitRequested":
            history.exits[AccountId(values["accountId"]), Address(values["owner"])] = None
        case "Escaped":
            history.escaped.add(values["accountId"])
        case "DepositRefunded":
            history.refunded.add(values["index"])
