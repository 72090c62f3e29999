"""Groups and roots in a block.

- group: balances; exact slots: openings first, then the legs side by side; where it is noted
- all or nothing: a leg that can't be executed; money of the group's own
- roots: taken in order, each once; known already, twice, nobody's
"""

import pytest

from backend.engine.ledger import OrderNotExecutable, RootInvalid, execute
from backend.protocol.blocks import Body
from backend.protocol.errors import InsufficientFunds
from backend.protocol.hashing import keccak
from backend.protocol.operations import OpenAccount, Payment, read_slots
from backend.protocol.types import ZERO_ADDRESS, AuthorisedRoot, fee_account_id
from tests.property.world import (
    STABLE,
    TS_S,
    WIDE,
    address,
    deposit,
    group,
    pay,
    unsigned,
    world,
)

# What each group does to alice 100, bob 50 and carol, who has no account; fees go to the owner.
GROUPS = {
    "in a circle": ([pay("alice", "bob", 100), pay("bob", "alice", 50)], {"alice": 50, "bob": 100}),
    "a payer twice": (
        [pay("alice", "bob", 60), pay("alice", "carol", 40, nonce=1)],
        {"alice": 0, "bob": 110, "carol": 40},
    ),
    "two payers of a new account": (
        [pay("alice", "carol", 1, 2), pay("bob", "carol", 2)],
        {"alice": 97, "bob": 48, "carol": 3, "stable's fee owner": 2},
    ),
}


@pytest.mark.parametrize(("legs", "expected"), GROUPS.values(), ids=GROUPS)
def test_execute__group__succeeds(legs, expected):
    made = world(alice=100, bob=50)

    made.block(group(*legs))

    made.ledger.check_conservation()
    assert {owner: made.balance(owner) for owner in expected} == expected


@pytest.mark.parametrize(
    "second", [pay("bob", "carol", 51), pay("alice", "carol", 41, nonce=1)], ids=["bob", "alice"]
)
def test_execute__leg_without_funds__changes_nothing(second):
    """Not even if the first leg's credit would cover it."""
    made = world(alice=100, bob=50, dora=1)
    before = made.ledger.fork()

    with pytest.raises(OrderNotExecutable) as caught:
        made.block(pay("dora", "alice", 1), group(pay("alice", "bob", 60), second))

    assert caught.value.index == 1
    assert isinstance(caught.value.error, InsufficientFunds)
    assert made.ledger == before


def test_execute__group_between_orders__gives_the_exact_slots_holds():
    made = world(alice=100, bob=50)
    made.block(deposits=[deposit("bob", 9, WIDE)])
    carol, dora = (made.ledger.free_account_id(address(n), {}) for n in ("carol", "dora"))
    alice, bob, wide_bob = (
        made.ledger.account_ids[address(name), of.asset_id]
        for name, of in (("alice", STABLE), ("bob", STABLE), ("bob", WIDE))
    )
    wide_alice = made.ledger.free_account_id(address("alice"), {})

    execution = made.block(
        pay("alice", "bob", 1),
        group(
            pay("alice", "carol", 2, 1, nonce=1),
            pay("bob", "alice", 3, 1, of=WIDE),
            pay("bob", "carol", 4),
            pay("alice", "dora", 5, nonce=2),
        ),
        pay("bob", "dora", 6, nonce=1),
    )

    assert read_slots(execution.slots) == [
        (0, Payment(alice, bob, 1, 0)),
        (1, OpenAccount(carol, STABLE.asset_id, address("carol"))),
        (3, OpenAccount(wide_alice, WIDE.asset_id, address("alice"))),
        (5, OpenAccount(dora, STABLE.asset_id, address("dora"))),
        (7, Payment(alice, carol, 2, 1)),
        (8, Payment(wide_bob, wide_alice, 3, 1)),
        (9, Payment(bob, carol, 4, 0)),
        (10, Payment(alice, dora, 5, 0)),
        (11, Payment(bob, dora, 6, 0)),
    ]
    assert execution.groups == {7: 4}
    assert execution.fee_accounts == {7: fee_account_id(1), 8: fee_account_id(2)}
    assert [order.slot for order in execution.orders] == [0, 7, 8, 9, 10, 11]


# Roots


def root(owner, number=1):
    return AuthorisedRoot(owner, keccak(bytes([number])))


ALICE, BOB = address("alice"), address("bob")


def test_execute__roots__are_known_from_then_on_holds():
    made = world(alice=100)
    made.run(Body(0, roots=(root(BOB), root(ALICE))))

    made.run(Body(0, roots=(root(ALICE, 2),)))

    assert list(made.ledger.roots) == [root(BOB), root(ALICE), root(ALICE, 2)]
    assert made.ledger.fork() == made.ledger


ROOTS = {
    "known": ([root(BOB), root(ALICE)], "it is known already"),
    "twice": ([root(BOB), root(BOB)], "it is known already"),
    "nobody's": ([root(BOB), root(ZERO_ADDRESS)], "nobody owns it"),
}


@pytest.mark.parametrize(("roots", "reason"), ROOTS.values(), ids=ROOTS)
def test_execute__invalid_root__rejects(roots, reason):
    made = world(alice=100)
    made.run(Body(0, roots=(root(ALICE),)))

    with pytest.raises(RootInvalid) as caught:
        made.run(Body(0, roots=tuple(roots)))

    assert (caught.value.index, caught.value.reason) == (1, reason)


def test_execute__valid_roots_by_themselves__changes_nothing():
    made = world(alice=100)
    before = made.ledger.fork()

    execute(made.ledger, Body(0, roots=(root(ALICE),), records=unsigned([])), TS_S)

    assert made.ledger == before
