"""People of the regulated asset's tests: an issuer who also attests, holders, and a vault."""

import pytest

DAY_S = 86_400


@pytest.fixture
def issuer(accounts):
    return accounts[0]


@pytest.fixture
def holder(accounts):
    return accounts[1]


@pytest.fixture
def payee(accounts):
    return accounts[2]


@pytest.fixture
def stranger(accounts):
    """Somebody whom the registry does not know."""
    return accounts[3]


@pytest.fixture
def registry(project, issuer):
    registry = issuer.deploy(project.KycRegistry, issuer, 1)
    registry.appointAttestor(issuer, sender=issuer)
    return registry


@pytest.fixture
def attest(chain, registry, issuer):
    """Give a person a level for a year."""

    def _attest(person, level=2):
        issued = chain.blocks.head.timestamp
        attestation = (person, level, issued + 365 * DAY_S, issued)
        return registry.attest(attestation, b"", sender=issuer)

    return _attest


@pytest.fixture
def vault(project, issuer):
    """A contract that transfers what it is told to."""
    return issuer.deploy(project.Relay)


@pytest.fixture
def token(issue, registry, attest, issuer, holder, payee, vault):
    """Level 2 is needed. Holder and vault have 100 each; holder, payee and issuer may hold it."""
    token = issue(issuer, "RegulatedAsset", 0, [vault], [registry, 2])
    for person in (issuer, holder, payee):
        attest(person)
    for account in (holder, vault):
        token.mint(account, 100, sender=issuer)
    return token


@pytest.fixture
def pay_out(token, vault, stranger):
    """Let the vault pay."""

    def _pay_out(to, amount):
        return vault.call(token, token.transfer.encode_input(to, amount), sender=stranger)

    return _pay_out
