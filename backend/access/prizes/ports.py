"""What prizes need of other planes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from backend.protocol.authorised import AuthorisedTree
from backend.protocol.hashing import Digest
from backend.protocol.prizes import Prize, PrizeEntry
from backend.protocol.types import Address
from backend.records.registers.prizes import Prizes


class PrizeBook(Protocol):
    """The chain's prizes. Each call raises ChainUnavailable if it doesn't answer."""

    @property
    def address(self) -> Address:
        """The contract."""

    async def prize(self, prize_id: Digest) -> Prize | None:
        """Return a prize."""

    async def purse_of(self, prize_id: Digest) -> Address:
        """Return the payer of the orders of a prize, which may not be there yet."""

    async def allowance(self, token: Address, owner: Address) -> int:
        """Return how many base units the contract may take from `owner`."""

    async def refusal_of_claim(
        self, prize_id: Digest, entry: PrizeEntry, proof: Sequence[Digest]
    ) -> str | None:
        """Return why an entry would not be paid now; None if it would."""

    async def total_minor(self, prize_id: Digest) -> int | None:
        """Return what a prize was created with; None if it was not."""

    async def claimed(self, prize_id: Digest) -> frozenset[int]:
        """Return the indexes of the entries that were paid."""


@dataclass(slots=True)
class PrizeNeeds:
    """What the composition root passes in; `trees` are kept, as making one takes a second."""

    register: Prizes
    book: PrizeBook
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    trees: dict[bytes, AuthorisedTree] = field(default_factory=dict)
