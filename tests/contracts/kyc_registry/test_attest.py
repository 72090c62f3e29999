"""KycRegistry: attestations.

- construct: zero admin, level 0 → reverts
- attest: signed by an attestor, sent by one without signature, approved by an ERC-1271 attestor →
  recorded | by another, unsigned, malformed, high s, refused by ERC-1271 → reverts
- attest: level 0, from the future, repeated, older, expired, other values, of another registry →
  reverts | newer, in its last second → recorded
- level_of: ends with the expiry
"""

import pytest
from eth_account import Account

ZERO = "0x" + 40 * "0"


def test_construct__admin_is_zero__reverts(project, admin, reverts):
    with reverts(project.KycRegistry, "AdminIsZero"):
        admin.deploy(project.KycRegistry, ZERO, 1)


def test_construct__level_is_zero__reverts(project, admin, reverts):
    with reverts(project.KycRegistry, "LevelIsZero"):
        admin.deploy(project.KycRegistry, admin, 0)


def test_attestation_digest__signed_by_attestor__recovers_him_holds(
    registry, sign, attestor, attestation
):
    digest = registry.attestationDigest(attestation)

    signer = Account._recover_hash(digest, signature=sign(attestor, attestation))

    assert signer == attestor.address


# attest


def test_attest__signed_by_attestor__succeeds(
    registry, sign, chain, anyone, person, attestor, attestation, now
):
    receipt = registry.attest(attestation, sign(attestor, attestation), sender=anyone)

    assert receipt.events == [
        registry.AttestationRecorded(person, attestor.address, 2, attestation[2], now)
    ]
    assert registry.levelOf(person) == 2
    recorded = registry.statusOf(person)
    assert (recorded.attestor, recorded.level, recorded.expiry) == (
        attestor.address,
        2,
        attestation[2],
    )
    assert (recorded.issued, recorded.recordedAt, recorded.revokedAt) == (now, receipt.timestamp, 0)


def test_attest__sent_by_attestor__succeeds(registry, admin, anyone, person, attestation):
    registry.appointAttestor(anyone, sender=admin)

    registry.attest(attestation, b"", sender=anyone)

    assert registry.levelOf(person) == 2
    assert registry.statusOf(person).attestor == anyone


def test_attest__sent_by_another__reverts(registry, anyone, attestation, reverts):
    with reverts(registry, "NotAttestor", account=anyone):
        registry.attest(attestation, b"", sender=anyone)


def test_attest__signed_by_another__reverts(registry, sign, anyone, attacker, attestation, reverts):
    with reverts(registry, "NotAttestor", account=attacker.address):
        registry.attest(attestation, sign(attacker, attestation), sender=anyone)


@pytest.mark.parametrize(("index", "change"), [(1, 1), (2, 1), (3, -1)])
def test_attest__other_values__reverts(
    registry, sign, anyone, attestor, attestation, reverts, index, change
):
    signature = sign(attestor, attestation)
    changed = list(attestation)
    changed[index] += change

    with reverts(registry, "NotAttestor", account=...):
        registry.attest(tuple(changed), signature, sender=anyone)


def test_attest__other_person__reverts(registry, sign, anyone, attestor, attestation, reverts):
    signature = sign(attestor, attestation)

    with reverts(registry, "NotAttestor", account=...):
        registry.attest((anyone.address, *attestation[1:]), signature, sender=anyone)


def test_attest__of_another_registry__reverts(
    registry, project, sign, admin, anyone, attestor, attestation, reverts
):
    other = admin.deploy(project.KycRegistry, admin, 1)

    with reverts(registry, "NotAttestor", account=...):
        registry.attest(attestation, sign(attestor, attestation, other), sender=anyone)


def test_attest__high_s__reverts(
    registry, sign, with_high_s, anyone, attestor, attestation, reverts
):
    signature = sign(attestor, attestation)
    v, r, s = with_high_s(signature[64], signature[:32], signature[32:64])

    with reverts(registry, "ECDSAInvalidSignatureS", s=s):
        registry.attest(attestation, r + s + bytes([v]), sender=anyone)


def test_attest__signature_of_nobody__reverts(registry, anyone, attestation, reverts):
    with reverts(registry, "ECDSAInvalidSignature"):
        registry.attest(attestation, bytes(65), sender=anyone)


@pytest.mark.parametrize("size_bytes", [1, 19])
def test_attest__signature_malformed__reverts(registry, anyone, attestation, reverts, size_bytes):
    with reverts(registry, "SignatureMalformed", length=size_bytes):
        registry.attest(attestation, bytes(size_bytes), sender=anyone)


@pytest.mark.parametrize(
    "password", [b"", b"open sesame", bytes(100)], ids=["empty", "short", "long"]
)
def test_attest__approved_by_contract__succeeds(
    registry, project, admin, anyone, person, attestation, password
):
    contract = admin.deploy(project.ContractAttestor, password)
    registry.appointAttestor(contract, sender=admin)
    contract.approve(registry.attestationDigest(attestation), sender=admin)

    registry.attest(attestation, bytes.fromhex(contract.address[2:]) + password, sender=anyone)

    assert registry.levelOf(person) == 2
    assert registry.statusOf(person).attestor == contract


def test_attest__refused_by_contract__reverts(
    registry, project, admin, anyone, attestation, reverts
):
    contract = admin.deploy(project.ContractAttestor, b"open sesame")
    registry.appointAttestor(contract, sender=admin)
    contract.approve(registry.attestationDigest(attestation), sender=admin)

    with reverts(registry, "AttestorSignatureInvalid", attestor=contract):
        registry.attest(
            attestation, bytes.fromhex(contract.address[2:]) + b"open barley", sender=anyone
        )


def test_attest__attestor_without_code_named__reverts(
    registry, anyone, attestor, attestation, reverts
):
    with reverts(registry, "AttestorSignatureInvalid", attestor=attestor.address):
        registry.attest(attestation, bytes.fromhex(attestor.address[2:]), sender=anyone)


def test_attest__contract_not_appointed__reverts(
    registry, project, admin, anyone, attestation, reverts
):
    contract = admin.deploy(project.ContractAttestor, b"")
    contract.approve(registry.attestationDigest(attestation), sender=admin)

    with reverts(registry, "NotAttestor", account=contract):
        registry.attest(attestation, bytes.fromhex(contract.address[2:]), sender=anyone)


def test_attest__level_is_zero__reverts(registry, sign, anyone, attestor, attestation, reverts):
    nothing = (attestation[0], 0, *attestation[2:])

    with reverts(registry, "LevelIsZero"):
        registry.attest(nothing, sign(attestor, nothing), sender=anyone)


def test_attest__from_the_future__reverts(
    registry, sign, chain, anyone, person, attestor, attestation, now, reverts
):
    future = (*attestation[:3], now + 101)
    signature = sign(attestor, future)
    chain.pending_timestamp = now + 100

    with reverts(
        registry, "AttestationFromFuture", person=person, latest=now + 100, issued=now + 101
    ):
        registry.attest(future, signature, sender=anyone)


def test_attest__repeated__reverts(
    registry, sign, anyone, person, attestor, attestation, now, reverts
):
    signature = sign(attestor, attestation)
    registry.attest(attestation, signature, sender=anyone)

    with reverts(registry, "AttestationTooOld", person=person, newest=now, issued=now):
        registry.attest(attestation, signature, sender=anyone)


def test_attest__older__reverts(
    registry, sign, anyone, person, attestor, attestation, now, reverts
):
    higher = (person, 3, attestation[2], now - 1)
    registry.attest(attestation, sign(attestor, attestation), sender=anyone)

    with reverts(registry, "AttestationTooOld", person=person, newest=now, issued=now - 1):
        registry.attest(higher, sign(attestor, higher), sender=anyone)


def test_attest__newer__succeeds(registry, sign, anyone, person, attestor, attestation, now):
    older = (person, 3, attestation[2], now - 1)
    registry.attest(older, sign(attestor, older), sender=anyone)

    registry.attest(attestation, sign(attestor, attestation), sender=anyone)

    assert registry.levelOf(person) == 2


def test_attest__in_last_second__succeeds(registry, sign, chain, anyone, person, attestor, now):
    short = (person, 1, now + 100, now)
    signature = sign(attestor, short)
    chain.pending_timestamp = now + 100

    registry.attest(short, signature, sender=anyone)

    assert registry.statusOf(person).level == 1


def test_attest__expired__reverts(registry, sign, chain, anyone, person, attestor, now, reverts):
    short = (person, 1, now + 100, now)
    signature = sign(attestor, short)
    chain.pending_timestamp = now + 101

    with reverts(registry, "KycExpired", person=person, expiry=now + 100):
        registry.attest(short, signature, sender=anyone)


def test_level_of__time_passes__ends_with_expiry_holds(
    registry, sign, chain, anyone, person, attestor, now
):
    short = (person, 1, now + 100, now)
    registry.attest(short, sign(attestor, short), sender=anyone)

    chain.mine(timestamp=now + 100)
    assert registry.levelOf(person) == 1
    chain.mine(timestamp=now + 101)
    assert registry.levelOf(person) == 0
