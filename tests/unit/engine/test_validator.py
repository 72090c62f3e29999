"""What honest validators sign, in a committee of four with f = 1.

- all well: deposits, orders, withdrawals and rejections become final
- faults: one silent, two silent and back, silent proposer, equivocating proposer, late block
- invalid blocks, each for its own reason: everybody's NextRound, then the next proposer's block
- L1: not attested, not reached yet, differs
- orders: forged, repeated, used up, rejected before; forged ones start no timeout
- two digests: never, not after a restart either; lost signatures: silence (rule 7)
"""

from dataclasses import replace

import pytest

from backend.engine.accepted import AcceptedOrders, Arrival
from backend.engine.judgement import HeaderInvalid, L1FactsDiffer, OrderRefused, judge
from backend.engine.ledger import OrderNotExecutable, RejectionUnjustified
from backend.engine.replica import BodyMalformed, OperationsDiffer
from backend.engine.rounds import Proposed
from backend.protocol.blocks import Body, Rejection
from backend.protocol.errors import InsufficientFunds, InvariantViolated, OrderExpired
from backend.protocol.hashing import keccak
from backend.protocol.log_entries import (
    BlockEntry,
    Entry,
    NextRoundEntry,
    OrderEntry,
    TimeoutEntry,
    VoteEntry,
)
from tests.unit.engine.chamber import Chamber, fresh_replica, next_round, proposal, timeout, vote
from tests.unit.engine.committee import (
    ASSET,
    DOMAIN,
    SEQUENCERS,
    START_MS,
    VALIDATORS,
    forged,
    funded_l1,
    id_of,
    key,
    payment,
    withdrawal,
)

PAYER, PAYEE = key("payer"), key("payee")
NOW_S = START_MS // 1000


@pytest.fixture
def chamber():
    """Block 1 has listed the asset and credited a million to the payer."""
    chamber = Chamber(funded_l1(PAYER.address))
    chamber.settle()
    assert chamber.tip.number == 1
    return chamber


def balance_of(chamber, owner):
    account = chamber.replica.ledger.account(owner.address, 1)
    return account[1].balance_minor if account else None


def kinds(chamber, index):
    return [type(payload) for payload in chamber.signed_by(index)]


# All well


def test_order__all_honest__succeeds(chamber):
    chamber.order(payment(PAYER, PAYEE.address, 5, 0), withdrawal(PAYER, 7, 1))
    chamber.settle()

    assert chamber.tip.number == 2
    assert (balance_of(chamber, PAYER), balance_of(chamber, PAYEE)) == (999_988, 5)
    assert [v.replica.ledger for v in chamber.validators] == [chamber.replica.ledger] * 4
    assert len(chamber.finals[-1].signatures) == 3


def test_order__expired_in_the_log__rejects(chamber):
    order = payment(PAYER, PAYEE.address, 5, 0, valid_until=NOW_S)
    chamber.order(order)
    chamber.now_ms += 1_000
    chamber.settle()
    chamber.order(order)
    chamber.settle()

    rejections = [r for final in chamber.finals for r in final.body.rejections]
    assert rejections == [Rejection(id_of(order), OrderExpired.number)]
    assert chamber.tip.number == 2


def test_order__one_of_two_of_a_nonce__succeeds(chamber):
    chamber.order(payment(PAYER, PAYEE.address, 5, 0), payment(PAYER, PAYEE.address, 6, 0))
    chamber.settle()

    final = chamber.finals[-1]
    assert (len(final.body.orders), len(final.body.rejections)) == (1, 1)
    assert balance_of(chamber, PAYEE) == 5


# Faults


def test_order__one_validator_silent__succeeds(chamber):
    chamber.silent = {2}
    chamber.order(payment(PAYER, PAYEE.address, 5, 0))
    chamber.settle()

    assert chamber.tip.number == 2
    assert chamber.validators[2].replica.ledger == chamber.replica.ledger


def test_order__two_validators_silent_and_back__succeeds(chamber):
    chamber.silent = {1, 2}
    chamber.order(payment(PAYER, PAYEE.address, 5, 0))
    chamber.settle()
    chamber.tick(60_000)
    assert chamber.tip.number == 1

    chamber.silent = set()
    chamber.append(*chamber.restarted(1).go_live(chamber.now_ms))

    assert chamber.tip.number == 2


def test_order__proposer_silent__succeeds(chamber):
    chamber.sequencer = type(chamber.sequencer)([SEQUENCERS[1]], chamber.replica, chamber.l1)
    chamber.order(payment(PAYER, PAYEE.address, 5, 0))
    chamber.settle()
    chamber.tick(999)
    assert chamber.replica.rounds.round == 0

    chamber.tick(1)
    assert chamber.replica.rounds.round == 1
    chamber.settle()

    assert chamber.tip.number == 2
    assert chamber.tip.round == 1  # so the dead one is not waited for again


def test_timeout__each_lost_round__holds(chamber):
    chamber.sequencer = type(chamber.sequencer)([], chamber.replica, chamber.l1)
    chamber.order(payment(PAYER, PAYEE.address, 5, 0))
    for round_number in range(4):
        delay_ms = 1_000 << round_number
        chamber.tick(delay_ms - 1)
        assert chamber.replica.rounds.round == round_number
        chamber.tick(1)
        assert chamber.replica.rounds.round == round_number + 1


def test_timeout__deposit_left_out__succeeds(chamber):
    chamber.l1.deposit(PAYEE.address, 3)
    chamber.tick()
    chamber.tick(1_000)

    assert chamber.replica.rounds.round == 1
    chamber.settle()
    assert balance_of(chamber, PAYEE) == 3


def test_timeout__nothing_to_do__changes_nothing(chamber):
    count = len(chamber.entries)
    chamber.tick(3_600_000)

    assert len(chamber.entries) == count


def test_timeout__forged_order_alone__changes_nothing(chamber):
    chamber.order(forged(payment(PAYER, PAYEE.address, 5, 0)))
    chamber.tick(3_600_000)

    assert not any(isinstance(entry.payload, TimeoutEntry) for entry in chamber.entries)
    assert chamber.propose() is None


def test_timeout__of_one_liar__changes_nothing(chamber):
    chamber.append(timeout(VALIDATORS[0], 2, 0))
    chamber.order(payment(PAYER, PAYEE.address, 5, 0))
    chamber.settle()

    assert (chamber.tip.number, chamber.tip.round) == (2, 0)


def test_block__after_the_timeouts__changes_nothing(chamber):
    order = payment(PAYER, PAYEE.address, 5, 0)
    late = chamber.block(Body(2, orders=(order,)), SEQUENCERS[0])
    chamber.append(
        OrderEntry(order), timeout(VALIDATORS[0], 2, 0), timeout(VALIDATORS[1], 2, 0), late
    )

    assert kinds(chamber, 2) == [VoteEntry, NextRoundEntry]
    chamber.settle()
    assert (chamber.tip.number, chamber.tip.round) == (2, 1)


def test_block__equivocating_proposer__succeeds(chamber):
    orders = payment(PAYER, PAYEE.address, 5, 0), payment(PAYER, PAYEE.address, 6, 0)
    first, second = (chamber.block(Body(2, orders=(o,)), SEQUENCERS[0]) for o in orders)
    chamber.append(first, second)

    assert chamber.tip.block_hash == first.block.digest(DOMAIN)
    assert all(kinds(chamber, index) == [VoteEntry] * 2 for index in range(4))


# Invalid blocks


def order_of(amount, nonce=0):
    return payment(PAYER, PAYEE.address, amount, nonce)


INVALID = {
    "parent": lambda c: c.block(
        Body(2, orders=(order_of(5),)), SEQUENCERS[0], parent_hash=keccak(b"")
    ),
    "before its parent": lambda c: c.block(Body(2), SEQUENCERS[0], timestamp_ms=START_MS - 1),
    "after the stamp": lambda c: c.block(Body(2), SEQUENCERS[0], timestamp_ms=c.now_ms + 1),
    "stuck clock": lambda c: c.block(Body(2), SEQUENCERS[0], timestamp_ms=c.now_ms - 5_001),
    "l1 not attested": lambda c: c.block(Body(3), SEQUENCERS[0]),
    "l1 behind": lambda c: c.block(
        Body(1), SEQUENCERS[0], operations_hash=keccak(b""), operation_count=0
    ),
    "operations": lambda c: c.block(
        Body(2), SEQUENCERS[0], operations_hash=keccak(b"x"), operation_count=0
    ),
    "operation count": lambda c: c.block(
        Body(2), SEQUENCERS[0], operations_hash=keccak(b""), operation_count=1
    ),
    "listing": lambda c: c.block(
        Body(2, listings=(replace(ASSET, asset_id=2, token=PAYEE.address),)), SEQUENCERS[0]
    ),
    "deposit": lambda c: c.block(Body(2, deposits=(c.l1.queue[0][1],)), SEQUENCERS[0]),
    "forged": lambda c: c.block(Body(2, orders=(forged(order_of(5)),)), SEQUENCERS[0]),
    "funds": lambda c: c.block(
        Body(2, orders=(order_of(1_000_001),)),
        SEQUENCERS[0],
        operations_hash=keccak(b""),
        operation_count=0,
    ),
    "rejection": lambda c: c.block(
        Body(2, rejections=(Rejection(keccak(b"?"), InsufficientFunds.number),)), SEQUENCERS[0]
    ),
}
REASONS = {
    "parent": HeaderInvalid,
    "before its parent": HeaderInvalid,
    "after the stamp": HeaderInvalid,
    "stuck clock": HeaderInvalid,
    "l1 not attested": HeaderInvalid,
    "operations": OperationsDiffer,
    "operation count": OperationsDiffer,
    "listing": L1FactsDiffer,
    "deposit": L1FactsDiffer,
    "forged": OrderRefused,
    "funds": OrderNotExecutable,
    "rejection": RejectionUnjustified,
}


@pytest.mark.parametrize("fault", INVALID)
def test_block__invalid__rejects(chamber, fault):
    chamber.now_ms += 6_000
    entry = INVALID[fault](chamber)
    if fault in REASONS:
        proposed = Proposed(
            99, entry.block, entry.body, entry.block.digest(DOMAIN), chamber.now_ms, 2
        )
        with pytest.raises(REASONS[fault]):
            judge(chamber.validators[0].replica, proposed, chamber.l1)
    chamber.append(entry)

    assert (chamber.tip.number, chamber.replica.rounds.round) == (1, 1)
    assert all(kinds(chamber, index)[-1] is NextRoundEntry for index in range(4))
    chamber.order(order_of(5))
    chamber.settle()
    assert (chamber.tip.number, chamber.tip.round) == (2, 1)


def test_block__malformed_body__rejects(chamber):
    block = chamber.block(Body(2), SEQUENCERS[0], body_hash=keccak(b"?")).block
    entry = proposal(block, SEQUENCERS[0], b"?")
    proposed = Proposed(99, block, b"?", block.digest(DOMAIN), chamber.now_ms, 2)
    with pytest.raises(BodyMalformed):
        judge(
            fresh_replica(),
            replace(proposed, block=replace(block, parent_hash=bytes(32))),
            chamber.l1,
        )
    chamber.append(entry)

    assert chamber.replica.rounds.round == 1


def test_block__executes_a_rejected_order__rejects(chamber):
    poor, rich = key("poor"), PAYER
    order = payment(poor, PAYEE.address, 5, 0)
    chamber.order(order)
    chamber.settle()  # rejected: the payer has no account
    chamber.order(payment(rich, poor.address, 10, 0))
    chamber.settle()

    chamber.append(chamber.block(Body(2, orders=(order,)), SEQUENCERS[0]))

    assert (chamber.tip.number, chamber.replica.rounds.round) == (3, 1)


def test_block__rejects_an_order_that_can_be_executed__rejects(chamber):
    order = order_of(5)
    chamber.order(order)
    rejection = Rejection(id_of(order), OrderExpired.number)
    chamber.append(chamber.block(Body(2, rejections=(rejection,)), SEQUENCERS[0]))

    assert (chamber.tip.number, chamber.replica.rounds.round) == (1, 1)


def test_block__invalid_but_certified__rejects(chamber):
    """Then more than f validators lie, or this program is wrong."""
    entry = chamber.block(Body(2), SEQUENCERS[0], operations_hash=keccak(b"x"), operation_count=0)
    replica = chamber.validators[0].replica
    votes = [vote(v, entry) for v in VALIDATORS[1:]]

    for payload in (entry, *votes[:2]):
        replica.consume(99, Entry(chamber.now_ms, payload))
    with pytest.raises(InvariantViolated):
        replica.consume(99, Entry(chamber.now_ms, votes[2]))


# L1


def test_block__l1_not_reached_by_one__succeeds(chamber):
    late = replace(chamber.l1, queue=list(chamber.l1.queue))
    chamber.validators[3]._l1 = late
    chamber.l1.deposit(PAYEE.address, 3)
    chamber.settle()
    assert balance_of(chamber, PAYEE) == 3
    assert len(kinds(chamber, 3)) == 1  # block 1 alone
    assert chamber.validators[3].replica.ledger == chamber.replica.ledger


def test_block__l1_not_reached_by_two__succeeds(chamber):
    late = replace(chamber.l1, queue=list(chamber.l1.queue))
    for index in (2, 3):
        chamber.validators[index]._l1 = late
    chamber.l1.deposit(PAYEE.address, 3)
    chamber.settle()
    chamber.tick(60_000)
    assert chamber.tip.number == 1

    late.number, late.queue = chamber.l1.number, chamber.l1.queue
    chamber.tick()

    assert balance_of(chamber, PAYEE) == 3


def test_seen__far_ahead_by_one_liar__changes_nothing(chamber):
    ahead = replace(chamber.l1, number=10**9)
    chamber.validators[3]._l1 = ahead
    chamber.tick()

    assert chamber.replica.rounds.l1_attested == 2


# Two digests


def test_vote__after_a_restart__changes_nothing(chamber):
    chamber.silent = {1, 2}
    chamber.order(order_of(5))
    chamber.settle()
    signed = kinds(chamber, 0)

    assert chamber.restarted(0).go_live(chamber.now_ms) == []
    assert kinds(chamber, 0) == signed


def test_vote__log_shows_another_block_after_a_restart__changes_nothing(chamber):
    """The log lies: first came one proposal, after the restart another."""
    orders = payment(PAYER, PAYEE.address, 5, 0), payment(PAYER, PAYEE.address, 6, 0)
    first, second = (chamber.block(Body(2, orders=(o,)), SEQUENCERS[0]) for o in orders)
    chamber.silent = {1, 2, 3}
    chamber.append(first)
    voted = chamber.signed_by(0)[-1]
    lie = [entry for entry in chamber.entries if entry.payload not in (first, voted)]

    for order in (first, voted), (voted, first):
        chamber.entries = [*lie, *(Entry(chamber.now_ms, p) for p in (second, *order))]
        assert chamber.restarted(0).go_live(chamber.now_ms) == []


def test_next_round__signed_in_an_earlier_life__changes_nothing(chamber):
    entry = chamber.block(Body(2, orders=(order_of(5),)), SEQUENCERS[0])
    chamber.entries.append(Entry(chamber.now_ms, next_round(VALIDATORS[0], 2, 0)))
    chamber.entries.append(Entry(chamber.now_ms, entry))

    assert chamber.restarted(0).go_live(chamber.now_ms) == []


def test_validator__signatures_lost__holds(chamber):
    chamber.silent = {0}  # its new life speaks for itself
    before = chamber.block(Body(2, orders=(order_of(5),)), SEQUENCERS[0])
    chamber.now_ms += 1
    chamber.entries.append(Entry(chamber.now_ms - 1, before))
    validator = chamber.restarted(0, signatures_lost=True)
    assert validator.go_live(chamber.now_ms) == []
    chamber.entries.pop()
    for other in range(1, 4):
        chamber.restarted(other).go_live(chamber.now_ms)
    chamber.now_ms += 1
    said = []

    def hear(payload):
        position = len(chamber.entries)
        chamber.entries.append(Entry(chamber.now_ms, payload))
        said.extend(validator.consume(position, chamber.entries[-1]))

    for v in VALIDATORS[1:]:
        hear(vote(v, before))  # stamped before the restart
    assert validator.is_silent
    later = BlockEntry(*_later_block(validator))
    hear(later)
    assert said == []
    for v in VALIDATORS[1:]:
        hear(vote(v, later))
    assert not validator.is_silent
    assert said == []
    hear(BlockEntry(*_later_block(validator)))
    assert [type(payload) for payload in said] == [VoteEntry]


def _later_block(validator):
    """Return the parts of an empty block upon the validator's tip."""
    tip = validator.replica.rounds.tip
    chamber = Chamber(validator._l1)
    chamber.replica = validator.replica
    chamber.now_ms = max(START_MS + 2, tip.timestamp_ms)
    entry = chamber.block(Body(2), SEQUENCERS[0])
    return entry.block, entry.signature, entry.body


# Accepted orders


def test_accepted__lazy_and_forged_first__succeeds(chamber):
    order = order_of(5)
    accepted = AcceptedOrders(DOMAIN, is_lazy=True)
    ledger = chamber.replica.ledger

    for position, signed in enumerate((forged(order), order, forged(order))):
        accepted.add(Arrival(position, 0), signed, ledger, 0)
    accepted.check_all()

    assert accepted.undecided == {id_of(order): order}
    assert accepted.oldest == Arrival(1, 0)


@pytest.mark.parametrize("valid_until", [NOW_S - 1, 0])
def test_accepted__over_already__changes_nothing(chamber, valid_until):
    accepted = AcceptedOrders(DOMAIN)
    order = payment(PAYER, PAYEE.address, 5, 0, valid_until=valid_until)

    assert accepted.add(Arrival(0, 0), order, chamber.replica.ledger, NOW_S) is None


def test_accepted__used_nonce__changes_nothing(chamber):
    chamber.order(order_of(5))
    chamber.settle()
    count = len(chamber.entries)
    chamber.order(order_of(5), order_of(6))
    chamber.settle()

    assert len(chamber.entries) == count + 2
    assert chamber.tip.number == 2


def test_accepted__many_rejections__holds(chamber):
    accepted = AcceptedOrders(DOMAIN)
    ledger = chamber.replica.ledger
    for nonce in range(1_000):
        order = payment(PAYER, PAYEE.address, 5, nonce, valid_until=NOW_S + nonce % 2)
        digest = accepted.add(Arrival(nonce, 0), order, ledger, NOW_S)
        accepted.decide(Body(2, rejections=(Rejection(digest, 126),)), NOW_S + 1)

    assert len(accepted.rejected) == 500
