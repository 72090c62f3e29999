"""People of the KYC tests: an admin, an attestor with a key and no ether, a person to attest."""

import pytest
from eth_account import Account
from eth_utils import keccak

ATTESTATION = "Attestation(address person,uint8 level,uint64 expiry,uint64 issued)"
DAY_S = 86_400


@pytest.fixture
def admin(accounts):
    return accounts[0]


@pytest.fixture
def anyone(accounts):
    return accounts[1]


@pytest.fixture
def person(accounts):
    return accounts[2].address


@pytest.fixture
def attestor():
    return Account.from_key(keccak(text="attestor"))


@pytest.fixture
def attacker():
    return Account.from_key(keccak(text="attacker"))


@pytest.fixture
def registry(project, admin, attestor):
    registry = admin.deploy(project.KycRegistry, admin, 1)
    registry.appointAttestor(attestor.address, sender=admin)
    return registry


@pytest.fixture
def guardian(registry, admin, accounts):
    registry.grantRole(registry.GUARDIAN_ROLE(), accounts[3], sender=admin)
    return accounts[3]


@pytest.fixture
def now(chain, registry):
    """The time of the newest block: the latest that an attestation can be issued at."""
    return chain.blocks.head.timestamp


@pytest.fixture
def sign(registry, sign_typed):
    def _sign(key, attestation, contract=registry):
        v, r, s = sign_typed(key, contract, "Causeway KYC", ATTESTATION, attestation)
        return r + s + bytes([v])

    return _sign


@pytest.fixture
def attestation(person, now):
    """The person has level 2 for a year."""
    return (person, 2, now + 365 * DAY_S, now)


@pytest.fixture
def record(registry, sign, anyone, attestor):
    """Record an attestation by the attestor, or by another key."""

    def _record(attestation, key=attestor):
        return registry.attest(attestation, sign(key, attestation), sender=anyone)

    return _record
