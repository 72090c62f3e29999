"""A ledger of our own on a chain with the platform's contracts: batches, true and false.

Everything is sent by accounts that the development chain signs for.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import astuple, replace
from typing import Any

from eth_abi import encode

from tests.independent import chunks, log, room, typed
from tests.independent.blocks import Body, execute_body, operations_of, slots_of
from tests.independent.codec import ZERO_HASH, keccak
from tests.independent.facts import Facts
from tests.independent.l1 import Node, selector
from tests.independent.l1_batches import ACCEPTED, HEADER, Submission, read_history
from tests.independent.levels import Moment, everybody
from tests.independent.operations import SLOT, Sequence64, Step
from tests.independent.records import Record
from tests.independent.state import BRIDGE, State

LEAF = "(uint32,address,uint16,uint64,uint64)"
LEAF_PROOF = "(uint32,address,uint16,uint64,uint64,bytes32[32])"
MULTIPROOF = f"({LEAF}[],bytes32[])"
CHUNK = "(uint256,bytes,bytes32[10])"
DEPOSIT = "(address,uint16,address,uint48,uint64)"
NO_CHUNK = (0, b"", [ZERO_HASH] * chunks.TREE_DEPTH)
GENESIS = (astuple(chunks.genesis_header()), 0, 0)
GAS = 16_000_000


def leaf_proof(state: State, account_id: int) -> tuple[Any, ...]:
    return (account_id, *astuple(state.leaf(account_id)), state.path(account_id))


def multiproof(state: State, account_ids: Sequence[int]) -> tuple[Any, ...]:
    leaves = [(one, *astuple(state.leaf(one))) for one in sorted(account_ids)]
    return leaves, state.multiproof(account_ids)


class Stage:
    """`accepted` are the batches of the newest `post`s, by number, as L1 wants to be shown them,
    and `states` those after them; both begin with genesis.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        code = bytes.fromhex(node.ask("eth_getCode", "0x" + node.rollup.hex(), "latest")[2:])
        identity = log.Identity(int(node.ask("eth_chainId"), 16), node.rollup, keccak(code))
        self.room = room.Room(Facts([], [], [], [], []), everybody, identity)
        self.domain = self.room.domain
        self.headers = [chunks.genesis_header()]
        self.accepted = [GENESIS]
        self.states = [State()]

    def send(
        self, sender: bytes, to: bytes, name: str, kinds: Sequence[str], *values: Any, wei: int = 0
    ) -> None:
        """The transaction must succeed."""
        fields = {"from": sender, "to": to, "data": selector(name, kinds) + encode(kinds, values)}
        question = {key: "0x" + value.hex() for key, value in fields.items()}
        question |= {"value": hex(wei), "gas": hex(GAS)}
        tx_hash, receipt = self.node.ask("eth_sendTransaction", question), None
        while receipt is None:
            receipt = self.node.ask("eth_getTransactionReceipt", tx_hash)
        assert int(receipt["status"], 16) == 1, name

    def block(self, *records: Record) -> None:
        """A final block of these, with all that L1 has had since the one before."""
        head = self.node.ask("eth_getBlockByNumber", "latest", False)
        at, self.room.now_ms = int(head["number"], 16), int(head["timestamp"], 16) * 1000
        self.room.facts = self.node.facts()
        self.room.attest(at)
        body, state = self._body(at, records), deepcopy(self.room.run.state)
        moment = Moment(self.room.now_ms // 1000, at)
        steps = execute_body(state, body, moment, self.domain, list(self.room.run.queue))
        proposed = self.room.proposed(body, slots_of(operations_of(steps)), 0)
        assert self.room.problem(proposed) == ""
        self.room.say(proposed, *self.room.votes(proposed.block))

    def _body(self, at: int, records: tuple[Record, ...]) -> Body:
        facts, run = self.room.facts, self.room.run
        exits_used = sum(len(final.body.exits) for final in run.finals)
        counts = (len(run.state.assets), len(run.queue), len(run.state.roots), exits_used)
        told = (facts.listings, facts.deposits, facts.roots, facts.exits)
        new = [
            tuple(fact for _, fact in found[count:])
            for found, count in zip(told, counts, strict=True)
        ]
        _, newest = facts.epochs[-1]
        epoch = newest if newest.number > run.committee.epoch else None
        return Body(at, *new[:2], records, (), *new[2:], epoch)

    def post(self, sender: bytes, stolen_minor: int = 0, thief: int = 2) -> list[bytes]:
        """A batch of all blocks that are in none; a false one gives the thief so much more."""
        run, state = self.room.run, deepcopy(self.states[-1])
        state.assets = run.state.assets
        finals = run.finals[self.headers[-1].last_block_number :]
        steps: list[Step] = [step for final in finals for step in final.steps]
        asset_of = {one: leaf.asset_id for one, leaf in run.state.leaves.items()}
        made = []
        for slots in chunks.pack(steps, asset_of) or [bytes(chunks.SLOTS * SLOT)]:
            sequence = Sequence64(state, run.queue)
            for _, operation in chunks.operations_of(slots + ZERO_HASH):
                sequence.apply(operation)
            made.append(slots + state.root())
        if stolen_minor:
            leaf = state.leaf(thief)
            state.put(thief, replace(leaf, balance_minor=leaf.balance_minor + stolen_minor))
            made[-1] = made[-1][:-32] + state.root()
        self._submit(sender, state, made)
        return made

    def _submit(self, sender: bytes, state: State, made: list[bytes]) -> None:
        parent, run = self.headers[-1], self.room.run
        finals = run.finals[parent.last_block_number :]
        head = self.node.ask("eth_getBlockByNumber", "latest", False)
        header = chunks.Header(
            number=parent.number + 1,
            epoch=self.node.epochs()[-1][1].number,
            parent_hash=parent.hash(self.domain),
            pre_root=parent.post_root,
            post_root=made[-1][-32:],
            chunks_root=chunks.chunks_root([keccak(chunk) for chunk in made]),
            chunk_count=len(made),
            data_hash=chunks.calldata_hash(made),
            deposit_cursor=state.leaves[BRIDGE].nonce,
            l1_block_number=int(head["number"], 16),
            l1_block_hash=bytes.fromhex(head["hash"][2:]),
            last_block_number=finals[-1].block.number if finals else parent.last_block_number,
            last_block_hash=finals[-1].hash if finals else parent.last_block_hash,
            timestamp=finals[0].block.timestamp_ms // 1000 if finals else parent.timestamp,
        )
        digest = header.hash(self.domain)
        signers = self.node.epochs()[-1][1].members[: room.QUORUM]
        signatures = b"".join(typed.sign(room.KEYS[member], digest) for member in signers)
        kinds = [HEADER, ACCEPTED, "bytes", "bytes"]
        values = (astuple(header), self.accepted[-1], signatures, b"".join(made))
        self.send(sender, self.node.rollup, "submitBatchCalldata", kinds, *values)
        posted = [one for one in read_history(self.node) if isinstance(one, Submission)][-1]
        self.headers.append(header)
        self.accepted.append((astuple(header), posted.accepted_ts_s, posted.signers))
        self.states.append(state)

    def prove_invalid(self, sender: bytes, made: list[bytes]) -> None:
        """Prove, after a commitment, that the newest batch's last chunk is invalid; L1 takes the
        batch back."""
        hashes, index = [keccak(chunk) for chunk in made], len(made) - 1
        shown = [
            (at, made[at], chunks.chunk_siblings(hashes, at)) if at >= 0 else NO_CHUNK
            for at in (index, index - 1)
        ]
        before = deepcopy(self.states[-2])
        before.assets = self.room.run.state.assets
        for chunk in made[:-1]:
            chunks.apply_chunk(before, chunk, self.room.run.queue)
        deposits = self.room.run.queue[before.leaves[BRIDGE].nonce :]
        records = [astuple(deposit) for deposit in deposits]
        ids = sorted({*self.room.run.state.leaves, *before.leaves, 1})
        kinds = [ACCEPTED, CHUNK, CHUNK, MULTIPROOF, f"{DEPOSIT}[]"]
        values = (self.accepted[-1], *shown, multiproof(before, ids), records)
        name, disputes = "proveInvalidChunk", self.node.part("disputes")
        call_data = selector(name, kinds) + encode(kinds, values)
        commitment = keccak(keccak(call_data), sender)
        self.send(sender, disputes, "commit", ["bytes32"], commitment)
        self.send(sender, disputes, name, kinds, *values)
        del self.headers[-1], self.accepted[-1], self.states[-1]

    def stake(self, sender: bytes) -> None:
        """Make the stakes of all members whole again."""
        committee = self.node.part("committee")
        needed_wei = int.from_bytes(self.node.call(committee, "stakeWei"))
        for member in self.node.epochs()[-1][1].members:
            shown = self.node.call(committee, "stakeOf", ["address"], member)
            missing_wei = needed_wei - int.from_bytes(shown)
            if missing_wei > 0:
                self.send(sender, committee, "stake", ["address"], member, wei=missing_wei)

    def pass_time(self, seconds: int) -> None:
        self.node.ask("evm_increaseTime", seconds)
        self.node.ask("evm_mine")
