"""Fills the cache with the kernel's machine code, so that nobody waits for it later:
`python -m backend.engine.vector.compile`, a step of `make setup`."""

import numpy as np

from backend.engine.vector import keccak, lanes, libsecp
from backend.engine.vector.simd import Simd
from backend.engine.vector.versions import FlatStateTree
from backend.protocol.state_tree import GENESIS_LEAVES
from backend.protocol.types import BRIDGE


def main() -> None:
    """Compile what this host can use."""
    libsecp.recover_many(np.zeros((0, 32), np.uint8), np.zeros((0, 65), np.uint8))
    keccak.library()
    FlatStateTree(GENESIS_LEAVES).leaf(BRIDGE)
    if lanes.has_ifma():
        Simd()


if __name__ == "__main__":
    main()
