"""KycRegistry: revocations and who may make them, and trust in attestors.

- revoke: by an attestor → level 0, and all that was issued so far is refused, until a newer
  attestation | somebody unknown → his unrecorded attestations are refused | by another → reverts
- appoint_attestor: by the admin → may attest | twice, after a dismissal, by another → reverts
- dismiss_attestor: → may not attest or revoke; what he recorded since then counts no more, what he
  recorded before does, his revocations stand; earlier again → succeeds | never appointed, end of
  trust 0, in the future, not earlier than before, by another → reverts
"""

import pytest
from eth_account import Account
from eth_utils import keccak

SERVING = 2**64 - 1
DAY_S = 86_400


@pytest.fixture
def sender_attestor(registry, admin, accounts):
    """An attestor who sends his own transactions."""
    registry.appointAttestor(accounts[4], sender=admin)
    return accounts[4]


# revoke


def test_revoke__by_attestor__succeeds(registry, record, sender_attestor, person, attestation):
    record(attestation)

    receipt = registry.revoke(person, sender=sender_attestor)

    assert receipt.events == [registry.PersonRevoked(person, sender_attestor, receipt.timestamp)]
    assert registry.levelOf(person) == 0
    assert registry.statusOf(person).level == 2
    assert registry.statusOf(person).revokedAt == receipt.timestamp


def test_revoke__attestation_of_same_second__succeeds(
    registry, record, chain, sender_attestor, person, now
):
    issued = now + 100
    chain.pending_timestamp = issued
    record((person, 2, issued + DAY_S, issued))

    chain.pending_timestamp = issued
    registry.revoke(person, sender=sender_attestor)

    assert registry.levelOf(person) == 0


def test_attest__newer_than_revocation__succeeds(
    registry, record, chain, sender_attestor, person, attestation
):
    record(attestation)
    revoked_at = registry.revoke(person, sender=sender_attestor).timestamp
    chain.pending_timestamp = revoked_at + 1

    record((*attestation[:3], revoked_at + 1))

    assert registry.levelOf(person) == 2
    assert registry.statusOf(person).revokedAt == revoked_at


def test_attest__issued_when_revoked__reverts(
    registry, record, sender_attestor, person, attestation, reverts
):
    revoked_at = registry.revoke(person, sender=sender_attestor).timestamp  # nobody knew him yet

    with reverts(
        registry, "AttestationTooOld", person=person, newest=revoked_at, issued=revoked_at
    ):
        record((*attestation[:3], revoked_at))


def test_attest__issued_before_revocation__reverts(
    registry, record, sender_attestor, person, attestation, now, reverts
):
    record((*attestation[:3], now - 1))
    revoked_at = registry.revoke(person, sender=sender_attestor).timestamp

    with reverts(registry, "AttestationTooOld", person=person, newest=revoked_at, issued=now):
        record(attestation)


@pytest.mark.parametrize("index", [0, 1])
def test_revoke__by_another__reverts(registry, accounts, person, reverts, index):
    with reverts(registry, "NotAttestor", account=accounts[index]):
        registry.revoke(person, sender=accounts[index])


# appointAttestor


def test_appoint_attestor__by_admin__succeeds(
    registry, record, admin, person, attacker, attestation
):
    receipt = registry.appointAttestor(attacker.address, sender=admin)
    record(attestation, attacker)

    assert receipt.events == [registry.AttestorAppointed(attacker.address)]
    assert registry.trustedUntil(attacker.address) == SERVING
    assert registry.levelOf(person) == 2


def test_appoint_attestor__twice__reverts(registry, admin, attestor, reverts):
    with reverts(registry, "AttestorAppointedBefore", attestor=attestor.address):
        registry.appointAttestor(attestor.address, sender=admin)


def test_appoint_attestor__dismissed__reverts(registry, admin, attestor, now, reverts):
    registry.dismissAttestor(attestor.address, now, sender=admin)

    with reverts(registry, "AttestorAppointedBefore", attestor=attestor.address):
        registry.appointAttestor(attestor.address, sender=admin)


def test_appoint_attestor__by_another__reverts(registry, anyone, attacker, reverts):
    with reverts(
        registry,
        "AccessControlUnauthorizedAccount",
        account=anyone,
        neededRole=registry.DEFAULT_ADMIN_ROLE(),
    ):
        registry.appointAttestor(attacker.address, sender=anyone)


# dismissAttestor


def test_dismiss_attestor__now__keeps_what_he_recorded_holds(
    registry, record, chain, admin, attestor, person, attestation, now, reverts
):
    record(attestation)
    chain.pending_timestamp = now + 100

    receipt = registry.dismissAttestor(attestor.address, now + 100, sender=admin)

    assert receipt.events == [registry.AttestorDismissed(attestor.address, now + 100)]
    assert registry.levelOf(person) == 2
    with reverts(registry, "NotAttestor", account=attestor.address):
        record((*attestation[:3], now + 100))


def test_dismiss_attestor__since_theft__ends_what_he_recorded_since_holds(
    registry, record, chain, admin, anyone, attestor, person, attestation, now
):
    chain.pending_timestamp = now + 100
    record(attestation)
    chain.pending_timestamp = now + 200
    record((anyone.address, 3, now + DAY_S, now))  # issued before the theft, says the thief

    registry.dismissAttestor(attestor.address, now + 200, sender=admin)

    assert registry.levelOf(person) == 2
    assert registry.levelOf(anyone) == 0
    assert registry.statusOf(anyone).level == 3


def test_dismiss_attestor__then_another_attests__succeeds(
    registry, record, chain, admin, attestor, person, attestation, now
):
    successor = Account.from_key(keccak(text="successor"))
    record(attestation)
    registry.dismissAttestor(attestor.address, now, sender=admin)
    registry.appointAttestor(successor.address, sender=admin)
    assert registry.levelOf(person) == 0

    chain.pending_timestamp = now + 100
    record((person, 1, now + DAY_S, now + 100), successor)

    assert registry.levelOf(person) == 1


def test_dismiss_attestor__who_revoked__keeps_revocations_holds(
    registry, record, admin, person, sender_attestor, attestation, now, reverts
):
    record(attestation)
    registry.revoke(person, sender=sender_attestor)

    registry.dismissAttestor(sender_attestor, now, sender=admin)

    assert registry.levelOf(person) == 0
    with reverts(registry, "NotAttestor", account=sender_attestor):
        registry.revoke(person, sender=sender_attestor)


def test_dismiss_attestor__earlier_again__succeeds(registry, admin, attestor, now):
    registry.dismissAttestor(attestor.address, now, sender=admin)

    registry.dismissAttestor(attestor.address, now - 1, sender=admin)

    assert registry.trustedUntil(attestor.address) == now - 1


@pytest.mark.parametrize("offset_s", [0, 1])
def test_dismiss_attestor__not_earlier__reverts(registry, admin, attestor, now, reverts, offset_s):
    registry.dismissAttestor(attestor.address, now - 10, sender=admin)

    with reverts(
        registry,
        "TrustEndOutOfRange",
        earliest=1,
        latest=now - 11,
        actual=now - 10 + offset_s,
    ):
        registry.dismissAttestor(attestor.address, now - 10 + offset_s, sender=admin)


@pytest.mark.parametrize("is_future", [False, True])
def test_dismiss_attestor__trust_end_out_of_range__reverts(
    registry, chain, admin, attestor, now, reverts, is_future
):
    chain.pending_timestamp = now + 100
    trusted_until = now + 101 if is_future else 0

    with reverts(
        registry, "TrustEndOutOfRange", earliest=1, latest=now + 100, actual=trusted_until
    ):
        registry.dismissAttestor(attestor.address, trusted_until, sender=admin)


def test_dismiss_attestor__never_appointed__reverts(registry, admin, attacker, now, reverts):
    with reverts(registry, "NotAttestor", account=attacker.address):
        registry.dismissAttestor(attacker.address, now, sender=admin)


def test_dismiss_attestor__by_another__reverts(registry, anyone, attestor, now, reverts):
    with reverts(
        registry,
        "AccessControlUnauthorizedAccount",
        account=anyone,
        neededRole=registry.DEFAULT_ADMIN_ROLE(),
    ):
        registry.dismissAttestor(attestor.address, now, sender=anyone)
