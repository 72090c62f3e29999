"""Who authorised what stands in a batch: what answers a challenge of it (PROTOCOL, section 9).

The ordering log is the store: whoever keeps it can answer for all of it. Nothing is executed, so
that it costs the same for an old batch as for a new one: anybody may ask, and an answer is due.
"""

from collections.abc import Iterable, Mapping, Sequence

from backend.engine.batch.chunking import batch_operations
from backend.engine.packing import payer_at
from backend.protocol.batches import Chunk
from backend.protocol.blocks import Block, Body
from backend.protocol.evidence import Evidence
from backend.protocol.operations import SLOT_BYTES
from backend.protocol.types import REGISTRY


def batch_evidence(
    chunks: Sequence[Chunk], blocks: Iterable[tuple[Block, Body]]
) -> Mapping[int, Evidence]:
    """Return the evidence for each payment and withdrawal of a batch, by its slot number.

    `blocks` are the batch's own, in order. A block's sweeps are the withdrawals before its orders.
    """
    operations = batch_operations(chunk.slots for chunk in chunks)
    found: dict[int, Evidence] = {}
    for block, body in blocks:
        slot_count = 0
        places = []
        while slot_count < block.operation_count:
            place, operation = next(operations)
            slot_count += len(operation) // SLOT_BYTES
            if payer_at(operation, 0) > REGISTRY:
                places.append(place)
        evidence = [
            Evidence(record, leg) for record in body.records for leg in range(len(record.orders))
        ]
        sweeps = [Evidence(None, 0)] * (len(places) - len(evidence))
        found.update(zip(places, sweeps + evidence, strict=True))
    return found
