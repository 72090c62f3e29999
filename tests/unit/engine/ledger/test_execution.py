"""Blocks, in two phases.

- orders: payments, withdrawals, fees, openings; what a block's credits can't fund
- the whole block: exact slots, listings, deposits, L1 point, size
"""

from dataclasses import replace

import pytest

from backend.engine.ledger import SUPPLY_MINOR_LIMIT, execute
from backend.engine.ledger.errors import (
    BlockTooLarge,
    DepositInvalid,
    L1PointBehind,
    ListingInvalid,
    OrderNotExecutable,
)
from backend.engine.packing import BLOCK_CHUNKS_MAX
from backend.protocol.batches import CHUNK_SLOTS
from backend.protocol.blocks import Body
from backend.protocol.errors import (
    AccountUnknown,
    InsufficientFunds,
    NonceGap,
    NonceTooLow,
)
from backend.protocol.operations import Deposit, OpenAccount, Payment, Withdrawal, read_slots
from backend.protocol.types import (
    BRIDGE,
    ZERO_ADDRESS,
    address_text,
    fee_account_id,
)
from tests.property.world import (
    STABLE,
    TS_S,
    WIDE,
    World,
    address,
    asset,
    deposit,
    pay,
    unsigned,
    withdraw,
    world,
)

# What each block does to alice 100, bob 50 and carol, who has no account; fees go to the owner.
BLOCKS = {
    "one payment": ([pay("alice", "bob", 30)], {"alice": 70, "bob": 80}),
    "all of it": ([pay("alice", "bob", 100)], {"alice": 0, "bob": 150}),
    "a fee": (
        [pay("alice", "bob", 30, 20)],
        {"alice": 50, "bob": 80, "stable's fee owner": 20},
    ),
    "payee without account": ([pay("alice", "carol", 30)], {"alice": 70, "carol": 30}),
    "two payments in a row": (
        [pay("alice", "bob", 30), pay("alice", "carol", 70, nonce=1)],
        {"alice": 0, "bob": 80, "carol": 70},
    ),
    "in a circle": (
        [pay("alice", "bob", 100), pay("bob", "alice", 50)],
        {"alice": 50, "bob": 100},
    ),
    "withdrawal": ([withdraw("alice", 99, 1)], {"alice": 0, "stable's fee owner": 1}),
    "to the fee account": (
        [pay("alice", "stable's fee owner", 30)],
        {"alice": 70, "stable's fee owner": 30},
    ),
    "two payees of one new account": (
        [pay("alice", "carol", 1), pay("bob", "carol", 2)],
        {"alice": 99, "bob": 48, "carol": 3},
    ),
}


@pytest.mark.parametrize(("orders", "expected"), BLOCKS.values(), ids=BLOCKS)
def test_execute__valid_block__succeeds(orders, expected):
    made = world(alice=100, bob=50)

    made.block(*orders)

    made.ledger.check_conservation()
    assert {owner: made.balance(owner) for owner in expected} == expected


# The order that can't be executed, and why: debits are judged at the block's start.
INVALID_BLOCKS = {
    "too much": ([pay("alice", "bob", 101)], 0, InsufficientFunds(100, 101)),
    "too much with the fee": ([pay("alice", "bob", 100, 1)], 0, InsufficientFunds(100, 101)),
    "twice the balance": (
        [pay("alice", "bob", 60), pay("alice", "bob", 60, nonce=1)],
        1,
        InsufficientFunds(40, 60),
    ),
    "money of the same block": (
        [pay("alice", "bob", 100), pay("bob", "carol", 51)],
        1,
        InsufficientFunds(50, 51),
    ),
    "account of the same block": (
        [pay("alice", "carol", 100), pay("carol", "bob", 1)],
        1,
        AccountUnknown(address_text(address("carol"))),
    ),
    "the same order twice": (
        [pay("alice", "bob", 1), pay("alice", "bob", 1)],
        1,
        NonceTooLow(1, 0),
    ),
    "nonces in the wrong order": (
        [pay("alice", "bob", 1, nonce=1), pay("alice", "bob", 1)],
        0,
        NonceGap(0, 1),
    ),
}


@pytest.mark.parametrize(("orders", "index", "error"), INVALID_BLOCKS.values(), ids=INVALID_BLOCKS)
def test_execute__invalid_order__rejects(orders, index, error):
    made = world(alice=100, bob=50)

    with pytest.raises(OrderNotExecutable) as caught:
        made.block(*orders)

    assert caught.value.index == index
    assert type(caught.value.error) is type(error)
    assert caught.value.error.values == error.values


def test_execute__deposit_of_the_same_block__rejects():
    made = world(alice=100)

    with pytest.raises(OrderNotExecutable) as caught:
        made.block(pay("alice", "bob", 101), deposits=[deposit("alice", 1)])

    assert isinstance(caught.value.error, InsufficientFunds)


def test_execute__a_bit_of_everything__gives_the_exact_slots_holds():
    made = World()
    made.block(deposits=[deposit("alice", 100)], listings=[STABLE])
    alice, bob, dora = (
        made.ledger.free_account_id(address(n), {}) for n in ("alice", "bob", "dora")
    )
    alice_id = made.ledger.account_ids[address("alice"), 1]
    assert alice == alice_id + 1

    execution = made.block(
        pay("alice", "bob", 30, 20),
        withdraw("alice", 7, nonce=1),
        listings=[WIDE],
        deposits=[deposit("dora", 9), deposit("alice", 4)],
    )

    fee_account = fee_account_id(STABLE.asset_id)
    assert read_slots(execution.slots) == [
        (0, OpenAccount(fee_account_id(WIDE.asset_id), WIDE.asset_id, WIDE.fee_owner)),
        (2, OpenAccount(dora, STABLE.asset_id, address("dora"))),
        (4, Deposit(dora, 9)),
        (5, Deposit(alice_id, 4)),
        (6, OpenAccount(bob, STABLE.asset_id, address("bob"))),
        (8, Payment(alice_id, bob, 30, 20)),
        (9, Withdrawal(alice_id, 7)),
    ]
    assert execution.operation_count == 10
    assert [(d.slot, d.index, d.payee_id) for d in execution.deposits] == [
        (4, 1, dora),
        (5, 2, alice_id),
    ]
    assert [(o.slot, o.payer_id, o.payee_id) for o in execution.orders] == [
        (8, alice_id, bob),
        (9, alice_id, BRIDGE),
    ]
    assert execution.fee_accounts == {8: fee_account}
    assert made.ledger.deposit_count == 3
    assert made.ledger.supply_minor == {1: 106, 2: 0}
    assert made.ledger.leaves[alice_id].nonce == 2


def test_execute__valid_block_by_itself__changes_nothing():
    made = world(alice=100)
    before = made.ledger.fork()

    execute(made.ledger, Body(0, records=unsigned([pay("alice", "bob", 1)])), TS_S)

    assert made.ledger == before


LISTINGS = {
    "another id": ([asset(5)], "the asset id is 5, not 4"),
    "an id twice": ([asset(4), asset(4)], "the asset id is 4, not 5"),
    "a listed token": ([replace(STABLE, asset_id=4)], "the token is zero or listed already"),
    "no token": ([replace(asset(4), token=ZERO_ADDRESS)], "the token is zero or listed already"),
    "a token twice": (
        [asset(4), replace(asset(4), asset_id=5)],
        "the token is listed twice",
    ),
    "no unit": ([replace(asset(4), unit=0)], "the unit is zero"),
}


@pytest.mark.parametrize(("listings", "reason"), LISTINGS.values(), ids=LISTINGS)
def test_execute__invalid_listing__rejects(listings, reason):
    with pytest.raises(ListingInvalid) as caught:
        world().block(listings=listings)

    assert (caught.value.index, caught.value.reason) == (len(listings) - 1, reason)


DEPOSITS = {
    "unlisted asset": (deposit("alice", 1, asset(4)), "no such asset is listed"),
    "another token": (
        replace(deposit("alice", 1), token=WIDE.token),
        "no such asset is listed",
    ),
    "no amount": (deposit("alice", 0), "the amount or the owner is zero"),
    "no owner": (
        replace(deposit("alice", 1), owner=ZERO_ADDRESS),
        "the amount or the owner is zero",
    ),
}


@pytest.mark.parametrize(("record", "reason"), DEPOSITS.values(), ids=DEPOSITS)
def test_execute__invalid_deposit__rejects(record, reason):
    with pytest.raises(DepositInvalid) as caught:
        world().block(deposits=[deposit("bob", 1), record])

    assert (caught.value.index, caught.value.reason) == (1, reason)


def test_execute__more_than_an_asset_can_have__rejects():
    made = world(alice=1)
    made.ledger.supply_minor[STABLE.asset_id] = SUPPLY_MINOR_LIMIT - 2

    made.block(deposits=[deposit("alice", 1)])
    with pytest.raises(DepositInvalid) as caught:
        made.block(deposits=[deposit("alice", 1)])

    assert caught.value.reason == f"the asset would have {SUPPLY_MINOR_LIMIT} minor units"


def test_execute__earlier_l1_block__rejects():
    made = world()
    made.run(Body(7))

    with pytest.raises(L1PointBehind) as caught:
        made.run(Body(6))

    assert (caught.value.minimum, caught.value.actual) == (7, 6)


def test_execute__block_that_fits_no_batch__rejects():
    # Five assets in turn: each chunk holds four payments, since a fifth fee account is refused.
    assets = [asset(n) for n in range(1, 6)]
    made = World()
    made.block(listings=assets, deposits=[deposit("alice", 1_000, one) for one in assets])

    def in_turn(count: int):
        return [pay("alice", "bob", 1, 1, nonce=n // 5, of=assets[n % 5]) for n in range(count)]

    fitting = 4 * BLOCK_CHUNKS_MAX
    with pytest.raises(BlockTooLarge) as caught:
        made.block(*in_turn(fitting + 1))
    execution = made.block(*in_turn(fitting))

    assert (caught.value.chunks_max, caught.value.chunks) == (120, 121)
    assert len(execution.orders) == fitting


def test_execute__body_bomb__before_the_end_rejects():
    made = World()
    fitting = BLOCK_CHUNKS_MAX * CHUNK_SLOTS
    read = []

    class Bomb(tuple):
        def __iter__(self):
            for record in super().__iter__():
                read.append(record)
                yield record

    made.block(listings=[STABLE], deposits=[deposit("alice", 1)])
    with pytest.raises(BlockTooLarge):
        made.run(Body(0, deposits=Bomb([deposit("alice", 1)] * 10 * fitting)))

    assert len(read) == fitting + 1
