"""What exits sweep.

- all of a balance, or as much as an operation holds; the order that it equals
- accounts that still leave come first; whose owner is another, or that are empty, not at all
- what orders find pending
- the accounts that still leave fill a block → it is valid | one more → none is
"""

import pytest

from backend.engine.ledger import BlockTooLarge, execute
from backend.engine.ledger.sweeps import pending_sweeps, sweeps_of
from backend.engine.packing import BLOCK_CHUNKS_MAX
from backend.protocol.batches import CHUNK_SLOTS
from backend.protocol.blocks import Body
from backend.protocol.money import AMOUNT_MINOR_MAX, BalanceMinor
from backend.protocol.orders import WithdrawalOrder
from backend.protocol.types import AccountId, ExitRequest, Leaf
from tests.property.world import STABLE, address, world


@pytest.fixture
def ledger():
    return world(alice=100, bob=50).ledger


def exit_of(ledger, name, owner=None):
    account_id, _ = ledger.account(address(name), STABLE.asset_id)
    return ExitRequest(account_id, address(owner or name))


def test_sweeps_of__balance__takes_all_holds(ledger):
    [sweep] = sweeps_of(ledger, [exit_of(ledger, "alice")])

    assert (sweep.amount_minor, sweep.is_last) == (100, True)
    assert sweep.order == WithdrawalOrder(address("alice"), STABLE.token, 100, 0, 0, 0)
    assert (sweep.judged.payee, sweep.judged.debit_minor, sweep.judged.fee_byte) == (None, 100, 0)


def test_sweeps_of__more_than_an_operation_holds__takes_a_part_holds(ledger):
    request = exit_of(ledger, "alice")
    balance_minor = BalanceMinor(AMOUNT_MINOR_MAX + 5)
    ledger.leaves[request.account_id] = Leaf(request.owner, STABLE.asset_id, 3, balance_minor)

    [sweep] = sweeps_of(ledger, [request])

    assert (sweep.amount_minor, sweep.is_last, sweep.order.nonce) == (AMOUNT_MINOR_MAX, False, 3)


def test_sweeps_of__account_that_still_leaves__comes_first_holds(ledger):
    alice, bob = exit_of(ledger, "alice"), exit_of(ledger, "bob")
    ledger.exiting = (bob.account_id,)

    swept = sweeps_of(ledger, [alice, bob, alice])

    assert [sweep.account_id for sweep in swept] == [bob.account_id, alice.account_id]


@pytest.mark.parametrize("account_id", [0, 77])
def test_sweeps_of__nobodys_account__is_none_holds(ledger, account_id):
    assert sweeps_of(ledger, [ExitRequest(AccountId(account_id), address("alice"))]) == ()
    assert sweeps_of(ledger, [exit_of(ledger, "alice", "bob")]) == ()


def test_pending_sweeps__account__counts_before_orders_holds(ledger):
    request = exit_of(ledger, "bob")

    pending = pending_sweeps(ledger, [request])

    assert pending.of(request.account_id) == (1, 50)


def test_execute__more_still_leave_than_a_block_sweeps__rejects(ledger):
    """docs/SECURITY.md, "What is short of it": such a ledger makes no valid block any more."""
    ids = [AccountId(1_000 + n) for n in range(BLOCK_CHUNKS_MAX * CHUNK_SLOTS + 1)]
    for account_id in ids:
        owner = address(f"leaver {account_id}")
        balance_minor = BalanceMinor(AMOUNT_MINOR_MAX + 1)
        ledger.leaves[account_id] = Leaf(owner, STABLE.asset_id, 0, balance_minor)
    body = Body(ledger.l1_block_number)

    ledger.exiting = tuple(ids[:-1])
    assert execute(ledger, body, 0).operation_count == len(ids) - 1 == 7_680

    ledger.exiting = tuple(ids)
    with pytest.raises(BlockTooLarge) as caught:
        execute(ledger, body, 0)
    assert (caught.value.chunks_max, caught.value.chunks) == (BLOCK_CHUNKS_MAX, 121)
