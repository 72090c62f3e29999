"""Solidity reads chunks as Python does.

- random chunks of operations, most of them valid up to some slot → the same verdict, the same
  leaves, and nothing is asked for that Python didn't read; each check fails in some
- chunks of noise → the same
"""

import random
from dataclasses import replace

import pytest

from backend.protocol.operations import SLOT_BYTES, slot
from backend.protocol.transition import L1Facts
from backend.protocol.types import (
    BRIDGE,
    BRIDGE_OWNER,
    Asset,
    Leaf,
    address_from_text,
    address_text,
    fee_account_id,
)
from tests.contracts.disputes.proofs import Witness, leaf_tuple, queued, record_tuple

ASSET_COUNT = 8
DEPOSIT_COUNT = 12
CURSOR = 10
SLOTS = 64
ROOT = bytes(31) + b"\x01"
PERSONS = [bytes([i]) * 20 for i in range(0xA0, 0xA6)]


class World:
    """Accounts of few people in several assets, and what L1 knows of them."""

    def __init__(self, assets, deposits):
        self.facts = L1Facts(assets, deposits, CURSOR)
        self.leaves = {BRIDGE: Leaf(BRIDGE_OWNER, 0, 3, 0)}
        for asset_id in assets:
            for i, person in enumerate(PERSONS[:3]):
                self.leaves[10 * asset_id + i] = Leaf(person, asset_id, i, 1000)
            if asset_id % 3 and assets[asset_id].takes_fee:
                owner = assets[asset_id].fee_owner
                self.leaves[fee_account_id(asset_id)] = Leaf(owner, asset_id, 0, 0)
        self.leaves[10] = replace(self.leaves[10], balance_minor=2**64 - 1 - 500)
        self.leaves[20] = replace(self.leaves[20], nonce=2**64 - 2)
        self.free = [5, 7, 300, *map(fee_account_id, (3, 4, 6, 9))]

    def draw(self, random_, leaves):
        """Return one or two slots: of an operation that may be valid, by its looks."""
        ids = [each for each in leaves if each != BRIDGE]
        kind = random_.randrange(12)
        payer = random_.choice(ids)
        alike = [each for each in ids if leaves[each].asset_id == leaves[payer].asset_id]
        amount = random_.choice([1, 3, 40, 700, 2**48 - 1])
        fee = random_.choice([0, 0, 0, 1 << 3, 3 << 3 | 1, 31 << 3 | 7])
        if kind < 5:
            return slot(payer, random_.choice(alike), amount, fee)
        if kind < 7:
            return slot(payer, BRIDGE, amount, fee)
        if kind < 9:
            record = self.facts.deposits[min(leaves[BRIDGE].nonce, DEPOSIT_COUNT - 1)]
            theirs = [e for e in ids if leaves[e].owner == record.owner]
            payee = random_.choice([*theirs, *ids[:2]])
            return slot(BRIDGE, payee, random_.choice([record.amount_minor] * 5 + [1]), 0)
        if kind == 9:
            return bytes(SLOT_BYTES)
        return self.opening(random_, leaves)

    def opening(self, random_, leaves):
        account_id = random_.choice([*self.free, *self.free, *list(leaves)])
        asset_id = random_.choice([account_id & 0xFF, *self.facts.assets, 0, 60_000])
        asset = self.facts.assets.get(asset_id)
        owners = [asset.fee_owner if asset else PERSONS[4], *PERSONS, bytes(20)]
        owner = random_.choice([owners[0], random_.choice(owners)])
        return slot(1, account_id, 0, 0)[:8] + asset_id.to_bytes(2) + owner

    def chunk(self, random_):
        """Return 960 bytes: operations that are valid, but for one now and then."""
        slots, leaves, spoil_at = b"", dict(self.leaves), random_.randrange(2 * SLOTS)
        while len(slots) < SLOTS * SLOT_BYTES:
            drawn = self.draw(random_, leaves)
            if random_.randrange(20) == 0:
                drawn = _mutated(random_, drawn)
            witness = Witness(leaves.get, drawn, self.facts)
            if witness.is_valid:
                leaves |= witness.changes
            elif len(slots) // SLOT_BYTES < spoil_at:
                continue
            slots += drawn
        return slots[: SLOTS * SLOT_BYTES]


def _mutated(random_, drawn):
    place = random_.randrange(len(drawn))
    return drawn[:place] + bytes([random_.randrange(256)]) + drawn[place + 1 :]


def noise(random_):
    """Return 960 bytes of few different values, so that ids meet."""
    return bytes(random_.choice([0, 0, 0, 0, 1, 2, 10, 11, 255]) for _ in range(SLOTS * SLOT_BYTES))


@pytest.fixture
def world(project, rollup, lister, payer):
    assets, tokens = {}, []
    for i in range(1, ASSET_COUNT + 1):
        token = lister.deploy(project.ReturnBoolToken, "Test Dollar", "TUSD", 6)
        fee_owner = bytes([0xF0 + i]) * 20 if i % 4 else bytes(20)
        rollup.listAsset(token, 1, address_text(fee_owner), sender=lister)
        assets[i] = Asset(i, address_from_text(token.address), 1, fee_owner)
        tokens.append(token)
    for i in range(DEPOSIT_COUNT):
        token = tokens[i % 2]
        token.mint(payer, 100, sender=payer)
        token.approve(rollup, 100, sender=payer)
        owner = address_text(PERSONS[i % 3])
        rollup.deposit(assets[1 + i % 2].asset_id, owner, 10 + i, b"", sender=payer)
    return World(assets, queued(rollup))


@pytest.fixture
def read(harness, rollup, world):
    """Read a chunk in Solidity, with what Python read of it and with no more."""

    def _read(slots, leaves, account_ids):
        shown = [leaf_tuple(each, leaves.get(each)) for each in sorted(account_ids)]
        first = leaves[BRIDGE].nonce
        records = [record_tuple(world.facts.deposits[i]) for i in range(first, CURSOR)]
        return harness.read(rollup, CURSOR, shown, slots + ROOT, records)

    return _read


def agree(world, read, slots):
    """Read in both languages; return which check of Python's failed, or None."""
    witness = Witness(world.leaves.get, slots, world.facts)

    is_valid, after = read(slots, world.leaves, witness.account_ids)

    assert is_valid == witness.is_valid, witness.refusal
    if is_valid:
        expected = world.leaves | witness.changes
        for leaf in after:
            assert tuple(leaf) == leaf_tuple(leaf[0], expected.get(leaf[0]))
    return witness.refusal and witness.refusal.check


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("case_count", [400, pytest.param(5_000, marks=pytest.mark.long)])
def test_read__random_chunks__as_python_holds(world, read, case_count):
    failed = [agree(world, read, world.chunk(random.Random(i))) for i in range(case_count)]

    checks = {"shape", "payer", "payee", "number of fee accounts", "fee account"}
    assert set(failed) == checks | {None}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("case_count", [100, pytest.param(2_000, marks=pytest.mark.long)])
def test_read__noise__as_python_holds(world, read, case_count):
    for seed in range(case_count):
        agree(world, read, noise(random.Random(seed)))
