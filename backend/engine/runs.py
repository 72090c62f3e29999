"""Orders that come, and stay, together: one entry of the log after the other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from backend.engine.ledger import Ledger, MayHold
from backend.engine.packing import BLOCK_CHUNKS_MAX
from backend.engine.vector import judging
from backend.engine.vector.index import NO_ROW, Numbers, addresses_in, key_of, key_words
from backend.engine.vector.leaves import FlatLedger
from backend.engine.vector.loops import Words
from backend.engine.vector.orders import Flags, is_payment, order_entries
from backend.engine.vector.records import RecordRun
from backend.protocol.batches import CHUNK_SLOTS
from backend.protocol.blocks import BODY_BYTES_MAX, Body
from backend.protocol.hashing import Digest
from backend.protocol.order_records import LEGS_MAX
from backend.protocol.types import Address, Asset

_SLOTS_OF_OPENING: Final = 3  # two of the opening, one of what is paid
# A chunk may end early for a group, or for an opening.
_BLOCK_SLOTS_MAX: Final = BLOCK_CHUNKS_MAX * (CHUNK_SLOTS - LEGS_MAX)
_BLOCK_RECORD_BYTES_MAX: Final = BODY_BYTES_MAX - len(Body(0).encode())


@dataclass(frozen=True, slots=True, eq=False)
class OrderRun:
    """Signed orders, none of them in a group, that admission has verified and counts with."""

    records: RecordRun
    ids: tuple[Digest, ...]
    payer_rows: Numbers
    """int64[n]: of admission's accounts"""
    debits: Words
    """uint64[n]: minor units"""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, eq=False)
class StampedRun:
    """A run as the log stamped it: as many entries as it has orders."""

    stamp_ms: int
    run: OrderRun

    def encode(self) -> bytes:
        """Return the entries as they stand in a frame."""
        return order_entries(self.run.records.orders, self.stamp_ms)


def eligible(
    records: RecordRun,
    assets: Mapping[int, Asset],
    is_regulated: Callable[[Address], bool],
    may_hold: MayHold,
) -> Flags | None:
    """Return of each payment whether payer and payee may hold its asset; None: all may."""
    regulated = [asset.token for asset in assets.values() if is_regulated(asset.token)]
    if not regulated:
        return None
    orders = records.orders
    flags = np.ones(orders.order_count, np.bool_)
    for token in regulated:
        key = key_words(key_of(token, 0))
        (places,) = np.nonzero((orders.tokens == key).all(axis=1) & is_payment(orders.kinds))
        parties = addresses_in(orders.payers[places]), addresses_in(orders.payees[places])
        for place, payer, payee in zip(places, *parties, strict=True):
            both = Address(payer.tobytes()), Address(payee.tobytes())
            flags[place] = all(may_hold(token, one) for one in both)
    return flags


def first_that_fit(
    ledger: Ledger,
    encoded: Callable[[Digest], bytes],
    ids: Sequence[Digest],
    ts_s: int,
    is_regulated: Callable[[Address], bool],
    may_hold: MayHold,
) -> tuple[RecordRun, tuple[Digest, ...]] | None:
    """Return the first of these records that fit a block, those of an asset side by side; None
    unless all of them can be executed one after the other."""
    if not ids or not isinstance(ledger, FlatLedger):
        return None
    records = RecordRun(b"".join(map(encoded, ids)))
    orders = records.orders
    flags = eligible(records, ledger.assets, is_regulated, may_hold)
    pending = judging.Pending.with_room(orders.order_count)
    listings = judging.Listings.of(ledger.assets)
    verdicts = judging.judge(ledger.accounts, listings, orders, ts_s, pending, flags)
    if verdicts.codes.any():
        return None
    slots = np.cumsum(np.where(verdicts.payee_rows == NO_ROW, _SLOTS_OF_OPENING, 1))
    fits = slots[orders.starts[1:] - 1] <= _BLOCK_SLOTS_MAX
    count = int(np.count_nonzero(fits & (orders.ends <= _BLOCK_RECORD_BYTES_MAX)))
    turn = np.argsort(verdicts.asset_ids[orders.starts[:count]], kind="stable")
    is_in_turn = bool((turn == np.arange(count)).all())
    if not is_in_turn and orders.order_count != len(records):
        return None  # groups may hold accounts of several assets in turn
    places = turn.tolist()
    if not is_in_turn or count < len(records):
        records = records.chosen(places)
    return records, tuple(ids[place] for place in places)
