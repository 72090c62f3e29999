"""The committee under at most f = 1 Byzantine validator and any number of Byzantine proposers.

- an honest log, entries interleaved at random, restarts: safety; and progress once faults stop
- a log that lies, showing each validator another history: safety all the same

Safety: no two blocks of one height are certified, and nobody honest signs two digests for one
(number, epoch, round). The Byzantine validator counts as having voted for everything.
"""

from collections import defaultdict
from dataclasses import replace
from random import Random
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.engine.ledger import execute
from backend.engine.validator import Validator
from backend.protocol.blocks import Body, operations_hash
from backend.protocol.hashing import keccak
from backend.protocol.log_entries import (
    BlockEntry,
    Entry,
    NextRoundEntry,
    OrderEntry,
    SeenEntry,
    VoteEntry,
)
from backend.protocol.votes import Seen
from tests.unit.engine.chamber import Chamber, fresh_replica, next_round, timeout, vote
from tests.unit.engine.committee import (
    DOMAIN,
    SEQUENCERS,
    START_MS,
    VALIDATORS,
    forged,
    funded_l1,
    group,
    key,
    payment,
)

PAYER, PAYEE = key("payer"), key("payee")
QUORUM = 3


class Committee(Chamber):
    """Entries wait until they are picked at random; the validator `liar` says what it likes."""

    def __init__(self, random: Random) -> None:
        super().__init__(funded_l1(PAYER.address))
        self.random = random
        self.liar = random.randrange(4)
        self.waiting = []
        self.nonce = 0
        self.settle()
        assert self.tip.number == 1

    def say(self, *payloads) -> None:
        self.waiting.extend(payloads)

    def deliver(self) -> None:
        """Append one of the waiting entries, as the log would."""
        payload = self.waiting.pop(self.random.randrange(len(self.waiting)))
        entry = Entry(self.now_ms, payload)
        position = len(self.entries)
        self.entries.append(entry)
        event = self.replica.consume(position, entry)
        if event is not None and hasattr(event, "execution"):
            self.finals.append(event)
        for index, validator in enumerate(self.validators):
            self.say_if_honest(index, validator.consume(position, entry))

    def say_if_honest(self, index, said) -> None:
        if index != self.liar:
            self.say(*said)

    def step(self) -> None:
        """Do one thing at random."""
        random = self.random
        match random.randrange(12):
            case 0:
                first = payment(PAYER, PAYEE.address, 1, self.nonce)
                two = [(PAYER, PAYEE.address, 1, self.nonce + place) for place in range(2)]
                self.say(OrderEntry(random.choice([first, first, group(*two)])))
                self.nonce += random.randrange(3)
            case 1:
                proposed = self.sequencer.propose(self.now_ms)
                self.say(*([proposed] if proposed is not None else []))
            case 2:
                self.say(self.evil_block())
            case 3:
                self.say(*self.evil_signatures())
            case 4:
                self.now_ms += random.choice([1, 300, 1_500, 10_000])
                for index, validator in enumerate(self.validators):
                    self.say_if_honest(index, validator.tick(self.now_ms))
            case 5:
                index = random.randrange(4)
                validator = self.restarted(index)
                self.say_if_honest(index, validator.go_live(self.now_ms))
            case _:
                if self.waiting:
                    self.deliver()

    def evil_block(self) -> BlockEntry:
        """Return what a Byzantine proposer may say: twice, invalid, stale, of another round."""
        rounds, random = self.replica.rounds, self.random
        amount = random.randrange(1, 4)
        orders = (
            payment(PAYER, PAYEE.address, amount, self.replica.ledger.leaves[self.payer].nonce),
        )
        body = Body(2, records=random.choice([orders, (), (forged(orders[0]),)]))
        execution = execute(self.replica.ledger, body, self.now_ms // 1000)
        entry = self.block(
            body,
            random.choice(SEQUENCERS),
            timestamp_ms=self.now_ms - random.choice([0, 0, 0, 7_000]),
            operations_hash=operations_hash(random.choice([execution.slots] * 3 + [b""])),
            operation_count=execution.operation_count,
            round=max(0, rounds.round + random.choice([0, 0, 0, 1, -1])),
            number=rounds.number + random.choice([0, 0, 0, 1, -1]),
        )
        return random.choice([entry, replace(entry, body=entry.body + b"\0")])

    @property
    def payer(self):
        return self.replica.ledger.account(PAYER.address, 1)[0]

    def evil_signatures(self):
        """Return what the Byzantine validator may say."""
        liar, rounds, random = VALIDATORS[self.liar], self.replica.rounds, self.random
        blocks = [e.payload for e in self.entries[-50:] if isinstance(e.payload, BlockEntry)]
        blocks += [p for p in self.waiting if isinstance(p, BlockEntry)]
        number = rounds.number + random.choice([0, 0, 0, 1])
        round_number = rounds.round + random.choice([0, 0, 1])
        far = Seen(10**9, keccak(b"far"))
        said = [
            *(vote(liar, block) for block in random.sample(blocks, min(len(blocks), 2))),
            next_round(liar, number, round_number),
            timeout(liar, number, round_number),
            SeenEntry(far, liar.sign_digest(far.digest(DOMAIN))),
        ]
        return random.sample(said, random.randrange(len(said)))

    def heal(self) -> None:
        """No more faults: what waits is delivered, and the honest sequencer proposes."""
        while self.waiting:
            self.deliver()
        self.say(
            OrderEntry(
                payment(PAYER, PAYEE.address, 1, self.replica.ledger.leaves[self.payer].nonce)
            )
        )
        for _ in range(40):
            while self.waiting:
                self.deliver()
            self.now_ms += 5_000
            for index, validator in enumerate(self.validators):
                self.say_if_honest(index, validator.tick(self.now_ms))
            proposed = self.sequencer.propose(self.now_ms)
            self.say(*([proposed] if proposed is not None else []))


def check_safety(payloads, liar: int, finals=()) -> None:
    blocks = {p.block.digest(DOMAIN): p.block for p in payloads if isinstance(p, BlockEntry)}
    signed = defaultdict(set)
    voters = defaultdict(lambda: {liar})
    for payload in payloads:
        if isinstance(payload, VoteEntry) and payload.block_hash in blocks:
            block, digest = blocks[payload.block_hash], payload.block_hash
            turn = (block.number, block.epoch, block.round)
        elif isinstance(payload, NextRoundEntry):
            message = payload.next_round
            digest, turn = message.digest(DOMAIN), (message.number, message.epoch, message.round)
        else:
            continue
        index = signer_of(digest, payload.signature)
        if index != liar:
            signed[index, turn].add(digest)
            if isinstance(payload, VoteEntry):
                voters[digest].add(index)
    assert all(len(digests) == 1 for digests in signed.values()), "two digests for one round"
    certified = defaultdict(set)
    for digest, who in voters.items():
        if len(who) >= QUORUM:
            certified[blocks[digest].number].add(digest)
    assert all(len(digests) == 1 for digests in certified.values()), "two blocks of one height"
    assert all(final.block_hash in certified[final.block.number] for final in finals)


def signer_of(digest, signature) -> int | None:
    for index, validator in enumerate(VALIDATORS):
        if validator.sign_digest(digest) == signature:
            return index
    return None


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_committee__honest_log__holds(seed):
    committee = Committee(Random(seed))
    for _ in range(60):
        committee.step()
    check_safety([e.payload for e in committee.entries], committee.liar, committee.finals)

    height = committee.tip.number
    committee.heal()

    assert committee.tip.number > height, f"no progress, seed {seed}"
    check_safety([e.payload for e in committee.entries], committee.liar, committee.finals)
    ledgers = [v.replica.ledger for v in committee.validators]
    assert ledgers == [committee.replica.ledger] * 4
    committee.replica.ledger.check_conservation()


class Views:
    """Three honest validators, each shown a history of its own by a log that lies."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.liar = random.randrange(4)
        self.now_ms = START_MS
        self.said = []
        self.shown = 0
        self.l1 = funded_l1(PAYER.address)
        self.validators = {
            index: Validator(VALIDATORS[index], fresh_replica(), self.l1)
            for index in range(4)
            if index != self.liar
        }
        for validator in self.validators.values():
            self.said += validator.go_live(self.now_ms)
            self.said += validator.tick(self.now_ms)

    def step(self) -> None:
        random = self.random
        self.now_ms += random.choice([1, 1, 1_500])
        index = random.choice(list(self.validators))
        validator = self.validators[index]
        action = random.randrange(10)
        if action == 0:
            self.said.append(self.evil_block(validator))
        elif action == 1:
            self.said += self.evil_signatures(validator)
        elif action == 2:
            self.said += validator.tick(self.now_ms)
        elif random.randrange(3) and self.shown < len(self.said):
            self.shown += 1  # As an honest log would: the next entry, to everybody.
            for one in self.validators.values():
                self.show(one, self.said[self.shown - 1])
        else:
            self.show(validator, random.choice(self.said[-random.choice([4, 20, 10_000]) :]))

    def show(self, validator, payload) -> None:
        self.said += validator.consume(0, Entry(self.now_ms, payload))

    def evil_block(self, validator) -> BlockEntry:
        """Return a block upon the validator's tip; some are valid, none is alike."""
        replica = validator.replica
        rounds = replica.rounds
        to_l1_block = max(replica.ledger.l1_block_number, min(rounds.l1_attested, 2))
        body = Body(
            to_l1_block,
            tuple(self.l1.listings(len(replica.ledger.assets), to_l1_block)),
            tuple(self.l1.deposits(replica.ledger.deposit_count, to_l1_block)),
        )
        slots = execute(replica.ledger, body, 0).slots
        stand_in = SimpleNamespace(replica=replica, now_ms=self.now_ms)
        return Chamber.block(
            stand_in,
            body,
            SEQUENCERS[rounds.round % 2],
            operations_hash=operations_hash(slots),
            operation_count=len(slots) // 15,
            timestamp_ms=max(rounds.tip.timestamp_ms, self.now_ms - self.random.randrange(50)),
        )

    def evil_signatures(self, validator):
        liar, rounds = VALIDATORS[self.liar], validator.replica.rounds
        blocks = [p for p in self.said[-30:] if isinstance(p, BlockEntry)]
        return [
            *(vote(liar, block) for block in blocks[-2:]),
            next_round(liar, rounds.number, rounds.round),
            timeout(liar, rounds.number, rounds.round),
        ]


def run_views(seed: int, steps: int) -> Views:
    views = Views(Random(seed))
    for _ in range(steps):
        views.step()
    check_safety(views.said, views.liar)
    heights = defaultdict(set)
    for validator in views.validators.values():
        tip = validator.replica.rounds.tip
        heights[tip.number].add(tip.block_hash)
    assert all(len(hashes) == 1 for hashes in heights.values()), f"seed {seed}"
    return views


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_committee__lying_log__holds(seed):
    run_views(seed, 150)


def test_committee__histories_of_a_lying_log__holds():
    """Some of those histories certify blocks, and some lose rounds."""
    runs = [run_views(seed, 300) for seed in range(10)]
    tips = [v.replica.rounds for views in runs for v in views.validators.values()]

    assert max(rounds.tip.number for rounds in tips) >= 2
    assert max(rounds.round for rounds in tips) >= 2


@pytest.mark.long
@pytest.mark.timeout(3_600)
@settings(max_examples=2_000, deadline=None)
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_committee__long_histories__holds(seed):
    run_views(seed, 400)
    committee = Committee(Random(seed))
    for _ in range(200):
        committee.step()
    committee.heal()
    check_safety([e.payload for e in committee.entries], committee.liar, committee.finals)
