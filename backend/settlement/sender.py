"""Sends ordinary transactions of one key: nonces, fees, gas, and what became of them."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Final

from backend.protocol.errors import ChainUnavailable
from backend.protocol.signing import PrivateKey
from backend.settlement.abi import ContractAbi, ContractError
from backend.settlement.chain import (
    Contract,
    Done,
    Outcome,
    Receipt,
    Refusal,
    Refused,
    TransactionRefused,
    Unknown,
)
from backend.settlement.client import ChainClient
from backend.settlement.transactions import Transaction, fees_of, gas_limit_of, raised, sign

_WAIT_MS: Final = 60_000
_POLL_MS: Final = 100
_NO_ABI: Final = ContractAbi(())


class Sender:
    """One key's transactions, one at a time. The key is shown to nobody and not logged."""

    def __init__(self, client: ChainClient, key: PrivateKey, *, wait_ms: int = _WAIT_MS) -> None:
        self.client = client
        self.address = key.address
        self._key = key
        self._wait_ms = wait_ms
        self._lock = asyncio.Lock()
        self._sent: dict[int, Transaction] = {}  # by nonce, while they are not known to be mined

    async def next_nonce(self) -> int:
        """Return the nonce after all that the node has of this key, mined or not."""
        return await self.client.nonce(self.address, "pending")

    async def call(
        self, contract: Contract, function: str, *arguments: object, value_wei: int = 0
    ) -> Outcome:
        """Send a call of a contract's function, as `send` does."""
        data = contract.abi.call_data(function, *arguments)
        return await self.send(contract.address, data, abi=contract.abi, value_wei=value_wei)

    async def send(
        self,
        to: bytes | None,
        data: bytes,
        *,
        abi: ContractAbi = _NO_ABI,
        nonce: int | None = None,
        value_wei: int = 0,
    ) -> Outcome:
        """Send a transaction (`to` None: create a contract) and wait until it is mined.

        `value_wei` of the chain's own money go with it.

        Not idempotent: a repeat is another transaction. With `nonce`, at most one of them counts.
        Raises ChainUnavailable only while nothing has been sent.
        """
        async with self._lock:
            await self._outbid()
            try:
                estimate = await self.client.estimate_gas(
                    self.address, to, data, abi, value_wei=value_wei
                )
                transaction = Transaction(
                    chain_id=await self.client.chain_id(),
                    nonce=await self.next_nonce() if nonce is None else nonce,
                    to=to,
                    data=data,
                    gas=gas_limit_of(estimate),
                    fees=fees_of(await self.client.prices()),
                    value_wei=value_wei,
                )
                signed = sign(transaction, self._key)
            except TransactionRefused as reason:
                return Refused(reason)
            try:
                await self.client.send_raw(signed.raw)
            except TransactionRefused as reason:
                return Refused(reason)
            except ChainUnavailable:
                self._sent[transaction.nonce] = transaction
                return Unknown(signed.tx_hash)
            self._sent[transaction.nonce] = transaction
        return await self.outcome(signed.tx_hash, to, abi)

    async def outcome(
        self, tx_hash: bytes, to: bytes | None = None, abi: ContractAbi = _NO_ABI
    ) -> Outcome:
        """Wait for a transaction that was sent, and say what became of it."""
        try:
            receipt = await self._mined(tx_hash)
            if receipt is None:
                return Unknown(tx_hash)
            if receipt.is_success:
                return Done(receipt)
            error = await self._revert_reason(tx_hash, to, abi)
        except ChainUnavailable:
            return Unknown(tx_hash)
        return Refused(TransactionRefused(Refusal.REVERTED, "the transaction reverted", error))

    async def _outbid(self) -> None:
        """Bid more for what was sent and the base fee has passed: it blocks all later ones."""
        if not self._sent:
            return
        mined_count = await self.client.nonce(self.address, "latest")
        self._sent = {n: sent for n, sent in self._sent.items() if n >= mined_count}
        prices = await self.client.prices()
        for nonce, sent in self._sent.items():
            if sent.fees.max_fee_wei < prices.base_fee_wei:
                better = replace(sent, fees=raised(sent.fees, fees_of(prices)))
                with suppress(TransactionRefused):  # mined meanwhile, or gone from the node's pool
                    await self.client.send_raw(sign(better, self._key).raw)
                self._sent[nonce] = better

    async def _mined(self, tx_hash: bytes) -> Receipt | None:
        for _ in range(max(1, self._wait_ms // _POLL_MS)):
            receipt = await self.client.receipt(tx_hash)
            if receipt is not None:
                return receipt
            await asyncio.sleep(_POLL_MS / 1000)
        return None

    async def _revert_reason(
        self, tx_hash: bytes, to: bytes | None, abi: ContractAbi
    ) -> ContractError | None:
        transaction = await self.client.transaction(tx_hash)
        if transaction is None:
            return None
        return await self.client.revert_reason(transaction, to, abi)
