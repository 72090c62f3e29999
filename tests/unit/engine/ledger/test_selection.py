"""Choosing orders for a block, and judging the rejections of somebody else's.

- select: which orders run, and why each of the others is rejected or waits
- check_rejections: accepts what select gives, refuses each way to lie
- thousands wait: what stands far behind is not read, and gaps are looked for in no quadratic time
"""

import pytest

from backend.engine.ledger import RejectionUnjustified, check_rejections, select
from backend.protocol.blocks import Body, Rejection
from backend.protocol.errors import (
    AccountUnknown,
    AssetUnknown,
    InsufficientFunds,
    NonceGap,
    NonceTooLow,
    OrderExpired,
)
from backend.protocol.hashing import keccak
from tests.property.world import TS_S, WIDE, asset, by_digest, deposit, pay, unsigned, world

A0 = pay("alice", "bob", 60)
A0_TWIN = pay("alice", "carol", 50)
A0_DEAR = pay("alice", "carol", 101)
A0_LATE = pay("alice", "bob", 10, valid_until=TS_S - 1)
A1 = pay("alice", "bob", 40, nonce=1)
A1_DEAR = pay("alice", "bob", 41, nonce=1)
A2 = pay("alice", "bob", 1, nonce=2)
B0 = pay("bob", "alice", 50)
W0 = pay("alice", "bob", 1, of=WIDE)
STRANGER = pay("nobody", "bob", 1)
UNLISTED = pay("alice", "bob", 1, of=asset(9))

# accepted orders in the log's order → those that run, and those rejected with their error
SELECTIONS = {
    "nothing": ([], [], []),
    "all": ([A0, A1, B0], [A0, A1, B0], []),
    "nonces in disorder": ([A2, A1, pay("alice", "bob", 1)], None, []),
    "a twin": ([A0, A0_TWIN], [A0], [(A0_TWIN, NonceTooLow)]),
    "a twin that is too dear": ([A0_DEAR, A0], [A0], [(A0_DEAR, NonceTooLow)]),
    "too dear": ([A0, A1_DEAR], [A0], [(A1_DEAR, InsufficientFunds)]),
    "too dear, and what follows": (
        [A0_DEAR, A1, A2],
        [],
        [(A0_DEAR, InsufficientFunds), (A1, NonceGap), (A2, NonceGap)],
    ),
    "late, and what follows": (
        [A0_LATE, A1, B0],
        [B0],
        [(A0_LATE, OrderExpired), (A1, NonceGap)],
    ),
    "late, and another in its place": (
        [A0_LATE, A1, A0],
        [A0, A1],
        [(A0_LATE, OrderExpired)],
    ),
    "strangers": (
        [STRANGER, UNLISTED],
        [],
        [(STRANGER, AccountUnknown), (UNLISTED, AssetUnknown)],
    ),
    "by asset": ([W0, A0], [A0, W0], []),
}


@pytest.fixture(scope="module")
def ledger():
    made = world(alice=100, bob=50)
    made.block(deposits=[deposit("alice", 9, WIDE)])
    return made.ledger


def _rejections(pairs):
    return tuple(Rejection(next(iter(by_digest([order]))), error.number) for order, error in pairs)


@pytest.mark.parametrize(
    ("accepted", "executable", "rejected"), SELECTIONS.values(), ids=SELECTIONS
)
def test_select__accepted_orders__succeeds(ledger, accepted, executable, rejected):
    if executable is None:
        executable = accepted[::-1]

    selection = select(ledger, by_digest(accepted), TS_S, orders_max=100)

    assert dict(selection.executable) == by_digest(executable)
    assert tuple(selection.executable) == tuple(by_digest(executable))
    assert selection.rejections == _rejections(rejected)
    body = Body(0, (), (), (), tuple(selection.executable.values()), selection.rejections)
    check_rejections(ledger, body, by_digest(accepted), TS_S)


def test_select__fewer_than_accepted__succeeds(ledger):
    selection = select(ledger, by_digest([A0, B0, A1]), TS_S, orders_max=2)

    assert dict(selection.executable) == by_digest([A0, B0])


def test_select__fewer_than_accepted_in_disorder__succeeds(ledger):
    """Or the block would be empty, and all later ones too."""
    selection = select(ledger, by_digest([A2, A1, A0]), TS_S, orders_max=2)

    assert (dict(selection.executable), selection.rejections) == (by_digest([A0, A1]), ())


# accepted, executed, rejections → why the first wrong one is
LIES = {
    "an order nobody accepted": ([A0], [], [(A1, NonceGap)], "no such order was accepted"),
    "an executed order": ([A0], [A0], [(A0, NonceTooLow)], "the block has decided it already"),
    "twice": (
        [STRANGER],
        [],
        [(STRANGER, AccountUnknown)] * 2,
        "the block has decided it already",
    ),
    "an order that can run": ([A0], [], [(A0, OrderExpired)], "it can be executed"),
    "another reason": ([A0_LATE], [], [(A0_LATE, NonceGap)], "its code is 126, not 124"),
    "no reason that exists": ([A0_LATE], [], [(A0_LATE, None)], "its code is 126, not 9"),
    "the order before it left out": (
        [A0, A1],
        [],
        [(A1, NonceGap)],
        "the order before it is left out",
    ),
    "the order before it left out, though rejectable": (
        [A0_DEAR, A1],
        [],
        [(A1, NonceGap)],
        "the order before it is left out",
    ),
}


@pytest.mark.parametrize(("accepted", "executed", "rejected", "reason"), LIES.values(), ids=LIES)
def test_check_rejections__lie__rejects(ledger, accepted, executed, rejected, reason):
    rejections = tuple(
        Rejection(next(iter(by_digest([order]))), 9 if error is None else error.number)
        for order, error in rejected
    )
    body = Body(0, (), (), (), unsigned(executed), rejections)

    with pytest.raises(RejectionUnjustified) as caught:
        check_rejections(ledger, body, by_digest(accepted), TS_S)

    assert caught.value.index == len(rejected) - 1
    assert caught.value.record_id == rejections[-1].record_id
    assert caught.value.reason == reason


def test_check_rejections__gap_that_nobody_fills__succeeds(ledger):
    body = Body(0, (), (), (), (), _rejections([(A1, NonceGap)]))

    check_rejections(ledger, body, by_digest([A1, A2, B0]), TS_S)


def test_check_rejections__unknown_digest__rejects(ledger):
    body = Body(0, (), (), (), (), (Rejection(keccak(b"nothing"), 124),))

    with pytest.raises(RejectionUnjustified):
        check_rejections(ledger, body, {}, TS_S)


class Unread:
    """A record that stands so far behind that nobody needs it."""


def test_select__thousands_wait_behind__holds(ledger):
    behind = {keccak(b"%d" % n): Unread() for n in range(2_000)}

    selection = select(ledger, by_digest([A0, B0]) | behind, TS_S, orders_max=2)

    assert dict(selection.executable) == by_digest([A0, B0])


class Counted(int):
    """A nonce that counts how often it is compared."""

    times = 0

    def __lt__(self, other):
        Counted.times += 1
        return int.__lt__(self, other)

    def __le__(self, other):
        Counted.times += 1
        return int.__le__(self, other)


def test_select__thousands_behind_a_dead_one__holds(ledger):
    orders = [pay("alice", "bob", 1, nonce=Counted(n)) for n in range(1, 2_000)]
    accepted = by_digest([A0_LATE, *orders])
    Counted.times = 0

    selection = select(ledger, accepted, TS_S, orders_max=500)
    body = Body(0, (), (), (), (), selection.rejections)
    check_rejections(ledger, body, accepted, TS_S)

    assert len(selection.rejections) == 500
    assert Counted.times < 100_000
