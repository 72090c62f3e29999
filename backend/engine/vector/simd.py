"""Signatures verified eight in lockstep, by AVX-512 IFMA: the compiled kernel and its tables.

Its word is not the last one: verification.py asks libsecp256k1 again. Public data alone may come
here, since its time depends on it.
"""

import hashlib
import threading
from dataclasses import dataclass, field
from typing import Final

import coincurve
import numpy as np
from numpy.typing import NDArray

from backend.engine.vector import kernel, lanes, tables
from backend.engine.vector.known_answers import known_answers
from backend.engine.vector.ladder import BASE_ENTRIES, KEY_ENTRIES, KEY_TABLE_BYTES
from backend.engine.vector.libsecp import DIGEST_BYTES, KEY_BYTES, Bytes, address
from backend.engine.vector.scalars import BASE_DIGIT_BITS, BASE_DIGITS
from backend.protocol.errors import check_invariant
from backend.protocol.signing import SIGNATURE_BYTES

# Signatures of one inversion: more would hardly be quicker, and their working memory stays near.
_CHUNK: Final = 512
_KEYS_CHUNK: Final = 256
_BLOCK_KEYS: Final = 4_096
# Of G's tables: 26 places, 512 multiples each. They never change.
_BASE_SHA256: Final = "da8f1e11135f7d70a9e5217e70fb59801e50cc8328f771cdcddbe6552294384f"


class SimdUnavailable(Exception):
    """This host can't verify in lanes, or doesn't do it right. The text says why."""


@dataclass(slots=True)
class _Keys:
    """A table for each key, in blocks that never move; a key's number is its place."""

    count: int = 0
    blocks: list[Bytes] = field(default_factory=list)
    addresses: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def room(self, wanted: int) -> tuple[int, int]:
        """Return where the next tables go, and for how many of those wanted there is room."""
        used = self.count % _BLOCK_KEYS
        if self.count == len(self.addresses):
            # Tables are made for eight keys at once, so some too many may follow the last one.
            block = lanes.aligned((_BLOCK_KEYS + lanes.LANES, KEY_TABLE_BYTES), np.uint8)
            self.blocks.append(block)
            offsets = np.arange(_BLOCK_KEYS, dtype=np.int64) * KEY_TABLE_BYTES
            self.addresses = np.concatenate((self.addresses, block.ctypes.data + offsets))
        return int(self.addresses[self.count]), min(wanted, _BLOCK_KEYS - used, _KEYS_CHUNK)


class Simd:
    """The verifier in this process. Threads may share it."""

    def __init__(self) -> None:
        """Load it, or compile it first, and put it to the test. Raises SimdUnavailable."""
        if not lanes.has_ifma():
            raise SimdUnavailable("the CPU has no AVX-512 IFMA")
        try:
            library = lanes.compile_module("signatures", kernel.text(), in_order=True)
        except lanes.CompilationFailed as error:
            raise SimdUnavailable(str(error)) from error
        self._tables = library.function("tables", 5)
        self._verify = library.function("verify", 7)
        self._keys = _Keys()
        self._base = self._base_tables()
        known = known_answers()
        if not known.are_given(
            self.verify(known.digests, known.signatures, self.add_keys(known.keys))
        ):
            raise SimdUnavailable("it gave a wrong answer to a question whose answer is known")
        self._keys = _Keys()

    def add_keys(self, keys: Bytes) -> NDArray[np.int64]:
        """Make the keys' tables; return their numbers. They must be points of the curve."""
        address(keys, len(keys), KEY_BYTES)
        with self._keys.lock:
            first = self._keys.count
            room = _room(tables.ROOM_BYTES * KEY_ENTRIES * _KEYS_CHUNK // lanes.LANES)
            while (done := self._keys.count - first) < len(keys):
                place, count = self._keys.room(len(keys) - done)
                self._make_tables(keys[done : done + count], place, KEY_ENTRIES, room)
                self._keys.count += count
            return np.arange(first, self._keys.count)

    def verify(
        self, digests: Bytes, signatures: Bytes, key_numbers: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return, as int64[n], kernel.YES, NO or UNSURE for each signature of a known key."""
        count = len(digests)
        first_signature = address(signatures, count, SIGNATURE_BYTES)
        first_digest = address(digests, count, DIGEST_BYTES)
        is_known = (key_numbers >= 0) & (key_numbers < self._keys.count)
        check_invariant(key_numbers.shape == (count,) and bool(is_known.all()), "an unknown key")
        rest = count % kernel.BATCH
        whole = count - rest
        padded = whole + (kernel.BATCH if rest else 0)
        key_tables = lanes.aligned(padded, np.int64)
        key_tables[:count] = self._keys.addresses[key_numbers]
        key_tables[count:] = self._base.ctypes.data
        verdicts = lanes.aligned(padded, np.int64)
        self._judge(first_signature, first_digest, key_tables, verdicts[:whole])
        if rest:
            # What is missing in the last batch is zeros, which are no signature.
            missing = ((0, kernel.BATCH - rest), (0, 0))
            signatures = np.pad(signatures[whole:], missing)
            digests = np.pad(digests[whole:], missing)
            places = signatures.ctypes.data, digests.ctypes.data
            self._judge(*places, key_tables[whole:], verdicts[whole:])
        return verdicts[:count]

    def _judge(
        self,
        signatures: int,
        digests: int,
        key_tables: NDArray[np.int64],
        verdicts: NDArray[np.int64],
    ) -> None:
        """Write verdicts of whole batches; signatures and digests are where they begin."""
        count = len(verdicts)
        room = _room(kernel.ROOM_BYTES * min(count, _CHUNK) // lanes.LANES)
        keys, written = key_tables.ctypes.data, verdicts.ctypes.data
        base, working = self._base.ctypes.data, room.ctypes.data
        for start in range(0, count, _CHUNK):
            self._verify(
                signatures + SIGNATURE_BYTES * start,
                digests + DIGEST_BYTES * start,
                keys + 8 * start,
                base,
                working,
                written + 8 * start,
                min(_CHUNK, count - start) // lanes.LANES,
            )

    def _make_tables(self, keys: Bytes, place: int, entries: int, room: Bytes) -> None:
        padded = np.concatenate((keys, np.repeat(keys[:1], -len(keys) % lanes.LANES, axis=0)))
        groups = len(padded) // lanes.LANES
        self._tables(padded.ctypes.data, place, room.ctypes.data, groups, entries)

    def _base_tables(self) -> Bytes:
        places = [1 << BASE_DIGIT_BITS * index for index in range(BASE_DIGITS)]
        secrets = (coincurve.PrivateKey(place.to_bytes(32)) for place in places)
        points = b"".join(one.public_key.format(compressed=False)[1:] for one in secrets)
        keys = np.frombuffer(points, np.uint8).reshape(BASE_DIGITS, KEY_BYTES)
        padded = BASE_DIGITS + -BASE_DIGITS % lanes.LANES
        made = lanes.aligned((padded, BASE_ENTRIES * KEY_BYTES), np.uint8)
        room = _room(tables.ROOM_BYTES * BASE_ENTRIES * padded // lanes.LANES)
        self._make_tables(keys, made.ctypes.data, BASE_ENTRIES, room)
        base: Bytes = made[:BASE_DIGITS]
        if hashlib.sha256(base.tobytes()).hexdigest() != _BASE_SHA256:
            raise SimdUnavailable("the generator's multiples are wrong")
        return base


def _room(size_bytes: int) -> Bytes:
    return lanes.aligned(size_bytes, np.uint8)
