"""Opening a challenge, and the bond.

- payments and withdrawals of unsettled batches, one or all of a chunk, up to the last second of the
  window → open, each slot once; those challenged before are left out
- no-ops, deposits, openings, second halves, malformed slots; none; all twice; too late; bonds too
  small; another chunk; batches settled or removed → refused
- the bond pays the dearest answers of so many positions twice
- an open challenge keeps its batch from settling
"""

import pytest

from backend.protocol.operations import Deposit, OpenAccount, Payment, Withdrawal, slot
from tests.contracts.core import CHALLENGE_WINDOW_S, WINDOWS
from tests.contracts.disputes.book import PEOPLE
from tests.contracts.disputes.evidence import FIRST_ANSWER_GAS, LEG_GAS, NODE_GAS, mask
from tests.contracts.disputes.proofs import chunk_proof

FLOOR_WEI = 10**9
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
    assert (event.slotNumber, event.positions) == (slot_number, mask(slot_number))
    assert event.challenger == prover
    assert (event.bondWei, event.deadlineTsS) == (bond_wei, receipt.timestamp + WINDOWS.answer_s)
    kept = challenges.challengeOf(book.header_hash, slot_number)
    assert (kept.openedTsS, kept.challenger) == (receipt.timestamp, prover)
    assert (kept.openPositions, kept.paidPositions) == (mask(slot_number), 0)
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


def test_challenge__all_of_a_chunk__goes_by_the_lowest_succeeds(challenges, book, desk, prover):
    book.honest(*[Payment(2, 3, 1)] * 64).post()
    slots = range(64, 128)

    receipt = desk.challenge(slots, prover)

    [event] = receipt.decode_logs(challenges.ChallengeOpened)
    assert (event.slotNumber, event.positions) == (64, 2**64 - 1)
    assert challenges.challengeOf(book.header_hash, 64).openPositions == 2**64 - 1
    assert challenges.challengeOf(book.header_hash, 65).openedTsS == 0
    assert challenges.openCount(book.header_hash) == 1


@pytest.mark.parametrize("position", [0, 1, 31, 62, 63])
def test_challenge__any_position__goes_by_it_succeeds(challenges, book, desk, prover, position):
    """Of the highest nothing is cut off, and a lower one isn't challenged with it."""
    book.honest(*[Payment(2, 3, 1)] * 64).post()

    receipt = desk.challenge(64 + position, prover)

    [event] = receipt.decode_logs(challenges.ChallengeOpened)
    assert (event.slotNumber, event.positions) == (64 + position, 1 << position)
    desk.challenge([64 + each for each in range(64) if each != position], prover)


def test_challenge__some_of_them_challenged__opens_the_others_succeeds(
    challenges, book, desk, prover, attacker
):
    """Who challenges one of them just before, shields none of the others."""
    book.honest(*[Payment(2, 3, 1)] * 5).post()
    desk.challenge([64, 66], attacker)

    receipt = desk.challenge(range(64, 69), prover, value=desk.bond(3))

    [event] = receipt.decode_logs(challenges.ChallengeOpened)
    assert (event.slotNumber, event.positions) == (65, mask(65, 67, 68))
    kept = challenges.challengeOf(book.header_hash, 65)
    assert (kept.challenger, kept.openPositions) == (prover, mask(65, 67, 68))
    assert challenges.challengeOf(book.header_hash, 64).challenger == attacker
    assert challenges.openCount(book.header_hash) == 2


def test_challenge__all_of_them_challenged__reverts(
    reverts, challenges, book, desk, prover, attacker
):
    """Whoever challenged them, at once or not: the lowest is named."""
    book.honest(*[Payment(2, 3, 1)] * 5).post()
    desk.challenge([65, 66], attacker)
    desk.challenge(68, prover)

    for slots, lowest in (([65, 66, 68], 65), ([66, 68], 66), ([68], 68)):
        with reverts(challenges, "ChallengedAlready", slotNumber=lowest):
            desk.challenge(slots, prover)


def test_challenge__bond_of_the_others_too_small__reverts(reverts, challenges, book, desk, prover):
    book.honest(*[Payment(2, 3, 1)] * 5).post()
    desk.challenge(64, prover)
    minimum = desk.bond(2)

    values = {"minimumWei": minimum, "actualWei": minimum - 1}
    with reverts(challenges, "BondTooSmall", **values):
        desk.challenge([64, 65, 66], prover, value=minimum - 1)


def test_challenge__same_positions_of_another_chunk__succeeds(challenges, book, desk, prover):
    book.honest(Payment(2, 3, 1)).honest(Payment(2, 3, 1)).post()

    desk.challenge(64, prover)
    desk.challenge(128, prover)

    assert challenges.openCount(book.header_hash) == 2


def test_challenge__no_position__reverts(reverts, challenges, batch, desk, book, prover):
    with reverts(challenges, "NothingChallenged"):
        challenges.challenge(
            batch, chunk_proof(book.chunks, 1), 0, sender=prover, value=desk.bond()
        )


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
    with reverts(challenges, "SlotNotOrder", **named):
        desk.challenge([PAYMENT, slot_number], prover)


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


@pytest.mark.parametrize("slots", [[PAYMENT], [PAYMENT, WITHDRAWAL]])
def test_challenge__bond_too_small__reverts(reverts, challenges, batch, desk, prover, slots):
    minimum = desk.bond(len(slots))

    values = {"minimumWei": minimum, "actualWei": minimum - 1}
    with reverts(challenges, "BondTooSmall", **values):
        desk.challenge(slots, prover, value=minimum - 1)


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

        group_gas = 8 * (LEG_GAS + 32 * NODE_GAS)
        for count, groups in ((1, 1), (2, 2), (7, 7), (8, 8), (9, 8), (64, 8)):
            dearest_gas = FIRST_ANSWER_GAS + groups * group_gas
            assert challenges.bond(count) == 2 * dearest_gas * price_wei


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


def test_challenge__another_chunk__reverts(reverts, rollup, batch, book, desk, prover):
    _, data, path = chunk_proof(book.chunks, 1)
    with reverts(rollup, "ChunkOutOfRange", limit=2, actual=1025):
        desk.challenge(PAYMENT, prover, chunk=(1025, data, path))
    with reverts(rollup, "ChunkNotInBatch", expectedRoot=..., actualRoot=...):
        desk.challenge(PAYMENT, prover, chunk=(0, data, path))
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
