"""The chain's door: one endpoint, typed questions and answers. Only here is web3 imported.

Calls raise `ChainUnavailable` when the node can't be reached, doesn't answer in time or answers
what nobody can read, and `RpcError` when it answers with an error.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias, TypeVar

import aiohttp
from eth_abi.exceptions import DecodingError
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import Web3Exception
from web3.types import RPCEndpoint

from backend.protocol.errors import ChainUnavailable
from backend.settlement.abi import ContractAbi, ContractError
from backend.settlement.chain import (
    Contract,
    L1Block,
    L1Log,
    L1Point,
    L1Transaction,
    Prices,
    Receipt,
    RpcError,
    TransactionRefused,
    is_already_known,
    refusal_of,
)

LOG_BLOCKS_MAX: Final = 2_000  # asked for logs at once; public nodes refuse much more
_TIMEOUT_S: Final = 20
# What a wallet bids if the node doesn't say: one gwei, the smallest that public nodes like.
_PRIORITY_FEE_WEI: Final = 10**9
_METHOD_NOT_FOUND: Final = -32601
# What reading an answer raises that has another shape than JSON-RPC says.
_UNREADABLE: Final = (KeyError, TypeError, ValueError, AttributeError)

_T = TypeVar("_T")

BlockId: TypeAlias = int | str  # a number, "latest" or "finalized"


class ChainClient:
    """A connection to one node. Cheap to make; nothing is sent before the first question."""

    def __init__(self, url: str, *, timeout_s: int = _TIMEOUT_S) -> None:
        self.url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._provider = AsyncHTTPProvider(
            url,
            request_kwargs={"timeout": self._timeout},
            exception_retry_configuration=None,  # who asks decides what a failure means
        )
        self._web3 = AsyncWeb3(self._provider)
        self._session: aiohttp.ClientSession | None = None
        self._chain_id: int | None = None

    async def close(self) -> None:
        """Close the connections. A later call opens new ones."""
        await self._provider.disconnect()
        self._session = None

    async def rpc(self, method: str, *params: Any) -> Any:
        """Ask the node by a method of JSON-RPC and return its bare result."""
        try:
            await self._keep_alive()
            answer = await self._web3.provider.make_request(RPCEndpoint(method), list(params))
        except (aiohttp.ClientError, TimeoutError, OSError, Web3Exception, ValueError) as error:
            raise ChainUnavailable() from error
        if not isinstance(answer, dict) or not answer.keys() & {"error", "result"}:
            raise ChainUnavailable()
        if "error" in answer:
            raise _rpc_error(answer["error"])
        return answer.get("result")

    async def _ask(self, read: Callable[[Any], _T], method: str, *params: Any) -> _T:
        """Return what `read` makes of the result; if it can't, that was no answer."""
        result = await self.rpc(method, *params)
        try:
            return read(result)
        except _UNREADABLE as error:
            raise ChainUnavailable() from error

    # Blocks and accounts

    async def chain_id(self) -> int:
        """Return the chain's id; asked once."""
        if self._chain_id is None:
            self._chain_id = await self._ask(_number, "eth_chainId")
        return self._chain_id

    async def block(self, block_id: BlockId) -> L1Block | None:
        """Return a block's head; None if there is none (yet, or any longer)."""
        return await self._ask(_block, "eth_getBlockByNumber", _block_id(block_id), False)

    async def latest(self) -> L1Block:
        """Return the newest block's head."""
        block = await self.block("latest")
        if block is None:
            raise ChainUnavailable()  # a node that has only just started
        return block

    async def code(self, address: bytes) -> bytes:
        """Return the code at an address; empty if it has none."""
        return await self._ask(_bytes, "eth_getCode", _hex(address), "latest")

    async def balance_wei(self, address: bytes) -> int:
        """Return an address's own money."""
        return await self._ask(_number, "eth_getBalance", _hex(address), "latest")

    async def nonce(self, address: bytes, block_id: BlockId = "latest") -> int:
        """Return the next nonce of an address; with "pending", after what the pool holds."""
        block = _block_id(block_id)
        return await self._ask(_number, "eth_getTransactionCount", _hex(address), block)

    # Contracts

    async def read(
        self, contract: Contract, function: str, *arguments: Any, block_id: BlockId = "latest"
    ) -> Any:
        """Return what a view function answers.

        Raises the contract's ContractError; RpcError if no such contract is there.
        """
        call = {
            "to": _hex(contract.address),
            "data": _hex(contract.abi.call_data(function, *arguments)),
        }
        try:
            answer = await self._ask(_bytes, "eth_call", call, _block_id(block_id))
        except RpcError as error:
            raise contract.abi.decode_error(error.data) or error from error
        try:
            return contract.abi.output(function, answer)
        except DecodingError as error:
            raise RpcError(0, f"0x{contract.address.hex()} doesn't know {function}") from error

    async def logs(
        self,
        addresses: Sequence[bytes],
        from_block: int,
        to_block: int,
        topics: Sequence[bytes | None] = (),
    ) -> list[L1Log]:
        """Return what contracts reported in a range of blocks, both ends included, in order."""
        query: dict[str, Any] = {"fromBlock": hex(from_block), "toBlock": hex(to_block)}
        return await self._logs(addresses, topics, query)

    async def logs_of_block(self, addresses: Sequence[bytes], block_hash: bytes) -> list[L1Log]:
        """Return what contracts reported in the very block of this hash.

        Raises RpcError if the node has no such block (any longer).
        """
        return await self._logs(addresses, (), {"blockHash": _hex(block_hash)})

    # Transactions

    async def prices(self) -> Prices:
        """Return what a transaction in the next block costs."""
        block = await self.latest()
        try:
            priority = await self._ask(_number, "eth_maxPriorityFeePerGas")
        except RpcError:
            priority = _PRIORITY_FEE_WEI
        try:
            blob_fee = await self._ask(_number, "eth_blobBaseFee")
        except RpcError:
            return Prices(block.base_fee_wei, priority, None)
        return Prices(block.base_fee_wei, priority, blob_fee)

    async def estimate_gas(
        self,
        sender: bytes,
        to: bytes | None,
        data: bytes,
        abi: ContractAbi,
        versioned_hashes: Sequence[bytes] = (),
        value_wei: int = 0,
    ) -> int:
        """Return the gas that a transaction would use. Raises TransactionRefused if it reverts."""
        call: dict[str, Any] = {"from": _hex(sender), "data": _hex(data)}
        if value_wei:
            call["value"] = hex(value_wei)
        if versioned_hashes:
            call["blobVersionedHashes"] = [_hex(each) for each in versioned_hashes]
        if to is not None:
            call["to"] = _hex(to)
        try:
            # Said outright: some nodes would count in what is in their pool.
            return await self._ask(_number, "eth_estimateGas", call, "latest")
        except RpcError as error:
            raise refused(error, abi) from error

    async def send_raw(self, raw: bytes) -> None:
        """Hand a signed transaction to the node. Sending it again changes nothing.

        Raises TransactionRefused if the node won't have it. After ChainUnavailable the node may
        have it all the same.
        """
        try:
            await self.rpc("eth_sendRawTransaction", _hex(raw))
        except RpcError as error:
            if not is_already_known(error.message):
                raise refused(error) from error

    async def transaction(self, tx_hash: bytes) -> L1Transaction | None:
        """Return a transaction from a block or the pool; None if the node doesn't know it."""
        return await self._ask(_transaction, "eth_getTransactionByHash", _hex(tx_hash))

    async def receipt(self, tx_hash: bytes) -> Receipt | None:
        """Return what became of a transaction; None if it isn't mined."""
        try:
            return await self._ask(_receipt, "eth_getTransactionReceipt", _hex(tx_hash))
        except RpcError as error:
            if error.code == _METHOD_NOT_FOUND:
                raise
            return None  # some nodes answer so while they are indexing

    async def revert_reason(
        self, transaction: L1Transaction, to: bytes | None, abi: ContractAbi
    ) -> ContractError | None:
        """Return why a mined transaction reverted, by doing it again on the block before."""
        call = {"from": _hex(transaction.sender), "data": _hex(transaction.data)}
        if to is not None:
            call["to"] = _hex(to)
        before = transaction.block.number - 1 if transaction.block else "latest"
        try:
            await self.rpc("eth_call", call, _block_id(before))
        except RpcError as error:
            return abi.decode_error(error.data)
        return None

    async def _logs(
        self, addresses: Sequence[bytes], topics: Sequence[bytes | None], query: dict[str, Any]
    ) -> list[L1Log]:
        query["address"] = [_hex(address) for address in addresses]
        if topics:
            query["topics"] = [None if topic is None else _hex(topic) for topic in topics]
        return await self._ask(_logs, "eth_getLogs", query)

    async def _keep_alive(self) -> None:
        """Give web3 a session that keeps its connections; its own opens one for each call."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(raise_for_status=True, timeout=self._timeout)
            await self._provider.cache_async_session(self._session)


def block_ranges(first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of blocks, both ends included, whose logs may be asked for at once."""
    for start in range(first, last + 1, LOG_BLOCKS_MAX):
        yield start, min(start + LOG_BLOCKS_MAX - 1, last)


def refused(error: RpcError, abi: ContractAbi | None = None) -> TransactionRefused:
    """Return a node's error as what it means for the transaction."""
    decoded = abi.decode_error(error.data) if abi is not None and error.data else None
    return TransactionRefused(refusal_of(error.message), error.message, decoded)


def _rpc_error(error: Any) -> RpcError:
    if not isinstance(error, dict):
        return RpcError(0, str(error))
    data = error.get("data")
    if isinstance(data, dict):  # Hardhat wraps it once more
        data = data.get("data")
    code, message = error.get("code"), str(error.get("message", ""))
    code = code if isinstance(code, int) else 0
    try:
        return RpcError(code, message, _bytes(data))
    except _UNREADABLE:
        return RpcError(code, message)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _bytes(text: Any) -> bytes:
    if not text.startswith("0x"):
        raise ValueError("no hexadecimal data")
    return bytes.fromhex(text[2:])


def _number(text: str) -> int:
    return int(text, 16)


def _block_id(block_id: BlockId) -> str:
    return hex(block_id) if isinstance(block_id, int) else block_id


def _block(found: Any) -> L1Block | None:
    if found is None:
        return None
    return L1Block(
        number=int(found["number"], 16),
        block_hash=_bytes(found["hash"]),
        parent_hash=_bytes(found["parentHash"]),
        ts_s=int(found["timestamp"], 16),
        base_fee_wei=int(found.get("baseFeePerGas", "0x0"), 16),
    )


def _logs(found: Any) -> list[L1Log]:
    return [_log(one) for one in found]


def _log(found: Any) -> L1Log:
    return L1Log(
        address=_bytes(found["address"]),
        topics=tuple(map(_bytes, found["topics"])),
        data=_bytes(found["data"]),
        block=L1Point(int(found["blockNumber"], 16), _bytes(found["blockHash"])),
        tx_hash=_bytes(found["transactionHash"]),
        log_index=int(found["logIndex"], 16),
    )


def _transaction(found: Any) -> L1Transaction | None:
    if found is None:
        return None
    is_mined = found.get("blockNumber") is not None
    return L1Transaction(
        tx_hash=_bytes(found["hash"]),
        sender=_bytes(found["from"]),
        nonce=int(found["nonce"], 16),
        data=_bytes(found["input"]),
        block=L1Point(int(found["blockNumber"], 16), _bytes(found["blockHash"]))
        if is_mined
        else None,
        versioned_hashes=tuple(map(_bytes, found.get("blobVersionedHashes") or [])),
    )


def _receipt(found: Any) -> Receipt | None:
    if found is None:
        return None
    return Receipt(
        tx_hash=_bytes(found["transactionHash"]),
        block=L1Point(int(found["blockNumber"], 16), _bytes(found["blockHash"])),
        is_success=int(found["status"], 16) == 1,
        gas_used=int(found["gasUsed"], 16),
        gas_price_wei=int(found.get("effectiveGasPrice") or "0x0", 16),
        blob_gas_used=int(found.get("blobGasUsed") or "0x0", 16),
    )
