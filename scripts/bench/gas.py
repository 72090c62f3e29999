"""What a payment costs on the chain, by either carrier, beside a plain ERC-20 transfer there."""

import asyncio
import statistics
import time
from dataclasses import dataclass
from typing import Any

from backend.settlement.chain import Receipt
from causeway.transport import Request, post
from scripts.bench.stage import CODE, RICH, Stage
from scripts.demo.wallets import Call

_WAIT_S = 300
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Load:
    """What is posted."""

    transfers: int = 500
    by_blobs: int = 20_000
    by_calldata: int = 4_000


async def measure(stage: Stage, load: Load) -> dict[str, Any]:
    """Return the gas of a payment and of a transfer, and transfers a second on this chain."""
    transfers_per_s, transfer_gas = await _transfers(stage, load.transfers)
    await stage.pay_in_bulk(stage.signer.ring(load.by_blobs, RICH))
    number, blob_carried_gas, blob_gas = await _posted(stage, "blobs", 0, load.by_blobs)
    await stage.pay_in_bulk(stage.signer.ring(load.by_calldata, RICH))
    _, calldata_gas, _ = await _posted(stage, "calldata", number, load.by_calldata)
    return {
        "gas_per_payment_blob": round(blob_carried_gas, 1),
        "blob_gas_per_payment": round(blob_gas, 1),
        "gas_per_payment_calldata": round(calldata_gas, 1),
        "gas_per_transfer_erc20": round(transfer_gas, 1),
        "erc20_transfers_per_s": round(transfers_per_s, 1),
    }


async def _transfers(stage: Stage, count: int) -> tuple[float, float]:
    """Return plain ERC-20 transfers a second on this chain, and the gas of one."""
    token = stage.deployment.token(CODE)
    calls = []
    for place in range(count):
        payer, payee = stage.rich[place % RICH], stage.rich[(place + 1) % RICH]
        data = token.abi.call_data("transfer", payee.key.address, 250_000)
        calls.append(Call(payer.secret, token.address, data))
    started = time.perf_counter()
    receipts = await stage.wallets.send(calls)
    seconds = time.perf_counter() - started
    return count / seconds, statistics.mean(one.gas_used for one in receipts)


async def _posted(
    stage: Stage, carrier: str, known: int, payments: int
) -> tuple[int, float, float]:
    """Post what is final; return the newest batch, and gas and blob gas of a payment in those
    after batch `known`.
    """
    client = stage.client
    await client.send(post("/v1/batches", {"carrier": carrier}))
    deadline = time.monotonic() + _WAIT_S
    blocks = await client.send(Request("GET", "/v1/blocks", {"limit": 1}))
    newest = int(blocks["data"][0]["number"])
    while True:
        answer = await client.send(Request("GET", "/v1/batches", {"limit": 100}))
        on_chain = (one for one in answer["data"] if one["status"] != "built")
        batches = [one for one in on_chain if int(one["number"]) > known]
        if batches and int(batches[0]["header"]["lastBlockNumber"]) >= newest:
            break
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {_WAIT_S} s for batches")
        await asyncio.sleep(_POLL_S)
    receipts = [await _receipt(stage, one["tx_hash"]) for one in batches]
    gas = sum(one.gas_used for one in receipts)
    blob_gas = sum(one.blob_gas_used for one in receipts)
    return int(batches[0]["number"]), gas / payments, blob_gas / payments


async def _receipt(stage: Stage, tx_hash: str) -> Receipt:
    receipt = await stage.chain.receipt(bytes.fromhex(tx_hash[2:]))
    if receipt is None:
        raise RuntimeError(f"transaction {tx_hash} is not mined")
    return receipt
