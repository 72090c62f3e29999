"""What the projections show of groups, and of orders under a root, as the engine makes them.

- legs: a payment each, with their link; found by it; entries that add up
- a rejected group: its id, and each leg's, once
- an order by root: no signature; its body alone says who authorised it
"""

import pytest
from sqlalchemy import func, select

from backend.protocol.errors import InsufficientFunds, NonceTooLow
from backend.protocol.orders import PaymentOrder
from backend.records.database import open_database
from backend.records.projections import Projections
from backend.records.reader import Reader
from backend.records.tables import projections as tables
from tests.unit.engine.chamber import Chamber
from tests.unit.engine.committee import (
    DOMAIN,
    NEVER_S,
    TOKEN,
    funded_l1,
    group,
    id_of,
    key,
    payment,
    rooted,
)

ALICE, BOB, CAROL = key("alice"), key("bob"), key("carol")


@pytest.fixture
def chamber():
    chamber = Chamber(funded_l1(ALICE.address, BOB.address, amount_minor=100))
    chamber.settle()
    return chamber


@pytest.fixture
def engine(tmp_path):
    return open_database("projections", f"sqlite:///{tmp_path / 'p.sqlite3'}")


def reader_of(engine, chamber):
    assert Projections(engine, DOMAIN).apply_final_blocks(chamber.finals) == len(chamber.finals)
    return Reader(engine)


def legs_of(record):
    return [leg.digest(DOMAIN) for leg in record.legs]


def test_apply_final_block__group__succeeds(engine, chamber):
    chamber.order(
        payment(BOB, ALICE.address, 2, 0),
        group((BOB, ALICE.address, 7, 1), (ALICE, CAROL.address, 5, 0)),
    )
    chamber.settle()
    swap = chamber.finals[-1].body.records[1]

    reader = reader_of(engine, chamber)

    legs = reader.legs(swap.link)
    assert [leg.order.id for leg in legs] == legs_of(swap)
    assert [leg.order.signature for leg in legs] == [leg.signature for leg in swap.legs]
    assert {leg.order.link for leg in legs} == {swap.link}
    assert reader.payment(swap.link) is None
    with engine.connect() as connection:
        sums = select(func.sum(tables.entries.c.amount_minor)).group_by(tables.entries.c.subject)
        assert set(connection.scalars(sums)) == {0}


def test_apply_final_block__rejected_group__succeeds(engine, chamber):
    dear = group((ALICE, BOB.address, 5, 0), (BOB, ALICE.address, 101, 0))
    twice = group((ALICE, BOB.address, 5, 0), (ALICE, BOB.address, 5, 0))
    chamber.order(dear, twice)
    chamber.settle()

    reader = reader_of(engine, chamber)

    for ended in (dear.link, *legs_of(dear)):
        assert reader.rejection(ended).code == InsufficientFunds.number
    for ended in (twice.link, *legs_of(twice)):
        assert reader.rejection(ended).code == NonceTooLow.number
    with engine.connect() as connection:
        events = connection.scalars(select(tables.events.c.type)).all()
    assert events.count("payment.rejected") == 3 + 2


def test_apply_final_block__order_by_root__has_no_signature_holds(engine, chamber):
    (by_root,) = rooted(PaymentOrder(ALICE.address, BOB.address, TOKEN, 5, 0, 0, NEVER_S))
    chamber.l1.authorise(ALICE.address, by_root.root)
    chamber.settle()
    chamber.order(by_root)
    chamber.settle()

    row = reader_of(engine, chamber).payment(id_of(by_root))

    assert row.order.signature == b""
    assert row.order.payer == ALICE.address
