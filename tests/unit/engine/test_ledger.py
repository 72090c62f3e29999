"""The ledger, as tables.

check_order
- each fault alone, and before all later ones: the fixed order of errors
- pending orders: nonces and funds that they take
execute
- orders: payments, withdrawals, fees, openings; what a block's credits can't fund
- the whole block: exact slots, listings, deposits, L1 point, size
ledger
- advance: another block's changes
- accounts: partitions, the next when one is full
"""

from dataclasses import replace

import pytest

from backend.engine.ledger import (
    SUPPLY_MINOR_LIMIT,
    BlockTooLarge,
    DepositInvalid,
    L1PointBehind,
    Ledger,
    ListingInvalid,
    OrderNotExecutable,
    Pending,
    check_order,
    execute,
)
from backend.engine.packing import BLOCK_CHUNKS_MAX
from backend.protocol.blocks import Body
from backend.protocol.errors import (
    AccountUnknown,
    AmountNotMultipleOfUnit,
    AmountTooLarge,
    AmountZero,
    AssetUnknown,
    FeeNotAllowed,
    FeeNotRepresentable,
    InsufficientFunds,
    InvariantViolated,
    NonceGap,
    NonceTooLow,
    OrderExpired,
    OrderInGroup,
    PayeeInvalid,
    SameAccount,
)
from backend.protocol.money import AMOUNT_MINOR_MAX
from backend.protocol.operations import Deposit, OpenAccount, Payment, Withdrawal, read_slots
from backend.protocol.types import (
    BRIDGE,
    ZERO_ADDRESS,
    AccountId,
    Asset,
    address_text,
    fee_account_id,
    partition_of,
)
from tests.property.world import (
    ASSETS,
    FREE,
    STABLE,
    TS_S,
    VALID_UNTIL,
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

UNIT = WIDE.unit
LINK = bytes(31) + b"\x01"

# A payment of WIDE by a payer of nonce 1 who holds 100 minor units, and each fault it can have,
# in the order in which they are reported. A later fault never undoes an earlier one.
FAULTS = [
    ({"asset": address("unlisted")}, AssetUnknown(address_text(address("unlisted")))),
    ({"amount": 5 * UNIT + 1}, AmountNotMultipleOfUnit(UNIT, 5 * UNIT + 1)),
    (
        {"amount": 2**48 * UNIT},
        AmountTooLarge(AMOUNT_MINOR_MAX * UNIT, 2**48 * UNIT),
    ),
    ({"amount": 0}, AmountZero()),
    ({"fee": UNIT - 1}, AmountNotMultipleOfUnit(UNIT, UNIT - 1)),
    ({"fee": 2**48 * UNIT}, AmountTooLarge(AMOUNT_MINOR_MAX * UNIT, 2**48 * UNIT)),
    ({"fee": 33 * UNIT}, FeeNotRepresentable(33, 31, 40)),
    ({"asset": FREE.token, "fee": UNIT}, FeeNotAllowed()),
    ({"payee": ZERO_ADDRESS}, PayeeInvalid(address_text(ZERO_ADDRESS))),
    ({"payer": address("stranger"), "payee": address("stranger")}, SameAccount()),
    ({"link": LINK}, OrderInGroup()),
    ({"valid_until": TS_S - 1}, OrderExpired(TS_S - 1, TS_S)),
    ({"payer": address("stranger")}, AccountUnknown(address_text(address("stranger")))),
    ({"nonce": 0}, NonceTooLow(1, 0)),
    ({"nonce": 2}, NonceGap(1, 2)),
    ({"amount": 98 * UNIT, "fee": 3 * UNIT}, InsufficientFunds(100, 101)),
]
FAULT_NAMES = [f"{index}-{error.code}" for index, (_, error) in enumerate(FAULTS)]


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    made = world()
    made.block(deposits=[deposit("payer", 107, WIDE)])
    made.block(pay("payer", "payee", 7, of=WIDE))
    return made.ledger


@pytest.fixture
def order():
    return pay("payer", "payee", 5, 1, nonce=1, of=WIDE)


def test_check_order__right__succeeds(ledger, order):
    judged = check_order(ledger, order, VALID_UNTIL, Pending())

    assert (judged.amount_minor, judged.fee_minor, judged.fee_byte) == (5, 1, 1 << 3)
    assert judged.debit_minor == 6
    assert judged.payee == address("payee")
    assert ledger.leaves[judged.payer_id].owner == address("payer")


@pytest.mark.parametrize(("fault", "error"), FAULTS, ids=FAULT_NAMES)
def test_check_order__one_fault__rejects(ledger, order, fault, error):
    with pytest.raises(type(error)) as caught:
        check_order(ledger, replace(order, **fault), TS_S, Pending())

    assert caught.value.values == error.values


@pytest.mark.parametrize("first", range(len(FAULTS)), ids=FAULT_NAMES)
def test_check_order__later_faults_too__rejects_for_the_first(ledger, order, first):
    faults = {}
    for fault, _ in reversed(FAULTS[first:]):
        faults.update(fault)

    with pytest.raises(type(FAULTS[first][1])):
        check_order(ledger, replace(order, **faults), TS_S, Pending())


def test_check_order__never_alive__rejects(ledger, order):
    with pytest.raises(OrderExpired):
        check_order(ledger, replace(order, valid_until=0), 0, Pending())


def test_check_order__withdrawal__succeeds(ledger):
    judged = check_order(ledger, withdraw("payer", 99, 1, nonce=1, of=WIDE), TS_S, Pending())

    assert judged.payee is None


@pytest.mark.parametrize(
    ("pending_minor", "nonce", "amount_minor", "error"),
    [
        ((), 1, 100, None),
        ((60,), 2, 40, None),
        ((60,), 2, 41, InsufficientFunds(40, 41)),
        ((60,), 1, 1, NonceTooLow(2, 1)),
        ((60, 40), 3, 1, InsufficientFunds(0, 1)),
        ((60,), 3, 1, NonceGap(2, 3)),
    ],
)
def test_check_order__others_pending__counts_them(
    ledger, pending_minor, nonce, amount_minor, error
):
    pending = Pending()
    for index, minor in enumerate(pending_minor):
        earlier = pay("payer", "payee", minor, nonce=1 + index, of=WIDE)
        pending.add(check_order(ledger, earlier, TS_S, pending))
    order = pay("payer", "payee", amount_minor, nonce=nonce, of=WIDE)

    if error is None:
        assert check_order(ledger, order, TS_S, pending).amount_minor == amount_minor
    else:
        with pytest.raises(type(error)) as caught:
            check_order(ledger, order, TS_S, pending)
        assert caught.value.values == error.values


def test_pending__removed__changes_nothing(ledger):
    pending = Pending()
    first = check_order(ledger, pay("payer", "payee", 60, nonce=1, of=WIDE), TS_S, pending)
    pending.add(first)
    second = check_order(ledger, pay("payer", "payee", 40, nonce=2, of=WIDE), TS_S, pending)
    pending.add(second)
    assert pending.of(first.payer_id) == (2, 100)

    pending.remove(first)
    assert pending.of(first.payer_id) == (1, 40)

    pending.remove(second)
    assert pending.of(first.payer_id) == (0, 0)
    assert list(pending.items()) == []


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


def test_execute__a_bit_of_everything__gives_the_exact_slots():
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


def test_execute__valid_block__changes_nothing_by_itself():
    made = world(alice=100)
    before = made.ledger.fork()

    execute(made.ledger, Body(0, orders=unsigned([pay("alice", "bob", 1)])), TS_S)

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


def test_advance__other_block__rejects():
    made = world(alice=100)
    execution = execute(made.ledger, Body(0), TS_S)
    made.ledger.advance(execution.changes)

    with pytest.raises(InvariantViolated):
        made.ledger.advance(execution.changes)


def test_check_conservation__money_made__rejects():
    made = world(alice=100)
    account_id = made.ledger.account_ids[address("alice"), 1]
    leaf = made.ledger.leaves[account_id]
    made.ledger.leaves[account_id] = replace(leaf, balance_minor=101)

    with pytest.raises(InvariantViolated):
        made.ledger.check_conservation()


def test_accounts__of_one_owner__are_one_for_each_asset():
    made = World()
    made.block(listings=ASSETS)
    made.block(deposits=[deposit("alice", 1), deposit("alice", 1, WIDE), deposit("alice", 1)])
    partition = partition_of(address("alice"))

    ids = [made.ledger.account_ids[address("alice"), n] for n in (1, 2)]

    assert ids == [partition << 24, (partition << 24) + 1]
    assert made.ledger.account(address("alice"), 3) is None
    assert made.balance("alice") == 2


def test_accounts__partition_0__begins_at_2():
    owner = next(f"owner {n}" for n in range(10_000) if partition_of(address(f"owner {n}")) == 0)
    made = world()

    made.block(deposits=[deposit(owner, 1)])

    assert made.ledger.account_ids[address(owner), 1] == 2


def test_accounts__full_partition__passes_on_to_the_next():
    ledger = Ledger()
    partition = partition_of(address("alice"))
    ledger.next_index[partition] = 2**24 - 1
    next_index: dict[int, int] = {}

    ids = [ledger.free_account_id(address("alice"), next_index) for _ in range(3)]

    following = (partition + 1) % 255
    assert ids == [(partition + 1 << 24) - 1, following << 24, (following << 24) + 1]


def test_assets__unknown_token__is_none():
    ledger = world().ledger

    assert ledger.asset_of(WIDE.token) == Asset(2, WIDE.token, UNIT, WIDE.fee_owner)
    assert ledger.asset_of(address("unlisted")) is None
    assert ledger.account(address("stable's fee owner"), 1) == (
        fee_account_id(1),
        ledger.leaves[AccountId(0xFF000001)],
    )
