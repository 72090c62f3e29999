"""What calls would do if an account made them now: nothing is sent.

The calls are simulated one after the other in one block (eth_simulateV1). Nodes that don't know it
are asked for each call alone (eth_call), and then no balances are known.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from backend.protocol.errors import ChainUnavailable
from backend.protocol.hashing import keccak
from backend.protocol.proposals import Call
from backend.protocol.types import Address
from backend.settlement.abi import ContractAbi, Decoded
from backend.settlement.chain import RpcError
from backend.settlement.client import ChainClient

_TRANSFER: Final = keccak(b"Transfer(address,address,uint256)")
_METHOD_NOT_FOUND: Final = -32601


@dataclass(frozen=True, slots=True)
class CallEffect:
    """One call: what it asks for, and what it is refused with, if it is."""

    call: Call
    decoded: Decoded | None
    error: str | None


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """What an account would have more, or less, of a token, in base units."""

    token: Address
    account: Address
    amount: int


@dataclass(frozen=True, slots=True)
class DryRun:
    """What all calls would do. `changes` is None if the node can't tell."""

    effects: tuple[CallEffect, ...]
    changes: tuple[BalanceChange, ...] | None

    @property
    def succeeds(self) -> bool:
        """Whether no call is refused."""
        return all(effect.error is None for effect in self.effects)


async def dry_run(
    client: ChainClient, sender: Address, calls: Sequence[Call], abi: ContractAbi
) -> DryRun:
    """Return what the calls would do. `abi` knows functions and errors. Raises ChainUnavailable."""
    asked = [_request(sender, call) for call in calls]
    try:
        answer = await client.rpc(
            "eth_simulateV1", {"blockStateCalls": [{"calls": asked}]}, "latest"
        )
    except RpcError as error:
        if error.code != _METHOD_NOT_FOUND:
            return DryRun(tuple(_effect(abi, call, str(error)) for call in calls), None)
        return await _one_by_one(client, sender, calls, abi)
    try:
        results = answer[0]["calls"]
        effects = tuple(
            _effect(abi, call, _refusal(abi, result))
            for call, result in zip(calls, results, strict=True)
        )
        return DryRun(effects, _changes(results))
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ChainUnavailable() from error


async def _one_by_one(
    client: ChainClient, sender: Address, calls: Sequence[Call], abi: ContractAbi
) -> DryRun:
    effects = []
    for call in calls:
        refusal = None
        try:
            await client.rpc("eth_call", _request(sender, call), "latest")
        except RpcError as error:
            refusal = str(abi.decode_error(error.data) or error.message)
        effects.append(_effect(abi, call, refusal))
    return DryRun(tuple(effects), None)


def _request(sender: Address, call: Call) -> dict[str, str]:
    return {
        "from": "0x" + sender.hex(),
        "to": "0x" + call.target.hex(),
        "value": hex(call.value),
        "data": "0x" + call.data.hex(),
    }


def _effect(abi: ContractAbi, call: Call, refusal: str | None) -> CallEffect:
    return CallEffect(call, abi.decode_call(call.data), refusal)


def _refusal(abi: ContractAbi, result: Mapping[str, Any]) -> str | None:
    if int(result["status"], 16) == 1:
        return None
    error = result.get("error") or {}
    data = error.get("data") or result.get("returnData") or "0x"
    decoded = abi.decode_error(bytes.fromhex(data[2:]))
    return str(decoded or error.get("message") or "the call reverts")


def _changes(results: Sequence[Mapping[str, Any]]) -> tuple[BalanceChange, ...]:
    """Return the sums of all ERC-20 transfers; what comes from nobody is minted."""
    sums: defaultdict[tuple[bytes, bytes], int] = defaultdict(int)
    for result in results:
        for log in result.get("logs", ()):
            topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
            if len(topics) != 3 or topics[0] != _TRANSFER:
                continue
            token, amount = bytes.fromhex(log["address"][2:]), int(log["data"], 16)
            sums[token, topics[1][12:]] -= amount
            sums[token, topics[2][12:]] += amount
    return tuple(
        BalanceChange(Address(token), Address(account), amount)
        for (token, account), amount in sorted(sums.items())
        if amount and any(account)
    )
