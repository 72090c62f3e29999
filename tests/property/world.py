"""A ledger and its batches, driven block by block without keys, votes or a chain."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from backend.engine.batch import BatchBuilder, BlockOperations, block_operations
from backend.engine.ledger import Execution, Ledger, execute
from backend.protocol.batches import BatchHeader, calldata_hash
from backend.protocol.blocks import Block, Body, body_hash, operations_hash
from backend.protocol.eip712 import ledger_domain
from backend.protocol.hashing import ZERO_DIGEST, Digest, keccak
from backend.protocol.money import AmountMinor
from backend.protocol.order_records import OrderGroup, OrderRecord, SignedOrder
from backend.protocol.orders import Order, PaymentOrder, WithdrawalOrder, linked
from backend.protocol.types import ZERO_ADDRESS, Address, Asset, DepositRecord


def address(word: str) -> Address:
    return Address(keccak(word.encode())[12:])


DOMAIN: Final = ledger_domain(31337, address("rollup"))
TS_S: Final = 1_700_000_000
VALID_UNTIL: Final = TS_S + 600
EPOCH: Final = 1

# Six decimals with a fee, eighteen decimals with a fee, eighteen without one.
STABLE: Final = Asset(1, address("stable"), 1, address("stable's fee owner"))
WIDE: Final = Asset(2, address("wide"), 10**12, address("wide's fee owner"))
FREE: Final = Asset(3, address("free"), 10**12, ZERO_ADDRESS)
ASSETS: Final = (STABLE, WIDE, FREE)


def asset(asset_id: int) -> Asset:
    """One more asset that takes a fee."""
    return Asset(asset_id, address(f"token {asset_id}"), 1, address(f"fee owner {asset_id}"))


def deposit(owner: str, amount_minor: int, of: Asset = STABLE) -> DepositRecord:
    return DepositRecord(
        of.token, of.asset_id, address(owner), AmountMinor(amount_minor), l1_ts_s=TS_S
    )


def pay(
    payer: str,
    payee: str,
    amount_minor: int,
    fee_minor: int = 0,
    nonce: int = 0,
    of: Asset = STABLE,
    valid_until: int = VALID_UNTIL,
) -> PaymentOrder:
    return PaymentOrder(
        payer=address(payer),
        payee=address(payee),
        asset=of.token,
        amount=amount_minor * of.unit,
        fee=fee_minor * of.unit,
        nonce=nonce,
        valid_until=valid_until,
    )


def withdraw(
    payer: str, amount_minor: int, fee_minor: int = 0, nonce: int = 0, of: Asset = STABLE
) -> WithdrawalOrder:
    return WithdrawalOrder(
        payer=address(payer),
        asset=of.token,
        amount=amount_minor * of.unit,
        fee=fee_minor * of.unit,
        nonce=nonce,
        valid_until=VALID_UNTIL,
    )


def group(*payments: PaymentOrder) -> OrderGroup:
    """The payments as legs of one group."""
    return OrderGroup(tuple(SignedOrder(order, bytes(65)) for order in linked(payments)))


def unsigned(orders: Sequence[Order | OrderGroup]) -> tuple[OrderRecord, ...]:
    """The ledger doesn't look at signatures."""
    return tuple(
        one if isinstance(one, OrderGroup) else SignedOrder(one, bytes(65)) for one in orders
    )


def by_digest(orders: Sequence[Order | OrderGroup]) -> dict[Digest, OrderRecord]:
    """Groups stand under their links."""
    return {record.record_id(DOMAIN): record for record in unsigned(orders)}


@dataclass
class World:
    """A ledger, a batch builder that gets each block, and what went through them."""

    ledger: Ledger = field(default_factory=Ledger)
    builder: BatchBuilder = field(default_factory=lambda: BatchBuilder.at_genesis(DOMAIN))
    blocks: list[BlockOperations] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)

    def run(self, body: Body, ts_s: int = TS_S) -> Execution:
        """Execute the next block. Raises InvalidBlock, and nothing has changed then."""
        execution = execute(self.ledger, body, ts_s)
        self.ledger.advance(execution.changes)
        block = Block(
            number=self.ledger.block_number,
            epoch=EPOCH,
            round=0,
            parent_hash=self.blocks[-1].block_hash if self.blocks else ZERO_DIGEST,
            operations_hash=operations_hash(execution.slots),
            body_hash=body_hash(body.encode()),
            operation_count=execution.operation_count,
            timestamp_ms=ts_s * 1000 + 999,
        )
        payment_ids = [order.digest(DOMAIN) for order in body.orders]
        made = block_operations(block, block.digest(DOMAIN), body, execution, payment_ids)
        self.blocks.append(made)
        self.executions.append(execution)
        self.builder.add_block(made)
        return execution

    def block(
        self,
        *orders: Order | OrderGroup,
        deposits: Sequence[DepositRecord] = (),
        listings: Sequence[Asset] = (),
        ts_s: int = TS_S,
    ) -> Execution:
        """Execute a block of these."""
        l1_block_number = self.ledger.l1_block_number
        body = Body(l1_block_number, tuple(listings), tuple(deposits), (), unsigned(orders))
        return self.run(body, ts_s)

    def balance(self, owner: str, of: Asset = STABLE) -> int | None:
        account = self.ledger.account(address(owner), of.asset_id)
        return None if account is None else account[1].balance_minor

    def header(self, chunks_max: int = 120) -> BatchHeader:
        """The header of the next batch, as an honest submitter fills it."""
        draft = self.builder.draft(chunks_max)
        assert draft is not None
        return draft.header(
            epoch=EPOCH,
            data_hash=calldata_hash(draft.chunks),
            l1_block_number=draft.l1_block_number_min + 1,
            l1_block_hash=keccak(b"pin"),
            timestamp=draft.timestamp_max,
        )

    def post(self, chunks_max: int = 120) -> BatchHeader:
        """Post the next batch."""
        header = self.header(chunks_max)
        self.builder.posted(header)
        return header


def world(**balances_minor: int) -> World:
    """Return a world of three assets in which these people hold these amounts of STABLE."""
    made = World()
    deposits = [deposit(owner, amount) for owner, amount in balances_minor.items() if amount]
    made.block(deposits=deposits, listings=ASSETS)
    return made
