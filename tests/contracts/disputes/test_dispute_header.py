"""Headers that say what their chunks don't, and owners with two accounts of an asset.

- another postRoot than the last chunk's; another cursor than BRIDGE's nonce → proven
- an opening beside another account of the owner and asset, older or newer → proven
- honest batches, other chunks, other accounts, second halves → can't be proven
"""

import pytest

from backend.protocol.operations import Deposit, OpenAccount, Payment, encode_all, slot
from backend.protocol.state_tree import StateTree
from backend.protocol.types import BRIDGE, Leaf
from tests.contracts.disputes.book import PEOPLE
from tests.contracts.disputes.proofs import chunk_proof, leaf_proof, multiproof
from tests.contracts.disputes.test_dispute_invalid_chunk import assert_rolled_back

HEADER_MISMATCH, DUPLICATE_ACCOUNT = 2, 3


def test_prove_post_root_mismatch__another_root__succeeds(rollup, disputes, prover, book):
    book.honest(Payment(2, 3, 1)).post(post_root=book.befores[1].root)

    receipt = disputes.provePostRootMismatch(*book.last_chunk(), sender=prover)

    assert_rolled_back(receipt, rollup, disputes, book, HEADER_MISMATCH)


def test_prove_post_root_mismatch__last_root__reverts(reverts, disputes, prover, book):
    book.honest(Payment(2, 3, 1)).post()

    with reverts(disputes, "HeaderMatches"):
        disputes.provePostRootMismatch(*book.last_chunk(), sender=prover)


def test_prove_post_root_mismatch__another_chunk__reverts(reverts, rollup, disputes, prover, book):
    book.honest(Payment(2, 3, 1)).post()
    first, last = chunk_proof(book.chunks, 0), chunk_proof(book.chunks, 1)

    with reverts(disputes, "ChunkIndexMismatch", expected=1, actual=0):
        disputes.provePostRootMismatch(book.batch, first, sender=prover)
    with reverts(rollup, "ChunkNotInBatch", expectedRoot=..., actualRoot=...):
        disputes.provePostRootMismatch(book.batch, (1, *first[1:]), sender=prover)
    with reverts(rollup, "ChunkOutOfRange", limit=2, actual=1025):
        disputes.provePostRootMismatch(book.batch, (1025, *last[1:]), sender=prover)


@pytest.mark.parametrize("cursor", [1, 3])
def test_prove_cursor_mismatch__another_nonce__succeeds(rollup, disputes, prover, book, cursor):
    book.post(deposit_cursor=cursor)

    receipt = disputes.proveCursorMismatch(*book.cursor(), sender=prover)

    assert_rolled_back(receipt, rollup, disputes, book, HEADER_MISMATCH)


def test_prove_cursor_mismatch__bridge_gone__succeeds(rollup, disputes, prover, book):
    """An empty leaf has no nonce: any may be named."""
    gone = StateTree({each: book.tree.leaf(each) for each in (2, 3)})
    book.claim(b"", root=gone.root).post()
    bridge = leaf_proof(gone, BRIDGE)

    receipt = disputes.proveCursorMismatch(book.batch, bridge, sender=prover)

    assert_rolled_back(receipt, rollup, disputes, book, HEADER_MISMATCH)


def test_prove_cursor_mismatch__right_nonce__reverts(reverts, disputes, prover, book):
    book.honest(Deposit(4, 1000)).post()

    with reverts(disputes, "HeaderMatches"):
        disputes.proveCursorMismatch(*book.cursor(), sender=prover)


def test_prove_cursor_mismatch__another_leaf__reverts(reverts, rollup, disputes, prover, book):
    book.post()
    batch, bridge = book.cursor()
    root = batch.header.post_root

    with reverts(disputes, "LeafNotShown", accountId=BRIDGE):
        disputes.proveCursorMismatch(batch, leaf_proof(book.tree, 2), sender=prover)
    wrong = (*bridge[:3], bridge[3] + 1, *bridge[4:])
    with reverts(rollup, "LeafNotInState", expectedRoot=root, actualRoot=...):
        disputes.proveCursorMismatch(batch, wrong, sender=prover)


@pytest.fixture
def open_again(book):
    """Open another account for person 0 of asset 1, as if nobody minded; return its position."""
    book.honest(Payment(2, 3, 1), OpenAccount(30, 1, PEOPLE[0].address), Payment(2, 30, 5))
    return 1


@pytest.mark.parametrize("shown", [(2,), (2, 30), (0, 2, 3, 30)])
def test_prove_duplicate_account__older_account__succeeds(
    rollup, disputes, prover, book, open_again, shown
):
    book.post()

    receipt = disputes.proveDuplicateAccount(*book.duplicate(1, open_again, *shown), sender=prover)

    assert_rolled_back(receipt, rollup, disputes, book, DUPLICATE_ACCOUNT)


def test_prove_duplicate_account__both_opened_in_the_chunk__succeeds(
    rollup, disputes, prover, book
):
    book.honest(*(OpenAccount(n, 1, PEOPLE[5].address) for n in (30, 29))).post()

    receipt = disputes.proveDuplicateAccount(*book.duplicate(1, 0, 29), sender=prover)

    assert_rolled_back(receipt, rollup, disputes, book, DUPLICATE_ACCOUNT)


def test_prove_duplicate_account__no_other__reverts(reverts, disputes, prover, book):
    book.honest(OpenAccount(30, 2, PEOPLE[2].address), OpenAccount(31, 1, PEOPLE[5].address))
    book.post()

    # Another asset's account of the owner, other owners', empty ones, and the opened one itself.
    for position in (0, 2):
        arguments = book.duplicate(1, position, 0, 2, 3, 4, 7, 10, 30, 31)
        with reverts(disputes, "AccountNotDuplicate"):
            disputes.proveDuplicateAccount(*arguments, sender=prover)


def test_prove_duplicate_account__no_opening__reverts(
    reverts, rollup, disputes, prover, book, open_again
):
    book.post()
    for position in (0, 3, 63, 64, 2**256 - 1):
        with reverts(disputes, "SlotNotOpening", position=position):
            disputes.proveDuplicateAccount(*book.duplicate(1, position, 2), sender=prover)
    with reverts(rollup, "SlotIsSecondHalf", slotNumber=64 + open_again + 1):
        disputes.proveDuplicateAccount(*book.duplicate(1, open_again + 1, 2), sender=prover)


def test_prove_duplicate_account__opening_in_a_second_half__reverts(
    reverts, rollup, disputes, prover, book
):
    """An owner whose address looks like an opening, and a deposit's slot like its owner."""
    looks = encode_all([OpenAccount(0x33333333, 1, PEOPLE[0].address)])[:15]
    owner = PEOPLE[0].address[:5] + looks
    data = slot(1, 30, 0, 0)[:8] + (1).to_bytes(2) + owner
    changes = {30: Leaf(owner, 1, 0, 0)}
    book.claim(data, tree=book.tree.set_many(changes)).post()

    with reverts(rollup, "SlotIsSecondHalf", slotNumber=65):
        disputes.proveDuplicateAccount(*book.duplicate(1, 1, 2), sender=prover)


def test_prove_duplicate_account__not_of_the_state__reverts(
    reverts, rollup, disputes, prover, book, open_again
):
    book.post()
    batch, chunk, position, _ = book.duplicate(1, open_again, 2)
    root = book.chunks[1].root

    before = multiproof(book.chunks[0].tree, [2])
    with reverts(disputes, "RootMismatch", expected=root, actual=...):
        disputes.proveDuplicateAccount(batch, chunk, position, before, sender=prover)
    with reverts(rollup, "ChunkNotInBatch", expectedRoot=..., actualRoot=...):
        disputes.proveDuplicateAccount(batch, (0, *chunk[1:]), position, before, sender=prover)


def test_prove__settled_batch__reverts(
    reverts, rollup, disputes, prover, book, open_again, pass_window
):
    book.post(post_root=book.befores[1].root, deposit_cursor=1)
    pass_window()
    rollup.settle([book.batch], sender=prover)

    for prove, arguments in (
        (disputes.provePostRootMismatch, book.last_chunk()),
        (disputes.proveCursorMismatch, book.cursor()),
        (disputes.proveDuplicateAccount, book.duplicate(1, open_again, 2)),
    ):
        with reverts(rollup, "BatchSettledAlready", number=1):
            prove(*arguments, sender=prover)
