"""What anybody can ask an L1 node about one rollup, with eth_abi alone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

from eth_abi import decode, encode

from tests.independent.blocks import Epoch
from tests.independent.codec import keccak, require
from tests.independent.deposits import Deposit
from tests.independent.exits import Exit
from tests.independent.facts import Facts
from tests.independent.levels import Attested, Dismissed, Levels, Revoked
from tests.independent.records import Root
from tests.independent.state import Asset

EXIT_REQUEST = "(uint64,uint64,uint64,address,bytes32,uint256)"
# Of a log in L1's order: block number, and index in the block.
Place = tuple[int, int]


def bytes_of(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def selector(name: str, kinds: Sequence[str]) -> bytes:
    return keccak(f"{name}({','.join(kinds)})".encode())[:4]


def _question(to: bytes, name: str, kinds: Sequence[str], values: Sequence[Any]) -> dict[str, str]:
    data = selector(name, kinds) + encode(kinds, values)
    return {"to": "0x" + to.hex(), "data": "0x" + data.hex()}


@dataclass(frozen=True)
class Log:
    block_number: int
    index: int
    tx_hash: str
    topics: list[bytes]
    data: bytes

    @property
    def place(self) -> Place:
        return self.block_number, self.index

    def words(self, *kinds: str) -> tuple[Any, ...]:
        return decode(kinds, self.data)


class Node:
    def __init__(self, url: str, rollup: bytes) -> None:
        self.url = url
        self.rollup = rollup

    def ask(self, method: str, *parameters: Any) -> Any:
        return self._answer(method, *parameters)["result"]

    def _answer(self, method: str, *parameters: Any) -> Any:
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        headers = {"content-type": "application/json"}
        with urlopen(Request(self.url, json.dumps(question).encode(), headers)) as answer:
            return json.load(answer)

    def call(self, to: bytes, name: str, kinds: Sequence[str] = (), *values: Any) -> bytes:
        return bytes_of(self.ask("eth_call", _question(to, name, kinds, values), "latest"))

    def would_succeed(self, to: bytes, name: str, kinds: Sequence[str], *values: Any) -> bool:
        """Whether a transaction with this call would not revert now."""
        return "result" in self._answer("eth_call", _question(to, name, kinds, values), "latest")

    def number(self, name: str) -> int:
        return int.from_bytes(self.call(self.rollup, name))

    def logs(self, event: str, address: bytes | None = None) -> list[Log]:
        """All logs of an event, whose signature it is, in order."""
        found = self.ask(
            "eth_getLogs",
            {
                "fromBlock": "0x0",
                "address": "0x" + (address or self.rollup).hex(),
                "topics": ["0x" + keccak(event.encode()).hex()],
            },
        )
        return [
            Log(
                int(log["blockNumber"], 16),
                int(log["logIndex"], 16),
                log["transactionHash"],
                [bytes_of(topic) for topic in log["topics"]],
                bytes_of(log["data"]),
            )
            for log in found
        ]

    def block_hash(self, number: int) -> bytes:
        return bytes_of(self.ask("eth_getBlockByNumber", hex(number), False)["hash"])

    def part(self, name: str) -> bytes:
        """The address of another contract of the rollup's."""
        return self.call(self.rollup, name)[-20:]

    def epochs(self) -> list[tuple[Place, Epoch]]:
        """The committees that L1 has begun, each with its place; none is missing."""
        found = []
        for log in self.logs("EpochBegun(uint32,address[])", self.part("committee")):
            members = tuple(bytes_of(member) for member in log.words("address[]")[0])
            epoch = Epoch(int.from_bytes(log.topics[1]), members)
            require(epoch.number == len(found) + 1, "an epoch is missing")
            found.append((log.place, epoch))
        return found

    def listings(self) -> list[tuple[int, Asset]]:
        """With their L1 blocks."""
        found = []
        for log in self.logs("AssetListed(uint16,address,uint64,address)"):
            unit, fee_owner = log.words("uint64", "address")
            asset_id, token = int.from_bytes(log.topics[1]), log.topics[2][-20:]
            found.append((log.block_number, Asset(asset_id, token, unit, bytes_of(fee_owner))))
        return found

    def deposits(self) -> list[tuple[int, Deposit]]:
        """With their L1 blocks; the hash chain is checked on the way."""
        found, previous = [], bytes(32)
        kinds = ("address", "uint48", "uint64", "bytes32")
        for log in self.logs("DepositQueued(uint64,address,uint16,address,uint48,uint64,bytes32)"):
            token, amount_minor, ts_s, hashed = log.words(*kinds)
            index, owner = int.from_bytes(log.topics[1]), log.topics[2][-20:]
            asset_id = int.from_bytes(log.topics[3])
            deposit = Deposit(bytes_of(token), asset_id, owner, amount_minor, ts_s)
            previous = deposit.link(previous)
            require(index == len(found) and hashed == previous, "the queue has another hash")
            stored = self.call(self.rollup, "depositHash", ["uint64"], index + 1)
            require(stored == hashed, "the queue's stored hash is another")
            found.append((log.block_number, deposit))
        return found

    def roots(self) -> list[tuple[int, Root]]:
        """Roots of orders with their L1 blocks; none is missing, and L1 knows each."""
        found = []
        for log in self.logs("OrdersAuthorised(uint64,address,bytes32)"):
            (hashed,) = log.words("bytes32")
            root = Root(log.topics[2][-20:], hashed)
            require(int.from_bytes(log.topics[1]) == len(found), "a root is missing")
            kinds, values = ["address", "bytes32"], ("0x" + root.owner.hex(), root.root)
            is_known = any(self.call(self.rollup, "isAuthorised", kinds, *values))
            require(is_known, "L1 doesn't know the root")
            found.append((log.block_number, root))
        require(self.number("authorisedRootCount") == len(found), "L1 has more roots")
        return found

    def exits(self) -> list[tuple[int, Exit]]:
        """Exit requests with their L1 blocks; none is missing."""
        found, contract = [], self.part("exits")
        for log in self.logs("ExitRequested(uint64,uint32,address,uint256)", contract):
            request = Exit(int.from_bytes(log.topics[2]), log.topics[3][-20:])
            require(int.from_bytes(log.topics[1]) == len(found), "an exit is missing")
            found.append((log.block_number, request))
        count = int.from_bytes(self.call(contract, "exitCount"))
        require(count == len(found), "L1 has more exits")
        return found

    def facts(self) -> Facts:
        epochs = [(block_number, epoch) for (block_number, _), epoch in self.epochs()]
        found = (self.listings(), self.deposits(), self.roots(), self.exits())
        return Facts(*found, epochs)

    def requests(self) -> dict[tuple[int, bytes], int | None]:
        """Until when each exit authorises sweeps, by the newest request of the owner."""
        contract, window = self.part("exits"), self.number("silenceDeadline")
        found: dict[tuple[int, bytes], int | None] = {}
        for _, one in self.exits():
            values = (one.account_id, "0x" + one.owner.hex())
            shown = self.call(contract, "exitOf", ["uint32", "address"], *values)
            _, served_ts_s, served_batch, _, served_slot, _ = decode([EXIT_REQUEST], shown)[0]
            is_served = served_ts_s > 0 and self.batch_slot(served_batch) == served_slot
            found[one.account_id, one.owner] = served_ts_s + window if is_served else None
        return found

    def levels(self, needed: dict[bytes, int]) -> Levels:
        """Who may hold these tokens, by the events of the registry that is the deposit gate."""
        registry = self.call(self.rollup, "gate")[-20:]
        found: list[tuple[Place, Attested | Revoked | Dismissed]] = []
        event = "AttestationRecorded(address,address,uint8,uint64,uint64)"
        for log in self.logs(event, registry):
            person, attestor = (topic[-20:] for topic in log.topics[1:])
            level, expiry, _ = log.words("uint8", "uint64", "uint64")
            attested = Attested(log.block_number, person, attestor, level, expiry)
            found.append((log.place, attested))
        for log in self.logs("PersonRevoked(address,address,uint64)", registry):
            found.append((log.place, Revoked(log.block_number, log.topics[1][-20:])))
        for log in self.logs("AttestorDismissed(address,uint64)", registry):
            found.append((log.place, Dismissed(log.block_number, log.topics[1][-20:])))
        found.sort(key=lambda placed: placed[0])
        return Levels([one for _, one in found], needed)

    def batch_slot(self, number: int) -> bytes:
        return self.call(self.rollup, "batchSlot", ["uint64"], number)

    def claimant_of(self, key: bytes) -> int:
        """Who is to be paid a withdrawal: 0 its owner, 1 nobody any more, else a provider."""
        return int.from_bytes(self.call(self.rollup, "claimantOf", ["bytes32"], key))

    def vault(self, token: bytes) -> int:
        """Base units that the rollup holds."""
        return int.from_bytes(self.call(token, "balanceOf", ["address"], "0x" + self.rollup.hex()))


def key_of_claim(log: Log) -> tuple[bytes, int, bytes, int]:
    """Owner, nonce, token and amount of a WithdrawalClaimed."""
    nonce, token, amount, _, _ = log.words("uint64", "address", "uint256", "uint64", "uint256")
    return log.topics[1][-20:], nonce, bytes_of(token), amount
