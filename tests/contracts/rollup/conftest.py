"""Actors and contracts of the rollup's tests."""

import pytest
from ape.managers.compilers import CompilerManager
from eth_abi import encode
from eth_account import Account
from eth_utils import keccak

from backend.settlement.kzg import Kzg
from tests.contracts.core import CHALLENGE_WINDOW_S, deploy_core
from tests.contracts.rollup.ledger import Ledger
from tests.contracts.rollup.operator import (
    BlobCarrier,
    Operator,
    addresses_of,
    member_keys,
    member_secrets,
)

DOLLAR = 10**6
SALT = keccak(text="salt")
RECEIVE = (
    "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,"
    "uint256 validBefore,bytes32 nonce)"
)


def deposit_nonce(asset_id, owner):
    """Return the ERC-3009 nonce that binds an authorisation to asset and owner."""
    type_hash = keccak(text="Deposit(uint16 assetId,address owner,bytes32 salt)")
    values = [type_hash, asset_id, owner, SALT]
    return keccak(encode(["bytes32", "uint16", "address", "bytes32"], values))


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
def core(project, lister, gate, keys):
    return deploy_core(project, lister, gate, addresses_of(keys))


@pytest.fixture
def committee(core):
    return core.committee


@pytest.fixture
def rollup(core):
    return core.rollup


@pytest.fixture
def exits(core):
    return core.exits


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
def signer():
    return Account.from_key(keccak(text="signer"))


@pytest.fixture
def authorization_token(project, lister, list_asset, signer):
    """A listed token with ERC-3009; the signer holds 100 dollars."""
    token = lister.deploy(project.AuthorizationToken)
    token.mint(signer.address, 100 * DOLLAR, sender=lister)
    list_asset(token)
    return token


@pytest.fixture
def authorization(rollup, authorization_token, sign_typed, signer):
    """Return the last argument of a deposit of one dollar, as the signer signed it."""

    def _authorization(owner, key=signer, type_string=RECEIVE, valid_before=2**256 - 1):
        nonce = deposit_nonce(rollup.assetIdOf(authorization_token), owner)
        values = [signer.address, rollup.address, DOLLAR, 0, valid_before, nonce]
        v, r, s = sign_typed(key, authorization_token, "Authorization", type_string, values)
        return (signer.address, 0, valid_before, SALT, v, r, s)

    return _authorization


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
