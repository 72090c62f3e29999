"""Snapshots and reading the log again.

- a written one is read back; the newest three are kept; a repeat is the same file
- broken, torn, of another chain, ahead of the log: ignored
- trailing ledger: any block after the last snapshot, none before it; it keeps what changes only
- a replica from a snapshot equals one from genesis, undecided and rejected orders too; several of
  them read the log once
- identity: an empty log becomes ours, another's is refused
"""

import pytest

from backend.engine.ledger import Ledger
from backend.engine.log import LocalLog
from backend.engine.recovery import Origin, WrongLog, check_identity, final_blocks, read_entries
from backend.engine.snapshots import Checkpoint, Snapshots, TrailingLedger
from backend.protocol.log_entries import IdentityEntry
from backend.protocol.types import Address
from tests.unit.engine.chamber import Chamber, checkpoint_of, fresh_replica
from tests.unit.engine.committee import (
    CHAIN_ID,
    COMMITTEE,
    IDENTITY,
    START_MS,
    funded_l1,
    id_of,
    key,
    payment,
)

PAYER, PAYEE = key("payer"), key("payee")
NOW_S = START_MS // 1000


@pytest.fixture
def journal(tmp_path):
    """A log of three blocks and two orders that wait, one in the middle of it; one is rejected."""
    chamber = Chamber(funded_l1(PAYER.address))
    chamber.settle()
    waiting = payment(PAYER, PAYEE.address, 5, 9)
    rejected = payment(key("nobody"), PAYEE.address, 5, 0)
    chamber.order(payment(PAYER, PAYEE.address, 5, 0), rejected)
    chamber.propose()
    chamber.order(payment(PAYER, PAYEE.address, 6, 1))
    chamber.propose()
    chamber.order(waiting)
    with LocalLog(tmp_path / "log") as log:
        log.append([entry.encode() for entry in chamber.entries])
        yield chamber, log


def read_all(origin):
    replica = origin.replica()
    for position, entry in origin.entries():
        replica.consume(position, entry)
    replica.accepted.check_all()
    return replica


def same(one, other):
    return (
        one.ledger == other.ledger
        # Not since when: waiting begins anew with each life.
        and (one.rounds.tip, one.rounds.round) == (other.rounds.tip, other.rounds.round)
        and one.rounds.seen == other.rounds.seen
        and one.accepted.undecided == other.accepted.undecided
        and one.accepted.arrivals == other.accepted.arrivals
        and one.accepted.rejected == other.accepted.rejected
    )


def followed(log):
    """Return a trailing ledger that has seen the whole log."""
    replica = fresh_replica()
    trailing = TrailingLedger(Checkpoint(), Ledger(), replica)
    for position, entry in read_entries(log, 0):
        trailing.follow(replica.consume(position, entry), replica, position + 1)
    return trailing


@pytest.fixture
def snapshots(tmp_path):
    return Snapshots(tmp_path / "snapshots", IDENTITY)


def test_snapshot__every_block__holds(journal, snapshots):
    chamber, log = journal
    assert len(chamber.finals) == 3
    whole = read_all(Origin(COMMITTEE, log, None))
    assert same(whole, chamber.replica)
    trailing = followed(log)

    for number in (1, 2, 3):
        snapshots.write(*trailing.at(number))
        origin = Origin(COMMITTEE, log, snapshots)
        assert origin.checkpoint.tip.number == number
        assert same(read_all(origin), whole)
        assert snapshots.newest(number - 1) is None or number > 1


def test_snapshot__undecided_order__holds(journal, snapshots):
    chamber, log = journal
    checkpoint = checkpoint_of(chamber.replica, log.next_position)
    assert len(checkpoint.arrivals) == 1

    snapshots.write(checkpoint, chamber.replica.ledger)

    assert same(read_all(Origin(COMMITTEE, log, snapshots)), chamber.replica)


def test_snapshot__replicas_of_one_origin__read_the_log_once_holds(journal, snapshots, monkeypatch):
    chamber, log = journal
    snapshots.write(checkpoint_of(chamber.replica, log.next_position), chamber.replica.ledger)
    positions = []
    read = log.read
    monkeypatch.setattr(log, "read", lambda position: positions.append(position) or read(position))

    origin = Origin(COMMITTEE, log, snapshots)
    replicas = [origin.replica() for _ in range(5)]

    assert len(positions) == 1
    assert all(one.accepted.undecided == chamber.replica.accepted.undecided for one in replicas)


def test_snapshot__more_than_three__holds(snapshots, tmp_path):
    for number in range(5):
        ledger = Ledger(block_number=number)
        tip = Checkpoint().tip.__class__(number)
        path = snapshots.write(Checkpoint(tip=tip), ledger)
        assert snapshots.write(Checkpoint(tip=tip), ledger) == path

    names = sorted(p.name for p in (tmp_path / "snapshots").iterdir())
    assert names == [f"{number:020d}.snapshot" for number in (2, 3, 4)]


def test_snapshot__any_byte_changed_or_missing__rejects(journal, snapshots):
    chamber, log = journal
    path = snapshots.write(
        checkpoint_of(chamber.replica, log.next_position), chamber.replica.ledger
    )
    whole = path.read_bytes()

    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert snapshots.newest() is None
        path.write_bytes(whole[:at])
        assert snapshots.newest() is None
    path.write_bytes(whole)
    assert snapshots.newest() is not None


def test_snapshot__of_another_chain__rejects(journal, snapshots, tmp_path):
    chamber, log = journal
    snapshots.write(checkpoint_of(chamber.replica, log.next_position), chamber.replica.ledger)
    other = IdentityEntry(CHAIN_ID + 1, IDENTITY.rollup, IDENTITY.code_hash)

    assert Snapshots(tmp_path / "snapshots", other).newest() is None


def test_snapshot__ahead_of_the_log__rejects(journal, snapshots, tmp_path):
    chamber, log = journal
    snapshots.write(checkpoint_of(chamber.replica, log.next_position + 1), chamber.replica.ledger)

    assert Origin(COMMITTEE, log, snapshots).checkpoint == Checkpoint()


def test_trailing_ledger__block_before_the_last_snapshot__rejects(journal):
    _, log = journal
    trailing = followed(log)

    assert trailing.at(2)[1].block_number == 2
    assert trailing.at(2)[0].tip.number == 2
    with pytest.raises(ValueError, match="block 1"):
        trailing.at(1)
    with pytest.raises(ValueError, match="block 4"):
        trailing.at(4)


def test_trailing_ledger__hundred_blocks_upon_what_waits__holds():
    """Each would take as much memory as all that waits and all that was ever rejected."""
    chamber = Chamber(funded_l1(PAYER.address))
    trailing = TrailingLedger(Checkpoint(), Ledger(), chamber.replica)
    chamber.settle()
    chamber.order(*(payment(key("nobody"), PAYEE.address, 5, nonce) for nonce in range(50)))
    chamber.settle()
    for nonce in range(100):
        chamber.order(payment(PAYER, PAYEE.address, 1, nonce))
        chamber.settle()
    chamber.order(payment(PAYER, PAYEE.address, 1, 200))
    replica = fresh_replica()
    for position, entry in enumerate(chamber.entries):
        trailing.follow(replica.consume(position, entry), replica, position + 1)

    steps = trailing._waiting
    assert len(steps) == 102
    assert sum(len(step.arrived) + len(step.rejected) for step in steps) == 50 + 50 + 100
    assert len(trailing.at(102)[0].rejected) == 50
    assert trailing.at(102)[0].arrivals == ()


def test_final_blocks__from_any_block__succeeds(journal, snapshots):
    chamber, log = journal
    replica = chamber.replica
    snapshots.write(checkpoint_of(replica, log.next_position), replica.ledger)

    for number in range(1, 5):
        found = list(final_blocks(COMMITTEE, log, snapshots, number))
        assert found == chamber.finals[number - 1 :]


def test_check_identity__empty_log__succeeds(tmp_path):
    with LocalLog(tmp_path / "log") as log:
        check_identity(log, IDENTITY, START_MS)
        check_identity(log, IDENTITY, START_MS)

        assert log.next_position == 1


@pytest.mark.parametrize(
    "other",
    [
        IdentityEntry(CHAIN_ID + 1, IDENTITY.rollup, IDENTITY.code_hash),
        IdentityEntry(CHAIN_ID, Address(b"\x01" * 20), IDENTITY.code_hash),
        IdentityEntry(CHAIN_ID, IDENTITY.rollup, id_of(payment(PAYER, PAYEE.address, 1, 0))),
    ],
    ids=["chain", "rollup", "code"],
)
def test_check_identity__log_of_another__rejects(tmp_path, other):
    with LocalLog(tmp_path / "log") as log:
        check_identity(log, other, START_MS)

        with pytest.raises(WrongLog, match="own chain") as caught:
            check_identity(log, IDENTITY, START_MS)
        assert (caught.value.expected, caught.value.actual) == (IDENTITY, other)


def test_check_identity__log_without_one__rejects(tmp_path):
    with LocalLog(tmp_path / "log") as log:
        log.append([b"nonsense"])

        with pytest.raises(WrongLog, match="nobody"):
            check_identity(log, IDENTITY, START_MS)


def test_read_entries__nonsense_between__holds(journal):
    _, log = journal
    count = log.next_position
    log.append([b"", b"\xff nonsense"])

    assert len(list(read_entries(log, 0))) == count
