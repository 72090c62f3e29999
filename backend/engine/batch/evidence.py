"""Who authorised what stands in a batch: what answers a challenge of it (PROTOCOL, section 9).

The ordering log is the store: a batch's blocks are found in it by their numbers, executed anew, and
their records come out with their slots. So whoever keeps the log can answer for all of it.
"""

from collections.abc import Iterable, Mapping, Sequence

from backend.engine.batch.chunking import batch_operations
from backend.engine.packing import operation_spans
from backend.engine.replica import FinalBlock
from backend.protocol.batches import Chunk
from backend.protocol.evidence import Evidence


def batch_evidence(chunks: Sequence[Chunk], finals: Iterable[FinalBlock]) -> Mapping[int, Evidence]:
    """Return the evidence for each payment and withdrawal of a batch, by its slot number.

    `finals` are the batch's own blocks, in order.
    """
    places = [place for place, _ in batch_operations(chunk.slots for chunk in chunks)]
    found: dict[int, Evidence] = {}
    first = 0
    for final in finals:
        starts = [start for start, _ in operation_spans(final.slots)]
        place_of = dict(zip(starts, places[first:], strict=False))
        first += len(starts)
        for position in range(len(final.execution.sweeps)):
            found[place_of[position]] = Evidence(None, 0)
        orders = iter(final.execution.orders)
        for record in final.body.records:
            for leg, executed in zip(range(len(record.orders)), orders, strict=False):
                found[place_of[executed.slot]] = Evidence(record, leg)
    return found
