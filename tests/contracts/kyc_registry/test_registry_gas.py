"""What the registry's transactions cost, and how large it is.

- attest, revoke, require_deposit in their usual cases → as in tests/gas_snapshot.json
- runtime code stays below 20,000 bytes
"""

import pytest
from eth_abi import encode

RUNTIME_SIZE_BYTES_MAX = 20_000
DAY_S = 86_400


@pytest.fixture
def deposit(registry, anyone, person):
    def _deposit(evidence=b""):
        return registry.requireDeposit(anyone, person, 1, 5_000_000, evidence, sender=anyone)

    return _deposit


def test_deploy__registry_size__holds(chain, registry):
    assert len(chain.provider.get_code(registry.address)) <= RUNTIME_SIZE_BYTES_MAX


def test_attest__gas__holds(gas_snapshot, record, person, now):
    first = record((person, 1, now + DAY_S, now - 1))
    next_one = record((person, 2, now + DAY_S, now))

    gas_snapshot("KycRegistry.attest: unknown person", first.gas_used)
    gas_snapshot("KycRegistry.attest: known person", next_one.gas_used)


def test_attest_by_contract__gas__holds(
    gas_snapshot, registry, project, admin, anyone, attestation
):
    contract = admin.deploy(project.ContractAttestor, b"")
    registry.appointAttestor(contract, sender=admin)
    contract.approve(registry.attestationDigest(attestation), sender=admin)
    signature = bytes.fromhex(contract.address[2:])

    receipt = registry.attest(attestation, signature, sender=anyone)

    gas_snapshot("KycRegistry.attest: ERC-1271 attestor", receipt.gas_used)


def test_revoke__gas__holds(gas_snapshot, registry, record, admin, person, attestation):
    record(attestation)
    registry.appointAttestor(admin, sender=admin)

    receipt = registry.revoke(person, sender=admin)

    gas_snapshot("KycRegistry.revoke: known person", receipt.gas_used)


def test_require_deposit__gas__holds(gas_snapshot, deposit, sign, attestor, attestation):
    evidence = encode(
        ["(address,uint8,uint64,uint64)", "bytes"], [attestation, sign(attestor, attestation)]
    )

    gas_snapshot("KycRegistry.requireDeposit: new evidence", deposit(evidence).gas_used)
    gas_snapshot("KycRegistry.requireDeposit: known owner", deposit().gas_used)
