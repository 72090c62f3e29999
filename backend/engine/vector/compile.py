"""Fills the cache with the kernel's machine code, so that nobody waits for it later:
`python -m backend.engine.vector.compile`, a step of `make setup`."""

import shutil

import numpy as np

from backend.engine.vector import keccak, lanes, libsecp
from backend.engine.vector.loops import CACHE, CACHES
from backend.engine.vector.simd import Simd
from backend.engine.vector.versions import FlatStateTree
from backend.protocol.batches import CHUNK_SLOTS_BYTES
from backend.protocol.state_tree import GENESIS_LEAVES
from backend.protocol.transition import L1Facts
from backend.protocol.types import BRIDGE


def main() -> None:
    """Compile what this host can use."""
    libsecp.recover_many(np.zeros((0, 32), np.uint8), np.zeros((0, 65), np.uint8))
    keccak.library()
    no_ops = bytes(CHUNK_SLOTS_BYTES)
    FlatStateTree(GENESIS_LEAVES).apply_chunks([no_ops], L1Facts({}, {}, 0)).tree.leaf(BRIDGE)
    if lanes.has_ifma():
        Simd()
    for cache in CACHES.iterdir():
        if cache != CACHE:  # of an earlier state of our files
            shutil.rmtree(cache)


if __name__ == "__main__":
    main()
