"""Chunks that hold an invalid operation, or end in another root.

- each way to be invalid → proven, and the batch is gone
- valid chunks, first and later ones, whatever else is shown → can't be proven
- a proof that shows too little, or what is not so → reverts
"""

from dataclasses import replace

import pytest

from backend.protocol.batches import CHUNK_SLOTS_BYTES
from backend.protocol.operations import (
    NO_OP_SLOT,
    Deposit,
    OpenAccount,
    Payment,
    Withdrawal,
    encode_all,
    slot,
)
from backend.protocol.types import BRIDGE, fee_account_id
from tests.contracts.disputes.book import FEE_OWNER, PEOPLE, person
from tests.contracts.disputes.proofs import NO_CHUNK, chunk_proof, multiproof

INVALID_CHUNK = 0
BATCH, CHUNK, BEFORE, STATE, DEPOSITS = range(5)  # of the proof's arguments
ZERO = "0x" + "00" * 20
FEE_ACCOUNT = fee_account_id(1)
NOBODY = bytes(20)


def opening(account_id, asset_id, owner):
    return slot(1, account_id, 0, 0)[:8] + asset_id.to_bytes(2) + owner


def last_slot(data):
    return NO_OP_SLOT * 63 + data


# What breaks the law → the slots of a chunk after the one of `book`.
FRAUDS = {
    "payee is the payer": slot(2, 2, 1, 0),
    "amount zero": slot(2, 3, 0, 8),
    "account 1 is paid": slot(2, 1, 1, 0),
    "fee byte of a deposit": slot(0, 4, 1000, 8),
    "fee byte of a no-op": slot(0, 0, 0, 1),
    "opening in the last slot": last_slot(slot(1, 20, 0, 0)),
    "opening of a reserved account": opening(1, 1, PEOPLE[5].address),
    "opening of asset 0": opening(20, 0, PEOPLE[5].address),
    "opening for nobody": opening(20, 1, NOBODY),
    "payer not open": slot(20, 3, 1, 0),
    "amount not covered": slot(2, 3, 990, 0),
    "fee not covered": slot(2, 3, 989, 8),
    "withdrawal not covered": slot(2, 0, 990, 0),
    "spent twice": slot(2, 3, 989, 0) + slot(2, 3, 1, 0),
    "payee not open": slot(2, 20, 1, 0),
    "payee of another asset": slot(2, 11, 1, 0),
    "fee account not open": slot(2, 3, 1, 0) + slot(10, 11, 1, 8),
    "another amount deposited": slot(0, 4, 999, 0),
    "another owner's deposit": slot(0, 3, 1000, 0),
    "deposit to another asset's account": slot(0, 4, 1000, 0) + slot(0, 10, 1000, 0),
    "deposit past the cursor": slot(0, 4, 1000, 0) + slot(0, 2, 1000, 0) + slot(0, 2, 1000, 0),
    "account opened twice": opening(3, 1, PEOPLE[5].address),
    "fee account of another owner": opening(fee_account_id(2), 2, PEOPLE[5].address),
    "fee account of another id": opening(fee_account_id(7), 1, FEE_OWNER.address),
    "fee account of no asset": opening(fee_account_id(9), 9, FEE_OWNER.address),
}


@pytest.fixture
def prove(disputes, prover):
    return lambda book, index, **more: disputes.proveInvalidChunk(
        *book.invalid_chunk(index, **more), sender=prover
    )


def assert_rolled_back(receipt, rollup, disputes, book, fraud):
    [proven] = receipt.decode_logs(disputes.FraudProven)
    number = book.batch.header.number
    assert (proven.fraud, proven.batchNumber) == (fraud, number)
    assert (proven.headerHash, proven.prover) == (book.header_hash, ZERO)
    [rolled] = receipt.decode_logs(rollup.RolledBack)
    assert (rolled.number, rolled.headerHash) == (number, book.header_hash)
    assert rollup.tip() == number - 1


def test_prove_invalid_chunk__each_fraud__succeeds(chain, rollup, disputes, book, prove):
    for slots in FRAUDS.values():
        with chain.isolate():
            case = replace(book, befores=[*book.befores], chunks=[*book.chunks])
            case.claim(slots).post(deposit_cursor=4)
            receipt = prove(case, 1)

            assert_rolled_back(receipt, rollup, disputes, case, INVALID_CHUNK)


@pytest.mark.parametrize("chunk_index", [0, 1, 2])
def test_prove_invalid_chunk__another_root__succeeds(rollup, disputes, book, prove, chunk_index):
    payment = encode_all([Payment(2, 3, 1)])
    if chunk_index == 0:  # the setting up, said to have changed nothing
        slots = book.chunks.pop().data[:CHUNK_SLOTS_BYTES]
        book.tree = book.befores.pop()
    else:
        slots = payment
    for _ in range(chunk_index - 1):
        book.honest(Payment(2, 3, 1))
    book.claim(slots).honest().post(deposit_cursor=2)

    receipt = prove(book, chunk_index)

    assert_rolled_back(receipt, rollup, disputes, book, INVALID_CHUNK)


def test_prove_invalid_chunk__nothing_but_no_ops__succeeds(rollup, disputes, book, prove):
    book.claim(b"", root=bytes(32)).post()

    assert_rolled_back(prove(book, 1), rollup, disputes, book, INVALID_CHUNK)


def test_prove_invalid_chunk__no_account_shown__succeeds(rollup, disputes, prover, book):
    """Nothing is read: the tree without leaves is its root."""
    book.claim(b"", root=bytes(32)).post()
    arguments = list(book.invalid_chunk(1))
    arguments[STATE] = ([], [book.befores[1].root])

    receipt = disputes.proveInvalidChunk(*arguments, sender=prover)

    assert_rolled_back(receipt, rollup, disputes, book, INVALID_CHUNK)


def test_prove_invalid_chunk__second_batch__succeeds(rollup, disputes, book, prove):
    book.post()
    second = book.next_batch()
    second.claim(slot(2, 2, 1, 0)).post()

    assert_rolled_back(prove(second, 0), rollup, disputes, second, INVALID_CHUNK)


def test_prove_invalid_chunk__valid__reverts(reverts, disputes, book, prove):
    everything = (
        Withdrawal(2, 5, 20),
        Deposit(4, 1000),
        OpenAccount(20, 2, PEOPLE[2].address),
        Payment(4, 3, 999),
        Deposit(2, 1000),
        Payment(3, 2, 1001, 1),
        Payment(2, FEE_ACCOUNT, 3, 1),
        Payment(FEE_ACCOUNT, 5, 7, 1),
    )
    book.honest(*everything).honest(Payment(2, 3, 1)).honest().post()

    for index in range(4):
        for also in ((), (2, 7, 1, BRIDGE, 2**32 - 1)):
            with reverts(disputes, "ChunkValid"):
                prove(book, index, also=also)


@pytest.fixture
def false_chunk(book):
    """A false chunk after deposits, payments and an opening; returns the proof's arguments."""
    slots = slot(0, 4, 1000, 0) + slot(0, 2, 1000, 0) + slot(2, 3, 1, 8) + slot(2, 2, 1, 0)
    book.claim(slots).post(deposit_cursor=4)
    return list(book.invalid_chunk(1))


def expect_revert(reverts, disputes, prover, arguments, error, contract=None, **values):
    with reverts(contract or disputes, error, **values):
        disputes.proveInvalidChunk(*arguments, sender=prover)


def test_prove_invalid_chunk__account_not_shown__reverts(
    reverts, disputes, prover, book, false_chunk
):
    shown = [leaf[0] for leaf in false_chunk[STATE][0]]
    for account_id in shown:
        others = [each for each in shown if each != account_id]
        false_chunk[STATE] = multiproof(book.befores[1], others)
        expect_revert(reverts, disputes, prover, false_chunk, "LeafNotShown", accountId=account_id)


def test_prove_invalid_chunk__leaves_not_ascending__reverts(reverts, disputes, prover, false_chunk):
    leaves, siblings = false_chunk[STATE]
    first, second, *rest = leaves
    for wrong in ([second, first, *rest], [second, second, *rest]):
        false_chunk[STATE] = (wrong, siblings)
        expect_revert(
            reverts,
            disputes,
            prover,
            false_chunk,
            "LeavesNotAscending",
            previous=wrong[0][0],
            actual=wrong[1][0],
        )


def test_prove_invalid_chunk__sibling_count__reverts(reverts, disputes, prover, false_chunk):
    leaves, siblings = false_chunk[STATE]
    for wrong in (siblings[1:], [*siblings, bytes(32)], []):
        false_chunk[STATE] = (leaves, wrong)
        values = {"expected": len(siblings), "actual": len(wrong)}
        expect_revert(reverts, disputes, prover, false_chunk, "SiblingCountMismatch", **values)


def test_prove_invalid_chunk__another_state__reverts(reverts, disputes, prover, book, false_chunk):
    leaves, siblings = false_chunk[STATE]
    *rest, last = leaves
    false_chunk[STATE] = ([*rest, (*last[:4], last[4] + 1)], siblings)
    expect_revert(
        reverts,
        disputes,
        prover,
        false_chunk,
        "RootMismatch",
        expected=book.befores[1].root,
        actual=...,
    )


def test_prove_invalid_chunk__deposit_not_shown__reverts(reverts, disputes, prover, false_chunk):
    false_chunk[DEPOSITS] = false_chunk[DEPOSITS][:1]
    expect_revert(reverts, disputes, prover, false_chunk, "DepositNotShown", index=3)


@pytest.mark.parametrize("field", range(5))
def test_prove_invalid_chunk__another_deposit__reverts(
    reverts, rollup, disputes, prover, false_chunk, field
):
    first, second = false_chunk[DEPOSITS]
    others = (person(5), 2, person(5), 999, first[4] + 1)
    wrong = (*first[:field], others[field], *first[field + 1 :])
    false_chunk[DEPOSITS] = [wrong, second]
    expect_revert(reverts, disputes, prover, false_chunk, "DepositNotQueued", rollup, index=2)


def test_prove_invalid_chunk__another_chunk_before__reverts(
    reverts, rollup, disputes, prover, book, false_chunk
):
    false_chunk[BEFORE] = chunk_proof(book.chunks, 1)
    values = {"expected": 0, "actual": 1}
    expect_revert(reverts, disputes, prover, false_chunk, "ChunkIndexMismatch", **values)

    false_chunk[BEFORE] = NO_CHUNK
    values = {"expectedBytes": 992, "actualBytes": 0}
    expect_revert(reverts, disputes, prover, false_chunk, "ChunkSizeMismatch", rollup, **values)


def test_prove_invalid_chunk__not_of_the_batch__reverts(
    reverts, rollup, disputes, prover, false_chunk
):
    index, data, path = false_chunk[CHUNK]
    root = false_chunk[BATCH].header.chunks_root

    false_chunk[CHUNK] = (index, data[:-1] + b"\x07", path)
    values = {"expectedRoot": root, "actualRoot": ...}
    expect_revert(reverts, disputes, prover, false_chunk, "ChunkNotInBatch", rollup, **values)

    # The tree has ten levels: the place would wrap around.
    false_chunk[CHUNK] = (index + 1024, data, path)
    values = {"limit": 2, "actual": index + 1024}
    expect_revert(reverts, disputes, prover, false_chunk, "ChunkOutOfRange", rollup, **values)

    false_chunk[CHUNK] = (index, data + b"\0", path)
    values = {"expectedBytes": 992, "actualBytes": 993}
    expect_revert(reverts, disputes, prover, false_chunk, "ChunkSizeMismatch", rollup, **values)


def test_prove_invalid_chunk__another_header__reverts(
    reverts, rollup, disputes, prover, false_chunk
):
    header, *rest = false_chunk[BATCH]
    false_chunk[BATCH] = (header._replace(deposit_cursor=3), *rest)
    values = {"number": 1, "expectedSlot": ..., "actualSlot": ...}
    expect_revert(reverts, disputes, prover, false_chunk, "BatchNotAccepted", rollup, **values)


def test_prove_invalid_chunk__batch_removed__reverts(
    reverts, rollup, disputes, prover, false_chunk
):
    disputes.proveInvalidChunk(*false_chunk, sender=prover)

    values = {"tip": 0, "actual": 1}
    expect_revert(reverts, disputes, prover, false_chunk, "BatchRemoved", rollup, **values)


def test_prove_invalid_chunk__batch_settled__reverts(
    reverts, rollup, disputes, prover, false_chunk, pass_window
):
    pass_window()
    rollup.settle([false_chunk[BATCH]], sender=prover)

    expect_revert(reverts, disputes, prover, false_chunk, "BatchSettledAlready", rollup, number=1)
