"""What the platform's log says of batches.

- of its own: who authorised what; of one not confirmed yet: not known; of one that isn't its: none
"""

from types import SimpleNamespace

from backend.guard import DeskEvidence
from tests.property.world import pay
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


async def test_evidence__batch_that_is_not_ours__is_none_holds(office):
    _, header = await office.header()
    office.desk.alien = header

    assert await DeskEvidence(office.desk).evidence(batch(header)) == {}
