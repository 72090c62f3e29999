"""Deposits that a holder signs and another wallet sends, on a real platform and chain.

- a holder without gas money signs; a relayer sends; it is credited, and the holder paid no gas
- for another owner; a regulated asset
- redirected to another owner, asset or amount: the chain refuses it, and so does the API
- sent twice: taken once, and the API says so
"""

import asyncio

import pytest

from backend.console.actions import open_actions
from backend.console.errors import TransactionFailed
from backend.protocol.hashing import keccak
from backend.protocol.money import to_base
from backend.protocol.signing import PrivateKey
from backend.protocol.types import Address
from backend.settlement.anvil import dev_key
from backend.settlement.chain import Done
from backend.settlement.client import ChainClient
from backend.settlement.sender import Sender
from causeway import ApiStatusError, Key
from causeway.depositing import sign_authorization

AMOUNT = 5 * 10**6  # minor units of each asset: five whole ones


@pytest.fixture(scope="module")
def actions(running_platform):
    with open_actions(running_platform.settings) as opened:
        relayer = opened.people.new("signed-relayer")
        opened.fill_wallet(relayer, opened.asset("USDX"), 0)
        yield opened


@pytest.fixture
def holder(actions, request):
    """A checked holder of dollars and euros, whose wallet has no ether; named after the test."""
    name = f"signed-{keccak(request.node.name.encode()).hex()[:8]}"
    person = actions.people.new(name)
    actions.apply_for_kyc(name)
    for code in ("USDX", "EURX"):
        give(actions, code, person.address)
    return person


@pytest.fixture(scope="module")
def thief(actions):
    """Somebody whom the chain knows as checked: only a signature keeps him from others' money."""
    person = actions.people.new("signed-thief")
    actions.apply_for_kyc("signed-thief")
    actions.record_attestation("signed-thief")
    return person


def give(actions, code: str, owner: Address) -> None:
    """Let the issuer mint what a deposit takes."""

    async def mint() -> None:
        client = ChainClient(actions.settings.rpc_url)
        try:
            amount = to_base(AMOUNT, actions.asset(code).unit)
            token = actions.deployment.token(code)
            outcome = await Sender(client, dev_key(0)).call(token, "mint", owner, amount)
            assert isinstance(outcome, Done)
        finally:
            await client.close()

    asyncio.run(mint())


def ether(actions, owner: Address) -> int:
    async def ask() -> int:
        client = ChainClient(actions.settings.rpc_url)
        try:
            return await client.balance_wei(owner)
        finally:
            await client.close()

    return asyncio.run(ask())


def relay(actions, transaction, **changes) -> str:
    """Let the relayer send a prepared transaction, some of its arguments replaced."""
    rollup = actions.deployment.rollup
    call = rollup.abi.decode_call(bytes.fromhex(transaction["data"][2:]))
    values = {**call.values, "authorization": tuple(call.values["authorization"].values())}
    data = rollup.abi.call_data(call.name, *(values | changes).values())
    return actions.send(actions.people["signed-relayer"], rollup, data, "deposit")


def balance(actions, owner: Address, code: str) -> int:
    accounts = actions.client.accounts.list(owner=owner, asset=code)
    return sum(account.balance for account in accounts)


def refused(call) -> str:
    with pytest.raises(ApiStatusError) as caught:
        call()
    return caught.value.code


def test_deposit__relayed__is_credited_without_gas_succeeds(actions, holder):
    prepared = actions.client.deposits.authorize(holder.order_key, asset="EURX", amount=AMOUNT)

    deposit = actions.credited(holder, relay(actions, *prepared.transactions))

    assert (deposit.status, deposit.amount) == ("credited", AMOUNT)
    assert balance(actions, holder.address, "EURX") == AMOUNT
    assert ether(actions, holder.address) == 0


def test_deposit__bond__is_credited_without_gas_succeeds(actions, holder):
    actions.record_attestation(holder, "signed-relayer")
    give(actions, "BOND", holder.address)

    prepared = actions.client.deposits.authorize(holder.order_key, asset="BOND", amount=AMOUNT)
    deposit = actions.credited(holder, relay(actions, *prepared.transactions))

    assert deposit.status == "credited"
    assert ether(actions, holder.address) == 0


def test_deposit__signed_by_a_patron__is_credited_to_the_owner_succeeds(actions, holder):
    patron = PrivateKey(keccak(b"patron of the tests"))
    give(actions, "USDX", patron.address)
    key = Key(keccak(b"patron of the tests"))

    prepared = actions.client.deposits.authorize(
        key, asset="USDX", amount=AMOUNT, owner=holder.address
    )
    actions.credited(holder, relay(actions, *prepared.transactions))

    assert balance(actions, holder.address, "USDX") == AMOUNT
    assert balance(actions, patron.address, "USDX") == 0


def test_relay__redirected__reverts(actions, holder, thief):
    # Little enough to be an amount of the other asset too.
    prepared = actions.client.deposits.authorize(holder.order_key, asset="EURX", amount=5)
    (transaction,) = prepared.transactions
    more = to_base(6, actions.asset("EURX").unit)

    for changes in (
        {"owner": thief.address, "evidence": b""},
        {"assetId": actions.asset("USDX").asset_id},
        {"amount": more},
    ):
        with pytest.raises(TransactionFailed, match="ERC3009InvalidSignature"):
            relay(actions, transaction, **changes)

    deposit = actions.credited(holder, relay(actions, transaction))
    assert deposit.amount == 5
    assert balance(actions, thief.address, "EURX") == 0


def test_prepare__redirected_or_sent_before__rejects(actions, holder, thief):
    trust, prepare = actions.client.trust, actions.client.deposits.prepare
    wish = {"asset": "EURX", "amount": AMOUNT, "depositor": holder.address}
    offer = prepare(owner=holder.address, **wish).authorization
    signed = sign_authorization(
        trust, holder.order_key, actions.asset("EURX"), holder.address, AMOUNT, offer
    )
    prepared = prepare(owner=holder.address, authorization=signed, **wish)

    other_owner = refused(lambda: prepare(owner=thief.address, authorization=signed, **wish))
    tx_hash = relay(actions, *prepared.transactions)
    again = refused(lambda: prepare(owner=holder.address, authorization=signed, **wish))
    with pytest.raises(TransactionFailed, match="ERC3009UsedAuthorization"):
        relay(actions, *prepared.transactions)

    assert (other_owner, again) == ("SIGNATURE_INVALID", "SIGNATURE_INVALID")
    actions.credited(holder, tx_hash)
    assert balance(actions, holder.address, "EURX") == AMOUNT
