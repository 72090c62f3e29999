"""Admission and block making.

- admit: durable nonces and funds of all that is pending, signature first, the operator's rule
- admit: nothing comes before what waits, or a block on its way would be wrong to reject that
- withdraw, final, somebody else's order: counted once, and no more
- propose: nothing to do, not its turn, once a round, at most so many orders, after its parent
- propose: orders that fit no batch together, since their fees go to too many accounts; no body
"""

import pytest

from backend.engine.admission import Admission
from backend.engine.ledger.judge import everybody
from backend.engine.runs import OrderRun
from backend.engine.sequencer import Sequencer
from backend.engine.vector.judging import FINE
from backend.engine.vector.records import RecordRun
from backend.protocol.authorised import PROOF_NODES_MAX, AuthorisedTree
from backend.protocol.blocks import BODY_BYTES_MAX, Body
from backend.protocol.errors import (
    AccountUnknown,
    FeeTooLow,
    InsufficientFunds,
    NonceGap,
    NonceTooLow,
    NotAuthorised,
    OrderExpired,
    SignatureInvalid,
)
from backend.protocol.hashing import keccak
from backend.protocol.log_entries import Entry, OrderEntry
from backend.protocol.order_records import RootedOrder, SignedOrder
from backend.protocol.orders import PaymentOrder
from backend.protocol.types import Address, Asset
from tests.unit.engine.chamber import Chamber
from tests.unit.engine.committee import (
    DOMAIN,
    FEE_OWNER,
    NEVER_S,
    SEQUENCERS,
    START_MS,
    FakeL1,
    forged,
    funded_l1,
    group,
    id_of,
    key,
    payment,
    sign,
    withdrawal,
)

PAYER, PAYEE = key("payer"), key("payee")
NOW_S = START_MS // 1000


@pytest.fixture
def chamber():
    chamber = Chamber(funded_l1(PAYER.address, amount_minor=100))
    chamber.settle()
    return chamber


@pytest.fixture
def admission(chamber):
    return Admission(chamber.replica, everybody, chamber.l1.is_regulated)


def admit(admission, signed, now_ms=START_MS):
    admission.admit(id_of(signed), signed, now_ms)


def pay(amount, nonce, **fields):
    return payment(PAYER, PAYEE.address, amount, nonce, **fields)


# Admission


def test_admit__nonces_in_order__succeeds(admission):
    admit(admission, pay(10, 0))
    admit(admission, withdrawal(PAYER, 10, 1))

    assert admission.nonce_next(PAYER.address, pay(1, 0).order.asset) == 2


@pytest.mark.parametrize(
    ("signed", "now_ms", "error"),
    [
        (pay(10, 0), START_MS, NonceTooLow),
        (pay(10, 2), START_MS, NonceGap),
        (pay(91, 1), START_MS, InsufficientFunds),
        (pay(10, 1, valid_until=NOW_S), START_MS + 1_000, OrderExpired),
        (forged(pay(10, 1)), START_MS, NotAuthorised),
        (SignedOrder(pay(10, 1).order, bytes(65)), START_MS, SignatureInvalid),
        (payment(PAYEE, PAYER.address, 1, 0), START_MS, AccountUnknown),
    ],
    ids=["nonce used", "gap", "funds", "expired", "forged", "malformed", "no account"],
)
def test_admit__after_a_pending_order__rejects(admission, signed, now_ms, error):
    admit(admission, pay(10, 0))

    with pytest.raises(error):
        admit(admission, signed, now_ms)
    admit(admission, pay(90, 1))


def test_admit__forged_order_without_funds__rejects(admission):
    """A stranger learns nothing about a balance."""
    with pytest.raises(NotAuthorised):
        admit(admission, forged(pay(10_000, 0)))


def test_admit__below_the_operators_fee__rejects(chamber):
    admission = Admission(
        chamber.replica, everybody, chamber.l1.is_regulated, lambda asset, amount_minor: 2
    )

    with pytest.raises(FeeTooLow) as caught:
        admit(admission, pay(10, 0))

    assert caught.value.values == FeeTooLow(2, 0).values


def test_admit__before_orders_to_be_rejected__rejects(chamber, admission):
    """Blocks 2 and 3 reject what is late and what follows, while something comes between."""
    follows = [pay(1, nonce) for nonce in (2, 3, 4)]
    chamber.sequencer = Sequencer(SEQUENCERS, chamber.replica, chamber.l1, orders_max=2)
    chamber.order(*(pay(1, nonce, valid_until=NOW_S + 1) for nonce in (0, 1)), *follows)
    for record_id, record in chamber.replica.accepted.undecided.items():
        admission.on_accepted(record_id, record)
    chamber.now_ms += 2_000
    chamber.propose()
    admission.on_final(chamber.finals[-1])
    assert admission.nonce_next(PAYER.address, follows[0].order.asset) == 3

    with pytest.raises(NonceTooLow) as caught:
        admit(admission, pay(2, 3), chamber.now_ms)
    on_its_way = chamber.sequencer.propose(chamber.now_ms)
    chamber.append(on_its_way)
    admission.on_final(chamber.finals[-1])

    assert caught.value.values == NonceTooLow(5, 3).values
    assert len(chamber.finals) == 3
    while chamber.propose() is not None:
        admission.on_final(chamber.finals[-1])
    admit(admission, pay(2, 0), chamber.now_ms)


def test_on_accepted__order_that_can_not_be_executed__holds(chamber, admission):
    """It stands in the way of others of its nonce until a block rejects it."""
    chamber.order(pay(101, 0))
    admission.on_accepted(id_of(pay(101, 0)), pay(101, 0))

    with pytest.raises(NonceTooLow):
        admit(admission, pay(1, 0))
    chamber.settle()
    admission.on_final(chamber.finals[-1])
    admit(admission, pay(1, 0))


def test_judge_run__account_swept_meanwhile__rejects(chamber, admission):
    """What is pending can't be covered any more, and so nothing can."""
    for nonce in range(2):
        admit(admission, pay(50, nonce))
    account_id, _ = chamber.replica.ledger.account(PAYER.address, 1)
    chamber.l1.request_exit(account_id, PAYER.address)
    chamber.settle()
    late = pay(5, 3)

    run = RecordRun(late.encode())
    verdicts = admission.judge_run(run, START_MS)

    assert verdicts.codes.tolist() == [InsufficientFunds.number]
    with pytest.raises(InsufficientFunds) as caught:
        admit(admission, late)
    assert caught.value.values == InsufficientFunds(0, 5).values
    assert admission.refusal(run, 0, verdicts, START_MS).values == caught.value.values


def test_withdraw__admitted_order__succeeds(admission):
    admit(admission, pay(100, 0))
    admission.withdraw(id_of(pay(100, 0)))
    admission.withdraw(id_of(pay(100, 0)))

    admit(admission, pay(99, 0))


def test_withdraw__last_of_several__can_come_again_holds(admission):
    """The log had no room for it: what was counted before it goes on waiting."""
    admit(admission, pay(1, 0))
    again = group((PAYER, PAYEE.address, 1, 1), (PAYER, PAYEE.address, 1, 2))
    admit(admission, again)
    admission.withdraw(id_of(again))

    verdicts = admission.judge_run(RecordRun(pay(2, 1).encode()), START_MS)

    assert verdicts.codes.tolist() == [FINE]


def test_withdraw_all__of_a_run__can_come_again_holds(admission):
    """They were over when they came to the log."""
    admit(admission, pay(1, 0))
    records = RecordRun(pay(1, 1).encode() + pay(1, 2).encode())
    verdicts = admission.judge_run(records, START_MS)
    ids = tuple(map(id_of, records))
    debits = verdicts.amounts + verdicts.fees
    admission.keep_run(OrderRun(records, ids, verdicts.payer_rows, debits))
    admission.withdraw_all(ids)

    admit(admission, pay(2, 1))


def test_on_final__executed_and_rejected__succeeds(chamber, admission):
    chamber.order(pay(40, 0, valid_until=NOW_S + 1), pay(10, 1))
    for digest, signed in chamber.replica.accepted.undecided.items():
        admission.on_accepted(digest, signed)
        admission.on_accepted(digest, signed)
    account_id, _ = chamber.replica.ledger.account(PAYER.address, 1)
    assert admission.pending_of(account_id) == (2, 50)

    chamber.now_ms += 2_000
    chamber.settle()
    admission.on_final(chamber.finals[-1])

    assert len(chamber.finals[-1].body.rejections) == 2
    assert admission.pending_of(account_id) == (0, 0)


def test_on_accepted__order_that_cannot_be_executed__changes_nothing(admission):
    admission.on_accepted(id_of(pay(10, 7)), pay(10, 7))

    assert admission.nonce_next(PAYER.address, pay(10, 7).order.asset) == 0


def test_is_authorised__admitted_digest_with_another_signature__holds(admission):
    admit(admission, pay(10, 0))

    assert admission.is_authorised(id_of(pay(10, 0)), pay(10, 0))
    assert not admission.is_authorised(id_of(pay(10, 0)), forged(pay(10, 0)))


def test_nonce_next__unknown__holds(admission):
    assert admission.nonce_next(PAYEE.address, pay(1, 0).order.asset) is None
    assert admission.nonce_next(PAYER.address, PAYEE.address) is None


# Block making


def test_propose__nothing_to_do__changes_nothing(chamber):
    assert chamber.sequencer.propose(START_MS) is None


def test_propose__l1_moved_without_facts__changes_nothing(chamber):
    chamber.l1.number += 1
    chamber.tick()

    assert chamber.sequencer.propose(START_MS) is None


def test_propose__not_its_turn__changes_nothing(chamber):
    chamber.order(pay(10, 0))

    assert Sequencer([SEQUENCERS[1]], chamber.replica, chamber.l1).propose(START_MS) is None


def test_propose__twice_in_a_round__changes_nothing(chamber):
    chamber.order(pay(10, 0))

    assert chamber.sequencer.propose(START_MS) is not None
    assert chamber.sequencer.propose(START_MS + 100) is None


def test_propose__round_is_decided__changes_nothing(chamber):
    chamber.order(pay(10, 0))
    proposal = chamber.sequencer.propose(START_MS)
    chamber.replica.consume(99, Entry(START_MS, proposal))

    assert Sequencer(SEQUENCERS, chamber.replica, chamber.l1).propose(START_MS) is None


def test_propose__more_orders_than_fit__succeeds(chamber):
    chamber.sequencer = Sequencer(SEQUENCERS, chamber.replica, chamber.l1, orders_max=2)
    chamber.order(*(pay(10, nonce) for nonce in range(5)))
    chamber.settle()

    assert [len(final.body.orders) for final in chamber.finals] == [0, 2, 2, 1]


def test_propose__fees_of_too_many_assets__succeeds():
    assets = [Asset(n, Address(keccak(b"%d" % n)[:20]), 1, FEE_OWNER) for n in range(1, 482)]
    l1 = FakeL1()
    for asset in assets:
        l1.list_asset(asset)
        l1.deposit(PAYER.address, 10, asset)
    chamber = Chamber(l1)
    chamber.settle()
    orders = [PaymentOrder(PAYER.address, PAYEE.address, a.token, 5, 1, 0, NEVER_S) for a in assets]

    chamber.order(*(sign(PAYER, order) for order in orders))
    chamber.settle()

    assert sum(len(final.body.orders) for final in chamber.finals) == len(assets)
    assert not any(final.body.rejections for final in chamber.finals)


def test_propose__clock_behind_its_parent__succeeds(chamber):
    chamber.order(pay(10, 0))

    assert chamber.sequencer.propose(START_MS - 60_000).block.timestamp_ms == START_MS


def test_propose__deposits_and_listings__succeeds(chamber):
    (first,) = chamber.finals

    assert first.body == Body(2, (chamber.l1.assets[0][1],), (chamber.l1.queue[0][1],))


def test_propose__l1_seen_by_the_committee_but_not_here__changes_nothing(chamber):
    chamber.l1.deposit(PAYEE.address, 5)
    chamber.tick()
    chamber.l1.number -= 1

    assert chamber.sequencer.propose(START_MS) is None


def test_propose__records_of_more_bytes_than_a_body_has__takes_the_first_holds():
    """Proofs may be as long as payers like."""
    chamber = Chamber(funded_l1(PAYER.address, PAYEE.address))
    orders = [pay(1, nonce).order for nonce in range(3_400)]
    tree = AuthorisedTree([order.digest(DOMAIN) for order in orders])
    more = [keccak(bytes([k])) for k in range(PROOF_NODES_MAX - len(tree.proof(0)))]
    root = tree.root
    for sibling in more:
        root = keccak(min(root, sibling) + max(root, sibling))
    chamber.l1.authorise(PAYER.address, root)
    chamber.settle()
    chamber.settle()
    for index, order in enumerate(orders):
        record = RootedOrder(order, root, (*tree.proof(index), *more))
        entry = Entry(START_MS, OrderEntry(record))
        assert chamber.replica.consume(len(chamber.entries) + index, entry) is not None

    proposed = chamber.sequencer.propose(START_MS)

    assert BODY_BYTES_MAX - 2_000 < len(proposed.body) <= BODY_BYTES_MAX
