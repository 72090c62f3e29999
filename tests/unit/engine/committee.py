"""A committee of four, payers with money, and a chain in memory, for tests of the engine."""

from dataclasses import dataclass, field, replace

from backend.engine.rounds import Committee
from backend.protocol.authorised import authorised_proof, authorised_root
from backend.protocol.eip712 import ledger_domain
from backend.protocol.hashing import Digest, keccak
from backend.protocol.log_entries import IdentityEntry
from backend.protocol.money import AmountMinor
from backend.protocol.order_records import OrderGroup, OrderRecord, RootedOrder, SignedOrder
from backend.protocol.orders import PaymentOrder, WithdrawalOrder, linked
from backend.protocol.signing import PrivateKey
from backend.protocol.types import (
    AccountId,
    Address,
    Asset,
    AuthorisedRoot,
    DepositRecord,
    Epoch,
    ExitRequest,
)

CHAIN_ID = 31337
ROLLUP = Address(b"\x0a" * 20)
DOMAIN = ledger_domain(CHAIN_ID, ROLLUP)
IDENTITY = IdentityEntry(CHAIN_ID, ROLLUP, keccak(b"code"))
TOKEN = Address(b"\x0b" * 20)
FEE_OWNER = Address(b"\x0c" * 20)
ASSET = Asset(1, TOKEN, 1, FEE_OWNER)
START_MS = 1_800_000_000_000
NEVER_S = 2**63


def key(name: str) -> PrivateKey:
    return PrivateKey(keccak(name.encode()))


VALIDATORS = sorted((key(f"validator {i}") for i in range(4)), key=lambda k: k.address)
SEQUENCERS = [key(f"sequencer {i}") for i in range(2)]
COMMITTEE = Committee(
    DOMAIN, 1, tuple(k.address for k in VALIDATORS), tuple(k.address for k in SEQUENCERS)
)


@dataclass(frozen=True)
class Point:
    number: int
    block_hash: bytes


@dataclass
class FakeL1:
    """Facts of the chain, each with the number of its block."""

    number: int = 0
    assets: list[tuple[int, Asset]] = field(default_factory=list)
    queue: list[tuple[int, DepositRecord]] = field(default_factory=list)
    authorised: list[tuple[int, AuthorisedRoot]] = field(default_factory=list)
    leaving: list[tuple[int, ExitRequest]] = field(default_factory=list)
    epochs: list[tuple[int, Epoch]] = field(default_factory=list)
    barred: dict[tuple[Address, Address], int] = field(default_factory=dict)
    frozen: int | None = None

    def confirmed(self) -> Point:
        return Point(self.number, keccak(self.number.to_bytes(8)))

    def listings(self, known_count: int, to_l1_block: int) -> list[Asset]:
        return [asset for at, asset in self.assets[known_count:] if at <= to_l1_block]

    def deposits(self, from_index: int, to_l1_block: int) -> list[DepositRecord]:
        return [record for at, record in self.queue[from_index:] if at <= to_l1_block]

    def roots(self, from_index: int, to_l1_block: int) -> list[AuthorisedRoot]:
        return [root for at, root in self.authorised[from_index:] if at <= to_l1_block]

    def exits(self, from_index: int, to_l1_block: int) -> list[ExitRequest]:
        return [request for at, request in self.leaving[from_index:] if at <= to_l1_block]

    def epoch(self, to_l1_block: int) -> Epoch | None:
        return max(
            (epoch for at, epoch in self.epochs if at <= to_l1_block),
            key=lambda epoch: epoch.number,
            default=None,
        )

    def frozen_ts_s(self) -> int | None:
        return self.frozen

    def is_regulated(self, token: Address) -> bool:
        return any(token == one for one, _ in self.barred)

    def may_hold(self, token: Address, owner: Address, *, to_l1_block: int, ts_s: int) -> bool:
        return (token, owner) not in self.barred or to_l1_block < self.barred[token, owner]

    def authorise(self, owner: Address, root: Digest) -> None:
        """A repeat is no fact, as on the chain."""
        self.number += 1
        authorised = AuthorisedRoot(owner, root)
        if all(authorised != known for _, known in self.authorised):
            self.authorised.append((self.number, authorised))

    def request_exit(self, account_id: AccountId, owner: Address) -> None:
        self.number += 1
        self.leaving.append((self.number, ExitRequest(account_id, owner)))

    def begin_epoch(self, number: int, *members: Address) -> None:
        self.number += 1
        self.epochs.append((self.number, Epoch(number, tuple(sorted(members)))))

    def bar(self, token: Address, owner: Address) -> None:
        """Let an owner hold a token no more."""
        self.number += 1
        self.barred[token, owner] = self.number

    def list_asset(self, asset: Asset = ASSET) -> None:
        self.number += 1
        self.assets.append((self.number, asset))

    def deposit(self, owner: Address, amount_minor: int, asset: Asset = ASSET) -> None:
        self.number += 1
        amount = AmountMinor(amount_minor)
        record = DepositRecord(asset.token, asset.asset_id, owner, amount, self.number)
        self.queue.append((self.number, record))


def funded_l1(*owners: Address, amount_minor: int = 1_000_000) -> FakeL1:
    """Return a chain with one asset, and a deposit for each owner."""
    l1 = FakeL1()
    l1.list_asset()
    for owner in owners:
        l1.deposit(owner, amount_minor)
    return l1


def sign(payer: PrivateKey, order: PaymentOrder | WithdrawalOrder) -> SignedOrder:
    return SignedOrder(order, payer.sign_digest(order.digest(DOMAIN)))


def payment(
    payer: PrivateKey, payee: Address, amount: int, nonce: int, *, valid_until: int = NEVER_S
) -> SignedOrder:
    return sign(payer, PaymentOrder(payer.address, payee, TOKEN, amount, 0, nonce, valid_until))


def withdrawal(payer: PrivateKey, amount: int, nonce: int) -> SignedOrder:
    return sign(payer, WithdrawalOrder(payer.address, TOKEN, amount, 0, nonce, NEVER_S))


def group(*legs: tuple[PrivateKey, Address, int, int], valid_until: int = NEVER_S) -> OrderGroup:
    """Return a group of these payers, payees, amounts and nonces."""
    orders = linked(
        [
            PaymentOrder(payer.address, payee, TOKEN, amount, 0, nonce, valid_until)
            for payer, payee, amount, nonce in legs
        ]
    )
    payers = [payer for payer, *_ in legs]
    return OrderGroup(
        tuple(sign(payer, order) for payer, order in zip(payers, orders, strict=True))
    )


def rooted(*orders: PaymentOrder | WithdrawalOrder) -> list[RootedOrder]:
    """Return the orders under their common root."""
    digests = [order.digest(DOMAIN) for order in orders]
    root = authorised_root(digests)
    return [
        RootedOrder(order, root, tuple(authorised_proof(digests, index)))
        for index, order in enumerate(orders)
    ]


def id_of(record: OrderRecord) -> Digest:
    return record.record_id(DOMAIN)


def forged(signed: SignedOrder) -> SignedOrder:
    """Return the same order, signed by somebody else."""
    return replace(signed, signature=key("forger").sign_digest(id_of(signed)))
