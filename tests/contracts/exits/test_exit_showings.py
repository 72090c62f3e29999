"""Showing that an exit was served, and the bounty for it.

- show_served: balance 0, empty leaf, another owner's leaf, in any chunk of a later batch → served
- show_served: again once its batch was removed, not while it stands
- show_served: no request, batch not later, not accepted or removed, chunk or leaf changed, money
  left → reverts
- credit_bounty: showing settled → credited once; open, unsettled, removed, unknown → reverts
- credit_bounty: frozen and not served → the owner's
- withdraw_bounties: pays all that was credited; nothing owed, receiver who takes none → reverts
- authorises: from the request until the silence deadline after the showing has passed
"""

import pytest

from backend.protocol.state_tree import StateTree
from backend.protocol.types import BRIDGE, AccountId, Leaf, address_from_text
from tests.contracts.core import WINDOWS
from tests.contracts.disputes.proofs import chunk_proof, leaf_proof
from tests.contracts.exits.conftest import ALICE, BOB, BOUNTY_WEI, MINT, Posted

FOREVER = 2**64 - 1


@pytest.fixture
def show(exits, payer, attacker):
    """Show that Alice's exit was served."""
    return lambda served, owner=payer: exits.showServed(
        owner, *served.showing(ALICE), sender=attacker
    )


def test_show_served__swept__succeeds(exits, swept, show, payer, attacker):
    receipt = show(swept)

    [event] = receipt.decode_logs(exits.ExitServed)
    assert (event.accountId, event.owner) == (ALICE, payer)
    assert (event.batchNumber, event.server) == (2, attacker)
    request = exits.exitOf(ALICE, payer)
    assert (request.servedTsS, request.servedBatch) == (receipt.timestamp, 2)
    assert request.bountyWei == BOUNTY_WEI
    assert exits.waitingSince(ALICE, payer) == 0


def test_show_served__leaf_of_somebody_else__succeeds(
    room, exits, requested, show, payer, attacker
):
    room.ledger.put(ALICE, Leaf(address_from_text(attacker.address), 1, 0, MINT))

    show(room.post())

    assert exits.waitingSince(ALICE, payer) == 0


def test_show_served__empty_leaf__succeeds(room, exits, requested, show, payer):
    leaves = {AccountId(each): room.ledger.tree.leaf(AccountId(each)) for each in (BRIDGE, BOB)}
    room.ledger.tree = StateTree(leaves)

    show(room.post())

    assert exits.waitingSince(ALICE, payer) == 0


def test_show_served__paid_out_by_himself__succeeds(room, exits, requested, show, payer):
    room.ledger.pay(ALICE, BOB, MINT)

    show(room.post())

    assert exits.waitingSince(ALICE, payer) == 0


def test_show_served__refilled_in_a_later_chunk__succeeds(
    room, exits, operator, requested, payer, attacker
):
    room.ledger.pay(ALICE, BOB, MINT)
    first = room.ledger.chunk()
    chunks = [first, room.ledger.pay(BOB, ALICE, 1).chunk()]
    batch = operator.post(chunks)

    account = leaf_proof(first.tree, ALICE)
    exits.showServed(payer, batch, chunk_proof(chunks, 0), account, sender=attacker)

    assert exits.waitingSince(ALICE, payer) == 0


def test_show_served__never_asked__reverts(exits, posted, show, payee, reverts):
    with reverts(exits, "ExitUnknown", accountId=ALICE, owner=payee):
        show(posted, payee)


def test_show_served__twice__reverts(exits, swept, show, reverts):
    show(swept)

    with reverts(exits, "ExitServedAlready", batchNumber=2):
        show(swept)


def test_show_served__batch_of_the_same_second__reverts(exits, swept, show, payer, reverts):
    asked_ts_s = exits.exitOf(ALICE, payer).requestedTsS
    batch = swept.batch._replace(accepted_ts_s=asked_ts_s)

    with reverts(exits, "BatchTooOld", requestedTsS=asked_ts_s, acceptedTsS=asked_ts_s):
        show(Posted(batch, swept.chunk))


def test_show_served__later_than_accepted__reverts(rollup, exits, swept, show, payer, reverts):
    batch = swept.batch._replace(accepted_ts_s=exits.exitOf(ALICE, payer).requestedTsS + 1000)

    with reverts(rollup, "BatchNotAccepted", number=2, expectedSlot=..., actualSlot=...):
        show(Posted(batch, swept.chunk))


def test_show_served__batch_removed__reverts(room, rollup, swept, show, reverts):
    room.roll_back(swept)

    with reverts(rollup, "BatchRemoved", tip=1, actual=2):
        show(swept)


def test_show_served__chunk_of_another_batch__reverts(rollup, requested, swept, show, reverts):
    with reverts(rollup, "ChunkNotInBatch", expectedRoot=..., actualRoot=...):
        show(Posted(swept.batch, requested.chunk))


def test_show_served__leaf_of_another_state__reverts(
    rollup, exits, requested, swept, payer, attacker, reverts
):
    batch, chunk, _ = swept.showing(ALICE)

    with reverts(rollup, "LeafNotInState", expectedRoot=swept.chunk.root, actualRoot=...):
        exits.showServed(payer, batch, chunk, requested.leaf(ALICE), sender=attacker)


def test_show_served__money_left__reverts(room, exits, requested, show, reverts):
    room.ledger.withdraw(ALICE, MINT - 1)

    with reverts(exits, "ExitNotServed", accountId=ALICE, balanceMinor=1):
        show(room.post())


def test_show_served__first_showing_removed__succeeds(room, exits, swept, show, payer, attacker):
    show(swept)
    receipt = room.roll_back(swept)
    assert exits.waitingSince(ALICE, payer) == receipt.timestamp
    room.ledger.withdraw(ALICE, MINT)
    again = room.post()
    # The number is taken anew, but not by what was shown.
    assert exits.waitingSince(ALICE, payer) == receipt.timestamp

    show(again)

    assert exits.waitingSince(ALICE, payer) == 0


def test_credit_bounty__settled__succeeds(room, exits, swept, show, payer, payee, attacker):
    show(swept)
    room.settle()

    receipt = exits.creditBounty(ALICE, payer, sender=payee)

    [event] = receipt.decode_logs(exits.BountyCredited)
    assert (event.accountId, event.owner, event.server) == (ALICE, payer, attacker)
    assert event.bountyWei == exits.owedWei(attacker) == BOUNTY_WEI
    assert exits.exitOf(ALICE, payer).bountyWei == 0


def test_credit_bounty__twice__changes_nothing(room, exits, swept, show, payer, attacker):
    show(swept)
    room.settle()
    exits.creditBounty(ALICE, payer, sender=attacker)

    receipt = exits.creditBounty(ALICE, payer, sender=attacker)

    assert receipt.decode_logs(exits.BountyCredited) == []
    assert exits.owedWei(attacker) == BOUNTY_WEI


def test_credit_bounty__not_settled__reverts(room, exits, swept, show, payer, attacker, reverts):
    show(swept)

    with reverts(exits, "ShowingNotSettled", frontier=0, batchNumber=2):
        exits.creditBounty(ALICE, payer, sender=attacker)


def test_credit_bounty__showing_removed__reverts(
    room, exits, swept, show, payer, attacker, reverts
):
    show(swept)
    room.roll_back(swept)
    room.post()
    room.settle()

    with reverts(exits, "ExitOpen", accountId=ALICE, owner=payer):
        exits.creditBounty(ALICE, payer, sender=attacker)


def test_credit_bounty__never_asked__reverts(exits, posted, payer, attacker, reverts):
    with reverts(exits, "ExitUnknown", accountId=ALICE, owner=payer):
        exits.creditBounty(ALICE, payer, sender=attacker)


def test_credit_bounty__frozen_unserved__succeeds(room, exits, requested, payer, attacker):
    room.freeze()

    exits.creditBounty(ALICE, payer, sender=attacker)

    assert exits.owedWei(payer) == BOUNTY_WEI


def test_credit_bounty__frozen_and_served__succeeds(room, exits, swept, show, payer, attacker):
    room.freeze()
    show(swept)
    room.settle()

    exits.creditBounty(ALICE, payer, sender=payer)

    assert (exits.owedWei(payer), exits.owedWei(attacker)) == (0, BOUNTY_WEI)


def test_withdraw_bounties__credited__succeeds(room, exits, swept, show, payer, attacker):
    show(swept)
    room.settle()
    exits.creditBounty(ALICE, payer, sender=payer)
    before_wei = attacker.balance

    receipt = exits.withdrawBounties(sender=attacker)

    assert attacker.balance - before_wei + receipt.total_fees_paid == BOUNTY_WEI
    [event] = receipt.decode_logs(exits.BountyWithdrawn)
    assert (event.server, event.amountWei) == (attacker, BOUNTY_WEI)
    assert exits.owedWei(attacker) == exits.balance == 0


def test_withdraw_bounties__nothing_owed__reverts(exits, attacker, reverts):
    with reverts(exits, "NothingOwed", server=attacker):
        exits.withdrawBounties(sender=attacker)


def test_withdraw_bounties__receiver_takes_no_ether__reverts(
    project, room, exits, swept, payer, attacker, reverts
):
    relay = attacker.deploy(project.Relay)
    data = exits.showServed.encode_input(payer, *swept.showing(ALICE))
    relay.call(exits, data, sender=attacker)
    room.settle()
    exits.creditBounty(ALICE, payer, sender=attacker)

    with reverts(exits, "PaymentFailed", receiver=relay):
        relay.call(exits, exits.withdrawBounties.encode_input(), sender=attacker)


def test_authorises__nobody_asked__changes_nothing(exits, posted, payer):
    assert not exits.authorises(ALICE, payer, 0)


def test_authorises__until_silence_deadline_after_showing__holds(
    room, exits, swept, show, payer, payee
):
    assert exits.authorises(ALICE, payer, FOREVER)
    assert not exits.authorises(ALICE, payee, 0)

    last = show(swept).timestamp + WINDOWS.silence_s
    assert [exits.authorises(ALICE, payer, last + i) for i in (-1, 0, 1)] == [True, True, False]

    room.roll_back(swept)
    assert exits.authorises(ALICE, payer, FOREVER)
