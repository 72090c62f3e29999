"""How operations fall into chunks. Law: whoever packs the same operations gets the same chunks.

An operation goes into the next free slots. A new chunk begins when it doesn't fit there: past the
64th slot, an *open account* in the last slot, or a fee account that would be the chunk's fifth.
The legs of an atomic group go together, as if they were one operation. A chunk with a sweep (a
withdrawal by exit request) holds sweeps of different accounts and nothing else. Before a block to
which an exit was due and that sweeps nothing a chunk ends: its root shows that there was nothing to
sweep.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from backend.protocol.batches import CALLDATA_CHUNKS_MAX, CHUNK_SLOTS, FEE_ACCOUNTS_MAX
from backend.protocol.operations import SLOT_BYTES
from backend.protocol.types import REGISTRY, AccountId

# A batch ends where a block ends, so each block must fit the smaller carrier by itself.
BLOCK_CHUNKS_MAX: Final = CALLDATA_CHUNKS_MAX
_REGISTRY_BYTES: Final = REGISTRY.to_bytes(4)


def payer_at(slots: bytes, start: int) -> AccountId:
    """Return the payer of the operation that starts in a slot."""
    offset = start * SLOT_BYTES
    return AccountId(int.from_bytes(slots[offset : offset + 4]))


def operation_spans(slots: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each operation of valid `slots` starts and how many slots it takes."""
    start, end = 0, len(slots) // SLOT_BYTES
    while start < end:
        offset = start * SLOT_BYTES
        count = 2 if slots[offset : offset + 4] == _REGISTRY_BYTES else 1
        yield start, count
        start += count


def indivisible_spans(slots: bytes, groups: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """Yield start and slot count of what no chunk may split: an operation, or a group's legs.

    `groups` says, by the slot of its first leg, how many legs a group has.
    """
    past = 0
    for start, count in operation_spans(slots):
        if start >= past:
            past = start + groups.get(start, count)
            yield start, past - start


@dataclass(slots=True)
class ChunkCursor:
    """Where the next operation goes: `slot` counts from the batch's start, padding too."""

    slot: int = 0
    _fee_accounts: set[AccountId] = field(default_factory=set)
    _swept: set[AccountId] = field(default_factory=set)

    @property
    def fee_accounts(self) -> frozenset[AccountId]:
        """Where fees of the present chunk go."""
        return frozenset(self._fee_accounts)

    @property
    def swept(self) -> frozenset[AccountId]:
        """What the present chunk sweeps."""
        return frozenset(self._swept)

    @property
    def chunk_count(self) -> int:
        """How many chunks have been begun."""
        return -(-self.slot // CHUNK_SLOTS)

    def place(
        self,
        slot_count: int,
        fee_accounts: Collection[AccountId],
        swept: AccountId | None = None,
    ) -> int:
        """Return the slot where what takes `slot_count` slots starts, and move past it.

        `fee_accounts` are those that its fees above 0 go to; `swept` is the account that a sweep
        takes out.
        """
        position = self.slot % CHUNK_SLOTS
        fits = position + slot_count <= CHUNK_SLOTS and (
            not fee_accounts or len(self._fee_accounts.union(fee_accounts)) <= FEE_ACCOUNTS_MAX
        )
        if swept is None:
            fits = fits and not self._swept
        else:
            fits = fits and bool(self._swept) and swept not in self._swept
        if position == 0 or not fits:
            self.slot += -position % CHUNK_SLOTS
            self._fee_accounts.clear()
            self._swept.clear()
        self._fee_accounts.update(fee_accounts)
        if swept is not None:
            self._swept.add(swept)
        start = self.slot
        self.slot += slot_count
        return start

    def end_chunk(self) -> None:
        """Make the state here some chunk's root: what comes next begins a chunk, not the first."""
        self.slot += CHUNK_SLOTS if self.slot == 0 else -self.slot % CHUNK_SLOTS
