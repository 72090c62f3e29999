"""Batches without a committee: any operations that L1 allows, with what authorises each of them.

Unlike the engine's, these stand where they like: any free ids, no-ops anywhere, fee bytes of any
exponent, payers without the engine's order. So they try L1's rules, and nothing but them.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Final

from backend.protocol.authorised import AuthorisedTree
from backend.protocol.batches import CHUNK_SLOTS, FEE_ACCOUNTS_MAX, padded, slot_number
from backend.protocol.eip712 import Domain, ledger_domain
from backend.protocol.evidence import Evidence
from backend.protocol.hashing import Digest, keccak
from backend.protocol.money import AMOUNT_MINOR_MAX, AmountMinor, fee_minor
from backend.protocol.operations import SLOT_BYTES, OpenAccount, encode, slot
from backend.protocol.order_records import LEGS_MAX, OrderGroup, RootedOrder, SignedOrder
from backend.protocol.orders import Order, PaymentOrder, WithdrawalOrder, linked
from backend.protocol.signing import PrivateKey
from backend.protocol.state_tree import GENESIS_LEAVES, StateTree
from backend.protocol.transition import L1Facts, apply_in_sequence
from backend.protocol.types import (
    BRIDGE,
    FEE_PARTITION,
    ZERO_ADDRESS,
    AccountId,
    Address,
    Asset,
    DepositRecord,
    Leaf,
    fee_account_id,
)

PEOPLE: Final = 6
LEAVER: Final = 5  # who asked for an exit
FEE_ASSETS: Final = 6  # assets 1 to 6 take fees; the account of the last isn't open at first
FREE_ASSET: Final = 7
UNLISTED_ASSET: Final = 999
AMOUNT_MINOR: Final = 10**9
TS_S: Final = 1_700_000_000


def person(index: int) -> PrivateKey:
    return PrivateKey(keccak(f"person {index}".encode()))


FEE_OWNER: Final = PrivateKey(keccak(b"fee owner"))
KEYS: Final = {key.address: key for key in [*map(person, range(PEOPLE)), FEE_OWNER]}
STRANGER: Final = Address(keccak(b"stranger")[12:])  # whose key nobody has
HOLDINGS: Final = (  # of people, by asset: the accounts at the start
    *((0, asset_id) for asset_id in range(1, FREE_ASSET + 1)),
    *((1, asset_id) for asset_id in (1, 2, FREE_ASSET)),
    (2, 1),
    (2, 2),
    (3, 1),
    (LEAVER, 1),
    (LEAVER, 2),
    (LEAVER, FREE_ASSET),
)
# Owner, asset and minor units of L1's queue: first what the accounts hold at the start, of which
# the leaver has more than one operation can take.
DEPOSITS: Final[tuple[tuple[Address, int, int], ...]] = (
    *((person(index).address, asset_id, AMOUNT_MINOR) for index, asset_id in HOLDINGS),
    (person(LEAVER).address, 1, AMOUNT_MINOR_MAX),
    (person(0).address, 1, 7),
    (person(4).address, 2, AMOUNT_MINOR_MAX),
    (STRANGER, FREE_ASSET, 1),
    (person(4).address, 2, 5),
    (person(LEAVER).address, 2, 11),
    (FEE_OWNER.address, 1, 13),
    (person(1).address, FREE_ASSET, 17),
)
FOUNDING_DEPOSITS: Final = len(HOLDINGS) + 1


@dataclass
class Scene:
    """The ledger before a batch, and what L1 knows besides. `ts_s` is the batch's timestamp."""

    domain: Domain
    assets: dict[int, Asset]
    queue: list[DepositRecord]
    ts_s: int
    leaves: dict[AccountId, Leaf] = field(default_factory=lambda: dict(GENESIS_LEAVES))
    roots: set[tuple[Address, Digest]] = field(default_factory=set)

    @property
    def tree(self) -> StateTree:
        return StateTree(self.leaves)

    @property
    def leaving(self) -> list[AccountId]:
        """The accounts that L1 was asked to let go."""
        owner = person(LEAVER).address
        return [place for place, leaf in self.leaves.items() if leaf.owner == owner]

    def facts(self, cursor: int) -> L1Facts:
        return L1Facts(self.assets, dict(enumerate(self.queue)), cursor)


@dataclass
class Draft:
    """A batch's slots, chunk by chunk, and the evidence for what stands in them."""

    chunk_slots: list[bytes] = field(default_factory=list)
    evidence: dict[int, Evidence] = field(default_factory=dict)
    roots: set[tuple[Address, Digest]] = field(default_factory=set)  # L1 has to know them


class Drafter:
    """Writes a valid batch, one operation after the other, by choices of `random`."""

    def __init__(self, random: Random, scene: Scene) -> None:
        self.random, self.scene = random, scene
        self.leaves = dict(scene.leaves)
        self.slots = b""
        self.fee_accounts: set[AccountId] = set()
        self.draft = Draft()
        self.by_root: list[tuple[int, Order]] = []

    # What operations there are.

    def open(self, owner: Address, asset_id: int, account_id: AccountId | None = None) -> AccountId:
        """Open an account at a random free id."""
        while account_id is None or account_id in self.leaves:
            account_id = AccountId(self.random.randrange(2, FEE_PARTITION << 24))
        self._write(encode(OpenAccount(account_id, asset_id, owner)))
        return account_id

    def deposit(self, payee: AccountId) -> None:
        """Credit the next deposit, which is the payee's."""
        record = self.scene.queue[self.leaves[BRIDGE].nonce]
        self._write(slot(BRIDGE, payee, record.amount_minor, 0))

    def pay(self, payer: AccountId, payee: AccountId, amount_minor: int, fee: int) -> None:
        """Pay, or withdraw if the payee is BRIDGE, by signature or by root."""
        order = self.order(payer, payee, amount_minor, fee)
        if self.random.random() < 0.2:
            self.by_root.append((self._place(), order))
        else:
            self.draft.evidence[self._place()] = Evidence(self.signed(order), 0)
        self._write(slot(payer, payee, amount_minor, fee))

    def group(self, legs: list[tuple[AccountId, AccountId, int, int]]) -> None:
        """Pay all of these, none of them without the others."""
        place, orders = self._place(), []
        for payer, payee, amount_minor, fee in legs:
            orders.append(self.order(payer, payee, amount_minor, fee))
            self._write(slot(payer, payee, amount_minor, fee))
        record = OrderGroup(tuple(map(self.signed, linked(orders))))
        for leg in range(len(legs)):
            self.draft.evidence[place + leg] = Evidence(record, leg)

    def sweep(self, account_id: AccountId) -> None:
        """Take out all that an account holds, or as much as an operation can."""
        amount_minor = min(self.leaves[account_id].balance_minor, AMOUNT_MINOR_MAX)
        self.draft.evidence[self._place()] = Evidence(None, 0)
        self._write(slot(account_id, BRIDGE, amount_minor, 0))

    def order(self, payer: AccountId, payee: AccountId, amount_minor: int, fee: int) -> Order:
        """Return the order of an operation that comes next."""
        leaf = self.leaves[payer]
        asset = self.scene.assets[leaf.asset_id]
        common = {
            "payer": leaf.owner,
            "asset": asset.token,
            "amount": amount_minor * asset.unit,
            "fee": fee_minor(fee) * asset.unit,
            "nonce": leaf.nonce,
            "valid_until": self.scene.ts_s + self.random.choice([0, 1, 600]),
        }
        if payee == BRIDGE:
            return WithdrawalOrder(**common)
        memo = Digest(self.random.randbytes(32))
        return PaymentOrder(payee=self.leaves[payee].owner, memo=memo, **common)

    def signed(self, order: Order) -> SignedOrder:
        key = KEYS[order.payer]
        return SignedOrder(order, key.sign_digest(order.digest(self.scene.domain)))

    # Choosing them.

    def something(self) -> None:
        """Write a random operation that is valid here, or a no-op."""
        chosen = self.random.choices(
            [self.some_payment, self.some_withdrawal, self.some_deposit, self.some_opening],
            [6, 2, 2, 1],
        )[0]
        if self.random.random() < 0.1 or not chosen():
            self._write(bytes(SLOT_BYTES))

    def some_payment(self) -> bool:
        legs = []
        for _ in range(self.random.choice([1, 1, 1, 2, 3, LEGS_MAX])):
            leg = self._some_leg()
            if leg is not None:
                legs.append(leg)
        # In a group all must hold whatever its other legs do: the amounts are small enough.
        if len(legs) > 1 and len(legs) <= self._room() and self._fees_fit(legs):
            self.group(legs)
            return True
        if not legs or not self._fees_fit(legs[:1]):
            return False
        self.pay(*legs[0])
        return True

    def some_withdrawal(self) -> bool:
        leg = self._some_leg()
        if leg is None or not self._fees_fit([leg]):
            return False
        self.pay(leg[0], BRIDGE, leg[2], leg[3])
        return True

    def some_deposit(self) -> bool:
        index = self.leaves[BRIDGE].nonce
        if index == len(self.scene.queue):
            return False
        record = self.scene.queue[index]
        payee = self._account_of(record.owner, record.asset_id)
        if payee is None:
            if self._room() < 3:
                return False
            payee = self.open(record.owner, record.asset_id)
        self.deposit(payee)
        return True

    def some_opening(self) -> bool:
        if self._room() < 2:
            return False
        fee_account = fee_account_id(FEE_ASSETS)
        fee_owner = self.scene.assets[FEE_ASSETS].fee_owner
        if fee_account not in self.leaves and self.random.random() < 0.3:
            if self._account_of(fee_owner, FEE_ASSETS) is None:
                self.open(fee_owner, FEE_ASSETS, fee_account)
                return True
        owner = self.random.choice(list(KEYS))
        asset_id = self.random.choice([*self.scene.assets, UNLISTED_ASSET])
        if self._account_of(owner, asset_id) is not None:
            owner = Address(self.random.randbytes(20))
        self.open(owner, asset_id)
        return True

    def chunk(self, count: int) -> None:
        """Write a chunk of about `count` operations."""
        for _ in range(count):
            if self._room():
                self.something()
        self.close()

    def chunk_of_sweeps(self) -> None:
        """Write a chunk that takes the leaver's accounts out."""
        for account_id in self.scene.leaving:
            if self.leaves[account_id].balance_minor:
                self.sweep(account_id)
                if self.random.random() < 0.3:
                    self._write(bytes(SLOT_BYTES))
        self.close()

    def finish(self) -> Draft:
        """Return the batch; what it pays by roots is under one root for each payer."""
        for owner in dict.fromkeys(order.payer for _, order in self.by_root):
            mine = [(place, order) for place, order in self.by_root if order.payer == owner]
            digests = [order.digest(self.scene.domain) for _, order in mine]
            others = [Digest(self.random.randbytes(32)) for _ in range(self.random.randrange(4))]
            tree = AuthorisedTree(digests + others)
            self.draft.roots.add((owner, tree.root))
            for index, (place, order) in enumerate(mine):
                record = RootedOrder(order, tree.root, tree.proof(index))
                self.draft.evidence[place] = Evidence(record, 0)
        return self.draft

    def _some_leg(self) -> tuple[AccountId, AccountId, int, int] | None:
        """Return payer, payee, amount and fee byte of a payment that is covered."""
        payers = [
            place
            for place, leaf in self.leaves.items()
            if leaf.owner in KEYS and leaf.asset_id in self.scene.assets and leaf.balance_minor
        ]
        payer = self.random.choice(payers)
        leaf = self.leaves[payer]
        payees = [
            place
            for place, other in self.leaves.items()
            if other.asset_id == leaf.asset_id and place != payer
        ]
        fee = self.random.choice([0, 0, 7, self.random.randrange(256)])
        share = leaf.balance_minor // LEGS_MAX
        if fee_minor(fee) and fee_account_id(leaf.asset_id) not in self.leaves:
            fee = 0
        if fee_minor(fee) >= share:
            fee = 0
        if not payees or share < 1:
            return None
        amount_minor = self.random.randint(1, min(share - fee_minor(fee), AMOUNT_MINOR_MAX))
        return payer, self.random.choice(payees), amount_minor, fee

    def _fees_fit(self, legs: list[tuple[AccountId, AccountId, int, int]]) -> bool:
        to = {fee_account_id(self.leaves[leg[0]].asset_id) for leg in legs if fee_minor(leg[3])}
        return len(self.fee_accounts | to) <= FEE_ACCOUNTS_MAX

    def _account_of(self, owner: Address, asset_id: int) -> AccountId | None:
        for place, leaf in self.leaves.items():
            if leaf.owner == owner and leaf.asset_id == asset_id:
                return place
        return None

    def _room(self) -> int:
        return CHUNK_SLOTS - len(self.slots) // SLOT_BYTES

    def _place(self) -> int:
        return slot_number(len(self.draft.chunk_slots), CHUNK_SLOTS - self._room())

    def _write(self, slots: bytes) -> None:
        self.leaves |= apply_in_sequence(
            self.leaves.get, slots, self.scene.facts(len(self.scene.queue))
        )
        self.slots += slots
        payer = AccountId(int.from_bytes(slots[:4]))
        if payer > 1 and fee_minor(slots[SLOT_BYTES - 1]):
            self.fee_accounts.add(fee_account_id(self.leaves[payer].asset_id))

    def close(self) -> None:
        self.draft.chunk_slots.append(padded(self.slots))
        self.slots, self.fee_accounts = b"", set()


def founding(scene: Scene) -> Drafter:
    """Return who wrote the first batch: people's accounts, and their deposits."""
    drafter = Drafter(Random(0), scene)
    for asset_id in range(1, FEE_ASSETS):
        drafter.open(FEE_OWNER.address, asset_id, fee_account_id(asset_id))
    for index, asset_id in HOLDINGS:
        account_id = drafter.open(person(index).address, asset_id)
        drafter.deposit(account_id)
        if (index, asset_id) == (LEAVER, 1):
            rich = account_id
    drafter.deposit(rich)
    drafter.close()
    return drafter


def scene_on_paper() -> Scene:
    """Return the scene after the first batch, on no chain; units are one and 10^12 in turn."""
    assets = {
        asset_id: Asset(
            asset_id,
            Address(keccak(f"token {asset_id}".encode())[12:]),
            1 if asset_id % 2 else 10**12,
            ZERO_ADDRESS if asset_id == FREE_ASSET else FEE_OWNER.address,
        )
        for asset_id in range(1, FREE_ASSET + 1)
    }
    queue = [
        DepositRecord(assets[asset_id].token, asset_id, owner, AmountMinor(amount_minor), TS_S)
        for owner, asset_id, amount_minor in DEPOSITS
    ]
    domain = ledger_domain(31337, Address(keccak(b"rollup")[12:]))
    scene = Scene(domain, assets, queue, TS_S)
    scene.leaves = founding(scene).leaves
    return scene


def draft_batch(random: Random, scene: Scene) -> Draft:
    """Return a valid batch of one to three chunks."""
    drafter = Drafter(random, scene)
    for _ in range(random.choice([1, 1, 1, 2, 2, 3])):
        if random.random() < 0.15:
            drafter.chunk_of_sweeps()
        else:
            drafter.chunk(random.choice([0, 1, 3, 8, 20, CHUNK_SLOTS]))
    return drafter.finish()
