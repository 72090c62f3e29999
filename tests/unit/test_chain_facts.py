"""What the records learn of the chain.

- each event that they keep becomes its fact; the others none
- where a batch is padded: an owner whose bytes look like a no-op is none
"""

import pytest

from backend.chain_facts import batch_posted, fact_of
from backend.protocol.batches import Chunk, genesis_header, padded
from backend.protocol.hashing import ZERO_DIGEST, keccak
from backend.protocol.operations import OpenAccount, Payment, encode_all
from backend.protocol.types import (
    AccountId,
    Address,
    Asset,
    DepositRecord,
    Epoch,
    ExitRequest,
)
from backend.records import facts
from backend.settlement import events
from backend.settlement.batch_data import AcceptedBatch, PostedBatch
from backend.settlement.chain import L1Point

PLACE = events.Place(L1Point(7, keccak(b"block")), keccak(b"tx"), 0)
TOKEN, OWNER = Address(b"\x01" * 20), Address(b"\x02" * 20)
RECORD = DepositRecord(TOKEN, 1, OWNER, 5, 1_700_000_000)
BATCH = PostedBatch(
    AcceptedBatch(genesis_header(ZERO_DIGEST), 9, 7),
    ZERO_DIGEST,
    "blobs",
    PLACE.block,
    PLACE.tx_hash,
    None,
)


@pytest.mark.parametrize(
    ("event", "fact"),
    [
        (events.DepositSeen(PLACE, 3, RECORD), facts.DepositSeen(3, RECORD, 7, PLACE.tx_hash)),
        (events.DepositConfirmed(PLACE, 3, RECORD), facts.DepositConfirmed(3, 7, 11)),
        (events.DepositGone(PLACE, 3, RECORD), facts.DepositGone(3, 7, 11)),
        (events.BatchGone(PLACE, BATCH), facts.BatchGone(0, ZERO_DIGEST, 7, 11)),
        (events.BatchRolledBack(PLACE, BATCH), facts.BatchRolledBack(0, ZERO_DIGEST, 7, 11)),
        (events.BatchSettled(PLACE, 4), facts.BatchSettled(4, 7, 11)),
        (
            events.WithdrawalClaimed(
                PLACE, RECORD.owner, 1, RECORD.token, 0, 5, 2, 65, ZERO_DIGEST
            ),
            facts.WithdrawalClaimed(ZERO_DIGEST, RECORD.owner, 2, 65, 7, 11, PLACE.tx_hash),
        ),
        (events.AssetListed(PLACE, Asset(1, RECORD.token, 1, RECORD.owner)), None),
        (
            events.BatchConfirmed(PLACE, BATCH),
            facts.BatchPosted(BATCH.header, ZERO_DIGEST, 9, 7, 7, PLACE.tx_hash, None),
        ),
        (events.RolledBack(PLACE, 1), None),
        (
            events.WithdrawalAdvanced(PLACE, ZERO_DIGEST, OWNER, TOKEN),
            facts.WithdrawalAdvanced(ZERO_DIGEST, OWNER, TOKEN, 7, 11, PLACE.tx_hash),
        ),
        (
            events.ExitRequested(PLACE, 3, ExitRequest(AccountId(5), OWNER)),
            facts.ExitRequested(3, 5, OWNER, 7, 11, PLACE.tx_hash),
        ),
        (
            events.ExitServed(PLACE, AccountId(5), OWNER, 2),
            facts.ExitServed(5, OWNER, 2, 7, 11),
        ),
        (
            events.ChallengeOpened(PLACE, 2, ZERO_DIGEST, 65, 6, OWNER, 900),
            facts.ChallengeOpened(ZERO_DIGEST, 2, 65, 6, OWNER, 900, 7, 11),
        ),
        (
            events.ChallengeAnswered(PLACE, ZERO_DIGEST, 65),
            facts.ChallengeEnded(ZERO_DIGEST, 65, "answered", 7, 11),
        ),
        (
            events.ChallengeExpired(PLACE, ZERO_DIGEST, 65),
            facts.ChallengeEnded(ZERO_DIGEST, 65, "expired", 7, 11),
        ),
        (
            events.BondReleased(PLACE, ZERO_DIGEST, 65),
            facts.ChallengeEnded(ZERO_DIGEST, 65, "released", 7, 11),
        ),
        (events.EpochBegun(PLACE, Epoch(2, (OWNER,))), facts.EpochBegun(2, 7, 11)),
        (events.RollupFrozen(PLACE, "Silence", 9), facts.RollupFrozen("Silence", 7, 9_000)),
        (events.Escaped(PLACE, AccountId(5), OWNER), facts.AccountEscaped(5, OWNER, 7, 11)),
        (events.DepositRefunded(PLACE, 3), facts.DepositRefunded(3, 7, 11, PLACE.tx_hash)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_fact_of__each_event__succeeds(event, fact):
    assert fact_of(event, 11) == fact


def test_fact_of__batch_posted__padding_is_not_known_yet_succeeds():
    fact = fact_of(events.BatchPosted(PLACE, BATCH), 11)

    assert (fact.accepted_ts_s, fact.signers, fact.noop_slots) == (9, 7, None)


def test_batch_posted__chunks__padding_is_found_succeeds():
    owner = Address(b"\x01" + bytes(19))  # the second half of its opening is all zero
    slots = encode_all([OpenAccount(AccountId(2), 1, owner), Payment(2, 3, 1, 0)])
    full = Chunk(slots * (64 // 3) + slots[-15:], ZERO_DIGEST)
    chunks = (full, Chunk(padded(slots), ZERO_DIGEST))

    fact = batch_posted(events.BatchConfirmed(PLACE, BATCH), chunks)

    assert fact.noop_slots == tuple(range(64 + 3, 128))
