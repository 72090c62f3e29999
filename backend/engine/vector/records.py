"""Records of a block in columns. Law: a body that is read so equals one that is read one by one.

Whoever asks for a record gets it decoded, once; who asks for none has none made.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import overload

import numpy as np

from backend.engine.vector.loops import Bytes
from backend.engine.vector.orders import MEMO_AT, Orders, bears_memo, digests_of, read_orders, scan
from backend.protocol.blocks import Body
from backend.protocol.codec import Reader
from backend.protocol.eip712 import Domain
from backend.protocol.hashing import Digest
from backend.protocol.order_records import (
    RECORD_BYTES_MIN,
    OrderGroup,
    OrderRecord,
    decode_record,
    read_record,
)


class RecordRun(Sequence[OrderRecord]):
    """Records one after the other."""

    def __init__(self, data: bytes) -> None:
        """Raises MalformedBytes."""
        self.data = data
        self.orders: Orders = read_orders(data)
        self._decoded: dict[int, OrderRecord] = {}

    def __len__(self) -> int:
        return self.orders.record_count

    @overload
    def __getitem__(self, index: int) -> OrderRecord: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[OrderRecord]: ...
    def __getitem__(self, index: int | slice) -> OrderRecord | Sequence[OrderRecord]:
        place = range(len(self))[index]
        if isinstance(place, range):
            return [self[one] for one in place]
        record = self._decoded.get(place)
        if record is None:
            record = self._decoded[place] = decode_record(self.bytes_of(place))
        return record

    def __eq__(self, other: object) -> bool:
        if isinstance(other, RecordRun):
            return self.data == other.data
        return isinstance(other, tuple) and tuple(self) == other

    __hash__ = None  # type: ignore[assignment]  # a sequence that may equal a tuple

    def encode(self) -> bytes:
        """Return the records' bytes."""
        return self.data

    def bytes_of(self, place: int) -> bytes:
        """Return a record's bytes."""
        start, end = self._bounds[place : place + 2]
        return self.data[start:end]

    @cached_property
    def _bounds(self) -> list[int]:
        return [0, *self.orders.ends.tolist()]

    def ids(self, domain: Domain) -> tuple[tuple[Digest, ...], tuple[Digest, ...]]:
        """Return the records' ids, and the ids of all their orders."""
        digests = digests_of(domain, self.orders)
        return self.ids_of(digests), _split(digests)

    def ids_of(self, digests: Bytes) -> tuple[Digest, ...]:
        """Return the records' ids; `digests` are those of their orders, uint8[n, 32]."""
        payment_ids = _split(digests)
        if len(payment_ids) == len(self):
            return payment_ids
        starts = self.orders.starts.tolist()
        record_ids = (
            payment_ids[first] if past - first == 1 else self._link(place)
            for place, (first, past) in enumerate(zip(starts, starts[1:], strict=False))
        )
        return tuple(record_ids)

    def memos(self) -> list[tuple[int, Digest]]:
        """Return the memos that orders bear, each with the place of its record."""
        found = np.flatnonzero(bears_memo(self.orders))
        records = np.searchsorted(self.orders.starts[1:], found, side="right").tolist()
        starts = (self.orders.places[found] + MEMO_AT).tolist()
        texts = (Digest(self.data[start : start + 32]) for start in starts)
        return list(zip(records, texts, strict=True))

    def groups(self) -> list[int]:
        """Return the places of groups."""
        found: list[int] = np.flatnonzero(np.diff(self.orders.starts) > 1).tolist()
        return found

    def chosen(self, places: Iterable[int]) -> "RecordRun":
        """Return some of the records, in this order."""
        return RecordRun(b"".join(map(self.bytes_of, places)))

    def _link(self, place: int) -> Digest:
        record = self[place]
        assert isinstance(record, OrderGroup)
        return record.link


def _split(digests: Bytes) -> tuple[Digest, ...]:
    joined = digests.tobytes()
    return tuple(Digest(joined[start : start + 32]) for start in range(0, len(joined), 32))


def decode_body(data: bytes) -> Body:
    """Return the body of these bytes, its records in columns. Raises MalformedBytes."""
    return Body.decode(data, _read_run)


def _read_run(reader: Reader) -> Sequence[OrderRecord]:
    count = reader.count(RECORD_BYTES_MIN)
    size_bytes = scan(reader.ahead(), count)
    if size_bytes is None:  # the readable twin says what is wrong
        return tuple(read_record(reader) for _ in range(count))
    return RecordRun(reader.take(size_bytes))
