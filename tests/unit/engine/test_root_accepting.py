"""Orders under a root: when they count, and until when they are refused.

- accepted: before its root's block, in it, after it; another owner's root, a wrong proof; a repeat
  signed instead; lazily the same
- in groups: one leg by root
- admission: root unknown, wrong proof, right; the proof of another order
- a block brings roots in L1's order; a snapshot and a lazy replay know them
"""

from dataclasses import replace

import pytest

from backend.engine.accepted import AcceptedOrders, Arrival
from backend.engine.admission import Admission
from backend.engine.ledger.judge import everybody
from backend.engine.log import LocalLog
from backend.engine.recovery import Origin
from backend.engine.snapshots import Snapshots
from backend.protocol.errors import GroupInvalid, NotAuthorised, NotEligible, RootUnknown
from backend.protocol.hashing import keccak
from backend.protocol.order_records import OrderGroup
from backend.protocol.orders import PaymentOrder, WithdrawalOrder, linked
from backend.protocol.types import Address, AuthorisedRoot, address_text, digest_text
from tests.unit.engine.chamber import Chamber, checkpoint_of
from tests.unit.engine.committee import (
    COMMITTEE,
    DOMAIN,
    IDENTITY,
    NEVER_S,
    START_MS,
    TOKEN,
    funded_l1,
    id_of,
    key,
    payment,
    rooted,
    sign,
)

# A contract has no key: its orders come by root alone.
SAFE = Address(b"\x5a" * 20)
PAYER, PAYEE = key("payer"), key("payee")
ORDERS = [
    PaymentOrder(SAFE, PAYEE.address, TOKEN, 5, 0, 0, NEVER_S),
    PaymentOrder(SAFE, PAYEE.address, TOKEN, 6, 0, 1, NEVER_S),
    WithdrawalOrder(SAFE, TOKEN, 7, 0, 2, NEVER_S),
]
FIRST, SECOND, THIRD = rooted(*ORDERS)


@pytest.fixture
def chamber():
    """Block 1 has listed the asset and credited a million each to the contract and the payer."""
    chamber = Chamber(funded_l1(SAFE, PAYER.address))
    chamber.settle()
    return chamber


def authorise(chamber, owner=SAFE, root=FIRST.root):
    chamber.l1.authorise(owner, root)
    chamber.settle()


def test_root__authorised__brings_its_orders_in_succeeds(chamber):
    authorise(chamber)

    chamber.order(SECOND, FIRST, THIRD)
    chamber.settle()

    assert [final.body.roots for final in chamber.finals[1:]] == [
        (AuthorisedRoot(SAFE, FIRST.root),),
        (),
    ]
    assert chamber.finals[-1].body.records == (FIRST, SECOND, THIRD)
    assert chamber.replica.ledger.account(SAFE, 1)[1].balance_minor == 1_000_000 - 18


def test_roots__several__stand_in_l1s_order_holds(chamber):
    roots = [keccak(b"%d" % number) for number in range(3)]
    for root in roots:
        chamber.l1.authorise(SAFE, root)
    chamber.settle()

    assert list(chamber.replica.ledger.roots) == [AuthorisedRoot(SAFE, root) for root in roots]
    assert len(chamber.finals) == 2


@pytest.mark.parametrize("is_lazy", [False, True])
def test_accepted__before_its_root__changes_nothing(chamber, is_lazy):
    accepted = AcceptedOrders(DOMAIN, is_lazy=is_lazy)

    assert accepted.add(Arrival(0, 0), FIRST, chamber.replica.ledger, 0) is None
    authorise(chamber)
    assert accepted.add(Arrival(1, 0), FIRST, chamber.replica.ledger, 0) == id_of(FIRST)
    accepted.check_all()

    assert accepted.arrivals == {id_of(FIRST): Arrival(1, 0)}


UNAUTHORISED = {
    "another's root": replace(FIRST, order=replace(FIRST.order, payer=PAYER.address)),
    "an unknown root": rooted(ORDERS[0])[0],
    "the proof of another": replace(FIRST, proof=SECOND.proof),
    "no proof": replace(FIRST, proof=()),
    "another order": replace(FIRST, order=replace(FIRST.order, amount=500)),
    "33 nodes": replace(FIRST, proof=(keccak(b""),) * 33),
}


@pytest.mark.parametrize("is_lazy", [False, True])
@pytest.mark.parametrize("record", UNAUTHORISED.values(), ids=UNAUTHORISED)
def test_accepted__not_authorised__changes_nothing(chamber, record, is_lazy):
    authorise(chamber)
    accepted = AcceptedOrders(DOMAIN, is_lazy=is_lazy)

    accepted.add(Arrival(0, 0), record, chamber.replica.ledger, 0)
    accepted.check_all()

    assert accepted.undecided == {}


def test_accepted__same_order_signed_and_by_root__counts_once_holds(chamber):
    order = payment(PAYER, PAYEE.address, 5, 0).order
    (by_root,) = rooted(order)
    authorise(chamber, PAYER.address, by_root.root)
    accepted = AcceptedOrders(DOMAIN)

    accepted.add(Arrival(0, 0), by_root, chamber.replica.ledger, 0)
    assert accepted.add(Arrival(1, 0), sign(PAYER, order), chamber.replica.ledger, 0) is None

    assert accepted.undecided == {id_of(by_root): by_root}


def mixed_group():
    """Return a swap of the contract, by root, and the payer, by signature."""
    legs = linked([ORDERS[0], payment(PAYER, SAFE, 9, 0).order])
    return OrderGroup((rooted(legs[0])[0], sign(PAYER, legs[1])))


def test_group__leg_by_root__succeeds(chamber):
    swap = mixed_group()
    chamber.order(swap)
    chamber.settle()
    assert chamber.tip.number == 1

    authorise(chamber, SAFE, swap.legs[0].root)
    chamber.order(swap)
    chamber.settle()

    assert chamber.finals[-1].record_ids == (swap.link,)
    assert chamber.replica.ledger.account(SAFE, 1)[1].balance_minor == 1_000_004


# Admission


@pytest.fixture
def admission(chamber):
    return Admission(chamber.replica, everybody, chamber.l1.is_regulated)


def admit(admission, record):
    admission.admit(id_of(record), record, START_MS)


@pytest.mark.parametrize("record", [FIRST, mixed_group()], ids=["order", "group"])
def test_admit__root_unknown__rejects(admission, record):
    with pytest.raises(RootUnknown) as caught:
        admit(admission, record)

    root = FIRST.root if record is FIRST else record.legs[0].root
    assert caught.value.values == RootUnknown(address_text(SAFE), digest_text(root)).values


def test_admit__root_known__succeeds(chamber, admission):
    authorise(chamber)

    for record in (FIRST, SECOND, THIRD):
        admit(admission, record)
        assert admission.is_authorised(id_of(record), record)

    assert admission.nonce_next(SAFE, TOKEN) == 3


@pytest.mark.parametrize("fault", ["the proof of another", "no proof", "another order", "33 nodes"])
def test_admit__wrong_proof__rejects(chamber, admission, fault):
    authorise(chamber)

    with pytest.raises(NotAuthorised):
        admit(admission, UNAUTHORISED[fault])


def test_admit__no_group__rejects(admission):
    with pytest.raises(GroupInvalid):
        admit(admission, OrderGroup(mixed_group().legs[::-1]))


def test_admit__payee_may_not_hold__rejects(chamber):
    admission = Admission(
        chamber.replica, lambda token, owner: owner != PAYEE.address, lambda token: True
    )

    with pytest.raises(NotEligible):
        admit(admission, payment(PAYER, PAYEE.address, 5, 0))
    assert admission.nonce_next(PAYER.address, TOKEN) == 0


# Coming back


def test_restart__roots_and_their_orders__holds(chamber, tmp_path):
    ahead = replace(ORDERS[0], nonce=9)
    chamber.order(FIRST)  # means nothing yet, and for ever
    authorise(chamber)
    authorise(chamber, SAFE, rooted(ahead)[0].root)
    chamber.order(FIRST)
    chamber.propose()
    chamber.order(*rooted(ahead))
    lived = chamber.replica
    snapshots = Snapshots(tmp_path / "snapshots", IDENTITY)

    with LocalLog(tmp_path / "log") as log:
        log.append([entry.encode() for entry in chamber.entries])
        snapshots.write(checkpoint_of(lived, log.next_position), lived.ledger)
        for origin in (Origin(COMMITTEE, log, None), Origin(COMMITTEE, log, snapshots)):
            replica = origin.replica()
            for position, entry in origin.entries():
                replica.consume(position, entry)
            replica.accepted.check_all()

            assert replica.ledger == lived.ledger
            assert list(replica.ledger.roots) == list(lived.ledger.roots)
            assert replica.accepted.undecided == {id_of(rooted(ahead)[0]): rooted(ahead)[0]}
            assert replica.accepted.arrivals == lived.accepted.arrivals
