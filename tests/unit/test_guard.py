"""What the platform's log says of batches, and its ledger of their states.

- of its own: who authorised what; of one not confirmed yet: not known; of one that isn't its: of
  what equals its blocks alone
"""

from dataclasses import replace
from types import SimpleNamespace

from backend.engine.batch.chunking import batch_operations
from backend.guard import DeskEvidence, DeskStates
from backend.protocol.batches import Chunk, padded
from backend.protocol.state_tree import StateTree
from tests.property.world import pay, withdraw
from tests.unit.engine.batch.test_desk import office as office  # a fixture


def batch(header):
    return SimpleNamespace(header=header)


async def test_evidence__own_batch__is_the_logs_holds(office):
    await office.post()
    office.block(pay("alice", "bob", 1))
    header = await office.post()

    evidence = await DeskEvidence(office.desk).evidence(batch(header))

    assert [found.record.order.amount for found in evidence.values()] == [1]


async def test_evidence__batch_not_confirmed__is_not_known_holds(office):
    _, header = await office.header()

    assert await DeskEvidence(office.desk).evidence(batch(header)) is None


async def test_evidence__batch_that_is_not_ours__is_of_operations_like_ours_holds(office):
    """So they need not be challenged, and what the thief has added does."""
    await office.post()
    office.block(pay("alice", "bob", 1))
    office.block(withdraw("bob", 2))
    draft, header = await office.header()
    office.desk.alien = header
    operations = [one for _, one in batch_operations(chunk.slots for chunk in draft.chunks)]
    slots = padded(b"".join([operations[0], *operations]))
    alien = SimpleNamespace(header=header, chunks=[Chunk(slots, header.post_root)])

    evidence = await DeskEvidence(office.desk).evidence(alien)

    amounts = {slot: found.order.amount for slot, found in evidence.items()}
    assert amounts == {0: 1, 2: 2}


async def test_state__own_batches__are_the_ledgers_holds(office):
    await office.post()
    office.block(pay("alice", "bob", 1))
    header = await office.post()
    states = DeskStates(office.desk)

    leaves = states.state(batch(header))

    assert list(states.states()) == [2, 1]
    assert StateTree(leaves).root == header.post_root


async def test_state__batch_that_is_not_ours__is_none_holds(office):
    header = await office.post()
    states = DeskStates(office.desk)

    assert states.state(batch(replace(header, post_root=bytes(32)))) is None
    assert states.state(batch(replace(header, number=header.number + 1))) is None
