"""The laws of the ledger and its batches, on random blocks.

People hold 25 minor units of each asset, so that funds, nonces, new accounts and fees get in each
other's way.
Some of their orders come in groups, and some under a root; shuffled ones make groups wait for each
other. The proposer chooses among random orders; a validator judges his choice; every few blocks a
batch is posted. Six assets take a fee: a chunk has room for the fees of four.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.engine.batch import BatchBuilder, HeaderChecks
from backend.engine.batch.chunking import facts_of
from backend.engine.ledger import (
    InvalidBlock,
    OrderNotExecutable,
    check_rejections,
    decode_snapshot,
    encode_snapshot,
    execute,
    select,
)
from backend.protocol.batches import calldata_hash
from backend.protocol.blocks import Body
from backend.protocol.operations import Withdrawal
from backend.protocol.order_records import OrderRecord, RootedOrder
from backend.protocol.orders import Order, PaymentOrder
from backend.protocol.state_tree import StateTree
from backend.protocol.types import Asset, DepositRecord
from tests.property import invariants
from tests.property.world import (
    DOMAIN,
    EPOCH,
    FREE,
    TS_S,
    World,
    asset,
    deposit,
    group,
    pay,
    unsigned,
    withdraw,
)

ASSETS = (*(asset(n) for n in range(1, 7)), Asset(7, FREE.token, FREE.unit, FREE.fee_owner))
PEOPLE = ("alice", "bob", "carol", "dora", "fee owner 1", "fee owner 2")
CHUNKS_MAX = 3
# Everybody begins with a little of each asset.
ENDOWMENT = [deposit(owner, 25, of) for owner in PEOPLE for of in ASSETS]

_people = st.sampled_from(PEOPLE)
_assets = st.sampled_from(ASSETS)
_deposits = st.lists(
    st.builds(deposit, _people, st.integers(1, 60), st.sampled_from(ASSETS)), max_size=8
)


@dataclass(frozen=True)
class Wish:
    """An order but for its nonce, which is the payer's next one and `ahead`."""

    payer: str
    payee: str | None
    of: Asset
    amount_minor: int
    fee_minor: int
    ahead: int
    is_late: bool


_wishes = st.lists(
    st.builds(
        Wish,
        payer=_people,
        payee=st.sampled_from([*PEOPLE, "erin", "frank", "gina", None, None]),
        of=_assets,
        amount_minor=st.sampled_from([1, 2, 3, 5, 8, 13, 40, 0]),
        fee_minor=st.sampled_from([1, 1, 1, 1, 2, 0, 0, 33]),
        ahead=st.sampled_from([0] * 14 + [-1, 1]),
        is_late=st.sampled_from([False] * 15 + [True]),
    ),
    min_size=10,
    max_size=80,
)


_sizes = st.lists(st.sampled_from([0, 1, 1, 2, 2, 2, 3, 8]), min_size=5, max_size=40)


@dataclass(frozen=True)
class Turn:
    """What happens in one block, and whether a batch is posted after it."""

    deposits: list[DepositRecord]
    wishes: list[Wish]
    orders_max: int
    is_posted: bool
    sizes: list[int]
    """How many orders each record has, as far as they are payments and make a group."""
    seed: int
    """What shuffles the orders before that; 0 leaves them as they are."""


_turns = st.lists(
    st.builds(
        Turn,
        _deposits,
        _wishes,
        st.sampled_from([100, 100, 60, 30, 5]),
        st.booleans(),
        _sizes,
        st.sampled_from([0, 0, 0, *range(1, 99)]),
    ),
    min_size=1,
    max_size=4,
)


def orders_of(made: World, wishes: list[Wish]) -> list[Order]:
    """Give each wish its nonce; a late one, and one that is ahead, takes none."""
    nonces: dict[tuple[str, int], int] = {}
    orders: list[Order] = []
    for wish in wishes:
        key = (wish.payer, wish.of.asset_id)
        account = made.ledger.account(pay(wish.payer, "", 1).payer, wish.of.asset_id)
        nonce = nonces.setdefault(key, 0 if account is None else account[1].nonce)
        at = max(nonce + wish.ahead, 0)
        if wish.payee is None:
            order: Order = withdraw(wish.payer, wish.amount_minor, wish.fee_minor, at, wish.of)
        else:
            until = TS_S - 1 if wish.is_late else TS_S
            order = pay(
                wish.payer, wish.payee, wish.amount_minor, wish.fee_minor, at, wish.of, until
            )
        orders.append(order)
        if wish.ahead == 0 and not wish.is_late and 0 < wish.amount_minor < 40:
            nonces[key] = nonce + 1
    return orders


def records_of(orders: Sequence[Order], sizes: Sequence[int], seed: int) -> list[OrderRecord]:
    """Make records of so many orders; size 0 puts one under a root.

    Most groups have no leg that is never executed, or hardly a group would be.
    """
    waiting = [order for order in orders if is_sound(order) or seed % 5 == 4]
    unsound = [order for order in orders if order not in waiting]
    if seed:
        Random(seed).shuffle(waiting)
    records: list[OrderRecord] = list(unsigned(unsound))
    for size in sizes:
        taken, waiting = waiting[: max(size, 1)], waiting[max(size, 1) :]
        payments = [order for order in taken if isinstance(order, PaymentOrder)]
        if size == 0:
            records += [RootedOrder(order, order.digest(DOMAIN), ()) for order in taken]
        elif len(payments) < 2 or len(payments) < len(taken) or pays_many_fees(payments):
            records += unsigned(taken)
        else:
            records.append(group(*payments))
            records[-1].check()
    return [*records, *unsigned(waiting)]


def is_sound(order: Order) -> bool:
    """Whether the order might be executed in some state."""
    is_fee_right = order.fee < 33 and (order.asset != FREE.token or order.fee == 0)
    return order.amount > 0 and is_fee_right and getattr(order, "payee", None) != order.payer


def pays_many_fees(payments: list[PaymentOrder]) -> bool:
    return len({payment.asset for payment in payments if payment.fee}) > 4


def play(turns: list[Turn]) -> World:
    """Run the turns, and check at each block what must hold at each block."""
    made = World()
    made.block(listings=ASSETS, deposits=ENDOWMENT)
    for turn in turns:
        records = records_of(orders_of(made, turn.wishes), turn.sizes, turn.seed)
        accepted = {record.record_id(DOMAIN): record for record in records}
        selection = select(made.ledger, accepted, TS_S, turn.orders_max)
        decided = [*selection.executable, *(one.record_id for one in selection.rejections)]
        assert len(set(decided)) == len(decided)
        # Or orders that wait for one another could keep all later ones waiting.
        count = sum(len(accepted[record_id].orders) for record_id in decided)
        assert count >= min(turn.orders_max, sum(len(r.orders) for r in accepted.values()))
        body = Body(
            l1_block_number=made.ledger.l1_block_number + 1,
            deposits=tuple(turn.deposits),
            records=tuple(selection.executable.values()),
            rejections=selection.rejections,
        )
        check_rejections(made.ledger, body, accepted, TS_S)
        before = made.ledger.fork()
        execution = made.run(body)
        invariants.sequence_gives_the_same(
            before, execution.changes, execution.slots, body.deposits
        )
        invariants.accounts_are_well_formed(made.ledger)
        invariants.groups_are_whole(body.records, execution)
        if turn.is_posted and made.builder.draft(CHUNKS_MAX) is not None:
            made.post(CHUNKS_MAX)
    return made


def withdrawn(made: World) -> list[tuple[int, int]]:
    return [
        (made.ledger.leaves[order.payer_id].asset_id, order.amount_minor)
        for execution in made.executions
        for order in execution.orders
        if order.payee_id == 0
    ]


EXAMPLES = [
    pytest.param(100, id="short"),
    pytest.param(2_000, id="long", marks=[pytest.mark.long, pytest.mark.timeout(1_800)]),
]


@pytest.mark.parametrize("examples", EXAMPLES)
def test_money_conservation__random_blocks__holds(examples):
    @settings(max_examples=examples, deadline=None)
    @given(turns=_turns)
    def holds(turns):
        made = play(turns)

        deposits = ENDOWMENT + [record for turn in turns for record in turn.deposits]
        invariants.money_is_conserved(made.ledger, deposits, withdrawn(made))

    holds()


@pytest.mark.parametrize("examples", EXAMPLES)
def test_batches__random_blocks__holds(examples):
    @settings(max_examples=examples, deadline=None)
    @given(turns=_turns)
    def holds(turns):
        made = play(turns)
        checks = HeaderChecks(EPOCH, calldata_hash, lambda *pin: True)
        # Another validator sees the same blocks, and each header before it is posted.
        other = BatchBuilder.at_genesis(DOMAIN)
        for block in made.blocks:
            other.add_block(block)
        while made.builder.draft(CHUNKS_MAX) is not None:
            made.post(CHUNKS_MAX)
        for number in range(1, made.builder.tip.number + 1):
            header, chunks = made.builder.header(number), made.builder.chunks(number)
            before, state = other.ledger.fork(), StateTree(other.ledger.leaves)
            other.verify(header, chunks, checks)
            placed = other.posted(header)
            blocks = made.blocks[before.block_number : header.last_block_number]

            deposits = [record for block in blocks for record in block.deposits]
            assets = other.ledger.assets
            facts = facts_of(assets, before.deposit_count, deposits)
            invariants.chunks_give_their_roots(chunks, state, facts)
            invariants.chunks_keep_l1_rules(chunks, state)
            invariants.chunks_are_the_blocks(chunks, blocks)
            invariants.groups_stand_in_one_chunk(blocks, dict(placed))
            invariants.header_covers_its_chunks(header, chunks)
            assert [p for p, _ in placed] == [p for b in blocks for p, _ in b.payments]
        assert other.ledger.leaves == made.builder.ledger.leaves

    holds()


@pytest.mark.parametrize("examples", EXAMPLES)
def test_withdrawal_proofs__random_blocks__holds(examples):
    @settings(max_examples=examples, deadline=None)
    @given(turns=_turns, random=st.randoms(use_true_random=False))
    def holds(turns, random):
        made = play(turns)
        while made.builder.draft(CHUNKS_MAX) is not None:
            made.post(CHUNKS_MAX)
        slots = [
            (number, index * 64 + position)
            for number in range(1, made.builder.tip.number + 1)
            for index, chunk in enumerate(made.builder.chunks(number))
            for position, operation in chunk.operations()
            if isinstance(operation, Withdrawal)
        ]
        assert len(slots) == len(withdrawn(made))
        random.shuffle(slots)

        for number, slot in slots:
            proof = made.builder.withdrawal_proof(number, slot)
            invariants.withdrawal_proof_holds(proof, made.builder.header(number))

    holds()


@settings(max_examples=100, deadline=None)
@given(turns=_turns)
def test_snapshot__random_blocks__holds(turns):
    ledger = play(turns).ledger

    again = decode_snapshot(encode_snapshot(ledger))

    assert again == ledger
    assert encode_snapshot(again) == encode_snapshot(ledger)


@settings(max_examples=200, deadline=None)
@given(deposits=_deposits, wishes=_wishes, sizes=_sizes, seed=st.integers(0, 99))
def test_execute__orders_nobody_chose__changes_nothing(deposits, wishes, sizes, seed):
    """Whatever a lying proposer puts into a block: the outcome is InvalidBlock or valid."""
    made = World()
    made.block(listings=ASSETS, deposits=ENDOWMENT + deposits)
    before = made.ledger.fork()
    orders = tuple(records_of(orders_of(made, wishes), sizes, seed))

    try:
        execution = execute(made.ledger, Body(0, records=orders), TS_S)
    except OrderNotExecutable as error:
        execute(made.ledger, Body(0, records=orders[: error.index]), TS_S)
    except InvalidBlock as error:
        raise AssertionError("the listings and deposits are right") from error
    else:
        invariants.sequence_gives_the_same(before, execution.changes, execution.slots, [])
    assert made.ledger == before
