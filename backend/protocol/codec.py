"""Reads bytes from the front. Law: whatever the bytes, the worst outcome is MalformedBytes."""

from backend.protocol.errors import MalformedBytes


class Reader:
    """Takes big-endian integers and byte strings off the front of `data`."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes, position: int = 0) -> None:
        self._data = data
        self._position = position

    @property
    def position(self) -> int:
        """How many bytes were taken."""
        return self._position

    @property
    def remaining(self) -> int:
        """How many bytes are left."""
        return len(self._data) - self._position

    def take(self, size_bytes: int) -> bytes:
        """Return the next bytes."""
        end = self._position + size_bytes
        if end > len(self._data):
            raise MalformedBytes(
                f"the data ends at byte {len(self._data)}, {size_bytes} were due at "
                f"{self._position}"
            )
        taken = self._data[self._position : end]
        self._position = end
        return taken

    def uint(self, size_bytes: int) -> int:
        """Return the next big-endian unsigned integer."""
        return int.from_bytes(self.take(size_bytes))

    def count(self, record_size_bytes_min: int) -> int:
        """Return the next u32, a number of records to come that can't be more than fit."""
        count = self.uint(4)
        if count * record_size_bytes_min > self.remaining:
            raise MalformedBytes(f"{count} records can't fit into {self.remaining} bytes")
        return count

    def ahead(self) -> memoryview:
        """Return all that is left, without taking it."""
        return memoryview(self._data)[self._position :]

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(self.remaining)

    def finish(self) -> None:
        """Check that nothing is left."""
        if self.remaining:
            raise MalformedBytes(f"{self.remaining} bytes too many")


def need(size_bytes: int, data: bytes, name: str) -> None:
    """Check the size of `data`; `name` is what it should be."""
    if len(data) != size_bytes:
        raise MalformedBytes(f"{name} has {size_bytes} bytes, not {len(data)}")
