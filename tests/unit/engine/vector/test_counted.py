"""What admission counts with, in a table, against the readable one: random steps.

- added, removed, many at once; the highest nonce; past its room
"""

from random import Random

import numpy as np
import pytest

from backend.engine.ledger.judge import Judged, Pending
from backend.engine.vector.counted import Counted
from backend.engine.vector.leaves import FlatLeaves
from backend.protocol.errors import InvariantViolated
from backend.protocol.money import AmountMinor, BalanceMinor
from backend.protocol.types import AccountId, Address, Asset, Leaf

ASSET = Asset(1, Address(b"\1" * 20), 1, Address(b"\2" * 20))
IDS = [AccountId(n) for n in range(2, 300)]


@pytest.fixture
def accounts():
    leaves = {n: Leaf(Address(n.to_bytes(20)), 1, 0, BalanceMinor(0)) for n in IDS}
    return FlatLeaves(leaves).accounts


def judged(account_id, amount):
    return Judged(account_id, ASSET, None, AmountMinor(amount), AmountMinor(1), 8)


def test_add__and_remove__as_the_readable_one_holds(accounts):
    random_ = Random(2)
    counted, readable, orders = Counted(accounts), Pending(), []
    for _ in range(4_000):
        if random_.random() < 0.55 or not orders:
            order = judged(random_.choice(IDS), random_.randint(1, 2**40))
            counted.add(order)
            readable.add(order)
            orders.append(order)
        else:
            order = orders.pop(random_.randrange(len(orders)))
            counted.remove(order)
            readable.remove(order)

    assert [counted.of(one) for one in IDS] == [readable.of(one) for one in IDS]
    rows = np.array([accounts.row_of(order.payer_id) for order in orders])
    counted.remove_many(rows, np.array([order.debit_minor for order in orders], np.uint64))
    assert {counted.of(one) for one in IDS} == {(0, 0)}


def test_highest_nonce__of_what_is_counted__holds(accounts):
    counted = Counted(accounts)
    assert counted.highest_nonce(IDS[0]) is None
    for nonce in (4, 5):
        counted.add(judged(IDS[0], 1))
        counted.note_nonce(IDS[0], nonce)
    row = np.array([accounts.row_of(IDS[0])])

    counted.remove_many(row, np.array([2], np.uint64))
    counted.forget_nonces(row, np.array([5], np.uint64))

    assert counted.highest_nonce(IDS[0]) == 4
    counted.remove_many(row, np.array([2], np.uint64))
    assert counted.highest_nonce(IDS[0]) is None


def test_remove__not_counted__rejects(accounts):
    with pytest.raises(InvariantViolated, match="was not counted"):
        Counted(accounts).remove(judged(IDS[3], 1))
