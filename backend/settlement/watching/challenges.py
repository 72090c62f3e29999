"""What has been challenged, and what still waits for an answer, read from L1."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from backend.protocol.batches import slots_of
from backend.protocol.hashing import Digest
from backend.settlement.artifacts import artifact
from backend.settlement.batch_data import PostedBatch
from backend.settlement.chain import Contract
from backend.settlement.client import block_ranges
from backend.settlement.l1_history import L1Reader
from backend.settlement.proving.replay import ReplayedBatch


@dataclass(frozen=True, slots=True)
class OpenedChallenge:
    """A challenge of slots of one chunk, which nobody can challenge a second time.

    It goes by `slot`, their lowest. `open_slots` wait for an answer; `is_in_time` while one counts.
    """

    batch: PostedBatch
    slot: int
    slots: frozenset[int]
    open_slots: frozenset[int]
    is_in_time: bool


async def opened_challenges(
    reader: L1Reader, batches: Iterable[ReplayedBatch]
) -> dict[Digest, list[OpenedChallenge]]:
    """Return all challenges of these batches, by header hash, in the order they came.

    From L1's logs alone: whoever opens many doesn't have each asked for by itself.
    """
    known = {one.posted.header_hash: one.posted for one in batches}
    if not known:
        return {}
    client = reader.client
    contract = Contract(bytes(await reader.view("challenges")), artifact("Challenges").abi)
    head = await client.latest()
    found: dict[Digest, dict[int, OpenedChallenge]] = {}
    start = min(batch.block.number for batch in known.values())
    for first, last in block_ranges(start, head.number):
        for log in await client.logs([contract.address], first, last):
            decoded = contract.abi.decode_log(log.topics, log.data)
            values = decoded.values if decoded is not None else {}
            batch = known.get(values.get("headerHash", Digest(b"")))
            if decoded is None or batch is None:
                continue
            slot, of_batch = values["slotNumber"], found.setdefault(batch.header_hash, {})
            if decoded.name == "ChallengeOpened":
                slots = frozenset(slots_of(slot, values["positions"]))
                is_in_time = head.ts_s < values["deadlineTsS"]
                of_batch[slot] = OpenedChallenge(batch, slot, slots, slots, is_in_time)
            elif slot in of_batch:  # answered, or with its batch at an end
                still_open = frozenset(slots_of(slot, values.get("openPositions", 0)))
                of_batch[slot] = replace(of_batch[slot], open_slots=still_open)
    return {header_hash: list(of_batch.values()) for header_hash, of_batch in found.items()}
