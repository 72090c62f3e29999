"""What has been challenged, and what still waits for an answer, read from L1."""

from collections.abc import Iterable
from dataclasses import dataclass

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
    """Return all challenges of these batches, by header hash, in the order they came."""
    known = {one.posted.header_hash: one.posted for one in batches}
    if not known:
        return {}
    client = reader.client
    contract = Contract(bytes(await reader.view("challenges")), artifact("Challenges").abi)
    answer_window_s = await reader.view("answerWindow")
    head = await client.latest()
    found: dict[Digest, list[OpenedChallenge]] = {}
    topics = [contract.abi.topic("ChallengeOpened")]
    start = min(batch.block.number for batch in known.values())
    for first, last in block_ranges(start, head.number):
        for log in await client.logs([contract.address], first, last, topics):
            decoded = contract.abi.decode_log(log.topics, log.data)
            values = decoded.values if decoded is not None else {}
            batch = known.get(values.get("headerHash", Digest(b"")))
            if batch is None:
                continue
            slot = values["slotNumber"]
            state = await client.read(contract, "challengeOf", batch.header_hash, slot)
            if not state["openedTsS"]:
                continue
            one = OpenedChallenge(
                batch,
                slot,
                frozenset(slots_of(slot, values["positions"])),
                frozenset(slots_of(slot, state["openPositions"])),
                is_in_time=head.ts_s < state["openedTsS"] + answer_window_s,
            )
            found.setdefault(batch.header_hash, []).append(one)
    return found
