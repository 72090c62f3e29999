"""KycRegistry as the deposit gate.

- require_deposit, no evidence: level high enough → passes | unknown, level too low, expired,
  revoked, recorded by an attestor not trusted → reverts
- require_deposit, evidence: newer → recorded, then judged | recorded already, older → what is
  recorded decides | of another person, not signed, expired, in another encoding → reverts
- the depositor's own level → not asked
- close_deposits → reverts, reopen_deposits → passes; cap: at it → passes | above → reverts |
  of another asset, lifted → passes
- powers: the guardian's by another, the admin's by the guardian → reverts; level 0 → reverts
"""

import pytest
from eth_abi import encode

ASSET_ID = 1
AMOUNT_MINOR = 5_000_000
DAY_S = 86_400


@pytest.fixture
def deposit(registry, anyone, person):
    """What the rollup asks for a deposit; the depositor is nobody known."""

    def _deposit(evidence=b"", amount_minor=AMOUNT_MINOR, asset_id=ASSET_ID):
        return registry.requireDeposit(
            anyone, person, asset_id, amount_minor, evidence, sender=anyone
        )

    return _deposit


@pytest.fixture
def evidence(sign, attestor):
    """Encode an attestation by the attestor as the evidence of a deposit."""

    def _evidence(attestation, key=attestor):
        return encode(
            ["(address,uint8,uint64,uint64)", "bytes"], [attestation, sign(key, attestation)]
        )

    return _evidence


# without evidence


def test_require_deposit__known_owner__succeeds(record, deposit, attestation):
    record(attestation)

    assert deposit().events == []


def test_require_deposit__unknown_owner__reverts(registry, deposit, person, reverts):
    with reverts(registry, "KycRequired", person=person, levelNeeded=1, level=0):
        deposit()


def test_require_deposit__level_just_enough__succeeds(
    registry, record, deposit, admin, attestation
):
    registry.setLevelNeeded(2, sender=admin)
    record(attestation)

    assert deposit().events == []


def test_require_deposit__level_too_low__reverts(
    registry, record, deposit, admin, person, attestation, reverts
):
    registry.setLevelNeeded(3, sender=admin)
    record(attestation)

    with reverts(registry, "KycRequired", person=person, levelNeeded=3, level=2):
        deposit()


def test_require_deposit__expired__reverts(registry, record, deposit, chain, person, now, reverts):
    record((person, 2, now + 100, now))

    chain.pending_timestamp = now + 100
    deposit()  # its last second

    chain.pending_timestamp = now + 101
    with reverts(registry, "KycExpired", person=person, expiry=now + 100):
        deposit()


def test_require_deposit__revoked__reverts(
    registry, record, deposit, admin, person, attestation, reverts
):
    registry.appointAttestor(admin, sender=admin)
    record(attestation)
    revoked_at = registry.revoke(person, sender=admin).timestamp

    with reverts(registry, "KycRevoked", person=person, revokedAt=revoked_at):
        deposit()


def test_require_deposit__revoked_when_unknown__reverts(registry, deposit, admin, person, reverts):
    registry.appointAttestor(admin, sender=admin)
    revoked_at = registry.revoke(person, sender=admin).timestamp

    with reverts(registry, "KycRevoked", person=person, revokedAt=revoked_at):
        deposit()


def test_require_deposit__attestor_not_trusted__reverts(
    registry, record, deposit, admin, person, attestor, attestation, now, reverts
):
    record(attestation)
    registry.dismissAttestor(attestor.address, now, sender=admin)

    with reverts(
        registry, "KycDistrusted", person=person, attestor=attestor.address, trustedUntil=now
    ):
        deposit()


# with evidence


def test_require_deposit__new_evidence__succeeds(
    registry, deposit, evidence, person, attestor, attestation, now
):
    receipt = deposit(evidence(attestation))

    assert receipt.events == [
        registry.AttestationRecorded(person, attestor.address, 2, attestation[2], now)
    ]
    assert registry.levelOf(person) == 2


def test_require_deposit__evidence_recorded_by_another__succeeds(
    record, deposit, evidence, attestation
):
    record(attestation)

    assert deposit(evidence(attestation)).events == []


def test_require_deposit__evidence_older__judges_what_is_recorded_holds(
    registry, record, deposit, evidence, admin, person, attestation, now, reverts
):
    registry.setLevelNeeded(3, sender=admin)
    record(attestation)

    with reverts(registry, "KycRequired", person=person, levelNeeded=3, level=2):
        deposit(evidence((person, 3, attestation[2], now - 1)))


def test_require_deposit__evidence_older_than_revocation__reverts(
    registry, deposit, evidence, admin, person, attestation, reverts
):
    registry.appointAttestor(admin, sender=admin)
    revoked_at = registry.revoke(person, sender=admin).timestamp

    with reverts(registry, "KycRevoked", person=person, revokedAt=revoked_at):
        deposit(evidence(attestation))


def test_require_deposit__evidence_level_too_low__reverts(
    registry, deposit, evidence, admin, person, attestation, reverts
):
    registry.setLevelNeeded(3, sender=admin)

    with reverts(registry, "KycRequired", person=person, levelNeeded=3, level=2):
        deposit(evidence(attestation))
    assert registry.statusOf(person).level == 0


def test_require_deposit__evidence_of_another_person__reverts(
    registry, deposit, evidence, anyone, person, attestation, reverts
):
    with reverts(registry, "EvidenceOfAnotherPerson", owner=person, person=anyone):
        deposit(evidence((anyone.address, *attestation[1:])))


def test_require_deposit__evidence_signed_by_another__reverts(
    registry, deposit, evidence, attacker, attestation, reverts
):
    with reverts(registry, "NotAttestor", account=attacker.address):
        deposit(evidence(attestation, attacker))


def test_require_deposit__evidence_expired__reverts(
    registry, deposit, evidence, person, now, reverts
):
    with reverts(registry, "KycExpired", person=person, expiry=now - 1):
        deposit(evidence((person, 2, now - 1, now - 2)))


@pytest.mark.parametrize(
    "evidence", [b"\x01", bytes(159), b"\xff" * 256], ids=["one byte", "too short", "all ones"]
)
def test_require_deposit__evidence_in_another_encoding__reverts(
    registry, deposit, evidence, reverts
):
    with reverts(registry, ""):
        deposit(evidence)


# the guardian


def test_require_deposit__closed__reverts(
    registry, record, deposit, guardian, attestation, reverts
):
    record(attestation)

    receipt = registry.closeDeposits(sender=guardian)

    assert receipt.events == [registry.DepositGateClosed(guardian)]
    assert registry.isClosed()
    with reverts(registry, "DepositsClosed"):
        deposit()


def test_require_deposit__reopened__succeeds(registry, record, deposit, guardian, attestation):
    record(attestation)
    registry.closeDeposits(sender=guardian)

    receipt = registry.reopenDeposits(sender=guardian)

    assert receipt.events == [registry.DepositGateReopened(guardian)]
    assert not registry.isClosed()
    deposit()


def test_require_deposit__within_cap__succeeds(registry, record, deposit, guardian, attestation):
    record(attestation)

    receipt = registry.setDepositCap(ASSET_ID, AMOUNT_MINOR, sender=guardian)

    assert receipt.events == [registry.DepositCapSet(ASSET_ID, AMOUNT_MINOR)]
    deposit()
    deposit(amount_minor=AMOUNT_MINOR + 1, asset_id=ASSET_ID + 1)


def test_require_deposit__above_cap__reverts(
    registry, record, deposit, guardian, attestation, reverts
):
    record(attestation)
    registry.setDepositCap(ASSET_ID, AMOUNT_MINOR, sender=guardian)

    with reverts(
        registry,
        "DepositCapExceeded",
        assetId=ASSET_ID,
        cap=AMOUNT_MINOR,
        actual=AMOUNT_MINOR + 1,
    ):
        deposit(amount_minor=AMOUNT_MINOR + 1)


def test_require_deposit__cap_lifted__succeeds(registry, record, deposit, guardian, attestation):
    record(attestation)
    registry.setDepositCap(ASSET_ID, AMOUNT_MINOR, sender=guardian)

    registry.setDepositCap(ASSET_ID, 0, sender=guardian)

    deposit(amount_minor=2**48 - 1)


# powers


@pytest.mark.parametrize(
    ("function", "arguments"),
    [("closeDeposits", []), ("reopenDeposits", []), ("setDepositCap", [ASSET_ID, 1])],
)
def test_guard__not_the_guardian__reverts(registry, admin, reverts, function, arguments):
    with reverts(
        registry,
        "AccessControlUnauthorizedAccount",
        account=admin,
        neededRole=registry.GUARDIAN_ROLE(),
    ):
        getattr(registry, function)(*arguments, sender=admin)


def test_set_level_needed__by_guardian__reverts(registry, guardian, reverts):
    with reverts(
        registry,
        "AccessControlUnauthorizedAccount",
        account=guardian,
        neededRole=registry.DEFAULT_ADMIN_ROLE(),
    ):
        registry.setLevelNeeded(2, sender=guardian)


def test_set_level_needed__by_admin__succeeds(registry, admin):
    receipt = registry.setLevelNeeded(2, sender=admin)

    assert receipt.events == [registry.LevelNeededSet(2)]
    assert registry.levelNeeded() == 2


def test_set_level_needed__zero__reverts(registry, admin, reverts):
    with reverts(registry, "LevelIsZero"):
        registry.setLevelNeeded(0, sender=admin)
