"""Opening a challenge, and the bond.

- payments and withdrawals of unsettled batches, up to the last second of the window → open
- no-ops, deposits, openings, second halves, malformed slots; twice; too late; bonds too small;
  another chunk; batches settled or removed → refused
- an open challenge keeps its batch from settling
"""

import pytest

from backend.protocol.operations import Deposit, OpenAccount, Payment, Withdrawal, slot
from tests.contracts.core import CHALLENGE_WINDOW_S, WINDOWS
from tests.contracts.disputes.book import PEOPLE
from tests.contracts.disputes.proofs import chunk_proof

FLOOR_WEI = 10**9
ANSWER_GAS = 1_300_000
PAYMENT, WITHDRAWAL, DEPOSIT, OPENING, SECOND_HALF, NO_OP = (64 + i for i in range(6))


@pytest.fixture
def batch(book):
    operations = [Payment(2, 3, 1), Withdrawal(2, 1), Deposit(4, 1000)]
    return book.honest(*operations, OpenAccount(30, 1, PEOPLE[5].address)).post()


@pytest.mark.parametrize("slot_number", [PAYMENT, WITHDRAWAL])
def test_challenge__an_order_s_slot__succeeds(
    challenges, rollup, batch, book, desk, prover, slot_number
):
    bond_wei = desk.bond() + 7

    receipt = desk.challenge(slot_number, prover, value=bond_wei)

    [event] = receipt.decode_logs(challenges.ChallengeOpened)
    assert (event.batchNumber, event.headerHash) == (1, book.header_hash)
    assert (event.slotNumber, event.challenger) == (slot_number, prover)
    assert (event.bondWei, event.deadlineTsS) == (bond_wei, receipt.timestamp + WINDOWS.answer_s)
    kept = challenges.challengeOf(book.header_hash, slot_number)
    assert (kept.openedTsS, kept.challenger, kept.isClosed) == (receipt.timestamp, prover, False)
    assert (kept.batchNumber, kept.bondWei) == (1, bond_wei)
    assert kept.batchSlot == rollup.batchSlot(1)
    assert challenges.openCount(book.header_hash) == 1
    assert challenges.balance == bond_wei


def test_challenge__each_slot_by_itself__succeeds(challenges, batch, book, desk, prover, attacker):
    desk.challenge(PAYMENT, prover)
    desk.challenge(WITHDRAWAL, attacker)

    assert challenges.openCount(book.header_hash) == 2
    assert challenges.challengeOf(book.header_hash, NO_OP).openedTsS == 0


def test_challenge__twice__reverts(reverts, challenges, batch, desk, prover, attacker):
    desk.challenge(PAYMENT, prover)

    for sender in (prover, attacker):
        with reverts(challenges, "ChallengedAlready", slotNumber=PAYMENT):
            desk.challenge(PAYMENT, sender)


@pytest.mark.parametrize(
    ("slot_number", "values"),
    [(DEPOSIT, (0, 4, 1000)), (OPENING, (1, 30, ...)), (NO_OP, (0, 0, 0))],
    ids=["deposit", "opening", "no-op"],
)
def test_challenge__nobody_s_order__reverts(
    reverts, challenges, batch, desk, prover, slot_number, values
):
    named = dict(zip(("payer", "payee", "amountMinor"), values, strict=True))

    with reverts(challenges, "SlotNotOrder", **named):
        desk.challenge(slot_number, prover)


def test_challenge__second_half__reverts(reverts, rollup, batch, desk, prover):
    with reverts(rollup, "SlotIsSecondHalf", slotNumber=SECOND_HALF):
        desk.challenge(SECOND_HALF, prover)


@pytest.mark.parametrize("values", [(2, 2, 1), (2, 1, 1), (2, 3, 0), (2, 0, 0)])
def test_challenge__malformed_slot__reverts(reverts, challenges, book, desk, prover, values):
    """Whoever posted it can't answer, but it is a false chunk: InvalidChunk is the proof."""
    book.claim(slot(*values, 0)).post()

    payer, payee, amount_minor = values
    with reverts(challenges, "SlotNotOrder", payer=payer, payee=payee, amountMinor=amount_minor):
        desk.challenge(PAYMENT, prover)


def test_challenge__bond_too_small__reverts(reverts, challenges, batch, desk, prover):
    minimum = desk.bond()

    values = {"minimumWei": minimum, "actualWei": minimum - 1}
    with reverts(challenges, "BondTooSmall", **values):
        desk.challenge(PAYMENT, prover, value=minimum - 1)


def test_bond__base_fee__holds(chain, challenges):
    web3 = chain.provider.web3
    for base_fee_wei, price_wei in (
        (0, FLOOR_WEI),
        (FLOOR_WEI, FLOOR_WEI),
        (FLOOR_WEI + 1, FLOOR_WEI + 1),
        (10**12, 10**12),
    ):
        web3.provider.make_request("anvil_setNextBlockBaseFeePerGas", [base_fee_wei])
        chain.mine()

        assert challenges.bond() == 4 * ANSWER_GAS * price_wei


def test_challenge__last_second_of_the_window__succeeds(chain, batch, desk, prover):
    chain.pending_timestamp = batch.accepted_ts_s + CHALLENGE_WINDOW_S - 1

    desk.challenge(PAYMENT, prover)


def test_challenge__window_over__reverts(reverts, chain, challenges, batch, desk, prover):
    closed = batch.accepted_ts_s + CHALLENGE_WINDOW_S
    for ts_s in (closed, closed + 1):
        chain.pending_timestamp = ts_s
        values = {"closedTsS": closed, "actualTsS": ts_s}
        with reverts(challenges, "WindowClosed", **values):
            desk.challenge(PAYMENT, prover)


def test_challenge__another_chunk__reverts(reverts, disputes, rollup, batch, book, desk, prover):
    with reverts(disputes, "ChunkIndexMismatch", expected=1, actual=0):
        desk.challenge(PAYMENT, prover, chunk=0)
    with reverts(disputes, "ChunkIndexMismatch", expected=1025, actual=1):
        desk.challenge(PAYMENT + 1024 * 64, prover, chunk=1)
    _, data, path = chunk_proof(book.chunks, 1)
    with reverts(rollup, "ChunkOutOfRange", limit=2, actual=1025):
        desk.challenge(PAYMENT + 1024 * 64, prover, chunk=(1025, data, path))
    with reverts(rollup, "ChunkNotInBatch", expectedRoot=..., actualRoot=...):
        desk.challenge(PAYMENT, prover, chunk=(1, data[:-1] + b"\1", path))
    with reverts(rollup, "ChunkSizeMismatch", expectedBytes=992, actualBytes=991):
        desk.challenge(PAYMENT, prover, chunk=(1, data[:-1], path))


def test_challenge__another_header__reverts(reverts, rollup, batch, desk, prover):
    header, *rest = batch
    other = (header._replace(timestamp=header.timestamp + 1), *rest)

    with reverts(rollup, "BatchNotAccepted", number=1, expectedSlot=..., actualSlot=...):
        desk.challenge(PAYMENT, prover, batch=other)


def test_challenge__settled__reverts(reverts, rollup, batch, desk, prover, pass_window):
    pass_window()
    rollup.settle([batch], sender=prover)

    with reverts(rollup, "BatchSettledAlready", number=1):
        desk.challenge(PAYMENT, prover)


def test_settle__challenge_open__reverts(reverts, chain, rollup, batch, desk, prover):
    chain.pending_timestamp = batch.accepted_ts_s + CHALLENGE_WINDOW_S - 1
    desk.challenge(PAYMENT, prover)

    with reverts(rollup, "ChallengesOpen", count=1):
        rollup.settle([batch], sender=prover)

    desk.answer([desk.signed(PAYMENT, desk.payment(0, 1, 1, nonce=1))], [2, 3], prover)
    rollup.settle([batch], sender=prover)
    assert rollup.frontier() == 1
