"""How a block of somebody else's can be wrong.

None of them is our bug: a validator who meets one doesn't sign. Each names the first wrong thing,
so that all honest validators give the same reason.
"""

from backend.protocol.errors import PaymentError
from backend.protocol.types import digest_text


class InvalidBlock(Exception):
    """A block that no honest validator votes for."""


class L1PointBehind(InvalidBlock):
    """The block uses L1 facts up to an earlier L1 block than its parent."""

    def __init__(self, minimum: int, actual: int) -> None:
        super().__init__(f"the L1 block is {actual}, at least {minimum} is due")
        self.minimum = minimum
        self.actual = actual


class ListingInvalid(InvalidBlock):
    """A listing in the block is not the next one. `index` is its place in the body."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"listing {index}: {reason}")
        self.index = index
        self.reason = reason


class DepositInvalid(InvalidBlock):
    """A deposit in the block is none that L1 can have queued. `index` is its place in the body."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"deposit {index}: {reason}")
        self.index = index
        self.reason = reason


class RootInvalid(InvalidBlock):
    """A root in the block is none that L1 can have told of. `index` is its place in the body."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"root {index}: {reason}")
        self.index = index
        self.reason = reason


class OrderNotExecutable(InvalidBlock):
    """A record in the block should have been rejected. `index` is its place in the body."""

    def __init__(self, index: int, error: PaymentError) -> None:
        super().__init__(f"order {index}: {error.code}: {error}")
        self.index = index
        self.error = error


class BlockTooLarge(InvalidBlock):
    """The block needs more chunks than the smallest batch has, so it could never be posted."""

    def __init__(self, chunks_max: int, chunks: int) -> None:
        super().__init__(f"the block takes {chunks} chunks, at most {chunks_max} fit a batch")
        self.chunks_max = chunks_max
        self.chunks = chunks


class RejectionUnjustified(InvalidBlock):
    """The block rejects an order for a reason that is not the true one."""

    def __init__(self, index: int, record_id: bytes, reason: str) -> None:
        super().__init__(f"rejection {index} of {digest_text(record_id)}: {reason}")
        self.index = index
        self.record_id = record_id
        self.reason = reason
