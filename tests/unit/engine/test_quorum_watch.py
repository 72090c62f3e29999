"""Too few signatures for too long, and enough again; validators who are still reading."""

import pytest

from backend.engine.quorum_watch import QuorumWatch
from backend.protocol.errors import NoQuorum
from tests.unit.engine.chamber import Chamber
from tests.unit.engine.committee import START_MS, VALIDATORS, funded_l1, key, payment

PAYER = key("payer")


def test_quorum_watch__two_of_four_silent__rejects():
    chamber = Chamber(funded_l1(PAYER.address))
    chamber.settle()
    watch = QuorumWatch(chamber.replica.rounds, 100)
    watch.note(START_MS)
    assert watch.is_there(START_MS + 10_000)  # nothing is owed

    chamber.silent = {0, 1}
    chamber.order(payment(PAYER, VALIDATORS[0].address, 1, 0))
    chamber.settle()
    watch.note(START_MS + 10_000)
    watch.note(START_MS + 10_050)
    watch.check(START_MS + 10_100)
    with pytest.raises(NoQuorum) as caught:
        watch.check(START_MS + 10_101)
    assert (caught.value.needed, caught.value.actual) == (3, 2)

    watch.note(START_MS + 10_101, has_read_all=False)
    watch.check(START_MS + 10_201)
    with pytest.raises(NoQuorum):
        watch.check(START_MS + 10_202)

    chamber.silent = set()
    chamber.append(*chamber.restarted(0).go_live(START_MS))
    watch.check(START_MS + 10_101)
