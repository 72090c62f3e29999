"""Forced exits in the ledger: sweeps, and what they do to others.

- an account leaves with all it has, before everything else in the block; its id and its slot
- nothing to sweep: another owner's account, an empty one, none; a request twice
- more than an operation holds: block after block
- orders of the account end rejected, whatever waits; credits of the same block stay
- facts of L1: left out, made up; a snapshot in between
- packing: chunks of sweeps alone, a chunk's end where there is nothing to sweep; whoever packs
  otherwise gets no signature
"""

import pytest

from backend.engine.batch.chunking import block_operations, facts_of, lay_out, with_roots
from backend.engine.batch.errors import ExitNotShown, SweepNotAlone
from backend.engine.batch.verify import BatchTip, execute_chunks
from backend.engine.ledger import decode_snapshot, encode_snapshot, sweeps_of
from backend.engine.vector.leaves import FlatLedger
from backend.protocol.batches import CHUNK_SLOTS, genesis_header, padded
from backend.protocol.blocks import Body
from backend.protocol.errors import NonceTooLow
from backend.protocol.money import AMOUNT_MINOR_MAX
from backend.protocol.operations import SLOT_BYTES, Withdrawal, read_slots
from backend.protocol.orders import WithdrawalOrder
from backend.protocol.state_tree import genesis_tree
from backend.protocol.types import AccountId, ExitRequest
from tests.unit.engine.chamber import Chamber
from tests.unit.engine.committee import (
    DOMAIN,
    SEQUENCERS,
    TOKEN,
    funded_l1,
    id_of,
    key,
    payment,
)

PAYER, PAYEE, OTHER = key("payer"), key("payee"), key("other")
MONEY = 1_000_000


@pytest.fixture
def chamber():
    """Block 1 has listed the asset and credited a million each to payer and payee."""
    chamber = Chamber(funded_l1(PAYER.address, PAYEE.address, amount_minor=MONEY))
    chamber.settle()
    return chamber


def account_of(chamber, owner=PAYER):
    return chamber.replica.ledger.account(owner.address, 1)


def leave(chamber, owner=PAYER, *, of=None):
    """Ask L1 for the exit of an account of `of`, by `owner`."""
    account_id, _ = account_of(chamber, of or owner)
    chamber.l1.request_exit(account_id, owner.address)


def operations(final):
    return [operation for _, operation in read_slots(final.slots)]


def test_exit__balance__is_swept_succeeds(chamber):
    account_id, _ = account_of(chamber)
    leave(chamber)
    chamber.settle()

    final = chamber.finals[-1]
    assert final.body.exits == (ExitRequest(account_id, PAYER.address),)
    assert operations(final) == [Withdrawal(account_id, MONEY, 0)]
    order = WithdrawalOrder(PAYER.address, TOKEN, MONEY, 0, 0, 0)
    assert final.sweep_ids == (order.digest(DOMAIN),)
    leaf = account_of(chamber)[1]
    assert (leaf.nonce, leaf.balance_minor) == (1, 0)
    ledger = chamber.replica.ledger
    assert (ledger.exit_count, ledger.exiting, ledger.supply_minor[1]) == (1, (), MONEY)
    ledger.check_conservation()


@pytest.mark.parametrize(
    "request_exit",
    [
        lambda c: leave(c, OTHER, of=PAYER),
        lambda c: c.l1.request_exit(AccountId(0), PAYER.address),
        lambda c: c.l1.request_exit(AccountId(77), PAYER.address),
        lambda c: (c.order(payment(PAYER, OTHER.address, MONEY, 0)), c.settle(), leave(c)),
    ],
    ids=["another owner's", "the bridge", "nobody's", "empty"],
)
def test_exit__nothing_to_sweep__changes_nothing(chamber, request_exit):
    request_exit(chamber)
    chamber.settle()

    final = chamber.finals[-1]
    assert len(final.body.exits) == 1
    assert final.slots == b""
    assert chamber.replica.ledger.exit_count == 1
    assert chamber.replica.ledger.exiting == ()


def test_exit__asked_for_twice__is_swept_once_holds(chamber):
    leave(chamber)
    leave(chamber)
    chamber.settle()

    assert len(operations(chamber.finals[-1])) == 1
    assert chamber.replica.ledger.exit_count == 2


def test_exit__more_than_an_operation_holds__is_swept_block_by_block_holds(chamber):
    for _ in range(2):
        chamber.l1.deposit(PAYER.address, AMOUNT_MINOR_MAX)
    chamber.settle()
    leave(chamber)
    chamber.settle()

    swept = [operations(final)[0].amount_minor for final in chamber.finals[-3:]]
    assert swept == [AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX, MONEY]
    assert [len(final.body.exits) for final in chamber.finals[-3:]] == [1, 0, 0]
    assert account_of(chamber)[1].balance_minor == 0
    assert chamber.replica.ledger.exiting == ()


def test_exit__orders_that_wait__are_rejected_holds(chamber):
    orders = [payment(PAYER, PAYEE.address, 5, nonce) for nonce in range(2)]
    leave(chamber)
    chamber.tick()
    chamber.order(*orders)
    chamber.settle()

    final = chamber.finals[-1]
    assert final.body.records == ()
    assert final.rejected_ids == (
        (id_of(orders[0]), NonceTooLow.number),
        (id_of(orders[1]), 125),
    )


def test_exit__credits_of_the_same_block__stay_holds(chamber):
    leave(chamber)
    chamber.tick()
    chamber.order(payment(PAYEE, PAYER.address, 7, 0))
    chamber.settle()

    assert operations(chamber.finals[-1])[0] == Withdrawal(account_of(chamber)[0], MONEY, 0)
    assert account_of(chamber)[1].balance_minor == 7


def test_judge__exit_left_out__rejects(chamber):
    leave(chamber)
    chamber.tick()
    chamber.append(chamber.block(Body(chamber.l1.number), SEQUENCERS[0]))
    assert chamber.tip.number == 2  # it was attested too late to be due

    chamber.append(chamber.block(Body(chamber.l1.number), SEQUENCERS[0]))

    assert (chamber.tip.number, chamber.replica.rounds.round) == (2, 1)


def test_judge__exit_that_l1_has_not__rejects(chamber):
    account_id, _ = account_of(chamber)
    body = Body(chamber.l1.number, exits=(ExitRequest(account_id, PAYER.address),))

    chamber.append(chamber.block(body, SEQUENCERS[0]))

    assert (chamber.tip.number, chamber.replica.rounds.round) == (1, 1)
    assert account_of(chamber)[1].balance_minor == MONEY


def test_snapshot__while_an_account_leaves__holds(chamber):
    for _ in range(2):
        chamber.l1.deposit(PAYER.address, AMOUNT_MINOR_MAX)
    chamber.settle()
    leave(chamber)
    chamber.tick()
    chamber.propose()
    ledger = chamber.replica.ledger

    again = decode_snapshot(encode_snapshot(ledger))

    assert FlatLedger.of(again) == ledger
    assert again.exiting == (account_of(chamber)[0],)
    assert sweeps_of(again, ()) == sweeps_of(ledger, ())


def blocks_of(chamber):
    return [
        block_operations(f.block, f.block_hash, f.body, f.execution, f.payment_ids, f.sweep_ids)
        for f in chamber.finals
    ]


def swept_chamber(chamber):
    """A block credits, the next sweeps both accounts and pays, the third sweeps one again."""
    leave(chamber)
    leave(chamber, PAYEE)
    chamber.tick()
    chamber.l1.deposit(PAYER.address, AMOUNT_MINOR_MAX)
    chamber.settle()
    leave(chamber)
    chamber.settle()
    return chamber


def test_lay_out__sweeps__have_chunks_of_their_own_holds(chamber):
    layout = lay_out(blocks_of(swept_chamber(chamber)), 120)

    kinds = [
        [type(operation).__name__ for _, operation in read_slots(slots) if slots]
        for slots in layout.chunk_slots
    ]
    shown = [sorted(set(kind) - {"NoOp"}) for kind in kinds]
    assert shown == [["Deposit", "OpenAccount"], ["Withdrawal"], ["Deposit"], ["Withdrawal"]]


def test_execute_chunks__sweep_beside_something_else__rejects(chamber):
    blocks = blocks_of(swept_chamber(chamber))
    tip = tip_of(chamber, [])
    dense = b"".join(block.slots for block in blocks)
    size = CHUNK_SLOTS * SLOT_BYTES
    chunks = [padded(dense[start : start + size]) for start in range(0, len(dense), size)]

    with pytest.raises(SweepNotAlone):
        execute_chunks(rooted(tip, chunks, blocks), tip, blocks)


def test_execute_chunks__account_swept_twice_in_a_chunk__rejects(chamber):
    for _ in range(2):
        chamber.l1.deposit(PAYER.address, AMOUNT_MINOR_MAX)
    chamber.settle()
    leave(chamber)
    chamber.settle()
    blocks = blocks_of(chamber)
    tip = tip_of(chamber, [])
    honest = list(lay_out(blocks, 120).chunk_slots)
    joined = padded(b"".join(block.slots for block in blocks if block.sweep_count))

    execute_chunks(rooted(tip, honest, blocks), tip, blocks)
    with pytest.raises(SweepNotAlone):
        execute_chunks(rooted(tip, [*honest[:-3], joined], blocks), tip, blocks)


@pytest.mark.parametrize("is_first", [True, False], ids=["first block", "later block"])
def test_lay_out__nothing_to_sweep__shows_the_state_before_holds(chamber, is_first):
    """He empties his account before the exit arrives, and is paid in the very block that brings
    it: without the chunk's end no root would show that the exit was served."""
    emptying = payment(PAYER, PAYEE.address, MONEY, 0)
    chamber.order(emptying)
    chamber.settle()
    before = len(chamber.finals)
    leave(chamber)
    chamber.tick()
    chamber.order(payment(PAYEE, PAYER.address, 7, 0))
    chamber.settle()
    blocks, account_id = blocks_of(chamber), account_of(chamber)[0]
    assert [block.shows_start for block in blocks] == [False] * before + [True]
    start = before if is_first else 0
    tip = tip_of(chamber, blocks[:start])

    honest = lay_out(blocks[start:], 120).chunk_slots

    chunks = rooted(tip, honest, blocks[start:])
    assert len(honest) == 2
    trees = [states(tip, honest[:count], blocks[start:])[1] for count in (1, 2)]
    assert [tree.leaf(account_id).balance_minor for tree in trees] == [0, 7]
    execute_chunks(chunks, tip, blocks[start:])
    dense = [padded(b"".join(block.slots for block in blocks[start:]))]
    with pytest.raises(ExitNotShown):
        execute_chunks(rooted(tip, dense, blocks[start:]), tip, blocks[start:])


def test_lay_out__exit_of_nobody_and_no_operation__is_empty_holds(chamber):
    posted = blocks_of(chamber)
    chamber.l1.request_exit(AccountId(77), PAYER.address)
    chamber.settle()
    blocks = blocks_of(chamber)[len(posted) :]

    layout = lay_out(blocks, 120)

    assert [block.shows_start for block in blocks] == [True]
    assert layout.is_empty
    tip = tip_of(chamber, posted)
    execute_chunks(rooted(tip, layout.chunk_slots, blocks), tip, blocks)


def tip_of(chamber, posted):
    """The batch tip after blocks that an earlier batch holds, if any."""
    assets = dict(chamber.replica.ledger.assets)
    genesis = BatchTip(genesis_header(genesis_tree().root), b"", genesis_tree(), 0, assets)
    if not posted:
        return genesis
    _, tree = states(genesis, lay_out(posted, 120).chunk_slots, posted)
    deposit_count = sum(len(block.deposits) for block in posted)
    return BatchTip(genesis_header(tree.root), b"", tree, deposit_count, assets)


def states(tip, chunk_slots, blocks):
    """Return the chunks with their roots, and the state after them."""
    deposits = [record for block in blocks for record in block.deposits]
    return with_roots(tip.tree, chunk_slots, facts_of(tip.assets, tip.deposit_count, deposits))


def rooted(tip, chunk_slots, blocks):
    """Return the chunks with the roots that L1 reads."""
    chunks, _ = states(tip, chunk_slots, blocks)
    return chunks
