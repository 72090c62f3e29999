"""Checks the batches on L1 against the blocks that a log makes final (section 3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.independent import chunks
from tests.independent.audit import Committee, Final
from tests.independent.codec import keccak, require
from tests.independent.deposits import Deposit, withdrawal_key
from tests.independent.l1 import Node, Submission
from tests.independent.operations import Step
from tests.independent.state import Asset, State, root_of_path
from tests.independent.typed import Domain, signer_of


@dataclass
class BatchAudit:
    """Feed it every batch in order; `keys` are those of the withdrawals in them."""

    domain: Domain
    committee: Committee
    finals: Sequence[Final]
    assets: dict[int, Asset]
    queue: Sequence[Deposit]
    node: Node
    header: chunks.Header = field(default_factory=chunks.genesis_header)
    keys: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = State(assets=self.assets)

    def feed(self, batch: Submission) -> None:
        header, parent = batch.header, self.header
        blocks = self.finals[parent.last_block_number : header.last_block_number]
        self._check_place(header, parent, blocks)
        self._check_pin(header, blocks)
        self._check_acceptance(batch)
        hashes = [keccak(chunk) for chunk in batch.chunks]
        require(header.chunk_count == len(hashes), "another number of chunks")
        require(header.chunks_root == chunks.chunks_root(hashes), "another root of the chunks")
        require(header.data_hash == batch.data_hash, "another data hash")

        for chunk in batch.chunks:
            chunks.apply_chunk(self.state, chunk, self.queue[: header.deposit_cursor])
            self._find_withdrawals(chunk)
        wanted: list[Step] = [step for final in blocks for step in final.steps]
        chunks.check_packed(wanted, batch.chunks)
        require(header.post_root == self.state.root() == batch.post_root, "another root")
        require(not blocks or blocks[-1].root == header.post_root, "the blocks leave another root")
        require(header.deposit_cursor == self.state.leaves[0].nonce, "another cursor")
        self.header = header

    def _check_place(
        self, header: chunks.Header, parent: chunks.Header, blocks: Sequence[Final]
    ) -> None:
        require(header.number == parent.number + 1, "a batch is missing")
        require(header.epoch == self.committee.epoch, "another epoch")
        require(header.parent_hash == parent.hash(self.domain), "another parent")
        require(header.pre_root == parent.post_root, "another root before")
        count = header.last_block_number - parent.last_block_number
        require(count == len(blocks), "blocks that the log doesn't make final")
        last_hash = blocks[-1].hash if blocks else parent.last_block_hash
        require(header.last_block_hash == last_hash, "another last block")
        first_ts_s = blocks[0].block.timestamp_ms // 1000 if blocks else parent.timestamp
        require(parent.timestamp <= header.timestamp <= first_ts_s, "the time is out of range")

    def _check_pin(self, header: chunks.Header, blocks: Sequence[Final]) -> None:
        pinned = self.node.block_hash(header.l1_block_number)
        require(pinned == header.l1_block_hash, "the pin is no block of the chain")
        used = blocks[-1].body.l1_block_number if blocks else 0
        require(used <= header.l1_block_number, "the blocks use facts past the pin")

    def _check_acceptance(self, batch: Submission) -> None:
        digest = batch.header.hash(self.domain)
        require(digest == batch.header_hash, "the event has another header")
        signers = [signer_of(digest, signature) for signature in batch.signatures]
        require(len(signers) == self.committee.quorum, "not 2f + 1 signatures")
        require(signers == sorted(set(signers)), "the signers don't ascend")
        bitmap = sum(1 << self.committee.members.index(signer) for signer in signers)
        require(bitmap == batch.signers, "the event has another bitmap")
        stored = chunks.stored_batch(digest, batch.accepted_ts_s, bitmap)
        require(stored == self.node.batch_slot(batch.header.number), "L1 keeps another batch")

    def _find_withdrawals(self, chunk: bytes) -> None:
        """As L1 does when one is claimed: from the payer's leaf after the chunk, and its path."""
        for position, operation in chunks.operations_of(chunk):
            if operation.kind != "withdrawal":
                continue
            payer, leaf = operation.payer, self.state.leaves[operation.payer]
            root = root_of_path(payer, leaf.hash(), self.state.path(payer))
            require(root == chunk[-32:], "the leaf isn't under the chunk's root")
            nonce = leaf.nonce - chunks.count_from(chunk, payer, position)
            asset = self.assets[leaf.asset_id]
            amount = operation.amount_minor * asset.unit
            self.keys.append(withdrawal_key(leaf.owner, nonce, asset.token, amount))
