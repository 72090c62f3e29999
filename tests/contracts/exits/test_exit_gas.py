"""What leaving costs at worst: all paths full, no sibling zero.

- each step of an exit, and what follows a freeze → as in tests/gas_snapshot.json, within half of
  what a transaction may use (EIP-7825) and within what nodes pass on
- showing that an exit was served → within what its bounty is reckoned with
"""

import pytest

from backend.protocol.hashing import keccak
from backend.protocol.state_tree import StateTree, genesis_tree
from backend.protocol.types import AccountId, Leaf, address_from_text, address_text
from tests.contracts.disputes.proofs import (
    chunk_proof,
    leaf_proof,
    multiproof,
    queued,
    record_tuple,
)
from tests.contracts.exits.conftest import ALICE, Posted
from tests.contracts.exits.test_exit_advance import (  # noqa: F401 - fixtures
    AMOUNT,
    FEE,
    OWNER,
    advance,
    as_tuple,
    order,
    owned,
    provider,
)
from tests.contracts.rollup.ledger import LedgerChunk
from tests.contracts.rollup.test_rollup_gas import noise_chunks

GAS_MAX = 2**23
SIZE_BYTES_MAX = 131_072
ENVELOPE_BYTES = 200  # of a transaction, besides its calldata
SHOWING_GAS = 300_000
MANY = 50

# ruff: noqa: F811 - fixtures are named as they are imported


@pytest.fixture
def measure(gas_snapshot):
    """`measure(name, function, *arguments, sender=…)` sends a call and compares its cost."""

    def _measure(name, function, *arguments, gas_max=GAS_MAX, **options):
        calldata = function.encode_input(*arguments)
        assert len(calldata) + ENVELOPE_BYTES <= SIZE_BYTES_MAX
        receipt = function(*arguments, **options)
        gas_snapshot(name, receipt.gas_used)
        assert receipt.gas_used <= gas_max
        return receipt

    return _measure


def crowded(tree: StateTree, leaves: dict[int, Leaf]) -> StateTree:
    """Return the tree with these leaves, and others beside each of their paths."""
    other = Leaf(address_from_text("0x" + "77" * 20), 1, 2**64 - 1, 1)
    beside = {AccountId(each ^ 1 << level): other for each in leaves for level in range(32)}
    return tree.set_many(beside).set_many({AccountId(k): v for k, v in leaves.items()})


@pytest.fixture
def people(payer):
    """Fifty accounts; the first one, Alice's, is the payer's."""
    ids = [ALICE] + [int.from_bytes(keccak(bytes([i]))[:4]) for i in range(MANY - 1)]
    owners = [payer.address] + [address_text(keccak(bytes([i]))[12:]) for i in range(MANY - 1)]
    leaves = [Leaf(address_from_text(owner), 1, 2**64 - 1, 2**48 - 1) for owner in owners]
    return dict(zip(ids, leaves, strict=True))


@pytest.fixture
def post(room, operator):
    """Post a full batch by calldata, which ends in a tree."""

    def _post(tree):
        chunks = [*noise_chunks(119), LedgerChunk(noise_chunks(1)[0].data[:-32] + tree.root, tree)]
        batch = operator.post(chunks, deposit_cursor=room.core.rollup.depositCount())
        room.standing.append(Posted(batch, chunks[-1]))
        return batch, chunks

    return _post


@pytest.fixture
def full(post, people, deposit, token, asset_id):
    """Everybody has money in the ledger, and the vault has it."""
    for _ in range(MANY):
        deposit(token, 2**48 - 1)
    return post(crowded(genesis_tree(), people))


def test_exit__gas__holds(measure, room, exits, rollup, full, post, people, payer, attacker):
    batch, chunks = full
    account = leaf_proof(chunks[-1].tree, ALICE)
    measure(
        "Exits.requestExit: first of all",
        exits.requestExit,
        batch,
        account,
        sender=payer,
        value=exits.bounty(),
    )

    empty = Leaf(people[ALICE].owner, 1, 2**64 - 1, 0)
    later, chunks = post(chunks[-1].tree.set_many({AccountId(ALICE): empty}))
    shown = leaf_proof(chunks[-1].tree, ALICE)
    proof = chunk_proof(chunks, len(chunks) - 1)
    measure(
        "Exits.showServed: in the last of 120 chunks",
        exits.showServed,
        payer,
        later,
        proof,
        shown,
        sender=attacker,
        gas_max=SHOWING_GAS,
    )

    room.settle()
    measure("Exits.creditBounty: first", exits.creditBounty, ALICE, payer, sender=attacker)
    measure("Exits.withdrawBounties: all", exits.withdrawBounties, sender=attacker)


def test_freeze__for_exit__gas__holds(measure, room, exits, rollup, full, payer, attacker):
    batch, chunks = full
    account = leaf_proof(chunks[-1].tree, ALICE)
    exits.requestExit(batch, account, sender=payer, value=exits.bounty())
    room.at(exits.waitingSince(ALICE, payer) + 600)

    measure(
        "Rollup.freezeForExit: under the tip",
        rollup.freezeForExit,
        batch,
        account,
        sender=attacker,
    )


def test_freeze__for_deposit__gas__holds(measure, room, rollup, posted, deposit, token, attacker):
    since = deposit(token, 1).timestamp
    room.at(since + 700)
    record = record_tuple(queued(rollup)[1])

    measure(
        "Rollup.freezeForDeposit: past the tip's cursor",
        rollup.freezeForDeposit,
        room.tip,
        1,
        record,
        sender=attacker,
    )


def test_freeze__for_silence__gas__holds(measure, room, rollup, posted, attacker):
    room.at(posted.batch.accepted_ts_s + 7 * 86_400)

    measure(
        "Rollup.freezeForSilence: since the tip",
        rollup.freezeForSilence,
        posted.batch,
        sender=attacker,
    )


@pytest.mark.parametrize("count", [1, MANY])
def test_escape__gas__holds(measure, room, rollup, full, token, people, attacker, count):
    batch, chunks = full
    room.end()
    shown = multiproof(chunks[-1].tree, list(people)[:count])

    measure(f"Rollup.escape: {count} accounts", rollup.escape, batch, shown, sender=attacker)

    assert token.balanceOf(rollup) == (MANY - count) * (2**48 - 1)


@pytest.mark.parametrize("count", [1, MANY])
def test_refund__gas__holds(
    measure, room, rollup, posted, deposit, token, accounts, attacker, count
):
    for i in range(count):
        deposit(token, 1, owner=address_text(keccak(bytes([i]))[12:]))
    room.end()
    records = [record_tuple(queued(rollup)[1 + i]) for i in range(count)]

    measure(
        f"Rollup.refund: {count} deposits", rollup.refund, room.tip, 1, records, sender=attacker
    )


def test_advance__gas__holds(measure, room, exits, owned, order, provider):
    signature = OWNER.sign_digest(order.digest(room.operator.domain))

    measure(
        "Exits.advance: to a new holder", exits.advance, as_tuple(order), signature, sender=provider
    )
