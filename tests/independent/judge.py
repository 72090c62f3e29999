"""Which frauds a batch holds, by its bytes and by what is known of its orders (section 9)."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import Enum

from tests.independent.answers import Answers, Known
from tests.independent.blocks import Block
from tests.independent.chunks import Header, apply_chunk, operations_of
from tests.independent.codec import Invalid, keccak
from tests.independent.deposits import Deposit
from tests.independent.operations import Operation
from tests.independent.state import BRIDGE, State
from tests.independent.typed import NEXT_ROUND, Domain, signer_of


class Kind(Enum):
    INVALID_CHUNK = "InvalidChunk"
    DATA_MISMATCH = "DataMismatch"
    POST_ROOT_MISMATCH = "HeaderMismatch: postRoot"
    CURSOR_MISMATCH = "HeaderMismatch: depositCursor"
    DUPLICATE_ACCOUNT = "DuplicateAccount"
    UNANSWERABLE = "a challenge that nobody can answer"


@dataclass(frozen=True)
class Fraud:
    """`chunk` is -1 where the header is wrong, `position` where the whole chunk is."""

    kind: Kind
    chunk: int = -1
    position: int = -1


@dataclass(frozen=True)
class Batch:
    """A batch as L1 accepted it.

    `hashes` are those in chunksRoot, `carried` what calldata or blobs have in their places: None
    where a field element is no 31-byte value.
    """

    header: Header
    hashes: tuple[bytes, ...]
    carried: tuple[bytes | None, ...]

    def is_carried(self, index: int) -> bool:
        data = self.carried[index]
        return data is not None and keccak(data) == self.hashes[index]


def find_frauds(
    batch: Batch, state: State, queue: Sequence[Deposit], known: Known | None = None
) -> list[Fraud]:
    """All that can be shown without data that nobody has; `known` None: challenges are left aside.

    `state` is the one before the batch, and after it if nothing is found.
    """
    count = len(batch.hashes)
    found = [
        Fraud(Kind.DATA_MISMATCH, index) for index in range(count) if not batch.is_carried(index)
    ]
    is_followed = _follow(batch, state, queue, known, found)
    last = batch.carried[-1]
    if last is None or not batch.is_carried(count - 1):
        return found
    if last[-32:] != batch.header.post_root:
        found.append(Fraud(Kind.POST_ROOT_MISMATCH))
    elif is_followed and state.leaves[BRIDGE].nonce != batch.header.deposit_cursor:
        found.append(Fraud(Kind.CURSOR_MISMATCH))
    return found


def _follow(
    batch: Batch,
    state: State,
    queue: Sequence[Deposit],
    known: Known | None,
    found: list[Fraud],
) -> bool:
    """Execute chunk by chunk; False from the first on whose accounts nobody can know after it."""
    for index, chunk in enumerate(batch.carried):
        if chunk is None or not batch.is_carried(index):
            return False
        try:
            apply_chunk(state, chunk, queue[: batch.header.deposit_cursor])
        except Invalid:
            found.append(Fraud(Kind.INVALID_CHUNK, index))
            return False
        answers = Answers(batch.header, chunk, state, known) if known else None
        for position, operation in operations_of(chunk):
            if operation.kind == "open" and _has_another(state, operation):
                found.append(Fraud(Kind.DUPLICATE_ACCOUNT, index, position))
            if answers and operation.is_debit() and not answers.has(position):
                found.append(Fraud(Kind.UNANSWERABLE, index, position))
    return True


def _has_another(state: State, opening: Operation) -> bool:
    return any(
        (leaf.owner, leaf.asset_id) == (opening.owner, opening.asset_id)
        for account_id, leaf in state.leaves.items()
        if account_id != opening.payee
    )


@dataclass(frozen=True)
class NextRound:
    number: int
    epoch: int
    round: int

    def digest(self, domain: Domain) -> bytes:
        return domain.digest(NEXT_ROUND, *astuple(self))


Signed = tuple[Block | NextRound | Header, bytes]


def is_equivocation(domain: Domain, one: Signed, other: Signed) -> bool:
    """Whether one validator signed both and may not have; whose member he is, L1 asks apart."""
    (first, signature), (second, another) = one, other
    if isinstance(first, Header) and isinstance(second, Header):
        same = (first.epoch, first.last_block_number) == (second.epoch, second.last_block_number)
        differs = first.last_block_hash != second.last_block_hash
        digests = (first.hash(domain), second.hash(domain))
    elif isinstance(first, Header) or isinstance(second, Header):
        return False
    else:
        places = [(vote.number, vote.epoch, vote.round) for vote in (first, second)]
        digests = (first.digest(domain), second.digest(domain))
        same, differs = places[0] == places[1], digests[0] != digests[1]
    try:
        is_one = signer_of(digests[0], signature) == signer_of(digests[1], another)
    except Invalid:
        return False
    return same and differs and is_one
