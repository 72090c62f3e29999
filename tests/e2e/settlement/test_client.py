"""The chain's door on a real chain.

- reads: the values of a view, a contract's own error by name
- sending: done; refused by the contract before and after it is mined; no money; nonce too low
- sending the same bytes twice
- unknown: sent, not mined; asked again
- several senders' transactions at once
- unavailable: nobody listens, nobody answers
"""

import asyncio

import pytest

from backend.protocol.errors import ChainUnavailable
from backend.protocol.signing import PrivateKey
from backend.settlement.abi import ContractError
from backend.settlement.chain import (
    Done,
    Fees,
    Refusal,
    Refused,
    TransactionRefused,
    Unknown,
)
from backend.settlement.client import ChainClient
from backend.settlement.sender import Sender
from backend.settlement.transactions import Transaction, fees_of, sign
from scripts.ports import free_port
from tests.e2e.settlement.chain import DEPLOYER, OTHER_OWNER, OWNER

PENNILESS = PrivateKey(b"\x07" * 32)


async def signed(client, key, nonce, *, gas=21_000, data=b"", to=OWNER.address):
    return sign(
        Transaction(
            chain_id=await client.chain_id(),
            nonce=nonce,
            to=to,
            data=data,
            gas=gas,
            fees=fees_of(await client.prices()),
        ),
        key,
    )


async def stop_mining(client):
    await client.rpc("evm_setAutomine", False)
    await client.rpc("evm_setIntervalMining", 0)


async def test_read__reverting_view__rejects(l1):
    committee = l1.deployment.committee

    with pytest.raises(ContractError) as error:
        await l1.client.read(committee, "requireQuorum", 9, bytes(32), b"")

    assert str(error.value) == "EpochUnknown(last=1, actual=9)"


async def test_send__contract_refuses__rejects(l1):
    rollup = l1.rollup.contract

    outcome = await l1.sender(OWNER).call(rollup, "listAsset", OWNER.address, 1, bytes(20))

    assert isinstance(outcome, Refused)
    assert outcome.reason.refusal is Refusal.REVERTED
    assert outcome.reason.error.name == "SenderNotLister"
    assert outcome.reason.error.values["actual"] == OWNER.address


async def test_outcome__mined_and_reverted__rejects(l1):
    rollup = l1.rollup.contract
    data = rollup.abi.call_data("listAsset", OWNER.address, 1, bytes(20))
    transaction = await signed(l1.client, OWNER, 0, gas=200_000, data=data, to=rollup.address)
    await l1.client.send_raw(transaction.raw)

    outcome = await l1.sender(OWNER).outcome(transaction.tx_hash, rollup.address, rollup.abi)

    assert isinstance(outcome, Refused)
    assert outcome.reason.error.name == "SenderNotLister"


async def test_send_raw__no_money__rejects(client):
    transaction = await signed(client, PENNILESS, 0)

    with pytest.raises(TransactionRefused) as error:
        await client.send_raw(transaction.raw)

    assert error.value.refusal is Refusal.INSUFFICIENT_FUNDS


async def test_send_raw__nonce_too_low__rejects(l1):
    transaction = await signed(l1.client, DEPLOYER, 0)

    with pytest.raises(TransactionRefused) as error:
        await l1.client.send_raw(transaction.raw)

    assert error.value.refusal is Refusal.NONCE_TOO_LOW


async def test_send_raw__twice__changes_nothing(client):
    await stop_mining(client)
    transaction = await signed(client, OWNER, 0)

    await client.send_raw(transaction.raw)
    await client.send_raw(transaction.raw)

    assert await client.nonce(OWNER.address, "pending") == 1


async def test_send_raw__underpriced__rejects(client):
    await stop_mining(client)
    first = await signed(client, OWNER, 0)
    await client.send_raw(first.raw)
    cheap = sign(Transaction(31337, 0, OWNER.address, b"", 21_000, Fees(2 * 10**9, 1)), OWNER)

    with pytest.raises(TransactionRefused) as error:
        await client.send_raw(cheap.raw)

    assert error.value.refusal is Refusal.UNDERPRICED


async def test_send__not_mined__unknown_holds(l1):
    await stop_mining(l1.client)
    sender = Sender(l1.client, OWNER, wait_ms=200)
    token = l1.deployment.token("USDX")

    outcome = await sender.call(token, "approve", OTHER_OWNER.address, 1)
    await l1.mine()
    later = await sender.outcome(outcome.tx_hash)

    assert isinstance(outcome, Unknown)
    assert isinstance(later, Done)


async def test_send__many_at_once__succeeds(l1):
    sender, token = l1.sender(OWNER), l1.deployment.token("USDX")

    outcomes = await asyncio.gather(
        *(sender.call(token, "approve", OTHER_OWNER.address, amount) for amount in range(10))
    )

    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert await l1.client.nonce(OWNER.address) == 10


async def test_rpc__nobody_listens__rejects():
    client = ChainClient(f"http://127.0.0.1:{free_port()}")

    with pytest.raises(ChainUnavailable):
        await client.chain_id()
    await client.close()


async def test_rpc__nobody_answers__rejects():
    async def silence(reader, writer):
        await asyncio.sleep(10)

    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = ChainClient(f"http://127.0.0.1:{port}", timeout_s=1)

    with pytest.raises(ChainUnavailable):
        await client.chain_id()
    await client.close()
    server.close()


async def test_send__answer_lost__unknown_holds(l1, monkeypatch):
    """The node took the transaction, but its answer never came: it is not taken for failed."""
    sender, token = Sender(l1.client, OWNER), l1.deployment.token("USDX")
    send_raw = l1.client.send_raw

    async def send_and_lose(raw):
        await send_raw(raw)
        raise ChainUnavailable()

    monkeypatch.setattr(l1.client, "send_raw", send_and_lose)
    outcome = await sender.call(token, "approve", OTHER_OWNER.address, 1)

    assert isinstance(outcome, Unknown)
    assert isinstance(await sender.outcome(outcome.tx_hash), Done)


async def test_send__base_fee_passed_the_bid_before__outbids_it_succeeds(l1):
    """Or it would block all later ones of the key."""
    sender, token = Sender(l1.client, OWNER, wait_ms=100), l1.deployment.token("USDX")
    await l1.client.rpc("evm_setIntervalMining", 0)
    await l1.set_automine(False)
    first = await sender.call(token, "approve", OTHER_OWNER.address, 1)
    dear_wei = 100 * (await l1.client.latest()).base_fee_wei
    await l1.client.rpc("anvil_setNextBlockBaseFeePerGas", hex(dear_wei))
    await l1.mine()
    assert isinstance(first, Unknown)
    assert await l1.client.receipt(first.tx_hash) is None

    await sender.call(token, "approve", OTHER_OWNER.address, 2)
    await l1.mine()

    assert await l1.client.nonce(OWNER.address, "latest") == 2
    assert await l1.client.read(token, "allowance", OWNER.address, OTHER_OWNER.address) == 2
