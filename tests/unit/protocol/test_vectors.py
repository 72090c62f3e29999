"""Golden vectors.

- all files: made again, they are the same bytes, and no other file is there
- blobs: ckzg agrees that the elements are in the blob
"""

from pathlib import Path

import ckzg
import pytest

from backend.protocol.batches import BLOB_CHUNKS, pack_blobs
from tests.vectors.batches import kzg_setup, noise_chunk
from tests.vectors.generate import VECTORS_DIR, load, render


@pytest.fixture(scope="module")
def rendered() -> dict[str, str]:
    return render()


def test_vectors__made_again__changes_nothing(rendered):
    stored = {path.name: path.read_text() for path in Path(VECTORS_DIR).glob("*.json")}

    assert stored.keys() == rendered.keys()
    for name, text in rendered.items():
        assert stored[name] == text, f"{name} is out of date: python -m tests.vectors.generate"


def test_blobs__elements__succeeds():
    blobs = load("blobs")
    (blob,) = pack_blobs([noise_chunk(index) for index in range(BLOB_CHUNKS)])
    for element in blobs["elements"]:
        point, value, proof = (
            bytes.fromhex(element[name][2:]) for name in ("point", "value", "proof")
        )
        commitment = bytes.fromhex(blobs["commitment"][2:])

        assert value == blob[32 * element["index"] :][:32]
        assert ckzg.verify_kzg_proof(commitment, point, value, proof, kzg_setup())
