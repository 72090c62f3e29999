"""Forced exits: an owner asks on L1 for all his money.

- request_exit: own account with a balance in a batch that stands → index, event, bounty kept
- request_exit: after the last one was served in a settled batch → once more, bounty credited
- request_exit: frozen, reserved id, not the owner, no balance, small bounty, batch not accepted or
  removed, leaf changed, last request open → reverts
- bounty: 1.2 million gas at the base fee, or at the floor
"""

import pytest

from tests.contracts.exits.conftest import ALICE, BOB, BOUNTY_WEI, MINT, ZERO_ADDRESS


def test_request_exit__own_account__succeeds(room, exits, posted, payer):
    receipt = room.request(posted, ALICE, payer)

    [event] = receipt.decode_logs(exits.ExitRequested)
    assert (event.index, event.accountId, event.owner) == (0, ALICE, payer)
    assert event.bountyWei == exits.balance == BOUNTY_WEI
    assert exits.exitCount() == 1
    request = exits.exitOf(ALICE, payer)
    assert request.requestedTsS == receipt.timestamp == exits.waitingSince(ALICE, payer)
    assert (request.servedTsS, request.server) == (0, ZERO_ADDRESS)
    assert request.bountyWei == BOUNTY_WEI


def test_request_exit__old_settled_batch_and_larger_bounty__succeeds(room, exits, posted, payer):
    room.post()
    room.settle()

    room.request(posted, ALICE, payer, bounty_wei=BOUNTY_WEI + 1)

    assert exits.exitOf(ALICE, payer).bountyWei == BOUNTY_WEI + 1


def test_request_exit__second_person__succeeds(room, exits, requested, payer, payee):
    room.ledger.pay(ALICE, BOB, 1)

    [event] = room.request(room.post(), BOB, payee).decode_logs(exits.ExitRequested)

    assert (event.index, event.owner) == (1, payee)
    assert exits.exitCount() == 2
    assert exits.exitOf(ALICE, payer).bountyWei == BOUNTY_WEI


def test_request_exit__last_one_served_and_settled__succeeds(
    room, exits, posted, swept, payer, attacker
):
    exits.showServed(payer, *swept.showing(ALICE), sender=attacker)
    room.settle()

    receipt = room.request(posted, ALICE, payer)

    [event] = receipt.decode_logs(exits.BountyCredited)
    assert (event.server, event.bountyWei) == (attacker, BOUNTY_WEI)
    assert exits.owedWei(attacker) == BOUNTY_WEI
    assert exits.exitCount() == 2
    assert exits.waitingSince(ALICE, payer) == receipt.timestamp
    assert exits.exitOf(ALICE, payer).servedTsS == 0


def test_request_exit__last_one_credited__succeeds(room, exits, posted, swept, payer, attacker):
    exits.showServed(payer, *swept.showing(ALICE), sender=attacker)
    room.settle()
    exits.creditBounty(ALICE, payer, sender=attacker)

    receipt = room.request(posted, ALICE, payer)

    assert receipt.decode_logs(exits.BountyCredited) == []
    assert exits.owedWei(attacker) == exits.exitOf(ALICE, payer).bountyWei == BOUNTY_WEI


def test_request_exit__last_one_waits__reverts(room, exits, requested, payer, reverts):
    with reverts(exits, "ExitOpen", accountId=ALICE, owner=payer):
        room.request(requested, ALICE, payer)


def test_request_exit__showing_not_settled__reverts(
    room, exits, requested, swept, payer, attacker, reverts
):
    exits.showServed(payer, *swept.showing(ALICE), sender=attacker)

    with reverts(exits, "ShowingNotSettled", frontier=0, batchNumber=2):
        room.request(requested, ALICE, payer)


def test_request_exit__frozen__reverts(room, exits, posted, payer, reverts):
    room.freeze()

    with reverts(exits, "RollupFrozen"):
        room.request(posted, ALICE, payer)


@pytest.mark.parametrize("account_id", [0, 1])
def test_request_exit__reserved_id__reverts(room, exits, posted, payer, reverts, account_id):
    account = (account_id, *posted.leaf(ALICE)[1:])

    with reverts(exits, "AccountReserved", accountId=account_id):
        exits.requestExit(posted.batch, account, sender=payer, value=BOUNTY_WEI)


def test_request_exit__not_owner__reverts(room, exits, posted, payer, attacker, reverts):
    with reverts(exits, "SenderNotOwner", expected=payer, actual=attacker):
        room.request(posted, ALICE, attacker)


def test_request_exit__no_balance__reverts(room, exits, posted, payee, reverts):
    with reverts(exits, "BalanceZero", accountId=BOB):
        room.request(posted, BOB, payee)


def test_request_exit__bounty_below_floor__reverts(room, exits, posted, payer, reverts):
    values = {"minimumWei": BOUNTY_WEI, "actualWei": BOUNTY_WEI - 1}
    with reverts(exits, "BountyTooSmall", **values):
        room.request(posted, ALICE, payer, bounty_wei=BOUNTY_WEI - 1)


def test_request_exit__base_fee_above_floor__reverts(room, exits, posted, payer, chain, reverts):
    base_fee_wei = 2 * 10**9
    chain.provider.make_request("anvil_setNextBlockBaseFeePerGas", [base_fee_wei])

    values = {"minimumWei": 2 * BOUNTY_WEI, "actualWei": 2 * BOUNTY_WEI - 1}
    with reverts(exits, "BountyTooSmall", **values):
        exits.requestExit(
            posted.batch,
            posted.leaf(ALICE),
            sender=payer,
            value=2 * BOUNTY_WEI - 1,
            max_fee=base_fee_wei,
            max_priority_fee=0,
            gas_limit=1_000_000,
        )


def test_bounty__base_fee_below_floor__succeeds(exits):
    assert exits.bounty() == BOUNTY_WEI


def test_request_exit__batch_never_accepted__reverts(room, rollup, exits, posted, payer, reverts):
    forged = posted.batch._replace(signers=0)

    with reverts(rollup, "BatchNotAccepted", number=1, expectedSlot=..., actualSlot=...):
        exits.requestExit(forged, posted.leaf(ALICE), sender=payer, value=BOUNTY_WEI)


def test_request_exit__batch_removed__reverts(room, rollup, exits, posted, payer, reverts):
    room.roll_back(posted)

    with reverts(rollup, "BatchRemoved", tip=0, actual=1):
        room.request(posted, ALICE, payer)


def test_request_exit__more_than_is_there__reverts(room, rollup, exits, posted, payer, reverts):
    account_id, owner, asset_id, nonce, _, path = posted.leaf(ALICE)
    account = (account_id, owner, asset_id, nonce, MINT + 1, path)

    with reverts(
        rollup, "LeafNotInState", expectedRoot=posted.batch.header.post_root, actualRoot=...
    ):
        exits.requestExit(posted.batch, account, sender=payer, value=BOUNTY_WEI)
