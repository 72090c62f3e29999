"""Blocks made of groups, roots and regulated assets.

- more groups than fit a block by count, and by the fees of their assets
- roots: known to the committee or not; so many at once; alone in a block
- who may not hold: rejected by the block's own point of L1, all others executed
- a circle of groups that a lying log has: rejected at once, longer than a block too
"""

import pytest

from backend.engine.sequencer import BLOCK_L1_FACTS_MAX, Sequencer
from backend.protocol.errors import NonceGap, NotEligible
from backend.protocol.hashing import keccak
from backend.protocol.order_records import OrderGroup
from backend.protocol.orders import PaymentOrder, linked
from backend.protocol.types import Address, Asset, AuthorisedRoot
from tests.unit.engine.chamber import Chamber
from tests.unit.engine.committee import (
    FEE_OWNER,
    NEVER_S,
    SEQUENCERS,
    START_MS,
    TOKEN,
    FakeL1,
    funded_l1,
    group,
    id_of,
    key,
    payment,
    sign,
)

ALICE, BOB, CAROL = key("alice"), key("bob"), key("carol")


@pytest.fixture
def chamber():
    """Block 1 has listed the asset and credited a million to each of alice, bob and carol."""
    chamber = Chamber(funded_l1(ALICE.address, BOB.address, CAROL.address))
    chamber.settle()
    return chamber


def swap(nonce):
    return group((ALICE, BOB.address, 5, nonce), (BOB, ALICE.address, 7, nonce))


def test_propose__more_groups_than_fit__succeeds(chamber):
    chamber.sequencer = Sequencer(SEQUENCERS, chamber.replica, chamber.l1, orders_max=3)
    chamber.order(*map(swap, (3, 1, 2, 0, 4)))
    chamber.settle()

    assert [len(final.body.orders) for final in chamber.finals] == [0, 4, 4, 2]
    executed = [record for final in chamber.finals for record in final.body.records]
    assert executed == list(map(swap, range(5)))


def test_propose__groups_with_fees_of_too_many_assets__succeeds():
    assets = [Asset(n, Address(keccak(b"%d" % n)[:20]), 1, FEE_OWNER) for n in range(1, 501)]
    l1 = FakeL1()
    for asset in assets:
        l1.list_asset(asset)
        l1.deposit(ALICE.address, 10, asset)
    chamber = Chamber(l1)
    chamber.settle()
    groups = []
    for first in range(0, 500, 4):
        legs = linked(
            [
                PaymentOrder(ALICE.address, BOB.address, asset.token, 5, 1, 0, NEVER_S)
                for asset in assets[first : first + 4]
            ]
        )
        groups.append(OrderGroup(tuple(sign(ALICE, leg) for leg in legs)))

    chamber.order(*groups)
    chamber.settle()

    executed = [record for final in chamber.finals for record in final.body.records]
    assert executed == groups
    assert not any(final.body.rejections for final in chamber.finals)


def test_propose__more_roots_than_fit__succeeds(chamber):
    count = BLOCK_L1_FACTS_MAX + 1
    for number in range(count):
        chamber.l1.authorise(ALICE.address, keccak(b"%d" % number))
    chamber.settle()

    assert [len(final.body.roots) for final in chamber.finals] == [0, count - 1, 1]
    assert chamber.finals[-1].execution.operation_count == 0


def test_propose__root_the_committee_has_not_seen__changes_nothing(chamber):
    chamber.l1.authorise(ALICE.address, keccak(b"root"))
    assert chamber.sequencer.propose(START_MS) is None

    chamber.tick()
    proposal = chamber.propose()

    assert proposal is not None
    assert chamber.finals[-1].body.roots == (AuthorisedRoot(ALICE.address, keccak(b"root")),)


def test_propose__payee_barred_meanwhile__rejects_him_alone_succeeds(chamber):
    to_carol = payment(ALICE, CAROL.address, 5, 2)
    chamber.order(swap(0), swap(1), to_carol, payment(BOB, ALICE.address, 1, 2))
    chamber.l1.bar(TOKEN, CAROL.address)
    chamber.settle()

    final = chamber.finals[-1]
    assert len(final.body.records) == 3
    assert final.rejected_ids == ((id_of(to_carol), NotEligible.number),)


@pytest.mark.parametrize("orders_max", [1, 4, 500])
def test_propose__circle_of_groups__rejects(chamber, orders_max):
    chamber.sequencer = Sequencer(SEQUENCERS, chamber.replica, chamber.l1, orders_max=orders_max)
    circle = [
        group((ALICE, BOB.address, 1, 1), (BOB, ALICE.address, 1, 0)),
        group((BOB, ALICE.address, 1, 1), (ALICE, BOB.address, 1, 0)),
    ]
    behind = payment(CAROL, ALICE.address, 5, 0)
    chamber.order(*circle, behind)
    chamber.settle()

    rejected = dict(one for final in chamber.finals for one in final.rejected_ids)
    executed = [one for final in chamber.finals for one in final.record_ids]
    assert chamber.replica.accepted.undecided == {}
    assert [rejected[one.link] for one in circle] == [NonceGap.number] * 2
    assert executed == [id_of(behind)]
