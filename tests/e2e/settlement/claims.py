"""Claims as anyone may send them. What the API prepares is tests/unit/access/test_l1_calls.py's."""

from backend.protocol.batches import withdrawal_key
from backend.protocol.types import Address
from backend.settlement.batch_data import AcceptedBatch
from backend.settlement.chain import Outcome
from backend.settlement.rollup import Rollup
from backend.settlement.sender import Sender

_PAID = bytes(19) + b"\1"  # in place of a claimant


async def claim(rollup: Rollup, sender: Sender, batch: AcceptedBatch, proof) -> Outcome:
    """Send a claim; it pays the withdrawal's owner, whoever sends it."""
    arguments = (
        proof.slot_number,
        proof.chunk,
        list(proof.chunk_path),
        proof.leaf.owner,
        proof.leaf.asset_id,
        proof.leaf.nonce,
        proof.leaf.balance_minor,
        list(proof.leaf_path),
    )
    return await sender.call(rollup.contract, "claimWithdrawal", batch.arguments(), arguments)


async def is_claimed(
    rollup: Rollup, owner: Address, nonce: int, token: Address, amount: int
) -> bool:
    """Return whether L1 has paid a withdrawal; `nonce` is the order's, `amount` in base units."""
    key = withdrawal_key(owner, nonce, token, amount)
    return bool(await rollup.client.read(rollup.contract, "claimantOf", key) == _PAID)
