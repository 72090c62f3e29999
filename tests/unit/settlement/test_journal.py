"""The submitter's journal.

- each step: read again as it was written
- built anew: the transactions before are kept; another batch: they are not
- gone, confirmed, and nothing in hand
- a header's words
"""

from dataclasses import replace

from backend.protocol.batches import BatchHeader
from backend.protocol.hashing import keccak
from backend.settlement.batch_data import decode_header
from backend.settlement.chain import Fees, L1Point
from backend.settlement.journal import Attempt, SubmissionJournal
from tests.e2e.settlement.tiny_ledger import MemoryLog

HEADER = BatchHeader(
    7,
    1,
    *[keccak(bytes([i])) for i in range(4)],
    3,
    keccak(b"data"),
    5,
    100,
    keccak(b"pin"),
    40,
    keccak(b"block"),
    1_700_000_000,
)
ATTEMPT = Attempt(HEADER, 4, 500_000, Fees(10, 1, 3), keccak(b"tx"), 1_700_000_000_000)


def again(log):
    return SubmissionJournal(log).current


def test_decode_header__words__succeeds():
    assert decode_header(HEADER.encode()) == HEADER


def test_journal__each_step__succeeds():
    log = MemoryLog()
    journal = SubmissionJournal(log)
    assert journal.current is None

    built = journal.built(HEADER, b"signatures", "blobs")
    assert again(log) == built == journal.current

    sent = journal.sent(ATTEMPT)
    assert sent.attempts == (ATTEMPT,)
    assert again(log) == sent

    point = L1Point(9, keccak(b"l1"))
    mined = journal.mined(7, ATTEMPT.tx_hash, point)
    assert mined.mined == point
    assert again(log) == mined

    assert again(log) == mined
    assert journal.gone(7).mined is None
    assert again(log) == sent

    journal.confirmed(7)
    assert journal.current is None
    assert again(log) is None


def test_journal__same_transaction_again__succeeds():
    journal = SubmissionJournal(MemoryLog())
    journal.built(HEADER, b"", "calldata")
    journal.sent(ATTEMPT)

    later = journal.sent(replace(ATTEMPT, sent_ts_ms=2))

    assert later.attempts == (replace(ATTEMPT, sent_ts_ms=2),)


def test_built__same_batch__keeps_attempts_holds():
    journal = SubmissionJournal(MemoryLog())
    journal.built(HEADER, b"", "calldata")
    journal.sent(ATTEMPT)

    anew = journal.built(replace(HEADER, l1_block_number=200), b"", "calldata")
    other = journal.built(replace(HEADER, number=8), b"", "calldata")

    assert anew.attempts == (ATTEMPT,)
    assert other.attempts == ()
