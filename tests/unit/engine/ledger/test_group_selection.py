"""Choosing groups for a block, and judging the rejections of somebody else's.

- select: which groups run, after which predecessors; why each of the others is rejected or waits
- groups that wait for each other in a circle, a longer one than a block holds too
- orders_max: a group counts its legs, and is never cut
- eligibility: who may not hold is rejected, nobody else
- check_rejections: accepts what select gives, refuses each way to lie about a group
"""

import pytest

from backend.engine.ledger import RejectionUnjustified, check_rejections, execute, select
from backend.engine.ledger.judge import everybody
from backend.protocol.blocks import Body, Rejection
from backend.protocol.errors import (
    AccountUnknown,
    AssetUnknown,
    InsufficientFunds,
    NonceGap,
    NonceTooLow,
    NotEligible,
    OrderExpired,
)
from tests.property.world import (
    DOMAIN,
    STABLE,
    TS_S,
    WIDE,
    address,
    asset,
    by_digest,
    deposit,
    group,
    pay,
    unsigned,
    world,
)

A0, B0, C0 = pay("alice", "bob", 60), pay("bob", "alice", 50), pay("carol", "bob", 5)
A1, A2 = pay("alice", "bob", 40, nonce=1), pay("alice", "bob", 1, nonce=2)
WIDE_A0, WIDE_B0 = pay("alice", "bob", 1, of=WIDE), pay("bob", "alice", 1, of=WIDE)
A0_LATE = pay("alice", "bob", 10, valid_until=TS_S - 1)
UNLISTED = pay("alice", "bob", 1, of=asset(9))

AB = group(A0, B0)
A1_C0 = group(A1, C0)
TWINS = group(pay("alice", "carol", 1), C0)
DEAR = group(pay("alice", "carol", 1), pay("bob", "alice", 51))
LATE = group(C0, A0_LATE)
GAP = group(C0, A1)
# Each of them waits for the other.
CIRCLE = [
    group(pay("alice", "bob", 1, nonce=1), pay("bob", "alice", 1)),
    group(pay("bob", "alice", 1, nonce=1), pay("alice", "bob", 1)),
]

# accepted records in the log's order → those that run, and those rejected with their error
SELECTIONS = {
    "a group": ([AB], [AB], []),
    "groups and orders": ([AB, A1_C0, A2], [AB, A1_C0], [(A2, InsufficientFunds)]),
    "its predecessor comes later in the log": ([A1_C0, B0, A0], [A0, A1_C0, B0], []),
    "its predecessor is another group's leg": ([A1_C0, AB], [AB, A1_C0], []),
    "its successor comes before it in the log": (
        [pay("bob", "carol", 1, nonce=1), AB],
        [AB],
        [(pay("bob", "carol", 1, nonce=1), InsufficientFunds)],
    ),
    "a twin of its leg": ([A0, TWINS], [A0], [(TWINS, NonceTooLow)]),
    "a twin that comes after it": ([TWINS, A0], [TWINS], [(A0, NonceTooLow)]),
    "too dear": ([DEAR], [], [(DEAR, InsufficientFunds)]),
    "too dear, and another in its place": ([DEAR, B0], [B0], [(DEAR, NonceTooLow)]),
    "late": ([LATE, C0], [C0], [(LATE, NonceTooLow)]),
    "late alone": ([LATE], [], [(LATE, OrderExpired)]),
    "a leg that nobody's nonce comes before": ([GAP, B0], [B0], [(GAP, NonceGap)]),
    "what follows a dead group": (
        [LATE, pay("carol", "bob", 1, nonce=1)],
        [],
        [(LATE, OrderExpired), (pay("carol", "bob", 1, nonce=1), NonceGap)],
    ),
    "a circle": (CIRCLE, [], [(CIRCLE[1], NonceGap), (CIRCLE[0], NonceGap)]),
    "a circle, and one behind it": (
        [*CIRCLE, C0],
        [C0],
        [(CIRCLE[1], NonceGap), (CIRCLE[0], NonceGap)],
    ),
    "ahead, and of no asset": ([group(A1, UNLISTED)], [], [(group(A1, UNLISTED), NonceGap)]),
    "a leg twice": ([group(A0, A0)], [], [(group(A0, A0), NonceTooLow)]),
    "legs in the wrong order": ([group(A1, A0)], [], [(group(A1, A0), NonceGap)]),
    "of two assets, between others": (
        [WIDE_A0, A0, group(WIDE_B0, B0), pay("alice", "bob", 1, nonce=1, of=WIDE), A1],
        [A0, WIDE_A0, group(WIDE_B0, B0), A1, pay("alice", "bob", 1, nonce=1, of=WIDE)],
        [],
    ),
}


@pytest.fixture(scope="module")
def ledger():
    made = world(alice=100, bob=50, carol=9)
    made.block(deposits=[deposit("alice", 9, WIDE), deposit("bob", 9, WIDE)])
    return made.ledger


def id_of(one):
    return next(iter(by_digest([one])))


def rejections_of(pairs):
    return tuple(Rejection(id_of(one), error.number) for one, error in pairs)


def body_of(selection):
    return Body(0, records=tuple(selection.executable.values()), rejections=selection.rejections)


@pytest.mark.parametrize(
    ("accepted", "executable", "rejected"), SELECTIONS.values(), ids=SELECTIONS
)
def test_select__groups__succeeds(ledger, accepted, executable, rejected):
    selection = select(ledger, by_digest(accepted), TS_S, orders_max=100)

    assert tuple(selection.executable) == tuple(by_digest(executable))
    assert selection.rejections == rejections_of(rejected)
    execute(ledger, body_of(selection), TS_S)
    check_rejections(ledger, body_of(selection), by_digest(accepted), TS_S)


@pytest.mark.parametrize(
    ("orders_max", "executable"),
    [(0, []), (1, [AB]), (2, [AB]), (3, [AB, A1_C0]), (4, [AB, A1_C0])],
)
def test_select__orders_max__never_cuts_a_group_holds(ledger, orders_max, executable):
    selection = select(ledger, by_digest([AB, A1_C0]), TS_S, orders_max)

    assert (dict(selection.executable), selection.rejections) == (by_digest(executable), ())


def test_select__predecessor_left_for_the_next_block__waits_holds(ledger):
    """The group is the first of the log, and comes when its turn is."""
    accepted = by_digest([A1_C0, A0])

    selection = select(ledger, accepted, TS_S, orders_max=1)

    assert (dict(selection.executable), selection.rejections) == (by_digest([A0]), ())


def ring(size):
    """Groups of two, each of which waits for the next one's leg, and the last for the first's."""
    payers = [f"payer {index}" for index in range(size)]
    return [
        group(pay(payers[i], "bob", 1, nonce=1), pay(payers[(i + 1) % size], "bob", 1))
        for i in range(size)
    ]


@pytest.mark.parametrize("orders_max", [1, 2, 5, 6, 100])
def test_select__circle_longer_than_a_block__rejects(orders_max):
    """Or it would wait for ever, and all that stands behind it in the log."""
    made = world(**{f"payer {index}": 5 for index in range(3)}, carol=9)
    accepted = by_digest([*ring(3), C0])

    selection = select(made.ledger, accepted, TS_S, orders_max)

    assert {one.record_id for one in selection.rejections} == by_digest(ring(3)).keys()
    assert {one.number for one in selection.rejections} == {NonceGap.number}
    check_rejections(made.ledger, body_of(selection), accepted, TS_S)


# Eligibility


def all_but(owner):
    return lambda token, holder: (token, holder) != (STABLE.token, address(owner))


def test_select__payee_may_not_hold__rejects(ledger):
    accepted = by_digest([AB, A1_C0, WIDE_A0])

    selection = select(ledger, accepted, TS_S, 100, all_but("carol"))

    assert dict(selection.executable) == by_digest([AB, WIDE_A0])
    assert selection.rejections == rejections_of([(A1_C0, NotEligible)])
    check_rejections(ledger, body_of(selection), accepted, TS_S, all_but("carol"))
    with pytest.raises(RejectionUnjustified, match="it can be executed"):
        check_rejections(ledger, body_of(selection), accepted, TS_S, everybody)


# accepted, executed, rejections → why the first wrong one is
LIES = {
    "a group that can run": ([AB], [], [(AB, InsufficientFunds)], "it can be executed"),
    "an executed group": ([AB], [AB], [(AB, NonceTooLow)], "the block has decided it already"),
    "a group nobody accepted": (
        [AB],
        [],
        [(DEAR, InsufficientFunds)],
        "no such order was accepted",
    ),
    "the second leg's reason": (
        [group(A0_LATE, UNLISTED)],
        [],
        [(group(A0_LATE, UNLISTED), AssetUnknown)],
        "its code is 126, not 120",
    ),
    "a predecessor of its second leg left out": (
        [group(C0, A1), A0],
        [],
        [(group(C0, A1), NonceGap)],
        "the order before it is left out",
    ),
    "a group before it left out": (
        [AB, A1],
        [],
        [(A1, NonceGap)],
        "the order before it is left out",
    ),
    "one of a circle alone": (
        CIRCLE,
        [],
        [(CIRCLE[0], NonceGap)],
        "the order before it is left out",
    ),
    "ahead, of no asset, its predecessor left out": (
        [group(A1, UNLISTED), A0],
        [],
        [(group(A1, UNLISTED), NonceGap)],
        "the order before it is left out",
    ),
    "one leg instead of the group": (
        [AB],
        [],
        [(AB.legs[0].order, InsufficientFunds)],
        "no such order was accepted",
    ),
}


@pytest.mark.parametrize(("accepted", "executed", "rejected", "reason"), LIES.values(), ids=LIES)
def test_check_rejections__lie_about_a_group__rejects(ledger, accepted, executed, rejected, reason):
    body = Body(0, records=unsigned(executed), rejections=rejections_of(rejected))

    with pytest.raises(RejectionUnjustified) as caught:
        check_rejections(ledger, body, by_digest(accepted), TS_S)

    assert (caught.value.index, caught.value.reason) == (0, reason)
    assert caught.value.record_id == unsigned([rejected[0][0]])[0].record_id(DOMAIN)


def test_check_rejections__stranger_in_a_group__succeeds(ledger):
    stranger = group(A0, pay("nobody", "bob", 1))
    body = Body(0, rejections=rejections_of([(stranger, AccountUnknown)]))

    check_rejections(ledger, body, by_digest([stranger]), TS_S)
