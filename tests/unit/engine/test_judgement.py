"""Which blocks an honest committee refuses: everybody's NextRound, then the next proposer's block.

- each invalid block for its own reason; a certified one stops the validator
- L1: not reached by one, by two; attested by one liar alone
"""

from dataclasses import replace

import pytest

from backend.engine.judgement import HeaderInvalid, L1FactsDiffer, OrderRefused, judge
from backend.engine.ledger import OrderNotExecutable, RejectionUnjustified
from backend.engine.replica import BodyMalformed, OperationsDiffer
from backend.engine.rounds import Proposed
from backend.protocol.blocks import Body, Rejection
from backend.protocol.errors import InsufficientFunds, InvariantViolated, OrderExpired
from backend.protocol.hashing import keccak
from backend.protocol.log_entries import (
    Entry,
    NextRoundEntry,
)
from tests.unit.engine.chamber import Chamber, fresh_replica, proposal, vote
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
