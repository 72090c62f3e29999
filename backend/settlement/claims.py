"""Withdrawals as L1 takes them: calldata that anyone may send, and sending it."""

from collections.abc import Sequence
from typing import Protocol

from backend.protocol.batches import withdrawal_key
from backend.protocol.errors import MalformedBytes
from backend.protocol.hashing import Digest
from backend.protocol.types import Address, Leaf
from backend.settlement.chain import Outcome
from backend.settlement.rollup import AcceptedBatch, Rollup
from backend.settlement.sender import Sender

_CHUNK_PATH_NODES = 10
_LEAF_PATH_NODES = 32


class WithdrawalProof(Protocol):
    """That a withdrawal stands in a batch (PROTOCOL.md, section 7). The engine's proof fits."""

    @property
    def slot(self) -> int:
        """Chunk index · 64 + position."""

    @property
    def chunk(self) -> bytes:
        """The chunk's 992 bytes."""

    @property
    def chunk_path(self) -> Sequence[Digest]:
        """10 siblings, from the chunk's hash up to `chunksRoot`."""

    @property
    def leaf(self) -> Leaf:
        """The payer's leaf after the chunk."""

    @property
    def leaf_path(self) -> Sequence[Digest]:
        """32 siblings, from the payer's leaf up to the chunk's state root."""


def claim_data(rollup: Rollup, batch: AcceptedBatch, proof: WithdrawalProof) -> bytes:
    """Return the calldata of `claimWithdrawal`. Raises MalformedBytes for paths of wrong length."""
    if (len(proof.chunk_path), len(proof.leaf_path)) != (_CHUNK_PATH_NODES, _LEAF_PATH_NODES):
        raise MalformedBytes("a proof has 10 nodes above the chunk and 32 above the leaf")
    arguments = (
        proof.slot,
        proof.chunk,
        list(proof.chunk_path),
        proof.leaf.owner,
        proof.leaf.asset_id,
        proof.leaf.nonce,
        proof.leaf.balance_minor,
        list(proof.leaf_path),
    )
    return rollup.contract.abi.call_data("claimWithdrawal", batch.arguments(), arguments)


async def claim(
    rollup: Rollup, sender: Sender, batch: AcceptedBatch, proof: WithdrawalProof
) -> Outcome:
    """Send a claim; it pays the withdrawal's owner, whoever sends it.

    A repeat is refused with AlreadyClaimed and changes nothing.
    """
    data = claim_data(rollup, batch, proof)
    return await sender.send(rollup.contract.address, data, abi=rollup.contract.abi)


async def is_claimed(
    rollup: Rollup, owner: Address, nonce: int, token: Address, amount: int
) -> bool:
    """Return whether L1 has paid a withdrawal; `nonce` is the order's, `amount` in base units."""
    key = withdrawal_key(owner, nonce, token, amount)
    return bool(await rollup.client.read(rollup.contract, "isClaimed", key))
