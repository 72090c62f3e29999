"""Tables of multiples, held equal to coincurve's points.

- keys: in many blocks, any count at a time, each table holds its own key's multiples
- the generator's: each place of a digit, first and last multiples
- the room that is asked for is enough
"""

import numpy as np

from backend.engine.vector import kernel, lanes, simd, tables
from backend.engine.vector.ladder import BASE_ENTRIES, KEY_ENTRIES
from backend.engine.vector.scalars import BASE_DIGITS
from backend.engine.vector.simd import Simd
from tests.unit.engine.vector.programs import needs_ifma
from tests.unit.engine.vector.signatures import public_key


def _point(entry: np.ndarray) -> bytes:
    return b"".join(part.tobytes()[::-1] for part in entry)


@needs_ifma
def test_tables__keys_in_many_blocks__each_table_has_its_multiples_holds(monkeypatch):
    monkeypatch.setattr(simd, "_BLOCK_KEYS", 24)
    monkeypatch.setattr(simd, "_KEYS_CHUNK", 16)
    verifier = Simd()
    secrets = list(range(1, 101))
    keys = np.frombuffer(b"".join(map(public_key, secrets)), np.uint8).reshape(-1, 64)

    numbers = np.concatenate(
        [verifier.add_keys(part) for part in (keys[:3], keys[3:3], keys[3:60], keys[60:])]
    )

    assert numbers.tolist() == list(range(100))
    for number, secret in enumerate(secrets):
        block, place = divmod(number, 24)
        table = verifier._keys.blocks[block][place].reshape(KEY_ENTRIES, 2, 32)
        for multiple in range(1, KEY_ENTRIES + 1):
            assert _point(table[multiple - 1]) == public_key(secret * multiple)


@needs_ifma
def test_tables__each_place__has_the_generators_multiples_holds():
    tables = Simd()._base.reshape(BASE_DIGITS, BASE_ENTRIES, 2, 32)
    for place in range(BASE_DIGITS):
        for multiple in (1, 2, 3, 4, 511, 512):
            assert _point(tables[place, multiple - 1]) == public_key(multiple << 10 * place)


@needs_ifma
def test_tables__room_as_asked_for__nothing_beyond_is_touched_holds():
    run = lanes.compile_module("signatures", kernel.text(), in_order=True).function("tables", 5)
    keys = np.frombuffer(b"".join(map(public_key, range(1, 17))), np.uint8).reshape(16, 64)
    size_bytes = tables.ROOM_BYTES * 5 * 2
    room = lanes.aligned(size_bytes + 4_096, np.uint8)
    room[size_bytes:] = 0xA5
    made = lanes.aligned((16 + 4, 5, 2, 32), np.uint8)

    run(keys.ctypes.data, made.ctypes.data, room.ctypes.data, 2, 5)

    assert (room[size_bytes:] == 0xA5).all()
    assert not made[16:].any()
    for secret, table in enumerate(made[:16], start=1):
        assert list(map(_point, table)) == [public_key(secret * k) for k in range(1, 6)]
