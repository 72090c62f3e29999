"""What the engine needs of the chain; `settlement` fits it."""

from collections.abc import Sequence
from typing import Protocol

from backend.protocol.types import (
    Address,
    Asset,
    AuthorisedRoot,
    DepositRecord,
    Epoch,
    ExitRequest,
)


class L1Point(Protocol):
    """A block of the chain, named beyond doubt."""

    @property
    def number(self) -> int: ...

    @property
    def block_hash(self) -> bytes: ...


class L1View(Protocol):
    """The facts of the chain that are `confirmations` deep. They never change."""

    def confirmed(self) -> L1Point:
        """Return the newest block that is deep enough."""

    def listings(self, known_count: int, to_l1_block: int) -> Sequence[Asset]:
        """Return the listings after the first `known_count`, up to and with `to_l1_block`."""

    def deposits(self, from_index: int, to_l1_block: int) -> Sequence[DepositRecord]:
        """Return the deposits from `from_index` on, up to and with `to_l1_block`."""

    def roots(self, from_index: int, to_l1_block: int) -> Sequence[AuthorisedRoot]:
        """Return the authorised roots from `from_index` on, up to and with `to_l1_block`."""

    def exits(self, from_index: int, to_l1_block: int) -> Sequence[ExitRequest]:
        """Return the exit requests from `from_index` on, up to and with `to_l1_block`."""

    def epoch(self, to_l1_block: int) -> Epoch | None:
        """Return the newest epoch that L1 began up to and with `to_l1_block`; None if none."""

    def frozen_ts_s(self) -> int | None:
        """Return since when the rollup is frozen, in L1 time; None if it is not."""

    def may_hold(self, token: Address, owner: Address, *, to_l1_block: int, ts_s: int) -> bool:
        """Return whether the owner may hold a token at `ts_s`, by the facts up to `to_l1_block`.

        Only a regulated asset's token asks for anything.
        """

    def is_regulated(self, token: Address) -> bool:
        """Return whether not everybody may hold a token."""
