"""A person with a key and a node's URL: eth-account and raw JSON-RPC, nothing of ours."""

import json
import time
import urllib.request
from typing import Any

from eth_account import Account
from eth_utils.abi import function_signature_to_4byte_selector

_MINED_S_MAX = 60


class PlainWallet:
    """Sends what a file tells it to send."""

    def __init__(self, rpc_url: str, secret: bytes) -> None:
        self._url = rpc_url
        self._account = Account.from_key(secret)
        self.address = self._account.address

    def rpc(self, method: str, *params: Any) -> Any:
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        request = urllib.request.Request(
            self._url, json.dumps(question).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.load(response)
        if "error" in answer:
            raise RuntimeError(answer["error"]["message"])
        return answer["result"]

    def send(self, call: dict[str, Any]) -> bool:
        """Send one call of an exit kit; return whether it succeeded. Raises RuntimeError if the
        node foresees that it reverts."""
        value = int(call["value"])
        question = {"from": self.address, "to": call["to"], "data": call["data"]}
        gas = int(self.rpc("eth_estimateGas", question | {"value": hex(value)}), 16)
        transaction = {
            "to": call["to"],
            "data": call["data"],
            "value": value,
            "gas": gas,
            "nonce": int(self.rpc("eth_getTransactionCount", self.address, "latest"), 16),
            "chainId": int(self.rpc("eth_chainId"), 16),
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": 10**9,
        }
        signed = self._account.sign_transaction(transaction)
        return self._has_succeeded(
            self.rpc("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex())
        )

    def _has_succeeded(self, tx_hash: str) -> bool:
        deadline = time.monotonic() + _MINED_S_MAX
        while (receipt := self.rpc("eth_getTransactionReceipt", tx_hash)) is None:
            assert time.monotonic() < deadline, f"{tx_hash} was not mined"
            time.sleep(0.05)
        return int(receipt["status"], 16) == 1

    def token_balance(self, token: str, owner: str | None = None) -> int:
        """Return base units of an ERC-20 token."""
        return self.number(token, "balanceOf(address)", owner or self.address)

    def number(self, contract: str, function: str, *addresses: str) -> int:
        """Return the number that a view answers."""
        data = function_signature_to_4byte_selector(function).hex()
        data += "".join(address[2:].rjust(64, "0") for address in addresses)
        return int(self.rpc("eth_call", {"to": contract, "data": "0x" + data}, "latest"), 16)

    def ts_s(self) -> int:
        """Return L1 time."""
        return int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def pass_time_until(self, ts_s: int) -> None:
        """Let a development chain's time pass: its next block is no earlier than that."""
        self.rpc("evm_increaseTime", hex(max(ts_s - self.ts_s(), 0)))
        self.rpc("evm_mine")
