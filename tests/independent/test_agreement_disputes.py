"""Which frauds a batch holds: the prover finds what the second implementation finds.

Branches:
- batches of random blocks: true, and spoilt in one to three ways
- each fraud that the prover shows is one of ours; where it finds none, there is none
- operations whose challenge can't be answered: the same ones, of orders and of sweeps
- blobs: other bytes than the chunks', elements of more than 31 bytes
"""

from copy import deepcopy
from dataclasses import astuple, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.protocol import batches, eip712, order_records
from backend.protocol.blocks import Body as TheirBody
from backend.protocol.evidence import Evidence
from backend.protocol.types import Leaf as TheirLeaf
from backend.settlement.batch_data import BLOBS, CALLDATA, AcceptedBatch, PostedBatch
from backend.settlement.chain import L1Point
from backend.settlement.proving.answers import Authority, objection
from backend.settlement.proving.fraud import Fraud as TheirFraud
from backend.settlement.proving.fraud import FraudFound
from backend.settlement.proving.replay import LedgerState, ReplayedBatch, replay
from tests.independent import chunks, worlds
from tests.independent.codec import keccak
from tests.independent.judge import Batch, Fraud, Kind, find_frauds
from tests.independent.operations import AMOUNT_MAX, Operation, read_operations
from tests.independent.records import Root
from tests.independent.spoiling import CHANGES, Draft, Spoiler, draft_of
from tests.independent.state import Leaf
from tests.independent.worlds import DOMAIN, PEOPLE, TS_S

THEIR_DOMAIN = eip712.ledger_domain(DOMAIN.chain_id, DOMAIN.contract)
THEIR_ASSETS = {
    asset.asset_id: asset for asset in TheirBody.decode(worlds.FIRST_BODY.encoded()).listings
}


def _posted(batch: Batch, is_in_blobs: bool = False) -> PostedBatch:
    header = batches.BatchHeader(*astuple(batch.header))
    carried = None if is_in_blobs else tuple(map(batches.Chunk.decode, batch.carried))
    return PostedBatch(
        accepted=AcceptedBatch(header, worlds.TS_S, 0b111),
        header_hash=header.digest(THEIR_DOMAIN),
        carrier=BLOBS if is_in_blobs else CALLDATA,
        block=L1Point(1, keccak(b"l1")),
        tx_hash=keccak(b"tx"),
        chunks=carried,
        chunk_hashes=batch.hashes,
        versioned_hashes=(keccak(b"blob"),) if is_in_blobs else (),
    )


def _replayed(draft: Draft, batch: Batch, blobs: list[bytes] | None) -> ReplayedBatch | Fraud:
    """What the prover makes of a batch: what it does, or its first fraud."""
    leaves = {one: TheirLeaf(*astuple(leaf)) for one, leaf in draft.before.leaves.items()}
    body = TheirBody.decode(replace(worlds.FIRST_BODY, deposits=tuple(draft.queue)).encoded())
    facts = (THEIR_ASSETS, dict(enumerate(body.deposits)))
    posted = _posted(batch, blobs is not None)
    try:
        return replay(posted, blobs or [], LedgerState.of(leaves), *facts)
    except FraudFound as found:
        return _in_our_words(found.fraud)


def _in_our_words(fraud: TheirFraud) -> Fraud:
    arguments = fraud.arguments
    match fraud.function:
        case "proveInvalidChunk":
            return Fraud(Kind.INVALID_CHUNK, arguments[1][0])
        case "proveDataMismatch":
            return Fraud(Kind.DATA_MISMATCH, arguments[1])
        case "proveDuplicateAccount":
            return Fraud(Kind.DUPLICATE_ACCOUNT, arguments[1][0], arguments[2])
        case "provePostRootMismatch":
            return Fraud(Kind.POST_ROOT_MISMATCH)
        case "proveCursorMismatch":
            return Fraud(Kind.CURSOR_MISMATCH)
    raise AssertionError(fraud.function)


def _their_unanswerable(draft: Draft, batch: Batch, replayed: ReplayedBatch) -> set[Fraud]:
    def has_root(owner: bytes, root: bytes) -> bool:
        return Root(owner, root) in draft.authorised

    def may_sweep(account_id: int, owner: bytes, timestamp: int) -> bool:
        last_ts_s = draft.requests.get((account_id, owner), 0)
        return last_ts_s is None or timestamp <= last_ts_s

    authority = Authority(THEIR_DOMAIN, THEIR_ASSETS, has_root, may_sweep)
    known = [order_records.decode_record(record.encoded()) for record in draft.records]
    evidence = [Evidence(record, leg) for record in known for leg in range(len(record.orders))]
    evidence.append(Evidence(None, 0))
    return {
        Fraud(Kind.UNANSWERABLE, index, position)
        for index, chunk in enumerate(batch.carried)
        for position, operation in read_operations(chunk[:-32])
        if operation.is_debit()
        and all(objection(replayed, 64 * index + position, one, authority) for one in evidence)
    }


def _check_agreement(draft: Draft, batch: Batch, blobs: list[bytes] | None = None) -> list[Fraud]:
    """Both find the same, which is returned."""
    state = deepcopy(draft.before)
    mine = find_frauds(batch, state, draft.queue, draft.known())
    unanswerable = {fraud for fraud in mine if fraud.kind is Kind.UNANSWERABLE}
    replayed = _replayed(draft, batch, blobs)
    if isinstance(replayed, Fraud):
        assert replayed in mine
        return mine
    assert set(mine) == unanswerable
    assert _their_unanswerable(draft, batch, replayed) == unanswerable
    theirs = {one: replayed.after.tree.leaf(one) for one in state.leaves}
    assert {one: Leaf(*astuple(leaf)) for one, leaf in theirs.items()} == state.leaves
    assert replayed.after.tree.root == state.root()
    return mine


_turns = st.lists(worlds.turns, min_size=1, max_size=2)
_steps = st.sampled_from([3, 10, 64])


@settings(max_examples=40, deadline=None)
@given(_turns, _steps)
def test_find_frauds__true_batches__both_find_none_holds(turns, steps_in_chunk):
    draft = draft_of(turns, steps_in_chunk)

    assert _check_agreement(draft, draft.batch()) == []


def _spoilt(turns: list[worlds.Turn], steps_in_chunk: int, changes: list[str], seed: int) -> Draft:
    draft = draft_of(turns, steps_in_chunk)
    spoiler = Spoiler(Random(seed), draft)
    for change in changes:
        spoiler.spoil(change)
    return draft


_seeds = st.integers(0, 2**32)
_more = st.lists(st.sampled_from(CHANGES), max_size=2)


@pytest.mark.parametrize("change", CHANGES)
@settings(max_examples=18, deadline=None)
@given(_turns, _steps, _more, _seeds)
def test_find_frauds__spoilt_batches__both_find_the_same_holds(change, turns, steps, more, seed):
    draft = _spoilt(turns, steps, [change, *more], seed)

    _check_agreement(draft, draft.batch())


@pytest.mark.long
@pytest.mark.timeout(3_600)
@settings(max_examples=3_000, deadline=None, print_blob=True)
@given(_turns, _steps, st.lists(st.sampled_from(CHANGES), min_size=1, max_size=3), _seeds)
def test_find_frauds__very_many_spoilt_batches__both_find_the_same_holds(
    turns, steps, changes, seed
):
    draft = _spoilt(turns, steps, changes, seed)

    _check_agreement(draft, draft.batch())


# ONE OPERATION, AND WHAT AUTHORISES IT


_WISH = worlds.Wish(0, PEOPLE[1], worlds.ASSETS[0], 1, 1, 0, "", "signed")
_TURN = ([], [_WISH], [])
_LEAVING = ([], [], [worlds.ExitWish(0, worlds.ASSETS[0])])


@pytest.mark.parametrize(("timestamp", "is_fraud"), [(TS_S, False), (TS_S + 1, True)])
def test_find_frauds__order_at_its_end__both_find_the_same_holds(timestamp, is_fraud):
    draft = draft_of([_TURN], 64)
    draft.header = replace(draft.header, timestamp=timestamp)

    found = _check_agreement(draft, draft.batch())

    assert found == ([Fraud(Kind.UNANSWERABLE, 0, 0)] if is_fraud else [])


@pytest.mark.parametrize("field", ["payee", "amount_minor", "fee_minor", "kind", "payer"])
def test_find_frauds__operation_that_no_order_fits__both_find_the_same_holds(field):
    draft = draft_of([_TURN], 64)
    ids = draft.before.ids
    others = {"payee": ids[PEOPLE[2], 1], "payer": ids[PEOPLE[3], 1], "amount_minor": 2}
    others |= {"fee_minor": 0, "kind": "withdrawal"}
    changed = {field: others[field]} | ({"payee": 0} if field == "kind" else {})
    (_, operation), *_ = read_operations(draft.slots[0])
    draft.slots = [replace(operation, **changed).slots().ljust(960, b"\0")]
    draft.close()

    assert _check_agreement(draft, draft.batch()) == [Fraud(Kind.UNANSWERABLE, 0, 0)]


def _sweep(*, amount_less: int = 0, more: Operation | None = None, fee_byte: int = 0) -> Draft:
    """A batch of one sweep, of 25 units of the first person's, and of another operation."""
    draft = draft_of([_LEAVING], 64)
    (_, operation), *_ = read_operations(draft.slots[0])
    left = operation.amount_minor - amount_less
    slots = replace(operation, amount_minor=left).slots()[:-1] + bytes([fee_byte])
    draft.slots = [(slots + (more.slots() if more else b"")).ljust(960, b"\0")]
    draft.close()
    return draft


def _swept(ends: int | None, *, is_owners: bool = True) -> Draft:
    """The same batch; the exit lets the account be swept until then."""
    draft = _sweep()
    ((account_id, owner),) = draft.requests
    draft.requests = {(account_id, owner if is_owners else PEOPLE[1]): ends}
    return draft


def _swept_in_part() -> Draft:
    """The account has more than an operation can take."""
    draft = _sweep()
    ((account_id, _),) = draft.requests
    leaf = draft.before.leaves[account_id]
    draft.before.put(account_id, replace(leaf, balance_minor=AMOUNT_MAX + 5))
    sweep = Operation("withdrawal", account_id, 0, AMOUNT_MAX)
    draft.slots = [sweep.slots().ljust(960, b"\0")]
    draft.header = replace(draft.header, pre_root=draft.before.root())
    draft.close()
    return draft


_ACCOUNT = draft_of([_LEAVING], 64).before.ids[PEOPLE[0], 1]
_OTHER = draft_of([_LEAVING], 64).before.ids[PEOPLE[1], 1]
_NOBODYS_ORDER = Fraud(Kind.UNANSWERABLE, 0, 1)


@pytest.mark.parametrize(
    ("draft", "others"),
    [
        (_sweep(), None),
        (_sweep(amount_less=1), ()),
        (_sweep(fee_byte=7), ()),
        (_sweep(amount_less=1, more=Operation("withdrawal", _ACCOUNT, 0, 1)), (_NOBODYS_ORDER,)),
        (_sweep(more=Operation("payment", _OTHER, _ACCOUNT, 1)), (_NOBODYS_ORDER,)),
        (_sweep(more=Operation("deposit", 0, _ACCOUNT, 30)), ()),
        (_swept(None), None),
        (_swept(TS_S), None),
        (_swept(TS_S - 1), ()),
        (_swept(None, is_owners=False), ()),
        (_swept_in_part(), None),
    ],
)
def test_find_frauds__sweep__both_find_the_same_holds(draft, others):
    """`others` are found beside the sweep; None: it is authorised, and nothing is wrong."""
    found = _check_agreement(draft, draft.batch())

    assert found == ([] if others is None else [Fraud(Kind.UNANSWERABLE, 0, 0), *others])


# BLOBS


@pytest.mark.parametrize(
    ("element", "byte", "wrong"),
    [(0, 1, 0), (31, 0, 0), (33, 31, 1), (63, 1, 1), (64, 0, None), (4095, 31, None)],
)
def test_find_frauds__byte_of_a_blob__both_find_the_same_holds(element, byte, wrong):
    """Of two chunks, `wrong` has the changed byte; past them, bytes mean nothing."""
    draft = draft_of([_TURN, _TURN], 1)
    told = draft.batch()
    (blob,) = chunks.write_blobs(told.carried)
    changed = bytearray(blob)
    changed[32 * element + byte] ^= 1

    blobs = [bytes(changed)]
    carried = tuple(chunks.read_blobs(blobs, len(told.hashes)))
    found = _check_agreement(draft, replace(told, carried=carried), blobs)

    assert len(told.hashes) == 2
    assert found == ([] if wrong is None else [Fraud(Kind.DATA_MISMATCH, wrong)])
