"""The law of section 9: a batch that L1 accepts is true, or one transaction or one challenge says
that it isn't; never both.

Batches are spoiled by their seeds and signed by a quorum. The readable ledger says what is true,
contracts on a chain of their own say what can be proven, and the prover has to find it.

- true: every proof is refused for want of fraud, every challenge is answered, and the batch settles
- a broken rule: the prover's proof succeeds, and the batch is gone
- no authorisation: no answer is taken, and once the time is over the batch is gone
"""

import asyncio
from collections.abc import Iterable
from random import Random

import pytest

from backend.protocol.batches import CHUNK_SLOTS
from backend.protocol.operations import OpenAccount, Payment, Withdrawal
from backend.settlement.anvil import start_anvil, stop_anvil
from backend.settlement.kzg import Kzg
from backend.settlement.proving.answers import Authority, answer, challenge, objection
from backend.settlement.proving.fraud import (
    Fraud,
    cursor_mismatch,
    data_mismatch,
    duplicate_account,
    invalid_chunk,
    post_root_mismatch,
)
from backend.settlement.proving.replay import LedgerState, find_fraud, replay
from scripts.ports import free_port
from tests.property.disputes.drafts import draft_batch
from tests.property.disputes.law import broken_rule, posted
from tests.property.disputes.law_chain import (
    ANSWER_WINDOW_S,
    CHALLENGE_WINDOW_S,
    LawChain,
    NotAccepted,
    NotMined,
    Refused,
)
from tests.property.disputes.spoiling import spoil

FLAGS = ("--hardfork=osaka", "--enable-tx-gas-limit", "--quiet")
CALLDATA_BYTES_MAX = 131_072
PROOF_GAS_MAX = 8_388_608
ANSWERED_MAX = 6  # in one batch, chosen at random
NO_ANSWER = {"OrderMismatch", "NotAuthorised", "ExitNotAuthorising", "SlotNotOrder"}
NO_ANSWER |= {"ProofTooLong", "SlotIsSecondHalf"}


@pytest.fixture(scope="module")
def l1(tmp_path_factory):
    pid_file = tmp_path_factory.mktemp("law") / "anvil.pid"
    anvil = asyncio.run(start_anvil(pid_file, port=free_port(), flags=FLAGS))
    kzg = Kzg()
    yield LawChain(anvil.url, kzg)
    kzg.close()
    asyncio.run(stop_anvil(pid_file))


class Case:
    """One spoiled batch, accepted by L1."""

    def __init__(self, chain: LawChain, seed: int, is_in_blobs: bool) -> None:
        self.chain, self.random = chain, Random(seed)
        scene = chain.scene
        draft = draft_batch(self.random, scene)
        self.candidate = spoil(self.random, scene, draft, is_in_blobs)
        for owner, root in sorted(self.candidate.roots):
            chain.send("Rollup", "authorizeOrders", root, sender=owner)
        accepted, hashes = chain.submit(self.candidate)
        self.posted = posted(self.candidate, accepted, hashes)
        self.known = (
            self.posted,
            self.candidate.blobs or [],
            LedgerState.of(scene.leaves),
            scene.assets,
            dict(enumerate(scene.queue)),
        )
        self.authority = Authority(
            chain.domain,
            scene.assets,
            lambda owner, root: chain.view("Rollup", "isAuthorised", owner, root),
            lambda *account: chain.view("Exits", "authorises", *account),
        )

    def check(self) -> None:
        """Check that L1 gives this batch what it deserves."""
        rule = broken_rule(self.chain.scene, self.candidate)
        fraud = find_fraud(*self.known)
        assert (fraud and fraud.function) == rule
        if fraud is not None:
            receipt = self.chain.send("Disputes", fraud.function, *fraud.arguments)
            self._require_small("Disputes", fraud.function, fraud.arguments, receipt)
            assert self.chain.view("Rollup", "tip") == 1
            return
        self.batch = replay(*self.known)
        self._check_unprovable()
        wanting = self._check_challenges()
        assert self.chain.view("Rollup", "tip") == (1 if wanting else 2)

    def _check_unprovable(self) -> None:
        """No proof holds, and each fails for want of fraud, not because it is no proof."""
        posted, chunks, trees = self.posted, self.batch.chunks, self.batch.trees
        self._refused(post_root_mismatch(posted, chunks), "HeaderMatches")
        self._refused(cursor_mismatch(posted, trees[-1]), "HeaderMatches")
        if self.candidate.blobs is not None:
            index = self.random.randrange(len(chunks))
            fraud = data_mismatch(posted, self.candidate.blobs, index)
            self._refused(fraud, "DataMatches")
        before = self.chain.scene.tree
        for index, (chunk, after) in enumerate(zip(chunks, trees, strict=True)):
            # All that changed, and all that was read: some accounts more do no harm.
            named = {0}
            openings = []
            for position, operation in chunk.operations():
                named |= {getattr(operation, "payer", 0), getattr(operation, "payee", 0)}
                if isinstance(operation, OpenAccount):
                    openings.append((position, operation.account_id))
                    named.add(operation.account_id)
            named |= {255 << 24 | asset_id for asset_id in self.chain.scene.assets}
            first = before.leaf(0).nonce
            records = self.chain.scene.queue[first : after.leaf(0).nonce]
            fraud = invalid_chunk(posted, chunks, index, before, (named, records), "")
            self._refused(fraud, "ChunkValid")
            for position, opened in openings[:2]:
                other = self.random.choice(sorted(named - {opened}))
                ids = opened, other
                fraud = duplicate_account(posted, chunk, index, position, after, ids)
                self._refused(fraud, "AccountNotDuplicate")
            before = after

    def _check_challenges(self) -> list[int]:
        """Challenge what can't be answered, and some of what can; return the former."""
        evidence = self.candidate.evidence
        slots = [
            index * CHUNK_SLOTS + position
            for index, chunk in enumerate(self.batch.chunks)
            for position, operation in chunk.operations()
            if isinstance(operation, Payment | Withdrawal)
        ]
        reasons = {
            slot: objection(self.batch, slot, evidence[slot], self.authority)
            if slot in evidence
            else "no evidence"
            for slot in slots
        }
        wanting = [slot for slot in slots if reasons[slot]]
        answerable = [slot for slot in slots if not reasons[slot]]
        answered = sorted(self.random.sample(answerable, min(ANSWERED_MAX, len(answerable))))
        for slot in wanting[:2]:
            self._challenge([slot])
            if slot in evidence:
                arguments = answer(self.batch, slot, {slot: evidence[slot]})
                name = self._refusal("Challenges", "answer", arguments)
                assert name in NO_ANSWER, (slot, reasons[slot])
        for index in sorted({slot // CHUNK_SLOTS for slot in answered}):
            own = {slot: evidence[slot] for slot in answered if slot // CHUNK_SLOTS == index}
            self._challenge(own)
            arguments = answer(self.batch, min(own), own)
            receipt = self.chain.send("Challenges", "answer", *arguments)
            self._require_small("Challenges", "answer", arguments, receipt)
        accepted = self.posted.accepted.arguments()
        self.chain.pass_time(ANSWER_WINDOW_S)
        for slot in answered[:1]:  # its chunk's challenge goes by it
            assert self._refusal("Challenges", "expire", (accepted, slot)) == "ChallengeNotOpen"
        if wanting:
            self.chain.send("Challenges", "expire", accepted, wanting[0])
        else:
            self.chain.pass_time(CHALLENGE_WINDOW_S - ANSWER_WINDOW_S)
            self.chain.send("Rollup", "settle", [self.chain.parent.arguments(), accepted])
        return wanting

    def _challenge(self, slots: Iterable[int]) -> None:
        arguments = challenge(self.batch, slots)
        bond_wei = self.chain.view("Challenges", "bond", arguments[2].bit_count())
        self.chain.send("Challenges", "challenge", *arguments, value_wei=2 * bond_wei)

    def _refused(self, fraud: Fraud, error: str) -> None:
        assert self._refusal("Disputes", fraud.function, fraud.arguments) == error, fraud.function

    def _refusal(self, contract: str, function: str, arguments: tuple) -> str | None:
        """Return the name of the error with which a call would revert; None if it wouldn't."""
        try:
            self.chain.view(contract, function, *arguments)
        except Refused as refused:
            return refused.name
        return None

    def _require_small(self, contract: str, function: str, arguments, receipt) -> None:
        assert len(self.chain.data(contract, function, *arguments)) <= CALLDATA_BYTES_MAX
        assert int(receipt["gasUsed"], 16) <= PROOF_GAS_MAX


def check(chain: LawChain, seed: int, is_in_blobs: bool = False) -> None:
    try:
        check_once(chain, seed, is_in_blobs)
    except NotMined:
        chain.rpc("anvil_dropAllTransactions")
        check_once(chain, seed, is_in_blobs)


def check_once(chain: LawChain, seed: int, is_in_blobs: bool) -> None:
    snapshot = chain.rpc("evm_snapshot")
    try:
        case = Case(chain, seed, is_in_blobs)
        try:
            case.check()
        except (AssertionError, Refused) as error:
            raise AssertionError(f"seed {seed}: {case.candidate.spoiled}: {error}") from error
    except NotAccepted as refused:
        if refused.name != "DepositCursorOutOfRange":
            raise AssertionError(f"seed {seed}: {refused}") from refused
    finally:
        chain.rpc("evm_revert", snapshot)


@pytest.mark.parametrize("seed", range(120))
def test_law__spoiled_batch_by_calldata__holds(l1, seed):
    check(l1, seed)


# Another hash, honest blobs, bytes behind the chunks, a wide element, another byte.
@pytest.mark.parametrize("seed", [1_002, 1_017, 1_029, 1_035, 1_039])
def test_law__spoiled_batch_in_blobs__holds(l1, seed):
    check(l1, seed, is_in_blobs=True)


@pytest.mark.long
@pytest.mark.parametrize("seeds", range(10_000, 12_500, 100))
def test_law__many_spoiled_batches__holds(l1, seeds):
    for seed in range(seeds, seeds + 100):
        check(l1, seed, is_in_blobs=seed % 10 == 0)
