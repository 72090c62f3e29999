"""Who authorised what stands in a batch: what answers a challenge of it (PROTOCOL, section 9).

The ordering log is the store: whoever keeps it can answer for all of it. Nothing is executed, so
that it costs the same for an old batch as for a new one: anybody may ask, and an answer is due.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence

from backend.engine.batch.chunking import BlockOperations, batch_operations
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
        found.update(zip(places, _evidence(body, len(places)), strict=True))
    return found


def equal_evidence(
    chunks: Sequence[Chunk], blocks: Iterable[tuple[BlockOperations, Body]]
) -> Mapping[int, Evidence]:
    """Return evidence, by slot number, for operations of any chunks that equal operations of
    these blocks. Whether it fits is for whoever shows it to find out."""
    known: defaultdict[bytes, deque[Evidence]] = defaultdict(deque)
    for block, body in blocks:
        evidence = _evidence(body, len(block.payments))
        for (_, slot), one in zip(block.payments, evidence, strict=True):
            known[block.slots[slot * SLOT_BYTES :][:SLOT_BYTES]].append(one)
    return {
        place: known[operation].popleft()
        for place, operation in batch_operations(chunk.slots for chunk in chunks)
        if known.get(operation)
    }


def _evidence(body: Body, count: int) -> list[Evidence]:
    """Return the evidence for a block's payments and withdrawals, of which there are `count`."""
    ordered = [
        Evidence(record, leg) for record in body.records for leg in range(len(record.orders))
    ]
    return [Evidence(None, 0)] * (count - len(ordered)) + ordered
