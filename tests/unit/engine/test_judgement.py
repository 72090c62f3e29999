"""Which blocks an honest committee refuses: everybody's NextRound, then the next proposer's block.

- each invalid block for its own reason; a certified one stops the validator
- what waits in the log: the first order for 10 s, L1's facts for a block; a proposer who makes
  blocks of his own orders keeps nobody else's out
- L1: not reached by one, by two; attested by one liar alone
"""

from dataclasses import replace

import pytest

from backend.engine.judgement import HeaderInvalid, L1FactsDiffer, LeftOut, OrderRefused, judge
from backend.engine.ledger import InvalidBlock, OrderNotExecutable, RejectionUnjustified
from backend.engine.replica import BodyMalformed, OperationsDiffer
from backend.engine.rounds import Proposed
from backend.protocol.blocks import Body, Rejection
from backend.protocol.errors import InsufficientFunds, InvariantViolated, OrderExpired
from backend.protocol.hashing import keccak, sha256
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
        Body(2, records=(order_of(5),)), SEQUENCERS[0], parent_hash=keccak(b"")
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
    "forged": lambda c: c.block(Body(2, records=(forged(order_of(5)),)), SEQUENCERS[0]),
    "funds": lambda c: c.block(
        Body(2, records=(order_of(1_000_001),)),
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
    block = chamber.block(Body(2), SEQUENCERS[0], body_hash=sha256(b"?")).block
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

    chamber.append(chamber.block(Body(2, records=(order,)), SEQUENCERS[0]))

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


# What must not be left out


def judged(chamber, body):
    """Return what a validator objects to in a block of the first proposer's, or None."""
    entry = chamber.block(body, SEQUENCERS[0])
    digest, position = entry.block.digest(DOMAIN), len(chamber.entries)
    proposed = Proposed(position, entry.block, entry.body, digest, chamber.now_ms, 99)
    try:
        judge(chamber.validators[0].replica, proposed, chamber.l1)
    except InvalidBlock as error:
        return error
    return None


def test_block__first_order_waits__after_ten_seconds_rejects(chamber):
    chamber.order(order_of(5))

    chamber.now_ms += 9_999
    assert judged(chamber, Body(2)) is None
    chamber.now_ms += 1
    assert isinstance(judged(chamber, Body(2)), LeftOut)
    assert judged(chamber, Body(2)).kind == "order"
    assert judged(chamber, Body(2, records=(order_of(5),))) is None


def test_block__lower_nonce_instead_of_the_first_order__succeeds(chamber):
    chamber.order(order_of(7, nonce=1), order_of(5, nonce=0))
    chamber.now_ms += 10_000

    assert judged(chamber, Body(2, records=(order_of(5, nonce=0),))) is None


def test_block__first_order_rejected__succeeds(chamber):
    order = payment(PAYER, PAYEE.address, 5, 0, valid_until=NOW_S + 1)
    chamber.order(order)
    chamber.now_ms += 10_000
    rejection = Rejection(id_of(order), OrderExpired.number)

    assert judged(chamber, Body(2, rejections=(rejection,))) is None


@pytest.mark.parametrize("kind", ["listing", "deposit"])
def test_block__l1_fact_waits_for_a_block__rejects(chamber, kind):
    if kind == "deposit":
        chamber.l1.deposit(PAYEE.address, 3)
        chamber.l1.deposit(PAYEE.address, 4)
    else:
        chamber.l1.list_asset(replace(ASSET, asset_id=2, token=PAYEE.address))
    chamber.tick()
    at = chamber.l1.number

    # It came after the tip, so the proposer needn't have known of it.
    assert judged(chamber, Body(at)) is None
    chamber.append(chamber.block(Body(2), SEQUENCERS[0]))

    assert judged(chamber, Body(at)).kind == kind
    assert judged(chamber, Body(2)).kind == kind
    facts = Body(at, tuple(chamber.l1.listings(1, at)), tuple(chamber.l1.deposits(1, at)[:1]))
    assert judged(chamber, facts) is None


def test_block__proposer_keeps_others_out__without_him_succeeds():
    """A lying sequencer makes blocks without a pause, so no timeout ever counts."""
    victim = key("victim")
    chamber = Chamber(funded_l1(PAYER.address, victim.address))
    chamber.settle()
    l1_block = chamber.replica.ledger.l1_block_number
    kept_out = payment(victim, PAYEE.address, 5, 0)
    chamber.order(kept_out)

    for nonce in range(50):
        chamber.now_ms += 250
        if chamber.replica.rounds.proposer == SEQUENCERS[1].address:
            break
        own = payment(PAYER, victim.address, 1, nonce)
        chamber.order(own)
        chamber.append(chamber.block(Body(l1_block, records=(own,)), SEQUENCERS[0]))
        if nonce == 0:
            chamber.l1.deposit(PAYEE.address, 7)
        chamber.tick()
    chamber.settle()

    assert chamber.replica.rounds.proposer == SEQUENCERS[1].address
    assert balance_of(chamber, PAYEE) == 12
    assert id_of(kept_out) in [d for final in chamber.finals for d in final.payment_ids]


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
