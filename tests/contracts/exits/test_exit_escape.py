"""After a freeze everybody gets his account paid out, without asking anybody.

- escape: one account, fifty, those not yet paid → paid once, events
- escape: empty, without money, paid already → passed over
- escape: token that refuses a payee or all, unlisted asset, more than the vault has → this account
  alone fails, and can be tried again
- escape: reserved id, another batch, another root, genesis, not frozen, not all settled → reverts
- claims go on, but of batches that were removed
"""

import pytest

from backend.protocol.types import AccountId, Leaf, address_from_text
from tests.contracts.disputes.proofs import multiproof
from tests.contracts.exits.conftest import ALICE, BOB, MINT, NO_BATCH, ZERO_ADDRESS
from tests.contracts.rollup.ledger import withdrawal_proof

NOBODY = 0x77000007


@pytest.fixture
def escape(room, rollup, attacker):
    """`escape(accounts, …)` lets these out, by the last batch; anybody may send it."""

    def _escape(*account_ids, shown=None):
        accounts = shown or multiproof(room.standing[-1].chunk.tree, account_ids)
        return rollup.escape(room.tip, accounts, sender=attacker)

    return _escape


def paid(receipt, rollup):
    """Return {account: amount} of those who escaped, and the accounts of those who failed."""
    events = receipt.decode_logs(rollup.Escaped)
    failed = receipt.decode_logs(rollup.EscapeFailed)
    return {each.accountId: each.amount for each in events}, [each.accountId for each in failed]


def test_escape__one_account__succeeds(room, rollup, posted, token, payer, escape):
    room.end()

    receipt = escape(ALICE)

    [event] = receipt.decode_logs(rollup.Escaped)
    assert (event.accountId, event.owner, event.assetId) == (ALICE, payer, 1)
    assert (event.token, event.amount) == (token, MINT)
    assert token.balanceOf(payer) == MINT
    assert token.balanceOf(rollup) == rollup.assets(1).outstandingMinor == 0
    assert rollup.hasEscaped(ALICE)


def test_escape__unit_above_one__succeeds(
    project, room, rollup, lister, list_asset, deposit, payer, escape
):
    token = lister.deploy(project.ReturnBoolToken, "Other", "OTHER", 18)
    list_asset(token, 10**12)
    deposit(token, 7 * 10**12)
    room.ledger.open(ALICE, payer.address, 1).deposit(ALICE, 7)
    room.post()
    room.end()

    assert paid(escape(ALICE), rollup) == ({ALICE: 7 * 10**12}, [])
    assert token.balanceOf(payer) == 7 * 10**12


def test_escape__fifty_accounts__succeeds(room, rollup, deposit, token, asset_id, escape):
    owners = [f"0x{0xABC000 + i:040x}" for i in range(50)]
    ids = [0x01000000 * (i % 250) + 2 + i for i in range(50)]
    deposit(token, 50 * 1000)
    for account_id, owner in zip(ids, owners, strict=True):
        room.ledger.put(account_id, Leaf(address_from_text(owner), asset_id, 0, 1000))
    room.post()
    room.end()

    receipt = escape(*ids)

    assert paid(receipt, rollup) == (dict.fromkeys(sorted(ids), 1000), [])
    assert {token.balanceOf(owner) for owner in owners} == {1000}


def test_escape__again__changes_nothing(room, rollup, posted, token, payer, escape):
    room.end()
    escape(ALICE)

    assert paid(escape(ALICE, BOB), rollup) == ({}, [])
    assert token.balanceOf(payer) == MINT


def test_escape__by_whom_the_first_forgot__succeeds(room, rollup, posted, payee, escape):
    room.ledger.pay(ALICE, BOB, 1)
    room.post()
    room.end()
    escape(ALICE)

    assert paid(escape(ALICE, BOB), rollup) == ({BOB: 1}, [])


def test_escape__empty_leaf_with_an_invented_balance__changes_nothing(
    room, rollup, posted, token, escape
):
    room.end()
    _, siblings = multiproof(posted.chunk.tree, [NOBODY])

    receipt = escape(shown=([(NOBODY, ZERO_ADDRESS, 1, 0, MINT)], siblings))

    assert paid(receipt, rollup) == ({}, [])
    assert not rollup.hasEscaped(NOBODY)
    assert token.balanceOf(rollup) == rollup.assets(1).outstandingMinor == MINT


def test_escape__token_refuses_one_payee__others_paid_succeeds(
    project, room, rollup, lister, list_asset, deposit, payer, payee, escape
):
    token = lister.deploy(project.FreezableToken)
    list_asset(token)
    deposit(token, 100)
    room.ledger.open(ALICE, payer.address, 1).open(BOB, payee.address, 1)
    room.ledger.deposit(ALICE, 100).pay(ALICE, BOB, 40)
    room.post()
    room.end()
    token.setFrozen(payer, True, sender=lister)

    assert paid(escape(ALICE, BOB), rollup) == ({BOB: 40}, [ALICE])
    assert not rollup.hasEscaped(ALICE)
    assert rollup.assets(1).outstandingMinor == 60

    token.setFrozen(payer, False, sender=lister)
    assert paid(escape(ALICE, BOB), rollup) == ({ALICE: 60}, [])
    assert token.balanceOf(payer) == 60


def test_escape__token_calls_back__is_paid_once_succeeds(
    project, room, rollup, lister, list_asset, deposit, payer, payee, escape
):
    token = lister.deploy(project.ReentrantToken)
    list_asset(token)
    deposit(token, 100)
    room.ledger.open(ALICE, payer.address, 1).deposit(ALICE, 100)
    batch = room.post()
    room.end()
    again = rollup.escape.encode_input(room.tip, multiproof(batch.chunk.tree, [ALICE]))
    token.arm(rollup, again, False, sender=lister)

    assert paid(escape(ALICE), rollup) == ({ALICE: 100}, [])
    assert not token.lastSucceeded()
    assert token.balanceOf(payer) == 100


def test_escape__unlisted_asset__fails_alone_succeeds(room, rollup, posted, payee, escape):
    leaf = Leaf(address_from_text(payee.address), 9, 0, 5)
    room.ledger.tree = room.ledger.tree.set_many({AccountId(BOB): leaf})
    room.post()
    room.end()

    assert paid(escape(ALICE, BOB), rollup) == ({ALICE: MINT}, [BOB])


def test_escape__more_than_the_vault_has__fails_alone_succeeds(
    room, rollup, posted, token, payer, payee, escape
):
    room.ledger.put(BOB, Leaf(address_from_text(payee.address), 1, 0, 1))
    room.post()
    room.end()

    assert paid(escape(ALICE, BOB), rollup) == ({ALICE: MINT}, [BOB])
    assert token.balanceOf(payer) == MINT


@pytest.mark.parametrize("account_id", [0, 1])
def test_escape__reserved_id__reverts(room, rollup, posted, escape, reverts, account_id):
    room.end()

    with reverts(rollup, "AccountReserved", accountId=account_id):
        escape(account_id, ALICE)


def test_escape__batch_before__reverts(room, rollup, posted, attacker, reverts):
    room.post()
    room.end()

    with reverts(rollup, "BatchNotAccepted", number=2, expectedSlot=..., actualSlot=...):
        rollup.escape(posted.batch, multiproof(posted.chunk.tree, [ALICE]), sender=attacker)


def test_escape__state_before__reverts(room, rollup, posted, escape, reverts):
    room.ledger.pay(ALICE, BOB, 1)
    last = room.post()
    room.end()

    with reverts(rollup, "RootMismatch", expected=last.chunk.root, actual=...):
        escape(shown=multiproof(posted.chunk.tree, [ALICE]))


def test_escape__nothing_ever_posted__reverts(room, rollup, ledger, attacker, reverts):
    room.freeze()

    with reverts(rollup, "BatchNotSettled", frontier=0, actual=0):
        rollup.escape(NO_BATCH, multiproof(ledger.tree, [ALICE]), sender=attacker)


def test_escape__not_frozen__reverts(room, rollup, posted, escape, reverts):
    room.settle()

    with reverts(rollup, "RollupNotFrozen"):
        escape(ALICE)


def test_escape__batch_not_settled__reverts(room, rollup, posted, attacker, reverts):
    room.settle()
    room.post()
    room.freeze()

    with reverts(rollup, "BatchNotSettled", frontier=1, actual=2):
        rollup.escape(posted.batch, multiproof(posted.chunk.tree, [ALICE]), sender=attacker)


def test_escape__last_batch_removed__by_the_one_before_succeeds(
    room, rollup, posted, payer, escape
):
    stolen = room.ledger.pay(ALICE, BOB, MINT)
    assert stolen.tree.leaf(AccountId(BOB)).balance_minor == MINT
    lie = room.post()
    room.freeze()
    room.roll_back(lie)
    room.settle()

    assert paid(escape(ALICE, BOB), rollup) == ({ALICE: MINT}, [])


def test_claim_withdrawal__frozen__succeeds(room, rollup, posted, token, payer, attacker, escape):
    slot_number = 0
    room.ledger.withdraw(ALICE, 30)
    batch = room.post()
    room.end()
    escape(ALICE)

    proof = withdrawal_proof([batch.chunk], slot_number, ALICE)
    rollup.claimWithdrawal(batch.batch, proof, sender=attacker)

    assert token.balanceOf(payer) == MINT
    assert token.balanceOf(rollup) == rollup.assets(1).outstandingMinor == 0


def test_claim_withdrawal__batch_removed__reverts(room, rollup, posted, attacker, reverts):
    room.ledger.withdraw(ALICE, 30)
    lie = room.post()
    room.roll_back(lie)
    room.settle()

    with reverts(rollup, "BatchRemoved", tip=1, actual=2):
        rollup.claimWithdrawal(lie.batch, withdrawal_proof([lie.chunk], 0, ALICE), sender=attacker)
