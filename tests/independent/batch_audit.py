"""Checks the batches on L1 against the blocks that a log makes final (sections 3 and 9)."""

from collections.abc import Collection, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from tests.independent import chunks
from tests.independent.answers import Known
from tests.independent.audit import Final
from tests.independent.blocks import Epoch
from tests.independent.codec import Invalid, require
from tests.independent.deposits import Deposit, withdrawal_key
from tests.independent.judge import Batch, Fraud, find_frauds
from tests.independent.l1 import Node, Place
from tests.independent.l1_batches import Event, Freeze, RollBack, Settlement, Submission
from tests.independent.operations import Step
from tests.independent.state import State, root_of_path
from tests.independent.typed import Domain, signer_of


@dataclass(frozen=True)
class Judged:
    """A batch, the frauds in it, and the state after it: None if nobody can know it."""

    batch: Batch
    frauds: list[Fraud]
    state: State | None
    stored: bytes


@dataclass
class BatchAudit:
    """Feed it all that happened on L1, in order, then `check` what is left of it.

    `keys` are those of the withdrawals in the batches that stand. `assets` are all of L1's,
    `unanswered` the hashes of headers of which a challenge expired.
    """

    domain: Domain
    epochs: Sequence[tuple[Place, Epoch]]
    start: State
    queue: Sequence[Deposit]
    node: Node
    known: Known
    unanswered: Collection[bytes] = ()
    standing: list[Judged] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    frontier: int = 0
    is_frozen: bool = False

    @property
    def header(self) -> chunks.Header:
        return self.standing[-1].batch.header if self.standing else chunks.genesis_header()

    @property
    def state(self) -> State:
        """After the last batch."""
        found = self.standing[-1].state if self.standing else self.start
        if found is None:
            raise Invalid("nobody knows the state")
        return found

    def feed(self, event: Event) -> None:
        match event:
            case Submission():
                require(not self.is_frozen, "a batch after the freeze")
                self._accept(event)
            case RollBack(_, number, header_hash, _):
                self._take_back(number, header_hash)
            case Settlement(_, number):
                is_next = number == self.frontier + 1 <= len(self.standing)
                require(is_next, "no batch to settle")
                self.frontier = number
            case Freeze():
                self.is_frozen = True

    def _accept(self, found: Submission) -> None:
        """By L1's rules alone, which frauds keep too; then see what is wrong with it."""
        batch, parent = found.batch, self.header
        header, hashes = batch.header, batch.hashes
        require(header.number == parent.number + 1, "a batch is missing")
        require(header.parent_hash == parent.hash(self.domain), "another parent")
        require(header.pre_root == parent.post_root, "another root before")
        require(header.chunk_count == len(hashes), "another number of chunks")
        require(header.chunks_root == chunks.chunks_root(hashes), "another root of the chunks")
        require(header.data_hash == found.data_hash, "another data hash")
        require(header.post_root == found.post_root, "the event has another root")
        require(header.timestamp >= parent.timestamp, "time went back")
        pinned = self.node.block_hash(header.l1_block_number)
        require(pinned == header.l1_block_hash, "the pin is no block of the chain")
        stored = self._check_signers(found)
        before = self.standing[-1].state if self.standing else self.start
        state = None if before is None else deepcopy(before)
        frauds = [] if state is None else find_frauds(batch, state, self.queue, self.known)
        self.standing.append(Judged(batch, frauds, None if frauds else state, stored))

    def _check_signers(self, found: Submission) -> bytes:
        """Return what L1 keeps of the batch."""
        header = found.batch.header
        begun = [epoch for place, epoch in self.epochs if place < found.place]
        require(header.epoch == begun[-1].number, "another epoch")
        members, digest = begun[-1].members, header.hash(self.domain)
        require(digest == found.header_hash, "the event has another header")
        signers = [signer_of(digest, signature) for signature in found.signatures]
        require(len(signers) == 2 * ((len(members) - 1) // 3) + 1, "not 2f + 1 signatures")
        require(signers == sorted(set(signers)), "the signers don't ascend")
        bitmap = sum(1 << members.index(signer) for signer in signers)
        require(bitmap == found.signers, "the event has another bitmap")
        return chunks.stored_batch(digest, found.accepted_ts_s, bitmap)

    def _take_back(self, number: int, header_hash: bytes) -> None:
        is_open = self.frontier < number <= len(self.standing)
        require(is_open, "no batch to take back")
        first = self.standing[number - 1]
        is_first = first.batch.header.hash(self.domain) == header_hash
        require(is_first, "another batch was taken back")
        was_known = number == 1 or self.standing[number - 2].state is not None
        is_fraud = bool(first.frauds) or header_hash in self.unanswered
        require(is_fraud or not was_known, "a batch without fraud was taken back")
        del self.standing[number - 1 :]

    def check(self, finals: Sequence[Final]) -> None:
        """What stands has no fraud, is what L1 keeps, and holds the blocks."""
        parent, state = chunks.genesis_header(), self.start
        for judged in self.standing:
            header = judged.batch.header
            require(not judged.frauds, f"fraud in batch {header.number}: {judged.frauds}")
            kept = self.node.batch_slot(header.number)
            require(judged.stored == kept, "L1 keeps another batch")
            blocks = finals[parent.last_block_number : header.last_block_number]
            self._check_blocks(header, parent, blocks)
            steps: list[Step] = [step for final in blocks for step in final.steps]
            carried = [chunk for chunk in judged.batch.carried if chunk is not None]
            chunks.check_packed(steps, carried)
            state = deepcopy(state)
            for chunk in carried:
                chunks.apply_chunk(state, chunk, self.queue)
                self.keys += _withdrawals(state, chunk)
            parent = header

    def _check_blocks(
        self, header: chunks.Header, parent: chunks.Header, blocks: Sequence[Final]
    ) -> None:
        count = header.last_block_number - parent.last_block_number
        require(count == len(blocks), "blocks that the log doesn't make final")
        last_hash = blocks[-1].hash if blocks else parent.last_block_hash
        require(header.last_block_hash == last_hash, "another last block")
        last_root = blocks[-1].root if blocks else parent.post_root
        require(header.post_root == last_root, "the blocks leave another root")
        first_ts_s = blocks[0].block.timestamp_ms // 1000 if blocks else parent.timestamp
        require(header.timestamp <= first_ts_s, "the time is past the first block's")
        used = blocks[-1].body.l1_block_number if blocks else 0
        require(used <= header.l1_block_number, "the blocks use facts past the pin")


def _withdrawals(state: State, chunk: bytes) -> Iterable[bytes]:
    """As L1 finds them when they are claimed: from the payer's leaf after the chunk, its path."""
    for position, operation in chunks.operations_of(chunk):
        if operation.kind != "withdrawal":
            continue
        payer, leaf = operation.payer, state.leaves[operation.payer]
        root = root_of_path(payer, leaf.hash(), state.path(payer))
        require(root == chunk[-32:], "the leaf isn't under the chunk's root")
        nonce = leaf.nonce - chunks.count_from(chunk, payer, position)
        asset = state.assets[leaf.asset_id]
        yield withdrawal_key(leaf.owner, nonce, asset.token, operation.amount_minor * asset.unit)
