"""An anvil with a rollup on it, asked and told in plain JSON-RPC: quick enough for many batches."""

import asyncio
import json
import time
import urllib.request
from dataclasses import astuple
from random import Random
from typing import Any

import rlp
from eth_account import Account

from backend.protocol.batches import BatchHeader, blobs_hash, encode_chunks
from backend.protocol.eip712 import ledger_domain
from backend.protocol.hashing import ZERO_DIGEST, keccak
from backend.protocol.money import AmountMinor
from backend.protocol.types import ZERO_ADDRESS, Address, Asset, DepositRecord
from backend.settlement.abi import ContractAbi, ContractError, Decoded
from backend.settlement.anvil import dev_key, dev_secret
from backend.settlement.artifacts import artifacts
from backend.settlement.batch_data import NO_BATCH, AcceptedBatch
from backend.settlement.kzg import Kzg, blob_transaction, versioned_hash
from backend.settlement.proving.proofs import leaf_proof
from tests.property.disputes.candidates import Candidate, Signing
from tests.property.disputes.drafts import (
    DEPOSITS,
    FEE_OWNER,
    FOUNDING_DEPOSITS,
    FREE_ASSET,
    LEAVER,
    Scene,
    founding,
    person,
)
from tests.property.disputes.law import header_of

DAY_S = 86_400
ANSWER_WINDOW_S, CHALLENGE_WINDOW_S = 2 * DAY_S, 7 * DAY_S
WINDOWS = (CHALLENGE_WINDOW_S, ANSWER_WINDOW_S, 3 * DAY_S, 3 * DAY_S, 7 * DAY_S, 17 * DAY_S, 10**9)
STAKE_WEI = 10**18
GAS_MAX = 2**24
MINED_S_MAX = 20
CONTRACTS = ("Committee", "Rollup", "Exits", "Disputes", "Challenges", "SwitchGate")
TOKEN = "ReturnBoolToken"
BLOB_KEY = 9  # of the development chain; ordinary transactions are the first key's
PLENTY = 2**255


class Refused(Exception):
    """A transaction or call reverted, with this error."""

    def __init__(self, error: ContractError | None, data: str) -> None:
        super().__init__(str(error or data))
        self.error, self.data = error, data
        self.name = error.name if error else data


class NotAccepted(Refused):
    """The rollup refused a batch: there is nothing to dispute."""


class NotMined(Exception):
    """A transaction stays in the pool: that happens to anvil after `evm_revert`, once in thousands
    of times, and not to the same transaction once more."""


class LawChain:
    """The contracts, and the scene after the first batch: see drafts.py."""

    def __init__(self, url: str, kzg: Kzg) -> None:
        self.url, self.kzg = url, kzg
        self.anyone = dev_key(0).address
        self.chain_id = self.number("eth_chainId")
        self.keys = sorted(map(dev_key, range(100, 104)), key=lambda key: key.address)
        self.compiled = artifacts([*CONTRACTS, TOKEN])
        self.errors = ContractAbi([]).joined(*(each.abi for each in self.compiled.values()))
        self._create_contracts()
        self.domain = ledger_domain(self.chain_id, self.address["Rollup"])
        self.scene = self._scene()
        self.parent = NO_BATCH
        self._found()

    # JSON-RPC.

    def rpc(self, method: str, *params: Any) -> Any:
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        request = urllib.request.Request(
            self.url, json.dumps(question).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        if "error" in answer:
            data = answer["error"].get("data") or answer["error"]["message"]
            raw = bytes.fromhex(data[2:]) if data.startswith("0x") else b""
            raise Refused(self.errors.decode_error(raw), data)
        return answer["result"]

    def number(self, method: str, *params: Any) -> int:
        return int(self.rpc(method, *params), 16)

    def block(self, number: str = "latest") -> dict:
        return self.rpc("eth_getBlockByNumber", number, False)

    def ts_s(self) -> int:
        return int(self.block()["timestamp"], 16)

    def pass_time(self, seconds: int) -> None:
        self.rpc("evm_increaseTime", seconds)
        self.rpc("evm_mine")

    # Contracts.

    def data(self, contract: str, function: str, *arguments: Any) -> bytes:
        return self.compiled[contract].abi.call_data(function, *arguments)

    def view(self, contract: str, function: str, *arguments: Any) -> Any:
        """Return what a call answers. Raises Refused."""
        data = self.data(contract, function, *arguments)
        question = {"from": _hex(self.anyone), "to": _hex(self.address[contract])}
        answer = self.rpc(
            "eth_call", question | {"data": _hex(data), "gas": hex(GAS_MAX)}, "latest"
        )
        return self.compiled[contract].abi.output(function, bytes.fromhex(answer[2:]))

    def send(self, contract: str, function: str, *arguments: Any, **options: Any) -> dict:
        """Send a call and return its receipt. Raises Refused."""
        data = self.data(contract, function, *arguments)
        to = options.get("to") or self.address[contract]
        return self.transact(data, to, options.get("sender"), options.get("value_wei", 0))

    def transact(
        self, data: bytes, to: Address | None, sender: Address | None = None, value_wei: int = 0
    ) -> dict:
        sender = sender or self.anyone
        if sender != self.anyone:
            self.rpc("anvil_impersonateAccount", _hex(sender))
            self.rpc("anvil_setBalance", _hex(sender), hex(10**20))
        question = {"from": _hex(sender), "data": _hex(data), "value": hex(value_wei)}
        question |= {"to": _hex(to)} if to else {}
        receipt = self._mined(self.rpc("eth_sendTransaction", question | {"gas": hex(GAS_MAX)}))
        if int(receipt["status"], 16) == 0:
            self.rpc("eth_call", question | {"gas": hex(GAS_MAX)}, "latest")
            raise Refused(None, "it reverted")
        return receipt

    def events(self, receipt: dict, contract: str) -> list[Decoded]:
        abi = self.compiled[contract].abi
        found = (
            abi.decode_log(
                [bytes.fromhex(topic[2:]) for topic in log["topics"]], _bytes(log["data"])
            )
            for log in receipt["logs"]
            if _bytes(log["address"]) == self.address[contract]
        )
        return [event for event in found if event is not None]

    def _mined(self, tx_hash: str) -> dict:
        deadline_s = time.monotonic() + MINED_S_MAX
        while (receipt := self.rpc("eth_getTransactionReceipt", tx_hash)) is None:
            if time.monotonic() > deadline_s:
                raise NotMined(f"{tx_hash} was not mined")
        return receipt

    def _create(self, name: str, *arguments: Any) -> Address:
        code = self.compiled[name].bytecode + self.compiled[name].abi.constructor_data(*arguments)
        return Address(_bytes(self.transact(code, None)["contractAddress"]))

    def _create_contracts(self) -> None:
        gate = self._create("SwitchGate")
        nonce = self.number("eth_getTransactionCount", _hex(self.anyone), "latest")
        names = CONTRACTS[:5]
        planned = {name: _created_at(self.anyone, nonce + i) for i, name in enumerate(names)}
        members = [key.address for key in self.keys]
        others = (planned["Exits"], planned["Disputes"], planned["Challenges"])
        arguments = {
            "Committee": (self.anyone, planned["Rollup"], members, STAKE_WEI),
            "Rollup": ((planned["Committee"], gate, self.anyone, *others), WINDOWS),
        }
        self.address = {"SwitchGate": gate}
        for name in names:
            self.address[name] = self._create(name, *arguments.get(name, (planned["Rollup"],)))
        assert {name: self.address[name] for name in names} == planned
        for member in members:
            self.send("Committee", "stake", member, value_wei=STAKE_WEI)

    # Batches.

    def submit(self, candidate: Candidate) -> tuple[AcceptedBatch, tuple[bytes, ...]]:
        """Have a quorum sign the batch, and send it; return it, and the hashes of its blobs."""
        blobs = candidate.blobs or []
        commitments = asyncio.run(self.kzg.commitments(blobs))
        hashes = tuple(map(versioned_hash, commitments))
        header = self._header(candidate, hashes)
        digest = header.digest(self.domain)
        signatures = b"".join(key.sign_digest(digest) for key in self.keys[:3])
        head = astuple(header), self.parent.arguments(), signatures
        if candidate.blobs is None:
            data = encode_chunks(candidate.chunks)
            try:
                receipt = self.send("Rollup", "submitBatchCalldata", *head, data)
            except Refused as refused:
                raise NotAccepted(refused.error, refused.data) from refused
        else:
            data = self.data("Rollup", "submitBatchBlobs", *head, candidate.posted_hashes)
            receipt = self._send_blobs(data, blobs, hashes)
        [event] = [e for e in self.events(receipt, "Rollup") if e.name == "BatchPosted"]
        return AcceptedBatch(header, event.values["acceptedTsS"], event.values["signers"]), hashes

    def _header(self, candidate: Candidate, versioned_hashes: tuple[bytes, ...]) -> BatchHeader:
        parent = self.parent.header
        pin = self.block(hex(int(self.block()["number"], 16) - 1))
        others = {
            "number": parent.number + 1,
            "epoch": self.view("Committee", "epoch"),
            "parent_hash": parent.digest(self.domain) if parent.number else ZERO_DIGEST,
            "l1_block_number": int(pin["number"], 16),
            "l1_block_hash": _bytes(pin["hash"]),
            "last_block_number": parent.last_block_number + 1,
        }
        if versioned_hashes:
            others["data_hash"] = blobs_hash(versioned_hashes)
        return header_of(self.scene, candidate, **others)

    def _send_blobs(self, data: bytes, blobs: list[bytes], hashes: tuple[bytes, ...]) -> dict:
        sender = _hex(dev_key(BLOB_KEY).address)
        transaction = {
            "type": 3,
            "to": self.address["Rollup"],
            "data": data,
            "chainId": self.chain_id,
            "nonce": self.number("eth_getTransactionCount", sender, "latest"),
            "gas": GAS_MAX,
            "value": 0,
            "maxFeePerGas": 10**11,
            "maxPriorityFeePerGas": 0,
            "maxFeePerBlobGas": 10**11,
            "blobVersionedHashes": hashes,
        }
        signed = Account.sign_transaction(transaction, dev_secret(BLOB_KEY))
        sidecar = asyncio.run(self.kzg.sidecar(blobs))
        raw = blob_transaction(bytes(signed.raw_transaction), sidecar)
        receipt = self._mined(self.rpc("eth_sendRawTransaction", _hex(raw)))
        if int(receipt["status"], 16) == 0:
            tracer = {"tracer": "callTracer"}
            trace = self.rpc("debug_traceTransaction", receipt["transactionHash"], tracer)
            output = trace.get("output", "0x")
            raise NotAccepted(self.errors.decode_error(_bytes(output)), output)
        return receipt

    # The scene.

    def _scene(self) -> Scene:
        """List the assets and queue the deposits."""
        assets = {}
        for asset_id in range(1, FREE_ASSET + 1):
            token = self._create(TOKEN, "Test Dollar", "TUSD", 6)
            fee_owner = ZERO_ADDRESS if asset_id == FREE_ASSET else FEE_OWNER.address
            assets[asset_id] = Asset(asset_id, token, 1 if asset_id % 2 else 10**12, fee_owner)
            self.send("Rollup", "listAsset", token, assets[asset_id].unit, fee_owner)
            self.send(TOKEN, "mint", self.anyone, PLENTY, to=token)
            self.send(TOKEN, "approve", self.address["Rollup"], PLENTY, to=token)
        queue = []
        for owner, asset_id, amount_minor in DEPOSITS:
            asset = assets[asset_id]
            amount = amount_minor * asset.unit
            receipt = self.send("Rollup", "deposit", asset_id, owner, amount, b"")
            [queued] = self.events(receipt, "Rollup")
            ts_s = queued.values["tsS"]
            queue.append(
                DepositRecord(asset.token, asset_id, owner, AmountMinor(amount_minor), ts_s)
            )
        return Scene(self.domain, assets, queue, self.ts_s())

    def _found(self) -> None:
        """Post the first batch, and ask for the leaver's exit."""
        drafter = founding(self.scene)
        candidate = Signing(Random(0), self.scene, drafter.finish()).candidate()
        assert candidate.cursor == FOUNDING_DEPOSITS
        self.parent, _ = self.submit(candidate)
        self.scene.leaves = drafter.leaves
        for account_id in self.scene.leaving:
            shown = leaf_proof(self.scene.tree, account_id)
            leaver = person(LEAVER).address
            wei = self.view("Exits", "bounty") * 2
            arguments = self.parent.arguments(), shown
            self.send("Exits", "requestExit", *arguments, sender=leaver, value_wei=wei)
        self.scene.ts_s = self.ts_s()


def _created_at(deployer: Address, nonce: int) -> Address:
    return Address(keccak(rlp.encode([deployer, nonce]))[12:])


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])
