"""Sends many transactions of many wallets at once, and reads what became of them."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from backend.protocol.signing import PrivateKey
from backend.settlement.chain import Receipt
from backend.settlement.client import ChainClient
from backend.settlement.transactions import SignedTransaction, Transaction, fees_of, sign

# What a simple call costs at most; unused gas is not paid for.
GAS = 400_000
_RECEIPT_WAIT_S = 60
_POLL_S = 0.05
_TOGETHER = 64
_WALLET_WEI = 10**18


@dataclass(frozen=True, slots=True)
class Call:
    """A transaction to be sent: from whom, to which contract, with which data."""

    secret: bytes
    to: bytes
    data: bytes


class Wallets:
    """Every wallet of the demo, on a development chain."""

    def __init__(self, client: ChainClient) -> None:
        self._client = client
        self._gate = asyncio.Semaphore(_TOGETHER)
        self._nonces: dict[bytes, int] = defaultdict(int)

    async def give_gas_money(self, addresses: Sequence[bytes]) -> None:
        """Give each address a coin of the chain's own: only a development chain can do that."""
        await asyncio.gather(
            *(
                self._client.rpc("anvil_setBalance", "0x" + address.hex(), hex(_WALLET_WEI))
                for address in addresses
            )
        )

    async def send(self, calls: Sequence[Call]) -> list[Receipt]:
        """Send calls, each wallet's in order, and return their receipts. Raises if one fails."""
        fees = fees_of(await self._client.prices())
        chain_id = await self._client.chain_id()
        keys = {call.secret: PrivateKey(call.secret) for call in calls}
        for key in keys.values():
            if key.address not in self._nonces:
                self._nonces[key.address] = await self._client.nonce(key.address)
        signed: dict[bytes, list[SignedTransaction]] = defaultdict(list)
        hashes = []
        for call in calls:
            key = keys[call.secret]
            nonce = self._nonces[key.address]
            self._nonces[key.address] += 1
            transaction = Transaction(
                chain_id=chain_id, nonce=nonce, to=call.to, data=call.data, gas=GAS, fees=fees
            )
            signed[call.secret].append(sign(transaction, key))
            hashes.append(signed[call.secret][-1].tx_hash)
        await asyncio.gather(*map(self._send_in_order, signed.values()))
        return [await self._receipt(tx_hash) for tx_hash in hashes]

    async def _send_in_order(self, transactions: Sequence[SignedTransaction]) -> None:
        for one in transactions:
            async with self._gate:
                await self._client.send_raw(one.raw)

    async def _receipt(self, tx_hash: bytes) -> Receipt:
        for _ in range(round(_RECEIPT_WAIT_S / _POLL_S)):
            receipt = await self._client.receipt(tx_hash)
            if receipt is not None:
                if not receipt.is_success:
                    raise RuntimeError(f"transaction 0x{tx_hash.hex()} was reverted")
                return receipt
            await asyncio.sleep(_POLL_S)
        raise RuntimeError(f"transaction 0x{tx_hash.hex()} was not mined in {_RECEIPT_WAIT_S} s")
