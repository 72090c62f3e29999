"""An outsider audits a ledger whose committee lied: L1 took batches back, and froze.

- exits are swept, and epochs closed by the blocks that bring them
- a false batch that was taken back does no harm: its blocks are posted again in the next epoch
- a second roll-back freezes; accounts escape, a deposit is refunded, withdrawals stay covered
- no fraud stands; nothing true or settled is taken back; nothing is posted after the freeze
- two signatures of one validator: L1 punishes for those that contradict each other, and no others
"""

import asyncio
from collections import Counter
from dataclasses import astuple, dataclass, replace
from itertools import product

import pytest

from backend.settlement.anvil import dev_secret, start_anvil, stop_anvil
from backend.settlement.client import ChainClient
from backend.settlement.deployment import LOCAL_TOKENS, deploy
from backend.settlement.deployment_file import LOCAL_PARAMETERS
from scripts.ports import free_port
from tests.e2e.settlement.chain import DEPLOYER, OTHER_OWNER, OWNER, ROLES, Chain
from tests.independent import log, room, typed
from tests.independent.answers import Known
from tests.independent.audit import Audit
from tests.independent.batch_audit import BatchAudit
from tests.independent.blocks import Block, Epoch
from tests.independent.chunks import Header, genesis_header
from tests.independent.codec import Invalid, keccak
from tests.independent.exits import Exit
from tests.independent.judge import Kind, NextRound, Signed, is_equivocation
from tests.independent.l1 import Node, Place
from tests.independent.l1_batches import (
    ACCEPTED,
    HEADER,
    Event,
    Freeze,
    RollBack,
    Settlement,
    Submission,
    read_history,
)
from tests.independent.orders import Order
from tests.independent.records import SignedOrder
from tests.independent.stage import DEPOSIT, LEAF_PROOF, MULTIPROOF, Stage, leaf_proof, multiproof
from tests.independent.state import State

ALICE, BOB, CAROL = OWNER.address, OTHER_OWNER.address, keccak(b"carol")[12:]
SENDER, PROVER = (typed.address_of(dev_secret(index)) for index in (7, 8))
DEPOSITED = {ALICE: 100, BOB: 50}
LATE_DEPOSIT = 7


@dataclass(frozen=True)
class Scene:
    """What an outsider sees when all is over, and what he makes of the log."""

    node: Node
    entries: list[log.Entry]
    run: Audit
    history: list[Event]
    token: bytes

    def batch_audit(
        self, history: list[Event], epochs: list[tuple[Place, Epoch]] | None = None
    ) -> BatchAudit:
        """By the history and the epochs that L1 had, or would have had."""
        records = [record for final in self.run.finals for record in final.body.records]
        known = Known(self.run.domain, records, self.run.state.roots, self.node.requests())
        start = State(assets=dict(self.run.state.assets))
        queue = [deposit for _, deposit in self.node.deposits()]
        begun = epochs or self.node.epochs()
        found = BatchAudit(self.run.domain, begun, start, queue, self.node, known)
        for event in history:
            found.feed(event)
        found.check(self.run.finals)
        return found


async def _begin(folder, pid_file) -> Node:
    """A chain with our contracts, the room's committee, and money of two people on its way."""
    anvil = await start_anvil(pid_file, port=free_port(), log_file=folder / "anvil.log")
    client = ChainClient(anvil.url)
    try:
        roles = replace(ROLES, validators=room.FIRST_MEMBERS)
        made = await deploy(client, DEPLOYER, roles, LOCAL_PARAMETERS, LOCAL_TOKENS, folder)
        chain = Chain(client, made.deployment, pid_file)
        for owner in (OWNER, OTHER_OWNER):
            await chain.fund(owner, 1_000)
            await chain.deposit(owner, DEPOSITED[owner.address])
        return Node(anvil.url, made.deployment.address("Rollup"))
    finally:
        await client.close()


class Play:
    """A committee that steals, is found out, goes on honestly, and steals again, twice."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.stage = Stage(node)

    def run(self) -> None:
        stage, node = self.stage, self.node
        stage.block()
        stage.block(self.payment(BOB, 10, 0))
        stage.post(SENDER)
        self.request_exit()
        stage.block()
        stage.block(self.payment(CAROL, 5, 1))
        self.steal()
        stage.block()
        stage.pass_time(1)  # a batch of the roll-back's own second isn't yet one after it
        stage.block(self.payment(BOB, 1, 2))
        stage.post(SENDER)
        stage.pass_time(node.number("challengeWindow") + 1)
        stage.send(SENDER, node.rollup, "settle", [f"{ACCEPTED}[]"], stage.accepted[1:])
        kinds = ["uint16", "address", "uint256", "bytes"]
        stage.send(BOB, node.rollup, "deposit", kinds, 1, BOB, LATE_DEPOSIT, b"")
        for _ in range(2):
            stage.block()
            self.steal()
        self.leave()

    def payment(self, payee: bytes, amount: int, nonce: int) -> SignedOrder:
        token = self.stage.room.run.state.assets[1].token
        ends_ts_s = self.stage.room.now_ms // 1000 + 10_000
        order = Order("payment", ALICE, token, amount, 0, nonce, ends_ts_s, payee)
        digest = order.digest(self.stage.domain)
        return SignedOrder(order, typed.sign(dev_secret(4), digest))

    def request_exit(self) -> None:
        stage, exits = self.stage, self.node.part("exits")
        account = leaf_proof(stage.states[-1], stage.room.run.state.ids[BOB, 1])
        wei = 2 * int.from_bytes(self.node.call(exits, "bounty"))
        values = (stage.accepted[-1], account)
        stage.send(BOB, exits, "requestExit", [ACCEPTED, LEAF_PROOF], *values, wei=wei)

    def steal(self) -> None:
        """Post a false batch; somebody proves it, and the members stake again."""
        thief = self.stage.room.run.state.ids[ALICE, 1]
        made = self.stage.post(SENDER, 1_000, thief)
        self.stage.prove_invalid(PROVER, made)
        self.stage.stake(SENDER)

    def leave(self) -> None:
        """After the freeze: all accounts that hold money, and the deposit that no batch has."""
        stage, state = self.stage, self.stage.states[-1]
        ids = [one for one, leaf in state.leaves.items() if one >= 2 and leaf.balance_minor]
        values = (stage.accepted[-1], multiproof(state, ids))
        stage.send(PROVER, self.node.rollup, "escape", [ACCEPTED, MULTIPROOF], *values)
        (_, late) = self.node.deposits()[-1]
        kinds, values = [ACCEPTED, "uint64", f"{DEPOSIT}[]"], (stage.accepted[-1], 2)
        stage.send(PROVER, self.node.rollup, "refund", kinds, *values, [astuple(late)])


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("roll_back")
    pid_file = folder / "anvil.pid"
    try:
        play = Play(asyncio.run(_begin(folder, pid_file)))
        play.run()
        entries = [log.read_entry(entry) for entry in play.stage.room.written]
        identity = entries[0].payload
        run = Audit(play.stage.domain, room.COMMITTEE, identity.code_hash)
        for entry in entries:
            run.feed(entry)
        token = run.state.assets[1].token
        yield Scene(play.node, entries, run, read_history(play.node), token)
    finally:
        asyncio.run(stop_anvil(pid_file))


def test_log__of_three_epochs__makes_every_block_final_succeeds(scene):
    finals = scene.run.finals

    scene.node.facts().check(finals)

    epochs = [final.block.epoch for final in finals]
    assert epochs == [1, 1, 1, 1, 1, 2, 2, 2]
    closing = [final.body.epoch.number for final in finals if final.body.epoch]
    assert (closing, scene.run.committee.epoch) == ([2, 3], 3)
    (exit_, swept) = finals[2].body.exits[0], finals[2].steps[0][0]
    assert exit_ == Exit(scene.run.state.ids[BOB, 1], BOB)
    assert (swept.kind, swept.payer, swept.amount_minor) == ("withdrawal", exit_.account_id, 60)


def test_batches__after_three_thefts_and_a_freeze__hold_the_blocks_succeeds(scene):
    found = scene.batch_audit(scene.history)

    kinds = [type(event) for event in scene.history]
    theft = [Submission, RollBack]
    settled = [Submission, Settlement, Settlement]
    assert kinds == [Submission, *theft, *settled, *theft, *theft, Freeze]
    assert (found.is_frozen, found.frontier, len(found.standing)) == (True, 2, 2)
    assert [one.batch.header.epoch for one in found.standing] == [1, 2]
    assert found.header.last_block_number == 6
    assert scene.node.number("frozenTsS") > 0
    provers = {event.prover for event in scene.history if isinstance(event, RollBack)}
    assert provers == {PROVER}


def test_vault__after_all_have_left__has_the_unclaimed_withdrawal_holds(scene):
    found = scene.batch_audit(scene.history)
    escapes = scene.node.logs("Escaped(uint32,address,uint16,address,uint256)")
    refunds = scene.node.logs("DepositRefunded(uint64,address,uint16,address,uint256)")

    paid = {log.topics[2][-20:]: log.words("address", "uint256")[1] for log in escapes}

    balances = {leaf.owner: leaf.balance_minor for leaf in found.state.leaves.values()}
    assert paid == {owner: balances[owner] for owner in (ALICE, BOB, CAROL)}
    assert paid == {ALICE: 100 - 10 - 5 - 1, BOB: 1, CAROL: 5}
    assert [log.words("address", "uint256")[1] for log in refunds] == [LATE_DEPOSIT]
    assert [scene.node.claimant_of(key) for key in found.keys] == [0]
    assert scene.node.vault(scene.token) == 60


# L1 WITHOUT ITS RULES


def _index(history: list[Event], kind: type, count: int = 1) -> int:
    """Of the nth event of a kind."""
    return [index for index, event in enumerate(history) if isinstance(event, kind)][count - 1]


def test_batch_audit__theft_that_nobody_proved__rejects(scene):
    stands = scene.history[: _index(scene.history, Submission, 2) + 1]

    with pytest.raises(Invalid, match=str(Kind.INVALID_CHUNK)):
        scene.batch_audit(stands)


def test_batch_audit__true_batch_taken_back__rejects(scene):
    first = scene.history[0]
    history = [first, RollBack(first.place, 1, first.header_hash, PROVER), *scene.history[1:]]

    with pytest.raises(Invalid, match="without fraud"):
        scene.batch_audit(history)


def test_batch_audit__settled_batch_taken_back__rejects(scene):
    at = _index(scene.history, Settlement, 2) + 1
    taken = scene.history[_index(scene.history, Submission, 3)]
    back = RollBack(taken.place, 2, taken.header_hash, PROVER)

    with pytest.raises(Invalid, match="no batch to take back"):
        scene.batch_audit([*scene.history[:at], back])


def test_batch_audit__batch_after_the_freeze__rejects(scene):
    at = _index(scene.history, RollBack, 1) + 1
    freeze = Freeze(scene.history[at - 1].place)

    with pytest.raises(Invalid, match="after the freeze"):
        scene.batch_audit([*scene.history[:at], freeze, *scene.history[at:]])


def test_batch_audit__roll_back_of_another_header__rejects(scene):
    changed = [
        replace(event, header_hash=keccak(b"other")) if isinstance(event, RollBack) else event
        for event in scene.history
    ]

    with pytest.raises(Invalid, match="another batch was taken back"):
        scene.batch_audit(changed)


def test_batch_audit__epoch_that_l1_has_not_begun__rejects(scene):
    with pytest.raises(Invalid, match="another epoch"):
        scene.batch_audit(scene.history, scene.node.epochs()[:1])


# TWO SIGNATURES OF ONE VALIDATOR


def _messages() -> list[Block | NextRound | Header]:
    block = Block(9, 4, 1, keccak(b"parent"), keccak(b"slots"), keccak(b"body"), 3, 5_000)
    votes: list[Block | NextRound | Header] = [
        block,
        replace(block, timestamp_ms=5_001),
        *(replace(block, **{field: 7}) for field in ("number", "epoch", "round")),
        NextRound(9, 4, 1),
        NextRound(9, 4, 2),
    ]
    header = replace(genesis_header(), number=3, epoch=4, last_block_number=9)
    forked = replace(header, last_block_hash=keccak(b"fork"))
    others = [{"number": 4}, {"epoch": 3}, {"last_block_number": 8}]
    return [*votes, header, forked, *(replace(forked, **other) for other in others)]


def _is_proven(scene: Scene, one: Signed, other: Signed) -> bool:
    """Whether L1 would punish for these two."""
    if isinstance(one[0], Header) != isinstance(other[0], Header):
        return False
    if isinstance(one[0], Header):
        name, kinds = "proveDoubleHeader", [HEADER, "bytes", HEADER, "bytes"]
        shown = [
            value for message, signature in (one, other) for value in (astuple(message), signature)
        ]
    else:
        name, kinds = "proveDoubleVote", ["bytes"] * 4
        shown = [value for vote, signature in (one, other) for value in (_words(vote), signature)]
    return scene.node.would_succeed(scene.node.part("disputes"), name, kinds, *shown)


def _words(vote: Block | NextRound) -> bytes:
    return typed.encode(
        typed.BLOCK if isinstance(vote, Block) else typed.NEXT_ROUND, *astuple(vote)
    )


@pytest.mark.parametrize("is_one_signer", [True, False])
def test_is_equivocation__each_two_messages__l1_says_the_same_holds(scene, is_one_signer):
    keys = [room.KEYS[room.FIRST_MEMBERS[at]] for at in (0, 0 if is_one_signer else 1)]
    domain, found = scene.run.domain, Counter[bool]()

    def signed(message: Block | NextRound | Header, key: bytes) -> Signed:
        digest = message.hash(domain) if isinstance(message, Header) else message.digest(domain)
        return message, typed.sign(key, digest)

    for first, second in product(_messages(), repeat=2):
        pair = signed(first, keys[0]), signed(second, keys[1])
        is_one = is_equivocation(domain, *pair)
        assert is_one == _is_proven(scene, *pair), (first, second)
        found[is_one] += 1

    # Each pair in both orders: three votes of one round, and two headers beside the first.
    assert found[True] == (2 * (3 + 2) if is_one_signer else 0)
