"""Which groups count as accepted, and how their legs end.

- forged leg, altered leg, dead leg, a leg alone, rejected before; a repeat
- read again lazily: a forged or made-up group first, its legs found all the same
- found by a leg, until it is decided; final with its legs, rejected with them, each once
- a snapshot and a lazy replay, with groups pending, equal what was lived
"""

from dataclasses import replace

import pytest

from backend.engine.accepted import AcceptedOrders, Arrival
from backend.engine.log import LocalLog
from backend.engine.recovery import Origin
from backend.engine.snapshots import Snapshots
from backend.protocol.errors import InsufficientFunds, NonceTooLow, OrderExpired
from backend.protocol.order_records import OrderGroup
from tests.unit.engine.chamber import Chamber, checkpoint_of
from tests.unit.engine.committee import (
    COMMITTEE,
    DOMAIN,
    IDENTITY,
    START_MS,
    forged,
    funded_l1,
    group,
    id_of,
    key,
    payment,
)

ALICE, BOB, CAROL = key("alice"), key("bob"), key("carol")
NOW_S = START_MS // 1000
SWAP = group((ALICE, BOB.address, 5, 0), (BOB, ALICE.address, 7, 0))


@pytest.fixture
def chamber():
    """Block 1 has listed the asset and credited a million each to alice and bob."""
    chamber = Chamber(funded_l1(ALICE.address, BOB.address))
    chamber.settle()
    return chamber


def balances(chamber):
    ledger = chamber.replica.ledger
    return [ledger.account(person.address, 1)[1].balance_minor for person in (ALICE, BOB)]


def add(chamber, *records, is_lazy=False):
    """Return what counts after these entries."""
    accepted = AcceptedOrders(DOMAIN, is_lazy=is_lazy)
    for position, record in enumerate(records):
        accepted.add(Arrival(position, 0), record, chamber.replica.ledger, NOW_S)
    accepted.check_all()
    return accepted


DEAD = group((ALICE, BOB.address, 5, 0), (BOB, ALICE.address, 7, 0), valid_until=NOW_S - 1)
ALTERED = replace(SWAP.legs[1], order=replace(SWAP.legs[1].order, amount=1))
MEANINGLESS = {
    "a forged leg": OrderGroup((SWAP.legs[0], forged(SWAP.legs[1]))),
    "an altered leg": OrderGroup((SWAP.legs[0], ALTERED)),
    "legs swapped": OrderGroup(SWAP.legs[::-1]),
    "dead legs": DEAD,
    "a leg alone": SWAP.legs[0],
    "a leg of another group": OrderGroup((SWAP.legs[0], DEAD.legs[1])),
}


@pytest.mark.parametrize("is_lazy", [False, True])
@pytest.mark.parametrize("record", MEANINGLESS.values(), ids=MEANINGLESS)
def test_accepted__no_group_of_its_payers__changes_nothing(chamber, record, is_lazy):
    accepted = add(chamber, record, is_lazy=is_lazy)

    assert (accepted.undecided, accepted.arrivals, accepted.group_of) == ({}, {}, {})


def test_accepted__used_nonce_of_one_leg__changes_nothing(chamber):
    chamber.order(payment(BOB, ALICE.address, 1, 0))
    chamber.settle()

    assert add(chamber, SWAP).undecided == {}


@pytest.mark.parametrize("is_lazy", [False, True])
def test_accepted__nonsense_around_it__succeeds(chamber, is_lazy):
    """Made-up groups bear its link or hold its legs."""
    made_up = OrderGroup((DEAD.legs[0], SWAP.legs[0]))
    others = [made_up, *(r for name, r in MEANINGLESS.items() if name != "dead legs")]

    accepted = add(chamber, *others, SWAP, *others, SWAP, is_lazy=is_lazy)

    assert accepted.undecided == {SWAP.link: SWAP}
    assert accepted.oldest == Arrival(len(others), 0)
    for leg in SWAP.legs:
        assert accepted.find(leg.digest(DOMAIN)) == (leg, Arrival(len(others), 0), SWAP.link)


def test_find__alone_and_unknown__succeeds(chamber):
    order = payment(ALICE, BOB.address, 5, 0)
    accepted = add(chamber, order)

    assert accepted.find(id_of(order)) == (order, Arrival(0, 0), None)
    assert accepted.find(SWAP.link) is None
    assert accepted.find(SWAP.legs[0].digest(DOMAIN)) is None


def test_group__executed__is_final_with_its_legs_succeeds(chamber):
    chamber.order(SWAP)
    chamber.settle()
    chamber.order(SWAP)
    chamber.settle()

    final = chamber.finals[-1]
    assert chamber.tip.number == 2
    assert balances(chamber) == [1_000_002, 999_998]
    assert final.record_ids == (SWAP.link,)
    assert final.payment_ids == tuple(leg.digest(DOMAIN) for leg in SWAP.legs)
    assert chamber.replica.accepted.find(final.payment_ids[0]) is None


def test_group__rejected__with_its_legs_and_once_changes_nothing(chamber):
    dear = group((ALICE, BOB.address, 5, 0), (BOB, ALICE.address, 1_000_001, 0))
    chamber.order(dear)
    chamber.settle()
    chamber.order(dear)
    chamber.settle()

    final = chamber.finals[-1]
    ended = [dear.link, *(leg.digest(DOMAIN) for leg in dear.legs)]
    assert chamber.tip.number == 2
    assert balances(chamber) == [1_000_000, 1_000_000]
    assert final.rejected_ids == tuple((one, InsufficientFunds.number) for one in ended)


def test_group__late_by_the_block__changes_nothing(chamber):
    late = group((ALICE, BOB.address, 5, 0), (BOB, ALICE.address, 7, 0), valid_until=NOW_S + 1)
    chamber.order(late)
    chamber.now_ms += 2_000
    chamber.settle()

    assert chamber.finals[-1].rejected_ids[0] == (late.link, OrderExpired.number)
    assert balances(chamber) == [1_000_000, 1_000_000]


def test_group__same_leg_twice__ends_once_holds(chamber):
    twice = group((ALICE, BOB.address, 5, 0), (ALICE, BOB.address, 5, 0))
    chamber.order(twice)
    chamber.settle()

    leg = twice.legs[0].digest(DOMAIN)
    number = NonceTooLow.number
    assert chamber.finals[-1].rejected_ids == ((twice.link, number), (leg, number))


# Coming back


def read_again(log, snapshots=None):
    origin = Origin(COMMITTEE, log, snapshots)
    replica = origin.replica()
    for position, entry in origin.entries():
        replica.consume(position, entry)
    replica.accepted.check_all()
    return replica.accepted


def test_restart__groups_pending__holds(chamber, tmp_path):
    waiting = group((ALICE, BOB.address, 5, 9), (BOB, ALICE.address, 7, 9))
    rejected = group((ALICE, BOB.address, 5, 0), (BOB, ALICE.address, 1_000_001, 0))
    chamber.order(MEANINGLESS["a forged leg"], SWAP, rejected, MEANINGLESS["a leg alone"])
    chamber.propose()
    chamber.order(OrderGroup((waiting.legs[0], forged(waiting.legs[1]))), waiting)
    lived = chamber.replica.accepted
    snapshots = Snapshots(tmp_path / "snapshots", IDENTITY)

    with LocalLog(tmp_path / "log") as log:
        log.append([entry.encode() for entry in chamber.entries])
        from_genesis = read_again(log)
        snapshots.write(checkpoint_of(chamber.replica, log.next_position), chamber.replica.ledger)
        from_snapshot = read_again(log, snapshots)

    assert lived.undecided == {waiting.link: waiting}
    for accepted in (from_genesis, from_snapshot):
        assert accepted.undecided == lived.undecided
        assert accepted.arrivals == lived.arrivals
        assert accepted.rejected == lived.rejected == {rejected.link: 2**63}
        assert accepted.group_of == lived.group_of
