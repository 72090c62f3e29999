"""What the stablecoin's transactions cost, and how large it is.

- mint, burn, transfer, supervision, permit, authorizations → as in tests/gas_snapshot.json
- runtime code stays below 20,000 bytes
"""

import pytest
from eth_account import Account
from eth_utils import keccak

RUNTIME_SIZE_BYTES_MAX = 20_000
UINT256_MAX = 2**256 - 1
DOLLAR = 10**6
NAME = "Causeway Dollar"
PERMIT = "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
AUTHORIZATION_FIELDS = (
    "(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)


@pytest.fixture
def issuer(accounts):
    return accounts[0]


@pytest.fixture
def payee(accounts):
    return accounts[1]


@pytest.fixture
def payer():
    return Account.from_key(keccak(text="payer"))


@pytest.fixture
def token(issue, issuer, payer):
    """The issuer and the payer hold 100 dollars each."""
    token = issue(issuer)
    token.mint(issuer, 100 * DOLLAR, sender=issuer)
    token.mint(payer.address, 100 * DOLLAR, sender=issuer)
    return token


def test_deploy__stablecoin_size__holds(chain, token):
    assert len(chain.provider.get_code(token.address)) <= RUNTIME_SIZE_BYTES_MAX


def test_mint_and_burn__gas__holds(gas_snapshot, token, issuer, payee):
    mint = token.mint(payee, DOLLAR, sender=issuer)
    burn = token.burn(DOLLAR, sender=issuer)

    gas_snapshot("Stablecoin.mint: new holder", mint.gas_used)
    gas_snapshot("Stablecoin.burn: part of the balance", burn.gas_used)


def test_transfer__gas__holds(gas_snapshot, token, issuer, payee):
    first = token.transfer(payee, DOLLAR, sender=issuer)
    second = token.transfer(payee, DOLLAR, sender=issuer)

    gas_snapshot("Stablecoin.transfer: new holder", first.gas_used)
    gas_snapshot("Stablecoin.transfer: old holder", second.gas_used)


def test_supervision__gas__holds(gas_snapshot, token, issuer, payee, payer):
    calls = {
        "configureMinter: new minter": token.configureMinter(payee, DOLLAR, sender=issuer),
        "freeze: first time": token.freeze(payer.address, sender=issuer),
        "seize: new holder": token.seize(payer.address, payee, DOLLAR, sender=issuer),
        "unfreeze: frozen account": token.unfreeze(payer.address, sender=issuer),
        "pause: usual": token.pause(sender=issuer),
        "unpause: usual": token.unpause(sender=issuer),
    }

    for case, receipt in calls.items():
        gas_snapshot(f"Stablecoin.{case}", receipt.gas_used)


def test_permit__gas__holds(gas_snapshot, token, sign_typed, payer, payee, issuer):
    values = [payer.address, str(payee.address), DOLLAR, 0, UINT256_MAX]
    signature = sign_typed(payer, token, NAME, PERMIT, values)

    receipt = token.permit(*values[:3], UINT256_MAX, *signature, sender=issuer)

    gas_snapshot("Stablecoin.permit: first of an owner", receipt.gas_used)


@pytest.mark.parametrize("verb", ["transfer", "receive"])
def test_authorization__gas__holds(gas_snapshot, token, sign_typed, payer, payee, verb):
    values = [payer.address, str(payee.address), DOLLAR, 0, UINT256_MAX, keccak(text="nonce")]
    type_string = f"{verb.capitalize()}WithAuthorization{AUTHORIZATION_FIELDS}"
    signature = sign_typed(payer, token, NAME, type_string, values)

    receipt = getattr(token, f"{verb}WithAuthorization")(*values, *signature, sender=payee)

    gas_snapshot(f"Stablecoin.{verb}WithAuthorization: new holder", receipt.gas_used)
