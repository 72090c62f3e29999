"""How a batch of somebody else's can be wrong: a validator who meets one doesn't sign."""

from backend.protocol.transition import InvalidOperation


class InvalidBatch(Exception):
    """A batch that no honest validator signs."""


class HeaderMismatch(InvalidBatch):
    """A field of the header is not what it should be. `field` is its name in BatchHeader."""

    def __init__(self, field: str, expected: object, actual: object) -> None:
        super().__init__(f"{field} is {_shown(actual)}, expected {_shown(expected)}")
        self.field = field
        self.expected = expected
        self.actual = actual


class HeaderOutOfRange(InvalidBatch):
    """A number in the header is too small or too large. `maximum` may be None: no limit."""

    def __init__(self, field: str, minimum: int, maximum: int | None, actual: int) -> None:
        limit = "" if maximum is None else f" and at most {maximum}"
        super().__init__(f"{field} is {actual}, expected at least {minimum}{limit}")
        self.field = field
        self.minimum = minimum
        self.maximum = maximum
        self.actual = actual


class PinUnknown(InvalidBatch):
    """The header's L1 block is none that the validator has seen deep enough."""

    def __init__(self, l1_block_number: int, l1_block_hash: bytes) -> None:
        super().__init__(f"L1 block {l1_block_number} of hash 0x{l1_block_hash.hex()} is unknown")
        self.l1_block_number = l1_block_number
        self.l1_block_hash = l1_block_hash


class ChunkInvalid(InvalidBatch):
    """An operation of a chunk is one that L1 would call fraud."""

    def __init__(self, chunk_index: int, error: InvalidOperation) -> None:
        super().__init__(f"chunk {chunk_index}: {error}")
        self.chunk_index = chunk_index
        self.error = error


class ChunkRootMismatch(InvalidBatch):
    """A chunk does not end with the state root after its operations."""

    def __init__(self, chunk_index: int, expected: bytes, actual: bytes) -> None:
        super().__init__(f"chunk {chunk_index}: root {_shown(actual)}, expected {_shown(expected)}")
        self.chunk_index = chunk_index
        self.expected = expected
        self.actual = actual


class OperationsMismatch(InvalidBatch):
    """The chunks are not the blocks' operations. `index` is the first difference, no-ops apart."""

    def __init__(self, index: int) -> None:
        super().__init__(f"operation {index} of the batch is not the blocks' one")
        self.index = index


class GroupTorn(InvalidBatch):
    """The legs of a group, the first at `slot_number`, don't stand side by side in one chunk."""

    def __init__(self, slot_number: int) -> None:
        super().__init__(f"the group at slot {slot_number} of the batch is torn")
        self.slot_number = slot_number


class SweepNotAlone(InvalidBatch):
    """The sweep at `slot_number` shares its chunk with something else, or with its own account."""

    def __init__(self, slot_number: int) -> None:
        super().__init__(f"the sweep at slot {slot_number} of the batch shares its chunk")
        self.slot_number = slot_number


class ExitNotShown(InvalidBatch):
    """No chunk ends before block `number`, which had exits due and nothing to sweep."""

    def __init__(self, number: int) -> None:
        super().__init__(f"no chunk shows the state before block {number}, which had exits due")
        self.number = number


class ChunksUnknown(InvalidBatch):
    """L1 has a batch whose chunks are packed in another way: they have to be read from L1."""

    def __init__(self, number: int) -> None:
        super().__init__(f"batch {number} is packed in another way than ours: read it from L1")
        self.number = number


def _shown(value: object) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
