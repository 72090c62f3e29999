"""Chunks for the tests of what executes them: valid ones, hostile ones, at all edges.

Few accounts, so that payers and payees are often the same few; their balances and nonces lie at
both ends. A chunk is honest, or each of its operations may be anything, or some bytes are changed.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

from backend.protocol.batches import CHUNK_SLOTS, CHUNK_SLOTS_BYTES, FEE_ACCOUNTS_MAX, padded
from backend.protocol.money import AmountMinor, BalanceMinor, fee_minor
from backend.protocol.operations import SLOT_BYTES, OpenAccount, encode, slot
from backend.protocol.transition import InvalidOperation, L1Facts, apply_in_sequence
from backend.protocol.types import (
    BRIDGE,
    BRIDGE_OWNER,
    REGISTRY,
    ZERO_ADDRESS,
    AccountId,
    Address,
    Asset,
    DepositRecord,
    Leaf,
    fee_account_id,
)

FEE_ASSETS: Final = range(1, 7)  # the account of the last isn't open at first
FREE_ASSET: Final = 7
UNLISTED_ASSET: Final = 65_535  # whose fee account is open nevertheless
ASSETS: Final = (*FEE_ASSETS, FREE_ASSET, UNLISTED_ASSET)
ODD_BYTES: Final = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFE, 0xFF)
_BALANCES: Final = (0, 1, 5, 1_000, 2**48 - 1, 2**48, 2**63, 2**64 - 2, 2**64 - 1)
_NONCES: Final = (0, 0, 0, 1, 2**32, 2**64 - 3, 2**64 - 2, 2**64 - 1)


def owner(number: int) -> Address:
    return Address(number.to_bytes(20))


@dataclass
class Scene:
    """The accounts before the chunks, what L1 knows, and the chunks."""

    leaves: dict[AccountId, Leaf]
    facts: L1Facts
    chunk_slots: list[bytes]


def scene(seed: int) -> Scene:
    """Return the chunks of a seed: all honest, or some of them not."""
    chance = Random(seed)
    leaves, facts = _leaves(chance), _facts(chance)
    next_deposit = chance.choice([0, 0, 7, 2**40, 2**64 - 3])
    leaves[BRIDGE] = Leaf(BRIDGE_OWNER, 0, next_deposit, BalanceMinor(0))
    facts = L1Facts(
        facts.assets,
        {next_deposit + index: record for index, record in facts.deposits.items()},
        min(next_deposit + facts.deposit_cursor, 2**64 - 1),
    )
    writer = _Writer(chance, dict(leaves), facts)
    chunks = [writer.chunk() for _ in range(chance.choice([0, 1, 2, 4, 9]))]
    if chance.random() < 0.5:
        for _ in range(chance.choice([1, 1, 2])):
            if chunks:
                place = chance.randrange(len(chunks))
                chunks[place] = writer.spoiled(chunks[place])
    return Scene(leaves, facts, chunks)


def _leaves(chance: Random) -> dict[AccountId, Leaf]:
    leaves = {}
    for asset_id in ASSETS:
        for index in range(3):
            account_id = AccountId(asset_id % 255 << 24 | index + 2)
            balance = BalanceMinor(chance.choice([*_BALANCES, chance.randrange(10**6)]))
            leaves[account_id] = Leaf(owner(index + 1), asset_id, chance.choice(_NONCES), balance)
        if asset_id not in (FEE_ASSETS[-1], FREE_ASSET):
            balance = BalanceMinor(chance.choice([0, 0, 0, 2**64 - 9, 2**64 - 1]))
            leaves[fee_account_id(asset_id)] = Leaf(owner(9), asset_id, 0, balance)
    return leaves


def _facts(chance: Random) -> L1Facts:
    fee_owners = dict.fromkeys(FEE_ASSETS, owner(9)) | {FREE_ASSET: ZERO_ADDRESS}
    assets = {
        asset_id: Asset(asset_id, owner(100 + asset_id), 1, fee_owner)
        for asset_id, fee_owner in fee_owners.items()
    }
    deposits = {}
    for index in range(chance.choice([0, 3, 200])):
        asset_id = chance.choice(ASSETS)
        amount = AmountMinor(chance.choice([1, 3, 2**48 - 1]))
        deposits[index] = DepositRecord(
            owner(100 + asset_id), asset_id, owner(chance.randrange(1, 4)), amount, 0
        )
    # Past the queue's end, too: what L1 would have and the reader hasn't.
    return L1Facts(assets, deposits, max(0, len(deposits) + chance.choice([-2, 0, 0, 2])))


class _Writer:
    """Writes operations, honest ones upon the leaves that the ones before lead to."""

    def __init__(self, chance: Random, leaves: dict[AccountId, Leaf], facts: L1Facts) -> None:
        self.chance, self.leaves, self.facts = chance, leaves, facts

    def chunk(self) -> bytes:
        """Return a chunk that is honest, be it full or all but empty."""
        slots, fee_accounts = b"", set[AccountId]()
        for _ in range(self.chance.choice([0, 1, 20, 200])):
            operation = self.operation()
            payer = AccountId(int.from_bytes(operation[:4]))
            more = set[AccountId]()
            if payer in self.leaves and payer > REGISTRY and fee_minor(operation[14]):
                more = {fee_account_id(self.leaves[payer].asset_id)}
            if (
                len(slots) + len(operation) > CHUNK_SLOTS_BYTES
                or len(fee_accounts | more) > FEE_ACCOUNTS_MAX
            ):
                continue
            try:
                self.leaves |= apply_in_sequence(self.leaves.get, operation, self.facts)
            except InvalidOperation:
                continue
            slots += operation
            fee_accounts |= more
        return padded(slots)

    def spoiled(self, honest: bytes) -> bytes:
        """Return a chunk with anything in some of its slots."""
        slots = bytearray(honest)
        for _ in range(self.chance.choice([1, 1, 2, 64])):
            start = self.chance.randrange(CHUNK_SLOTS) * SLOT_BYTES
            match self.chance.randrange(4):
                case 0:
                    slots[start + self.chance.randrange(SLOT_BYTES)] = self.chance.choice(ODD_BYTES)
                case 1:
                    bit = 1 << self.chance.randrange(8)
                    slots[start + self.chance.randrange(SLOT_BYTES)] ^= bit
                case 2:
                    other = self.chance.randrange(CHUNK_SLOTS) * SLOT_BYTES
                    slots[start : start + SLOT_BYTES] = slots[other : other + SLOT_BYTES]
                case _:
                    operation = self.operation()[: len(slots) - start]
                    slots[start : start + len(operation)] = operation
        return bytes(slots)

    def operation(self) -> bytes:
        """Return any operation: by what it names alone it may be valid."""
        match self.chance.choices(range(4), [10, 2, 3, 2])[0]:
            case 0:
                payer, payee = self._account(), self._account()
                if self.chance.random() < 0.8:  # mostly of one asset
                    payee = self._account(getattr(self.leaves.get(payer), "asset_id", 1))
                return slot(payer, payee, self._amount(payer), self._fee_byte())
            case 1:
                payer = self._account()
                return slot(payer, BRIDGE, self._amount(payer), self._fee_byte())
            case 2:
                return self._deposit()
            case _:
                return self._opening()

    def _account(self, asset_id: int | None = None) -> AccountId:
        if self.chance.random() < 0.02:
            return AccountId(self.chance.choice([0, 1, 2, 2**32 - 1, self.chance.getrandbits(32)]))
        holders = [i for i, leaf in self.leaves.items() if asset_id in (None, leaf.asset_id)]
        return self.chance.choice(holders or [AccountId(2)])

    def _amount(self, payer: AccountId) -> int:
        balance = self.leaves[payer].balance_minor if payer in self.leaves else 1
        edges = [balance - 1, balance, balance + 1, balance // 2, 0, 1, 1, 1, 2, 2**48 - 1]
        return min(max(self.chance.choice(edges), 0), 2**48 - 1)

    def _fee_byte(self) -> int:
        return self.chance.choice([0, 0, 1, 7, 8, 8, 16, self.chance.randrange(256)])

    def _deposit(self) -> bytes:
        record = self.facts.deposits.get(self.leaves[BRIDGE].nonce)
        amount = record.amount_minor if record else 1
        payee = self._account()
        if record and self.chance.random() < 0.9:
            fitting = [
                account_id
                for account_id, leaf in self.leaves.items()
                if (leaf.owner, leaf.asset_id) == (record.owner, record.asset_id)
            ]
            payee = self.chance.choice(fitting or [payee])
        amount += self.chance.choice([0, 0, 0, 0, 0, 0, 1])
        return slot(BRIDGE, payee, min(amount, 2**48 - 1), int(self.chance.random() < 0.02))

    def _opening(self) -> bytes:
        asset_id = self.chance.choice([*ASSETS, 0])
        account_id = self.chance.choice(
            [
                AccountId(self.chance.getrandbits(32)),
                AccountId(self.chance.randrange(2, 9)),
                fee_account_id(asset_id),
                fee_account_id(FEE_ASSETS[-1]),
            ]
        )
        # An owner whose second half looks like an operation, too.
        looks = Address(bytes(5) + self._some_slot())
        holder = self.chance.choice([owner(9), owner(self.chance.randrange(4)), looks])
        return encode(OpenAccount(account_id, asset_id, holder))

    def _some_slot(self) -> bytes:
        return slot(self._account(), self._account(), 1, 8)
