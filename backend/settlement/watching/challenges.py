"""What has been challenged, and what still waits for an answer, read from L1."""

from collections.abc import Iterable
from dataclasses import dataclass

from backend.protocol.hashing import Digest
from backend.settlement.artifacts import artifact
from backend.settlement.batch_data import PostedBatch
from backend.settlement.chain import Contract
from backend.settlement.client import block_ranges
from backend.settlement.l1_history import L1Reader
from backend.settlement.proving.replay import ReplayedBatch


@dataclass(frozen=True, slots=True)
class ChallengedSlot:
    """A slot of a batch that somebody has challenged, which nobody can do a second time.

    `is_open` until it was answered; `is_answerable` while it is open and there is time.
    """

    batch: PostedBatch
    slot: int
    is_open: bool
    is_answerable: bool


async def challenged_slots(
    reader: L1Reader, batches: Iterable[ReplayedBatch]
) -> dict[Digest, list[ChallengedSlot]]:
    """Return all challenges of these batches, by header hash, in the order they came."""
    known = {one.posted.header_hash: one.posted for one in batches}
    if not known:
        return {}
    client = reader.client
    contract = Contract(bytes(await reader.view("challenges")), artifact("Challenges").abi)
    answer_window_s = await reader.view("answerWindow")
    head = await client.latest()
    found: dict[Digest, list[ChallengedSlot]] = {}
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
            is_open = not state["isClosed"]
            is_answerable = is_open and head.ts_s < state["openedTsS"] + answer_window_s
            one = ChallengedSlot(batch, slot, is_open, is_answerable)
            found.setdefault(batch.header_hash, []).append(one)
    return found
