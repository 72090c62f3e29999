"""Instant exits: a provider pays the owner at once and takes his withdrawal.

- advance: signed by key, or by a contract (ERC-1271), until its last second → paid, claimant
- advance: a withdrawal that falls and is posted again → the provider's all the same
- advance: not signed, changed, expired, unlisted token, fee above the amount, advanced or paid
  already, provider without money → reverts
- assign_claim: by anybody but the exits contract → reverts
"""

from dataclasses import replace

import pytest

from backend.protocol.advances import Advance
from backend.protocol.hashing import keccak
from backend.protocol.signing import PrivateKey
from backend.protocol.types import address_from_text, address_text
from tests.contracts.disputes.proofs import multiproof
from tests.contracts.exits.conftest import ALICE, BOB, MINT, ZERO_ADDRESS
from tests.contracts.rollup.ledger import withdrawal_proof

OWNER = PrivateKey(keccak(b"owner of a withdrawal"))
AMOUNT, FEE = 40, 3
PAID = "0x" + "00" * 19 + "01"
PASSWORD = b"open sesame"


@pytest.fixture
def owned(room, deposit, token, asset_id, payee):
    """Alice is a key of ours here, with 100 dollars in the ledger."""
    owner = address_text(OWNER.address)
    deposit(token, MINT, owner=owner)
    room.ledger.open(ALICE, owner, asset_id).open(BOB, payee.address, asset_id)
    room.ledger.deposit(ALICE, MINT)
    return room.post()


@pytest.fixture
def withdrawn(room, owned):
    """A batch in whose first slot Alice withdraws."""
    room.ledger.withdraw(ALICE, AMOUNT)
    return room.post()


@pytest.fixture
def order(room, token, chain):
    """What Alice signs; good for an hour."""
    return Advance(
        OWNER.address,
        0,
        address_from_text(token.address),
        AMOUNT,
        FEE,
        chain.pending_timestamp + 3600,
    )


@pytest.fixture
def provider(accounts, exits, token):
    """Somebody with money, which the exits contract may take."""
    provider = accounts[6]
    token.mint(provider, MINT, sender=provider)
    token.approve(exits, MINT, sender=provider)
    return provider


@pytest.fixture
def advance(room, exits, provider):
    """`advance(order, …)` sends an order, by Alice's signature of it."""

    def _advance(order, signature=None, sender=provider):
        signature = signature or OWNER.sign_digest(order.digest(room.operator.domain))
        return exits.advance(as_tuple(order), signature, sender=sender)

    return _advance


def as_tuple(order):
    parties = address_text(order.owner), order.nonce, address_text(order.asset)
    return *parties, order.amount, order.fee, order.valid_until


@pytest.fixture
def claim(rollup, attacker):
    """Claim the withdrawal in a batch's first slot."""
    return lambda posted: rollup.claimWithdrawal(
        posted.batch, withdrawal_proof([posted.chunk], 0, ALICE), sender=attacker
    )


def test_advance__signed__pays_and_assigns_succeeds(
    room, rollup, exits, withdrawn, token, order, advance, claim, provider
):
    receipt = advance(order)

    [event] = receipt.decode_logs(exits.Advanced)
    assert event.owner == address_text(OWNER.address)
    assert event.event_arguments["provider"] == provider
    assert (event.amount, event.fee) == (AMOUNT, FEE)
    assert rollup.claimantOf(event.key) == provider
    assert token.balanceOf(address_text(OWNER.address)) == AMOUNT - FEE
    assert token.balanceOf(provider) == MINT - AMOUNT + FEE

    room.settle()
    claim(withdrawn)
    assert token.balanceOf(provider) == MINT + FEE
    assert rollup.claimantOf(event.key) == PAID


def test_advance__before_any_batch_holds_it__succeeds(
    room, owned, token, order, advance, claim, provider
):
    advance(order)

    room.ledger.withdraw(ALICE, AMOUNT)
    batch = room.post()
    room.settle()
    claim(batch)
    assert token.balanceOf(provider) == MINT + FEE


def test_advance__batch_removed_and_posted_again__pays_provider_succeeds(
    room, withdrawn, token, order, advance, claim, provider, payee
):
    advance(order)
    room.roll_back(withdrawn)
    room.ledger.withdraw(ALICE, AMOUNT)
    again = room.post()
    room.settle()

    claim(again)

    assert token.balanceOf(provider) == MINT + FEE


def test_advance__owner_is_a_contract__succeeds(
    project, room, rollup, exits, withdrawn, token, order, advance, lister, payee
):
    safe = lister.deploy(project.ContractAttestor, PASSWORD)
    order = replace(order, owner=address_from_text(safe.address))
    safe.approve(order.digest(room.operator.domain), sender=lister)

    advance(order, PASSWORD)

    assert token.balanceOf(safe) == AMOUNT - FEE


def test_advance__contract_did_not_sign__reverts(
    project, room, exits, withdrawn, order, advance, lister, reverts
):
    safe = lister.deploy(project.ContractAttestor, PASSWORD)
    order = replace(order, owner=address_from_text(safe.address))
    digest = order.digest(room.operator.domain)

    with reverts(exits, "AdvanceNotSigned", owner=safe, digest=digest):
        advance(order, PASSWORD)


def test_advance__fee_takes_all__succeeds(token, withdrawn, order, advance, provider):
    advance(replace(order, fee=AMOUNT))

    assert token.balanceOf(provider) == MINT


def test_advance__fee_above_amount__reverts(exits, withdrawn, order, advance, reverts):
    with reverts(exits, "FeeAboveAmount", amount=AMOUNT, fee=AMOUNT + 1):
        advance(replace(order, fee=AMOUNT + 1))


def test_advance__last_second__succeeds(room, token, withdrawn, order, advance):
    room.at(order.valid_until)

    advance(order)

    assert token.balanceOf(address_text(OWNER.address)) == AMOUNT - FEE


def test_advance__second_later__reverts(room, exits, withdrawn, order, advance, reverts):
    last = order.valid_until
    room.at(last + 1)

    with reverts(exits, "AdvanceExpired", validUntil=last, actualTsS=last + 1):
        advance(order)


@pytest.mark.parametrize("change", [{"nonce": 1}, {"amount": AMOUNT - 1}, {"fee": FEE + 1}])
def test_advance__changed__reverts(room, exits, withdrawn, order, advance, reverts, change):
    signature = OWNER.sign_digest(order.digest(room.operator.domain))

    with reverts(exits, "AdvanceNotSigned", owner=address_text(OWNER.address), digest=...):
        advance(replace(order, **change), signature)


def test_advance__signed_by_another__reverts(room, exits, withdrawn, order, advance, reverts):
    other = PrivateKey(keccak(b"another"))

    with reverts(exits, "AdvanceNotSigned", owner=address_text(OWNER.address), digest=...):
        advance(order, other.sign_digest(order.digest(room.operator.domain)))


def test_advance__unlisted_token__reverts(
    project, exits, withdrawn, order, advance, lister, reverts
):
    stray = lister.deploy(project.ReturnBoolToken, "Stray", "STRAY", 6)

    with reverts(exits, "TokenNotListed", token=stray):
        advance(replace(order, asset=address_from_text(stray.address)))


def test_advance__second_provider__reverts(
    rollup, exits, withdrawn, token, order, advance, attacker, reverts
):
    [event] = advance(order).decode_logs(exits.Advanced)
    token.mint(attacker, MINT, sender=attacker)
    token.approve(exits, MINT, sender=attacker)

    with reverts(rollup, "AlreadyClaimed", key=event.key):
        advance(order, sender=attacker)
    assert token.balanceOf(attacker) == MINT


def test_advance__paid_already__reverts(room, rollup, withdrawn, order, advance, claim, reverts):
    room.settle()
    [event] = claim(withdrawn).decode_logs(rollup.WithdrawalClaimed)

    with reverts(rollup, "AlreadyClaimed", key=event.key):
        advance(order)


def test_advance__provider_without_money__reverts(
    project, exits, withdrawn, token, order, advance, attacker, reverts
):
    values = {"spender": exits, "allowance": 0, "needed": AMOUNT - FEE}
    with reverts(token, "ERC20InsufficientAllowance", **values):
        advance(order, sender=attacker)


def test_advance__frozen_before_it_settles__owner_escapes_succeeds(
    room, rollup, withdrawn, token, order, advance, attacker
):
    """The provider's risk, if the batch falls and the ledger ends."""
    advance(order)
    room.roll_back(withdrawn)
    room.end()

    shown = multiproof(room.standing[-1].chunk.tree, [ALICE])
    rollup.escape(room.tip, shown, sender=attacker)

    assert token.balanceOf(address_text(OWNER.address)) == MINT + AMOUNT - FEE


def test_assign_claim__by_anybody__reverts(rollup, exits, lister, attacker, reverts):
    for sender in (lister, attacker):
        with reverts(rollup, "SenderNotExits", expected=exits, actual=sender):
            rollup.assignClaim(b"\1" * 32, sender, sender=sender)
    assert rollup.claimantOf(b"\1" * 32) == ZERO_ADDRESS
