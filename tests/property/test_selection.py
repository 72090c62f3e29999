"""Whatever stands in the log, each record ends once, in blocks that validators agree to.

Few payers with few nonces, so that groups follow, exclude and wait for each other, in circles too;
blocks of a few orders, so that circles don't fit one.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.engine.ledger import check_rejections, select
from backend.protocol.blocks import Body
from backend.protocol.orders import Order, PaymentOrder
from tests.property import invariants
from tests.property.world import STABLE, TS_S, address, by_digest, group, pay, withdraw, world

PAYERS = ("alice", "bob", "carol")
_payments = st.builds(
    pay,
    st.sampled_from(PAYERS),
    st.sampled_from([*PAYERS, "dora"]),
    st.sampled_from([1, 2, 3, 9, 40]),
    nonce=st.sampled_from([0, 0, 0, 1, 1, 2, 3]),
    valid_until=st.sampled_from([TS_S] * 12 + [TS_S - 1]),
)
_withdrawals = st.builds(
    withdraw, st.sampled_from(PAYERS), st.just(1), nonce=st.sampled_from([0, 1, 2])
)
_groups = st.lists(_payments, min_size=2, max_size=4).map(lambda legs: group(*legs))
_records = st.lists(st.one_of(_payments, _withdrawals, _groups, _groups), max_size=14)
_barred = st.sampled_from(["nobody", "nobody", *PAYERS, "dora"])


@settings(max_examples=400, deadline=None)
@given(records=_records, orders_max=st.integers(1, 9), barred=_barred)
def test_select__any_log__ends_each_record_once_holds(records, orders_max, barred):
    made = world(alice=50, bob=50, carol=50)
    accepted = by_digest(records)
    undecided = dict(accepted)
    executed: list[Order] = []

    def may_hold(token, owner):
        return (token, owner) != (STABLE.token, address(barred))

    while undecided:
        selection = select(made.ledger, undecided, TS_S, orders_max, may_hold)
        body = Body(
            made.ledger.l1_block_number,
            records=tuple(selection.executable.values()),
            rejections=selection.rejections,
        )
        check_rejections(made.ledger, body, undecided, TS_S, may_hold)
        invariants.groups_are_whole(body.records, made.run(body))
        executed += body.orders
        decided = [*selection.executable, *(one.record_id for one in selection.rejections)]
        assert decided
        for record_id in decided:
            del undecided[record_id]

    made.ledger.check_conservation()
    for name in PAYERS:
        nonces = [order.nonce for order in executed if order.payer == address(name)]
        assert nonces == list(range(len(nonces)))
    assert not any(
        address(barred) in (order.payer, order.payee)
        for order in executed
        if isinstance(order, PaymentOrder)
    )
