"""Makes final blocks out of orders, as the engine would, for tests of the projections."""

from dataclasses import dataclass, field, replace

from backend.protocol.blocks import Block, Body, Rejection, body_hash, operations_hash
from backend.protocol.eip712 import Domain, ledger_domain
from backend.protocol.hashing import ZERO_DIGEST, Digest, keccak
from backend.protocol.money import AmountMinor
from backend.protocol.operations import (
    Deposit,
    OpenAccount,
    Operation,
    Payment,
    Withdrawal,
    encode_all,
)
from backend.protocol.order_records import SignedOrder
from backend.protocol.orders import PaymentOrder, WithdrawalOrder
from backend.protocol.signing import PrivateKey
from backend.protocol.types import (
    AccountId,
    Address,
    Asset,
    DepositRecord,
    fee_account_id,
    partition_of,
)

DOMAIN: Domain = ledger_domain(31337, Address(b"\x11" * 20))
TOKEN = Address(b"\x22" * 20)
FEE_OWNER = Address(b"\x33" * 20)
ASSET = Asset(1, TOKEN, 1, FEE_OWNER)
START_TS_MS = 1_700_000_000_000


def key(name: str) -> PrivateKey:
    return PrivateKey(keccak(name.encode()))


@dataclass(frozen=True)
class MadeBlock:
    block: Block
    block_hash: Digest
    body: Body
    slots: bytes
    sweeps: tuple[WithdrawalOrder, ...] = ()

    @property
    def sweep_orders(self) -> tuple[WithdrawalOrder, ...]:
        return self.sweeps

    @property
    def rejected_ids(self) -> tuple[tuple[Digest, int], ...]:
        return tuple((one.record_id, one.number) for one in self.body.rejections)


@dataclass
class Journal:
    """A ledger that believes everything; its blocks are well-formed all the same."""

    blocks: list[MadeBlock] = field(default_factory=list)
    accounts: dict[bytes, AccountId] = field(default_factory=dict)
    nonces: dict[bytes, int] = field(default_factory=dict)

    def pay(self, payer: str, payee: str, amount: int, fee: int = 0, **fields: int) -> SignedOrder:
        signer = key(payer)
        nonce = self.nonces.get(signer.address, 0)
        self.nonces[signer.address] = nonce + 1
        valid_until = fields.get("valid_until", START_TS_MS // 1000 + 600)
        order = PaymentOrder(
            signer.address, key(payee).address, TOKEN, amount, fee, nonce, valid_until
        )
        return SignedOrder(order, signer.sign_digest(order.digest(DOMAIN)))

    def withdraw(self, payer: str, amount: int, fee: int = 0) -> SignedOrder:
        signer = key(payer)
        nonce = self.nonces.get(signer.address, 0)
        self.nonces[signer.address] = nonce + 1
        valid_until = START_TS_MS // 1000 + 600
        order = WithdrawalOrder(signer.address, TOKEN, amount, fee, nonce, valid_until)
        return SignedOrder(order, signer.sign_digest(order.digest(DOMAIN)))

    def add(
        self,
        orders: tuple[SignedOrder, ...] = (),
        deposits: tuple[tuple[str, int], ...] = (),
        listings: tuple[Asset, ...] = (),
        rejections: tuple[Rejection, ...] = (),
    ) -> MadeBlock:
        operations: list[Operation] = []
        for listing in listings:
            self.accounts[b"fee"] = fee_account_id(listing.asset_id)
            operations.append(
                OpenAccount(fee_account_id(listing.asset_id), listing.asset_id, listing.fee_owner)
            )
        records = tuple(
            DepositRecord(TOKEN, 1, key(owner).address, AmountMinor(amount), START_TS_MS // 1000)
            for owner, amount in deposits
        )
        for record in records:
            payee = self._account(record.owner, operations)
            operations.append(Deposit(payee, record.amount_minor))
        for signed in orders:
            order = signed.order
            if isinstance(order, PaymentOrder):
                payee = self._account(order.payee, operations)
                operations.append(
                    Payment(
                        self.accounts[order.payer],
                        payee,
                        AmountMinor(order.amount),
                        AmountMinor(order.fee),
                    )
                )
            else:
                operations.append(
                    Withdrawal(
                        self.accounts[order.payer],
                        AmountMinor(order.amount),
                        AmountMinor(order.fee),
                    )
                )
        return self._close(
            Body(1, listings, records, (), orders, rejections), encode_all(operations)
        )

    def sweep(self, name: str, amount: int) -> WithdrawalOrder:
        """Let an exit take all that somebody has; return the order that it equals."""
        owner = key(name).address
        nonce = self.nonces.get(owner, 0)
        self.nonces[owner] = nonce + 1
        order = WithdrawalOrder(owner, TOKEN, amount, 0, nonce, 0)
        operation = Withdrawal(self.accounts[owner], AmountMinor(amount), AmountMinor(0))
        self._close(Body(1), encode_all([operation]))
        self.blocks[-1] = replace(self.blocks[-1], sweeps=(order,))
        return order

    def _account(self, owner: Address, operations: list[Operation]) -> AccountId:
        if owner not in self.accounts:
            partition = partition_of(owner)
            same = sum(1 for value in self.accounts.values() if value >> 24 == partition)
            self.accounts[owner] = AccountId(partition << 24 | (same + (2 if not partition else 0)))
            operations.append(OpenAccount(self.accounts[owner], 1, owner))
        return self.accounts[owner]

    def _close(self, body: Body, slots: bytes) -> MadeBlock:
        number = len(self.blocks) + 1
        block = Block(
            number,
            1,
            0,
            self.blocks[-1].block_hash if self.blocks else ZERO_DIGEST,
            operations_hash(slots),
            body_hash(body.encode()),
            len(slots) // 15,
            START_TS_MS + number * 50,
        )
        made = MadeBlock(block, block.digest(DOMAIN), body, slots)
        self.blocks.append(made)
        return made


def sample() -> Journal:
    """A journal with every kind of fact: people pay, are refused, withdraw."""
    journal = Journal()
    journal.add(listings=(ASSET,))
    journal.add(deposits=(("payer", 1_000_000), ("payee", 500)))
    journal.add((journal.pay("payer", "payee", 1_000, 10), journal.pay("payer", "newcomer", 5)))
    journal.add(rejections=(Rejection(keccak(b"refused"), 126),))
    journal.add((journal.withdraw("payee", 300, 1), journal.pay("payer", "payee", 7)))
    return journal
