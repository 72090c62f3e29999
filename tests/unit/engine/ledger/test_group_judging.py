"""Judging groups, and who may hold an asset.

- legs one after the other: a payer twice, his funds and nonces in turn; never funded by the group
- the first refusal of the first leg that has one: each kind of fault in the second leg
- nothing stays pending, whether it was refused or not
- eligibility: payer, payee, of a leg; withdrawals are free of it; it comes last
"""

from dataclasses import replace

import pytest

from backend.engine.ledger import Pending, check_record
from backend.protocol.errors import (
    AccountUnknown,
    AssetUnknown,
    InsufficientFunds,
    NonceGap,
    NonceTooLow,
    NotEligible,
    OrderExpired,
    OrderInGroup,
    PayeeInvalid,
    SameAccount,
)
from backend.protocol.types import ZERO_ADDRESS, address_text
from tests.property.world import STABLE, TS_S, address, group, pay, unsigned, withdraw, world

A0, B0 = pay("alice", "bob", 60), pay("bob", "alice", 50)


@pytest.fixture(scope="module")
def ledger():
    return world(alice=100, bob=50).ledger


def judged(ledger, record, pending=None, may_hold=None):
    pending = Pending() if pending is None else pending
    arguments = [] if may_hold is None else [may_hold]
    return check_record(ledger, record, TS_S, pending, *arguments)


def test_check_record__legs_of_two_payers__succeeds(ledger):
    pending = Pending()

    first, second = judged(ledger, group(A0, B0), pending)

    assert (first.amount_minor, first.payee) == (60, address("bob"))
    assert (second.amount_minor, second.payee) == (50, address("alice"))
    assert list(pending.items()) == []


def test_check_record__same_payer_twice__succeeds(ledger):
    one, other = judged(ledger, group(A0, pay("alice", "carol", 40, nonce=1)))

    assert one.payer_id == other.payer_id


# The second leg of a group whose first leg is alice's 60 of 100, and why it is refused.
SECOND_LEGS = {
    "unlisted": (
        replace(B0, asset=address("unlisted")),
        AssetUnknown(address_text(address("unlisted"))),
    ),
    "nobody": (replace(B0, payee=ZERO_ADDRESS), PayeeInvalid(address_text(ZERO_ADDRESS))),
    "to himself": (pay("bob", "bob", 1), SameAccount()),
    "late": (replace(B0, valid_until=TS_S - 1), OrderExpired(TS_S - 1, TS_S)),
    "stranger": (pay("carol", "bob", 1), AccountUnknown(address_text(address("carol")))),
    "funds": (pay("bob", "alice", 51), InsufficientFunds(50, 51)),
    "funds but for the first leg": (pay("alice", "bob", 41, nonce=1), InsufficientFunds(40, 41)),
    "the first leg's money": (pay("bob", "alice", 110), InsufficientFunds(50, 110)),
    "nonce of the first leg": (pay("alice", "carol", 1), NonceTooLow(1, 0)),
    "nonce ahead": (pay("alice", "carol", 1, nonce=2), NonceGap(1, 2)),
}


@pytest.mark.parametrize(("second", "error"), SECOND_LEGS.values(), ids=SECOND_LEGS)
def test_check_record__second_leg_refused__rejects(ledger, second, error):
    pending = Pending()

    with pytest.raises(type(error)) as caught:
        judged(ledger, group(A0, second), pending)

    assert caught.value.values == error.values
    assert list(pending.items()) == []


def test_check_record__account_that_the_group_would_open__rejects(ledger):
    with pytest.raises(AccountUnknown):
        judged(ledger, group(pay("alice", "carol", 9), pay("carol", "bob", 9)))


def test_check_record__both_legs_refused__is_for_the_first_rejects(ledger):
    """Though the second leg's fault would come first within one leg."""
    with pytest.raises(InsufficientFunds):
        judged(ledger, group(pay("alice", "bob", 101), replace(B0, asset=address("unlisted"))))


def test_check_record__others_pending__counts_them_holds(ledger):
    pending = Pending()
    (earlier,) = judged(ledger, unsigned([pay("bob", "carol", 1)])[0], pending)
    pending.add(earlier)

    with pytest.raises(NonceTooLow):
        judged(ledger, group(A0, B0), pending)
    with pytest.raises(InsufficientFunds):
        judged(ledger, group(A0, pay("bob", "alice", 50, nonce=1)), pending)

    assert dict(pending.items()) == {earlier.payer_id: (1, 1)}
    assert len(judged(ledger, group(A0, pay("bob", "alice", 49, nonce=1)), pending)) == 2


def test_check_record__leg_alone__rejects(ledger):
    leg = group(A0, B0).legs[0]

    with pytest.raises(OrderInGroup):
        judged(ledger, leg)


# Eligibility


def all_but(owner, of=STABLE):
    """Let everybody hold everything, but for one owner and asset."""
    return lambda token, holder: (token, holder) != (of.token, address(owner))


@pytest.mark.parametrize("barred", ["alice", "bob"])
@pytest.mark.parametrize("record", [unsigned([A0])[0], group(pay("bob", "carol", 1), A0)])
def test_check_record__payer_or_payee_may_not_hold__rejects(ledger, record, barred):
    with pytest.raises(NotEligible) as caught:
        judged(ledger, record, may_hold=all_but(barred))

    assert caught.value.values == NotEligible(address_text(address(barred))).values


def test_check_record__withdrawal_of_one_who_may_not_hold__succeeds(ledger):
    judged(ledger, unsigned([withdraw("alice", 1)])[0], may_hold=all_but("alice"))


def test_check_record__no_funds_and_not_eligible__is_for_the_funds_rejects(ledger):
    with pytest.raises(InsufficientFunds):
        judged(ledger, unsigned([pay("alice", "bob", 101)])[0], may_hold=all_but("bob"))
