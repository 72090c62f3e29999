"""A state tree in a file. Law: what is loaded has the root that the file names; that root is the
checksum of all accounts, so none else is kept.

File: "CWSTATE1" ‖ count u64 ‖ root 32 ‖ each account, ids ascending: id u32 ‖ leaf 38.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.engine.vector.tree import ENDING, LEAF, Changes, FlatTree
from backend.files import write_atomically

_MAGIC: Final = b"CWSTATE1"
_HEAD: Final = np.dtype([("magic", "S8"), ("count", ">u8"), ("root", np.uint8, 32)])
_LEAF_BYTES: Final = 38
_ACCOUNT: Final = np.dtype([("id", ">u4"), ("leaf", np.uint8, _LEAF_BYTES)])
_PART: Final = 1 << 20


class TreeFileDamaged(ValueError):
    """A file that holds no state tree, or another one than it says."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


def save(tree: FlatTree, path: Path) -> None:
    """Write the tree. After a crash the file is whole, or as it was before."""

    def parts() -> Iterator[bytes]:
        head = np.zeros((), _HEAD)
        head["magic"], head["count"] = _MAGIC, len(tree)
        head["root"] = np.frombuffer(tree.root, np.uint8)
        yield head.tobytes()
        for changes in tree.accounts():
            accounts = np.zeros(len(changes.ids), _ACCOUNT)
            accounts["id"] = changes.ids
            accounts["leaf"] = _bytes_of(changes.leaves)[:, :_LEAF_BYTES]
            yield accounts.tobytes()

    write_atomically(path, parts())


def load(path: Path, threads: int = 1) -> FlatTree:
    """Return the tree of a file, which is mapped and read once. Raises TreeFileDamaged."""
    size_bytes = path.stat().st_size
    if size_bytes < _HEAD.itemsize:
        raise TreeFileDamaged(path, "it is shorter than a head")
    data = np.memmap(path, np.uint8, "r")
    head = data[: _HEAD.itemsize].view(_HEAD)[0]
    if bytes(head["magic"]) != _MAGIC:
        raise TreeFileDamaged(path, "it is no file of a state tree")
    if size_bytes != _HEAD.itemsize + int(head["count"]) * _ACCOUNT.itemsize:
        raise TreeFileDamaged(path, "its size is not that of its accounts")
    accounts = data[_HEAD.itemsize :].view(_ACCOUNT)
    if not bool((accounts["id"][:-1] < accounts["id"][1:]).all()):
        raise TreeFileDamaged(path, "its accounts are not ascending")
    tree = FlatTree(threads)
    for start in range(0, len(accounts), _PART):
        changes = _changes(accounts[start : start + _PART])
        tree.put(changes, np.zeros(len(changes.ids), np.uint32), 1)
    if tree.root != head["root"].tobytes():
        raise TreeFileDamaged(path, "its root is another")
    return tree


def _changes(accounts: NDArray[Any]) -> Changes:
    leaves = np.zeros(len(accounts), LEAF)
    _bytes_of(leaves)[:, :_LEAF_BYTES] = accounts["leaf"]
    leaves["ending"] = ENDING
    return Changes(accounts["id"].astype(np.uint32), leaves)


def _bytes_of(leaves: NDArray[Any]) -> NDArray[np.uint8]:
    return leaves.view(np.uint8).reshape(len(leaves), LEAF.itemsize)
