"""What shows that an operation of a batch was authorised (docs/PROTOCOL.md, section 9)."""

from dataclasses import dataclass

from backend.protocol.codec import Reader
from backend.protocol.errors import MalformedBytes
from backend.protocol.order_records import OrderRecord, read_record
from backend.protocol.orders import Order


@dataclass(frozen=True, slots=True)
class Evidence:
    """The record that an operation comes from, and which of its orders it is.

    No record: the operation is a sweep, which an exit request on L1 authorises.
    """

    record: OrderRecord | None
    leg: int

    @property
    def order(self) -> Order | None:
        """The order itself; None for a sweep."""
        return None if self.record is None else self.record.orders[self.leg]

    def encode(self) -> bytes:
        """Return leg u8, and the record if there is one: as platforms publish it."""
        record = b"" if self.record is None else self.record.encode()
        return self.leg.to_bytes(1) + record


def decode_evidence(data: bytes) -> Evidence:
    """Return the evidence of these bytes. Raises MalformedBytes."""
    reader = Reader(data)
    leg = reader.uint(1)
    record = read_record(reader) if reader.remaining else None
    reader.finish()
    if leg >= (1 if record is None else len(record.orders)):
        raise MalformedBytes(f"the record has no leg {leg}")
    return Evidence(record, leg)
