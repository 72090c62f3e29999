"""Blocks with groups, roots and regulated assets that an honest committee refuses.

- roots: other than L1's, out of order, one left out for too long; any next ones will do
- orders by root: of a root that the block itself brings, unknown, with a wrong proof
- groups: torn, forged, altered, rejected before; one that waits must have its turn
- a payee or payer who may not hold the asset; barred after the block's L1 point
"""

from dataclasses import replace

import pytest

from backend.engine.judgement import L1FactsDiffer, LeftOut, OrderRefused, judge
from backend.engine.ledger import (
    InvalidBlock,
    OrderNotExecutable,
    RejectionUnjustified,
    RootInvalid,
)
from backend.engine.rounds import Proposed
from backend.protocol.blocks import Body, Rejection
from backend.protocol.errors import GroupInvalid, NotEligible, OrderExpired, OrderInGroup
from backend.protocol.hashing import ZERO_DIGEST, keccak
from backend.protocol.order_records import OrderGroup
from backend.protocol.orders import PaymentOrder
from backend.protocol.types import AuthorisedRoot
from tests.unit.engine.chamber import Chamber
from tests.unit.engine.committee import (
    DOMAIN,
    NEVER_S,
    SEQUENCERS,
    TOKEN,
    forged,
    funded_l1,
    group,
    id_of,
    key,
    payment,
    rooted,
    withdrawal,
)

ALICE, BOB, CAROL = key("alice"), key("bob"), key("carol")
SWAP = group((ALICE, BOB.address, 5, 0), (BOB, ALICE.address, 7, 0))
BY_ROOT = rooted(
    PaymentOrder(ALICE.address, BOB.address, TOKEN, 5, 0, 0, NEVER_S),
    PaymentOrder(ALICE.address, BOB.address, TOKEN, 6, 0, 1, NEVER_S),
)


@pytest.fixture
def chamber():
    """Block 1 has listed the asset and credited a million each to alice and bob."""
    chamber = Chamber(funded_l1(ALICE.address, BOB.address))
    chamber.settle()
    return chamber


def judged(chamber, body):
    """Return what a validator objects to in a block of the first proposer's, or None."""
    try:
        entry = chamber.block(body, SEQUENCERS[0])
    except InvalidBlock:  # it can't be executed, whatever it says of its operations
        entry = chamber.block(body, SEQUENCERS[0], operations_hash=ZERO_DIGEST, operation_count=0)
    digest, position = entry.block.digest(DOMAIN), len(chamber.entries)
    proposed = Proposed(position, entry.block, entry.body, digest, chamber.now_ms, 99)
    try:
        judge(chamber.validators[0].replica, proposed, chamber.l1)
    except InvalidBlock as error:
        return error
    return None


# Roots


def authorise(chamber, *numbers):
    """Let L1 have these roots of alice's, known to the committee; return them with L1's block."""
    roots = tuple(AuthorisedRoot(ALICE.address, keccak(bytes([number]))) for number in numbers)
    for root in roots:
        chamber.l1.authorise(root.owner, root.root)
    chamber.tick()
    return chamber.l1.number, roots


def test_block__first_roots_of_l1__succeeds(chamber):
    at, roots = authorise(chamber, 1, 2, 3)

    for count in range(4):
        assert judged(chamber, Body(at, roots=roots[:count])) is None


def test_block__other_roots_than_l1s__rejects(chamber):
    at, roots = authorise(chamber, 1, 2)
    made_up = AuthorisedRoot(ALICE.address, keccak(b"made up"))
    anothers = replace(roots[0], owner=BOB.address)

    for wrong in ([made_up], roots[1:], roots[::-1], [*roots, made_up], [anothers]):
        refusal = judged(chamber, Body(at, roots=tuple(wrong)))
        assert isinstance(refusal, L1FactsDiffer)
        assert (refusal.kind, refusal.count) == ("roots", len(wrong))


def test_block__root_that_is_known__rejects(chamber):
    at, roots = authorise(chamber, 1)
    chamber.settle()

    assert isinstance(judged(chamber, Body(at, roots=roots)), RootInvalid)


def test_block__root_past_its_l1_point__rejects(chamber):
    at, roots = authorise(chamber, 1, 2)

    assert isinstance(judged(chamber, Body(at - 1, roots=roots)), L1FactsDiffer)
    assert judged(chamber, Body(at - 1, roots=roots[:1])) is None


def test_block__root_waits_for_a_block__rejects(chamber):
    at, roots = authorise(chamber, 1, 2)
    # It came after the tip, so the proposer needn't have known of it.
    assert judged(chamber, Body(at)) is None
    chamber.append(chamber.block(Body(3), SEQUENCERS[0]))

    refusal = judged(chamber, Body(at))
    assert isinstance(refusal, LeftOut)
    assert refusal.kind == "root"
    assert judged(chamber, Body(at, roots=roots[:1])) is None


# Orders by root


def test_block__order_by_a_root_that_it_brings__rejects(chamber):
    chamber.l1.authorise(ALICE.address, BY_ROOT[0].root)
    chamber.tick()
    root = AuthorisedRoot(ALICE.address, BY_ROOT[0].root)

    refusal = judged(chamber, Body(4, roots=(root,), records=(BY_ROOT[0],)))
    assert isinstance(refusal, OrderRefused)
    assert (refusal.index, refusal.reason) == (0, "its payer has not authorised the root")

    chamber.settle()
    assert judged(chamber, Body(4, records=tuple(BY_ROOT))) is None


def test_block__order_by_root_with_a_wrong_proof__rejects(chamber):
    chamber.l1.authorise(ALICE.address, BY_ROOT[0].root)
    chamber.settle()
    wrong = replace(BY_ROOT[1], proof=BY_ROOT[0].proof)

    refusal = judged(chamber, Body(4, records=(BY_ROOT[0], wrong)))

    assert isinstance(refusal, OrderRefused)
    assert (refusal.index, refusal.reason) == (1, "it is not authorised")


def test_block__accepted_order_with_another_proof__rejects(chamber):
    """What is accepted was checked as it stood there, not as it stands in the block."""
    chamber.l1.authorise(ALICE.address, BY_ROOT[0].root)
    chamber.settle()
    chamber.order(BY_ROOT[0])

    assert judged(chamber, Body(4, records=(BY_ROOT[0],))) is None
    for changed in (replace(BY_ROOT[0], proof=()), replace(BY_ROOT[0], root=keccak(b""))):
        assert isinstance(judged(chamber, Body(4, records=(changed,))), OrderRefused)


# Groups

TORN = {
    "legs as orders": (SWAP.legs, 0, OrderInGroup),
    "one leg of two": (SWAP.legs[:1], 0, OrderInGroup),
    "an order, and a leg": ((payment(ALICE, BOB.address, 5, 0), SWAP.legs[1]), 1, OrderInGroup),
}


@pytest.mark.parametrize("is_accepted", [False, True])
@pytest.mark.parametrize(("records", "index", "error"), TORN.values(), ids=TORN)
def test_block__group_torn__rejects(chamber, is_accepted, records, index, error):
    if is_accepted:
        chamber.order(SWAP)

    refusal = judged(chamber, Body(3, records=tuple(records)))

    assert isinstance(refusal, OrderNotExecutable)
    assert refusal.index == index
    assert isinstance(refusal.error, error)


UNAUTHORISED = {
    "a forged leg": OrderGroup((SWAP.legs[0], forged(SWAP.legs[1]))),
    "another order of legs": OrderGroup(SWAP.legs[::-1]),
    "an altered leg": OrderGroup(
        (SWAP.legs[0], replace(SWAP.legs[1], order=replace(SWAP.legs[1].order, amount=1)))
    ),
}


@pytest.mark.parametrize("is_accepted", [False, True])
@pytest.mark.parametrize("record", UNAUTHORISED.values(), ids=UNAUTHORISED)
def test_block__group_not_authorised__rejects(chamber, is_accepted, record):
    if is_accepted:
        chamber.order(SWAP)
        assert judged(chamber, Body(3, records=(SWAP,))) is None

    refusal = judged(chamber, Body(3, records=(record,)))

    assert isinstance(refusal, OrderRefused)
    assert (refusal.index, refusal.reason) == (0, "it is not authorised")


def test_block__leg_left_out_of_a_group__rejects(chamber):
    three = group(
        (ALICE, BOB.address, 5, 0), (BOB, ALICE.address, 7, 0), (ALICE, BOB.address, 1, 1)
    )

    refusal = judged(chamber, Body(3, records=(OrderGroup(three.legs[:2]),)))

    assert isinstance(refusal, OrderRefused)
    with pytest.raises(GroupInvalid):
        OrderGroup(three.legs[:2]).check()


def test_block__group_that_was_rejected__rejects(chamber):
    swap = group((ALICE, CAROL.address, 5, 0), (CAROL, ALICE.address, 7, 0))
    chamber.order(swap)
    chamber.settle()  # rejected: carol has no account
    chamber.order(payment(BOB, CAROL.address, 10, 0))
    chamber.settle()

    refusal = judged(chamber, Body(3, records=(swap,)))

    assert isinstance(refusal, OrderRefused)
    assert refusal.reason == "an earlier block has rejected it"


def test_block__group_waits__after_ten_seconds_rejects(chamber):
    chamber.order(SWAP)
    chamber.now_ms += 10_000
    strangers = group((ALICE, BOB.address, 1, 1), (BOB, ALICE.address, 1, 1))
    chamber.order(strangers)

    assert isinstance(judged(chamber, Body(3)), LeftOut)
    for record in (SWAP, payment(ALICE, BOB.address, 1, 0), payment(BOB, ALICE.address, 1, 0)):
        assert judged(chamber, Body(3, records=(record,))) is None
    rejection = Rejection(strangers.link, OrderExpired.number)
    assert isinstance(judged(chamber, Body(3, rejections=(rejection,))), LeftOut)


# Regulated assets


def test_block__payer_or_payee_may_not_hold__rejects(chamber):
    chamber.l1.bar(TOKEN, BOB.address)
    chamber.tick()
    at = chamber.l1.number

    for record in (payment(ALICE, BOB.address, 5, 0), payment(BOB, CAROL.address, 5, 0), SWAP):
        # Until then he might, by the block's own point of L1.
        assert judged(chamber, Body(at - 1, records=(record,))) is None
        refusal = judged(chamber, Body(at, records=(record,)))
        assert isinstance(refusal, OrderRefused)
        assert refusal.reason == "payer or payee may not hold the asset"
    assert judged(chamber, Body(at, records=(withdrawal(BOB, 5, 0),))) is None


def test_block__rejects_who_may_not_hold__succeeds(chamber):
    chamber.order(SWAP)
    chamber.l1.bar(TOKEN, BOB.address)
    chamber.tick()
    at = chamber.l1.number
    rejections = (Rejection(SWAP.link, NotEligible.number),)

    assert isinstance(judged(chamber, Body(at - 1, rejections=rejections)), RejectionUnjustified)
    assert judged(chamber, Body(at, rejections=rejections)) is None

    chamber.settle()
    assert chamber.finals[-1].body.rejections == rejections
    assert id_of(SWAP) in chamber.replica.accepted.rejected
