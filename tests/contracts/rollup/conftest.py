"""Actors and contracts of the rollup's tests."""

import pytest
from ape.managers.compilers import CompilerManager

from backend.settlement.kzg import Kzg
from tests.contracts.rollup.ledger import Ledger
from tests.contracts.rollup.operator import (
    BlobCarrier,
    Operator,
    addresses_of,
    member_keys,
    member_secrets,
)

CHALLENGE_WINDOW_S = 60
TIMESTAMP_LAG_S = 86_400
DOLLAR = 10**6


@pytest.fixture(autouse=True)
def errors_by_their_bytes(monkeypatch):
    """Keep ape from looking for the name of an error that isn't the called contract's own.

    It walks the transaction's trace for it, up to 20 s for a claim; `reverts` reads the bytes.
    """
    monkeypatch.setattr(CompilerManager, "get_custom_error", lambda *_: None)


@pytest.fixture
def lister(accounts):
    return accounts[0]


@pytest.fixture
def payer(accounts):
    return accounts[1]


@pytest.fixture
def payee(accounts):
    return accounts[2]


@pytest.fixture
def attacker(accounts):
    return accounts[3]


@pytest.fixture
def gate(project, lister):
    return lister.deploy(project.SwitchGate)


@pytest.fixture
def keys():
    return member_keys(4)


@pytest.fixture
def committee(project, lister, keys):
    return lister.deploy(project.Committee, lister, addresses_of(keys))


@pytest.fixture
def rollup(project, lister, committee, gate):
    return lister.deploy(
        project.Rollup, committee, gate, lister, CHALLENGE_WINDOW_S, TIMESTAMP_LAG_S
    )


@pytest.fixture
def token(project, lister):
    return lister.deploy(project.ReturnBoolToken, "Test Dollar", "TUSD", 6)


@pytest.fixture
def list_asset(rollup, lister):
    """List a token and return its asset id."""

    def _list(token, unit=1, fee_owner="0x" + "00" * 20):
        rollup.listAsset(token, unit, fee_owner, sender=lister)
        return rollup.assetIdOf(token)

    return _list


@pytest.fixture
def asset_id(list_asset, token):
    return list_asset(token)


@pytest.fixture
def deposit(rollup, payer):
    """Mint, approve and deposit, all by the payer, and return the receipt."""

    def _deposit(token, amount, owner=payer, evidence=b""):
        token.mint(payer, amount, sender=payer)
        token.approve(rollup, amount, sender=payer)
        asset_id = rollup.assetIdOf(token)
        return rollup.deposit(asset_id, owner, amount, evidence, sender=payer)

    return _deposit


@pytest.fixture
def operator(rollup, lister, chain, keys):
    return Operator(rollup, lister, chain.provider, keys)


@pytest.fixture(scope="session")
def kzg():
    kzg = Kzg()
    yield kzg
    kzg.close()


@pytest.fixture
def blob_carrier(chain, lister, kzg):
    carrier = BlobCarrier(chain.provider, member_secrets(1, seed=1)[0], kzg)
    lister.transfer(carrier.address, 10**19)
    return carrier


@pytest.fixture
def ledger():
    return Ledger()


@pytest.fixture
def pass_window(chain):
    """Let the challenge window of all that was accepted pass."""

    def _pass():
        chain.mine(timestamp=chain.pending_timestamp + CHALLENGE_WINDOW_S)

    return _pass
