"""How the ledger passes from one committee to the next, and idle blocks.

- the closing block, certified by its own committee; then the next one's, from round 0
- several epochs at once; a roll-back's, with the same members
- who is no member any more is silent; a member to be is, until then
- left out, made up, older: refused
- what was attested stays; a snapshot right after the closing block; a node with keys of both
- idle: an empty block after a while, and not before; never upon nothing; who doesn't make it
"""

import asyncio
from dataclasses import replace

import pytest

from backend.engine.log import LocalLog
from backend.engine.node import Node
from backend.engine.recovery import Origin
from backend.engine.sequencer import Sequencer
from backend.engine.snapshots import Snapshots
from backend.engine.validator import Validator
from backend.protocol.blocks import Body
from backend.protocol.log_entries import TimeoutEntry
from backend.protocol.types import Epoch
from tests.unit.engine.chamber import Chamber, checkpoint_of, fresh_replica
from tests.unit.engine.committee import (
    COMMITTEE,
    IDENTITY,
    SEQUENCERS,
    START_MS,
    VALIDATORS,
    funded_l1,
    id_of,
    key,
    payment,
)
from tests.unit.engine.nodes import CONFIG, PAYER, funded, pay, until

PAYEE = key("payee")
SUCCESSORS = sorted((key(f"successor {i}") for i in range(4)), key=lambda k: k.address)
IDLE_MS = 60_000


@pytest.fixture
def chamber():
    """Block 1 has listed the asset and credited the payer; the successors listen."""
    chamber = Chamber(funded_l1(PAYER.address))
    for successor in SUCCESSORS:
        validator = Validator(successor, fresh_replica(), chamber.l1)
        validator.go_live(START_MS)
        chamber.validators.append(validator)
    chamber.settle()
    return chamber


def begin(chamber, number=2, keys=SUCCESSORS):
    chamber.l1.begin_epoch(number, *(key.address for key in keys))


def order(chamber, nonce):
    chamber.order(payment(PAYER, PAYEE.address, 5, nonce))
    chamber.settle()


def test_epoch__other_members__certify_from_the_next_block_on_succeeds(chamber):
    begin(chamber)
    order(chamber, 0)
    order(chamber, 1)

    closing, first = chamber.finals[-2:]
    assert closing.body.epoch == Epoch(2, tuple(key.address for key in SUCCESSORS))
    assert (closing.block.epoch, first.block.epoch) == (1, 2)
    assert (first.block.number, first.block.round) == (3, 0)
    assert chamber.replica.committee.validators == closing.body.epoch.members
    assert chamber.replica.ledger.epoch == closing.body.epoch
    assert set(chamber.replica.rounds.seen) == set(closing.body.epoch.members)


def test_epoch__several_at_once__the_newest_begins_holds(chamber):
    begin(chamber, 2, VALIDATORS)
    begin(chamber, 3)
    chamber.settle()
    order(chamber, 0)

    assert [final.block.epoch for final in chamber.finals] == [1, 1, 3]


def test_epoch__same_members__goes_on_succeeds(chamber):
    begin(chamber, 2, VALIDATORS)
    chamber.settle()
    order(chamber, 0)

    assert chamber.finals[-1].block.epoch == 2
    assert chamber.finals[-1].record_ids == (id_of(payment(PAYER, PAYEE.address, 5, 0)),)


def test_validator__no_member__is_silent_holds(chamber):
    old, new = chamber.validators[0], chamber.validators[-1]
    assert (old.is_silent, new.is_silent) == (False, True)

    begin(chamber)
    chamber.settle()

    assert (old.is_silent, new.is_silent) == (True, False)


def test_epoch__closing_block_in_a_later_round__next_begins_in_round_0_holds(chamber):
    chamber.sequencer = Sequencer(SEQUENCERS[1:], chamber.replica, chamber.l1)
    begin(chamber)
    chamber.tick()
    chamber.tick(2_000)
    chamber.settle()
    assert chamber.finals[-1].block.round == 1

    assert (chamber.replica.rounds.round, chamber.tip.round) == (0, 0)


def test_judge__epoch_left_out__rejects(chamber):
    begin(chamber)
    chamber.tick()
    chamber.append(chamber.block(Body(chamber.l1.number), SEQUENCERS[0]))
    assert chamber.tip.number == 2

    chamber.append(chamber.block(Body(chamber.l1.number), SEQUENCERS[0]))

    assert (chamber.tip.number, chamber.replica.rounds.round) == (2, 1)


@pytest.mark.parametrize(
    "epoch",
    [
        Epoch(3, tuple(key.address for key in SUCCESSORS)),
        Epoch(2, tuple(key.address for key in VALIDATORS)),
        Epoch(1, COMMITTEE.validators),
    ],
    ids=["another number", "other members", "the present one"],
)
def test_judge__epoch_that_l1_has_not__rejects(chamber, epoch):
    begin(chamber)
    chamber.tick()

    chamber.append(chamber.block(Body(chamber.l1.number, epoch=epoch), SEQUENCERS[0]))

    assert (chamber.tip.number, chamber.replica.rounds.round) == (1, 1)


def test_epoch__what_was_attested__stays_holds(chamber):
    attested = chamber.replica.rounds.l1_attested
    begin(chamber)
    chamber.silent = {4, 5, 6, 7}
    chamber.settle()

    assert chamber.replica.committee.epoch == 2
    assert chamber.replica.rounds.l1_attested == attested + 1


def test_restart__after_the_closing_block__knows_the_committee_holds(chamber, tmp_path):
    begin(chamber)
    chamber.settle()
    snapshots = Snapshots(tmp_path, IDENTITY)
    at = len(chamber.entries)
    snapshots.write(checkpoint_of(chamber.replica, at), chamber.replica.ledger)
    with LocalLog(tmp_path / "log") as log:
        log.append([entry.encode() for entry in chamber.entries])
        replica = Origin(COMMITTEE, log, snapshots).replica()

    assert replace(replica.rounds, since_ms=START_MS) == chamber.replica.rounds
    assert replica.ledger == chamber.replica.ledger


async def test_node__keys_of_both_committees__goes_on_succeeds(run, l1):
    keys = tuple(VALIDATORS + SUCCESSORS)
    async with funded(run(validator_keys=keys)) as node:
        l1.begin_epoch(2, *(key.address for key in SUCCESSORS))
        await until(lambda: node.status().epoch == 2)
        accepted = await node.submit(pay(1, 0))

        assert (await node.wait_final(accepted.payment_id, 30_000)).is_final
        assert [final.block.epoch for final in node.replay()][-1] == 2

    async with run(validator_keys=keys) as node:
        assert node.status().epoch == 2


def idle(chamber):
    chamber.sequencer = Sequencer(SEQUENCERS, chamber.replica, chamber.l1, idle_ms_max=IDLE_MS)
    return chamber


def test_propose__idle_for_long__makes_an_empty_block_succeeds(chamber):
    idle(chamber).tick(IDLE_MS - 1)
    assert chamber.propose() is None

    chamber.tick(1)
    chamber.propose()

    assert chamber.finals[-1].body == Body(chamber.l1.number)
    assert chamber.propose() is None


def test_propose__idle_without_blocks__is_none_holds():
    chamber = idle(Chamber(funded_l1()))
    chamber.l1.assets.clear()

    assert chamber.sequencer.propose(START_MS * 2) is None


def test_validator__no_idle_block__times_out_holds(chamber):
    patient, waiting = (
        Validator(VALIDATORS[0], chamber.replica, chamber.l1, idle_ms_max=idle_ms)
        for idle_ms in (None, IDLE_MS)
    )
    for validator in (patient, waiting):
        validator.go_live(START_MS)
    late_ms = START_MS + IDLE_MS + 1_000

    assert not waiting.tick(late_ms - 1)
    assert isinstance(waiting.tick(late_ms)[0], TimeoutEntry)
    assert not patient.tick(late_ms)


async def test_node__idle__makes_empty_blocks_succeeds(tmp_path, l1):
    with LocalLog(tmp_path / "idle") as log:
        now_ms = START_MS
        node = Node(replace(CONFIG, idle_ms_max=IDLE_MS), log, l1, lambda: now_ms)
        await node.start()
        await until(lambda: node.account(PAYER.address, 1) is not None)
        now_ms += IDLE_MS
        await until(lambda: node.status().block_number == 2)
        await asyncio.sleep(0.05)

        assert node.status().block_number == 2
        await node.stop()
