"""What decides a round, whoever judges.

- committee: f, quorum, proposers in turn
- block: decides; of another height, round, epoch, proposer, of a false body; second one
- timeouts: f + 1 decide, f don't; repeated, of a stranger, after a decision
- votes: 2f + 1 certify; repeated, of a stranger, for another block, malformed
- next round: 2f + 1 end it, the next proposer has his turn, the round stays at the next height
- seen: what f + 1 have attested
"""

from dataclasses import replace

import pytest

from backend.engine.rounds import Certified, Proposed, RoundEnded, RoundLost, Rounds, Tip, signer
from backend.protocol.blocks import Block, body_hash
from backend.protocol.hashing import ZERO_DIGEST, keccak
from backend.protocol.log_entries import Entry, Payload, SeenEntry
from backend.protocol.votes import Seen
from tests.unit.engine.chamber import next_round, proposal, timeout, vote
from tests.unit.engine.committee import COMMITTEE, DOMAIN, SEQUENCERS, START_MS, VALIDATORS, key

BODY = b"body"
BLOCK = Block(1, 1, 0, ZERO_DIGEST, keccak(b""), body_hash(BODY), 0, START_MS)
PROPOSAL = proposal(BLOCK, SEQUENCERS[0], BODY)
STRANGER = key("stranger")


@pytest.fixture
def rounds():
    return Rounds(COMMITTEE)


def feed(rounds: Rounds, *payloads: Payload, stamp_ms: int = START_MS):
    """Return what the entries decided, the Nones left out."""
    events = [rounds.consume(index, Entry(stamp_ms, p)) for index, p in enumerate(payloads)]
    return [event for event in events if event is not None]


def seen(validator, number):
    message = Seen(number, keccak(number.to_bytes(8)))
    return SeenEntry(message, validator.sign_digest(message.digest(DOMAIN)))


def test_committee__four_validators__holds():
    assert (COMMITTEE.faults_max, COMMITTEE.quorum) == (1, 3)
    assert [COMMITTEE.proposer(r) for r in range(3)] == [
        SEQUENCERS[0].address,
        SEQUENCERS[1].address,
        SEQUENCERS[0].address,
    ]


def test_block__of_the_proposer__succeeds(rounds):
    (event,) = feed(rounds, PROPOSAL)

    assert event == Proposed(0, BLOCK, BODY, BLOCK.digest(DOMAIN), START_MS, 0)
    assert rounds.is_decided


@pytest.mark.parametrize(
    "entry",
    [
        proposal(replace(BLOCK, number=2), SEQUENCERS[0], BODY),
        proposal(replace(BLOCK, number=0), SEQUENCERS[0], BODY),
        proposal(replace(BLOCK, round=1), SEQUENCERS[1], BODY),
        proposal(replace(BLOCK, epoch=2), SEQUENCERS[0], BODY),
        proposal(BLOCK, SEQUENCERS[1], BODY),
        proposal(BLOCK, SEQUENCERS[0], b"another body"),
        replace(PROPOSAL, signature=bytes(65)),
    ],
    ids=["height", "genesis", "round", "epoch", "proposer", "body", "signature"],
)
def test_block__not_the_round_in_progress__changes_nothing(rounds, entry):
    assert feed(rounds, entry) == []
    assert not rounds.is_decided


def test_block__second_one__changes_nothing(rounds):
    other = proposal(replace(BLOCK, timestamp_ms=START_MS + 1), SEQUENCERS[0], BODY)

    assert len(feed(rounds, PROPOSAL, other)) == 1
    assert rounds.proposed.block == BLOCK


def test_timeouts__more_than_f__succeeds(rounds):
    assert feed(rounds, timeout(VALIDATORS[0], 1, 0), timeout(VALIDATORS[1], 1, 0)) == [RoundLost()]
    assert rounds.is_lost
    assert feed(rounds, PROPOSAL) == []


@pytest.mark.parametrize(
    "second",
    [
        timeout(VALIDATORS[0], 1, 0),
        timeout(STRANGER, 1, 0),
        timeout(VALIDATORS[1], 1, 1),
        timeout(VALIDATORS[1], 2, 0),
        timeout(VALIDATORS[1], 1, 0, epoch=2),
    ],
    ids=["repeated", "stranger", "round", "height", "epoch"],
)
def test_timeouts__only_f_count__changes_nothing(rounds, second):
    assert feed(rounds, timeout(VALIDATORS[0], 1, 0), second) == []
    assert not rounds.is_lost
    assert len(feed(rounds, PROPOSAL)) == 1


def test_timeouts__after_the_block__changes_nothing(rounds):
    feed(rounds, PROPOSAL)

    assert feed(rounds, *(timeout(v, 1, 0) for v in VALIDATORS)) == []
    assert not rounds.is_lost


def test_votes__quorum__succeeds(rounds):
    votes = [vote(v, PROPOSAL) for v in (VALIDATORS[3], VALIDATORS[0], VALIDATORS[2])]

    proposed, certified = feed(rounds, PROPOSAL, *votes, stamp_ms=START_MS + 7)

    ascending = (votes[1].signature, votes[2].signature, votes[0].signature)
    assert certified == Certified(proposed, ascending)
    assert rounds.tip == Tip(1, BLOCK.digest(DOMAIN), 0, START_MS)
    assert (rounds.number, rounds.round, rounds.is_decided) == (2, 0, False)
    assert feed(rounds, vote(VALIDATORS[1], PROPOSAL)) == []


@pytest.mark.parametrize(
    "third",
    [
        vote(VALIDATORS[0], PROPOSAL),
        vote(STRANGER, PROPOSAL),
        vote(VALIDATORS[2], proposal(replace(BLOCK, round=1), SEQUENCERS[1], BODY)),
        replace(vote(VALIDATORS[2], PROPOSAL), signature=bytes(65)),
    ],
    ids=["repeated", "stranger", "another block", "malformed"],
)
def test_votes__no_quorum__changes_nothing(rounds, third):
    votes = [vote(v, PROPOSAL) for v in VALIDATORS[:2]]

    assert len(feed(rounds, PROPOSAL, *votes, third)) == 1
    assert rounds.number == 1


def test_votes__before_the_block__changes_nothing(rounds):
    votes = [vote(v, PROPOSAL) for v in VALIDATORS]

    assert len(feed(rounds, *votes, PROPOSAL)) == 1
    assert rounds.number == 1


def test_next_round__quorum__succeeds(rounds):
    events = feed(rounds, *(next_round(v, 1, 0) for v in VALIDATORS[:3]))

    assert events == [RoundEnded()]
    assert (rounds.number, rounds.round, rounds.rounds_lost) == (1, 1, 1)
    assert rounds.proposer == SEQUENCERS[1].address


@pytest.mark.parametrize(
    "third",
    [next_round(VALIDATORS[0], 1, 0), next_round(STRANGER, 1, 0), next_round(VALIDATORS[2], 1, 1)],
    ids=["repeated", "stranger", "round"],
)
def test_next_round__no_quorum__changes_nothing(rounds, third):
    assert feed(rounds, *(next_round(v, 1, 0) for v in VALIDATORS[:2]), third) == []
    assert rounds.round == 0


def test_next_height__after_a_lost_round__holds(rounds):
    second = proposal(replace(BLOCK, round=1), SEQUENCERS[1], BODY)
    feed(rounds, *(next_round(v, 1, 0) for v in VALIDATORS[:3]))

    feed(rounds, second, *(vote(v, second) for v in VALIDATORS[:3]))

    assert (rounds.number, rounds.round, rounds.rounds_lost) == (2, 1, 0)
    assert rounds.proposer == SEQUENCERS[1].address


def test_seen__f_plus_one_validators__holds(rounds):
    assert rounds.l1_attested == 0
    feed(rounds, seen(VALIDATORS[0], 10**9), seen(STRANGER, 10**9), seen(VALIDATORS[0], 10**9))
    assert rounds.l1_attested == 0
    feed(rounds, seen(VALIDATORS[1], 12), seen(VALIDATORS[2], 11))
    assert rounds.l1_attested == 12
    feed(rounds, seen(VALIDATORS[1], 5))
    assert rounds.l1_attested == 12


def test_signer__malformed_signature__holds():
    assert signer(ZERO_DIGEST, b"short") is None
    assert signer(ZERO_DIGEST, key("a").sign_digest(ZERO_DIGEST)) == key("a").address
