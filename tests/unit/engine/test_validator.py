"""What honest validators sign, in a committee of four with f = 1.

- all well: deposits, orders, withdrawals and rejections become final
- faults: one silent, two silent and back, silent proposer, equivocating proposer, late block
- deposits and roots start the timeout, forged orders do not
- two digests: never, not after a restart either; lost signatures: silence (rule 7)
- the rollup is frozen: silence
"""

import pytest

from backend.protocol.blocks import Body, Rejection
from backend.protocol.errors import OrderExpired
from backend.protocol.hashing import keccak
from backend.protocol.log_entries import (
    BlockEntry,
    Entry,
    NextRoundEntry,
    OrderEntry,
    TimeoutEntry,
    VoteEntry,
)
from tests.unit.engine.chamber import Chamber, next_round, timeout, vote
from tests.unit.engine.committee import (
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


def order_of(amount, nonce=0):
    return payment(PAYER, PAYEE.address, amount, nonce)


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


def test_timeout__root_left_out__succeeds(chamber):
    """Or a proposer could keep all orders of a contract out, while nothing else happens."""
    chamber.l1.authorise(PAYEE.address, keccak(b"root"))
    chamber.tick()
    chamber.tick(1_000)

    assert chamber.replica.rounds.round == 1
    chamber.propose()
    assert chamber.finals[-1].body.roots


def test_timeout__own_process_slept_or_is_behind__changes_nothing(chamber):
    chamber.order(payment(PAYER, PAYEE.address, 5, 0))
    chamber.now_ms += 60_000
    validator = chamber.validators[0]

    assert validator.tick(chamber.now_ms, has_read_all=False) == []
    validator.wait_anew(chamber.now_ms)
    assert validator.tick(chamber.now_ms + 999) == []
    assert len(validator.tick(chamber.now_ms + 1_000)) == 1


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
    late = chamber.block(Body(2, records=(order,)), SEQUENCERS[0])
    chamber.append(
        OrderEntry(order), timeout(VALIDATORS[0], 2, 0), timeout(VALIDATORS[1], 2, 0), late
    )

    assert kinds(chamber, 2) == [VoteEntry, NextRoundEntry]
    chamber.settle()
    assert (chamber.tip.number, chamber.tip.round) == (2, 1)


def test_block__equivocating_proposer__succeeds(chamber):
    orders = payment(PAYER, PAYEE.address, 5, 0), payment(PAYER, PAYEE.address, 6, 0)
    first, second = (chamber.block(Body(2, records=(o,)), SEQUENCERS[0]) for o in orders)
    chamber.append(first, second)

    assert chamber.tip.block_hash == first.block.digest(DOMAIN)
    assert all(kinds(chamber, index) == [VoteEntry] * 2 for index in range(4))


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
    first, second = (chamber.block(Body(2, records=(o,)), SEQUENCERS[0]) for o in orders)
    chamber.silent = {1, 2, 3}
    chamber.append(first)
    voted = chamber.signed_by(0)[-1]
    lie = [entry for entry in chamber.entries if entry.payload not in (first, voted)]

    for order in (first, voted), (voted, first):
        chamber.entries = [*lie, *(Entry(chamber.now_ms, p) for p in (second, *order))]
        assert chamber.restarted(0).go_live(chamber.now_ms) == []


def test_next_round__signed_in_an_earlier_life__changes_nothing(chamber):
    entry = chamber.block(Body(2, records=(order_of(5),)), SEQUENCERS[0])
    chamber.entries.append(Entry(chamber.now_ms, next_round(VALIDATORS[0], 2, 0)))
    chamber.entries.append(Entry(chamber.now_ms, entry))

    assert chamber.restarted(0).go_live(chamber.now_ms) == []


def test_validator__signatures_lost__holds(chamber):
    chamber.silent = {0}  # its new life speaks for itself
    before = chamber.block(Body(2, records=(order_of(5),)), SEQUENCERS[0])
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


def test_freeze__order_that_waits__never_becomes_final_holds(chamber):
    """No batch could hold its block any more."""
    tip, signed = chamber.tip, [kinds(chamber, index) for index in range(4)]
    chamber.l1.frozen = NOW_S
    chamber.order(order_of(5))

    assert chamber.propose() is None
    chamber.append(chamber.block(Body(chamber.l1.number, records=(order_of(5),)), SEQUENCERS[0]))
    chamber.tick(100_000)

    assert chamber.tip == tip
    assert [kinds(chamber, index) for index in range(4)] == signed
