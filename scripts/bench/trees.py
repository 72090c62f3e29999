"""How fast the state tree is: `python -m scripts.bench.trees`.

Roots of chunks of 64 payments among many accounts, payers and payees drawn evenly; hashes of pairs;
memory; a file's loading. The baselines are the readable tree over the same accounts and sha3's
keccak-256. Both take turns in one run, the best of several rounds counts, and time is that of the
processor: others use the machine, too.
"""

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.engine.vector import keccak, lanes, tree_file
from backend.engine.vector.tree import ENDING, LEAF, Changes, FlatTree
from backend.protocol.batches import CHUNK_SLOTS
from backend.protocol.hashing import Digest
from backend.protocol.hashing import keccak as keccak_of_one
from backend.protocol.state_tree import StateTree
from backend.protocol.types import AccountId, Leaf
from scripts.demo.screen import Screen

_ACCOUNTS = 1_000_000
_CHUNKS = 256
_READABLE_CHUNKS = 16  # of these, in a round
_PAIRS = 65_536
_SINGLE_PAIRS = 8_192  # of these, in a round
_ROUNDS = 7
_PARTITIONS = 255
_PART = 1 << 20

Figure = dict[str, float | str]
Steps = NDArray[np.uint32]


def measure(accounts: int = _ACCOUNTS) -> dict[str, Figure]:
    """Return the figures."""
    chance = np.random.default_rng(1)
    flat, ids = filled(chance, accounts)
    bytes_per_account = flat.size_bytes / accounts
    # Collecting garbage would go through all of the readable tree's nodes.
    gc.disable()
    try:
        roots = _roots(chance, flat, ids)
    finally:
        gc.enable()
    return {
        "keccak_pairs_per_s": _pairs(chance),
        "chunk_root_payments_per_s_per_core": roots,
        "bytes_per_account": {"value": round(bytes_per_account, 1), "accounts": accounts},
        "tree_load_s": {"value": _load_s(flat), "accounts": accounts},
    }


def filled(chance: np.random.Generator, accounts: int) -> tuple[FlatTree, Steps]:
    """Return a tree of so many accounts, spread evenly over the partitions, and their ids."""
    places = np.arange(accounts, dtype=np.uint32)
    ids = np.sort(places % _PARTITIONS << 24 | places // _PARTITIONS + 2)
    flat = FlatTree()
    for start in range(0, accounts, _PART):
        part = ids[start : start + _PART]
        flat.put(Changes(part, _leaves(chance, len(part))), np.zeros(len(part), np.uint32), 1)
    return flat, ids


def _leaves(chance: np.random.Generator, count: int) -> NDArray[Any]:
    leaves = np.zeros(count, LEAF)
    leaves["owner"] = chance.integers(0, 256, (count, 20), np.uint8)
    leaves["asset_id"] = 1
    leaves["balance_minor"] = chance.integers(0, 2**40, count)
    leaves["ending"] = ENDING
    return leaves


def _chunks(chance: np.random.Generator, ids: Steps) -> tuple[Changes, Steps]:
    """Return the leaves that chunks of payments change, and which chunk changes each."""
    touched = [np.unique(chance.choice(ids, 2 * CHUNK_SLOTS)) for _ in range(_CHUNKS)]
    steps = np.repeat(np.arange(_CHUNKS, dtype=np.uint32), [len(chunk) for chunk in touched])
    return Changes(np.concatenate(touched), _leaves(chance, len(steps))), steps


def _roots(chance: np.random.Generator, flat: FlatTree, ids: Steps) -> Figure:
    accounts = {
        AccountId(int(account_id)): leaf
        for part in flat.accounts()
        for place, account_id in enumerate(part.ids)
        if (leaf := part.leaf(place)) is not None
    }
    readable = StateTree(accounts)
    flat_s, readable_s = [], []
    for _ in range(_ROUNDS):
        changes, steps = _chunks(chance, ids)
        by_chunk = _by_chunk(changes, steps)[:_READABLE_CHUNKS]
        (expected, _), took_s = timed(readable.set_in_turn, by_chunk)
        readable_s.append(took_s)
        (roots, before), took_s = timed(flat.put, changes, steps, _CHUNKS)
        flat_s.append(took_s)
        if roots[:_READABLE_CHUNKS] != expected:
            raise RuntimeError("the two trees differ")
        flat.put(before, np.zeros(len(before.ids), np.uint32), 1)
    return beside(
        _CHUNKS * CHUNK_SLOTS / min(flat_s),
        _READABLE_CHUNKS * CHUNK_SLOTS / min(readable_s),
        "the readable tree",
    )


def _by_chunk(changes: Changes, steps: Steps) -> list[dict[AccountId, Leaf]]:
    by_chunk: list[dict[AccountId, Leaf]] = [{} for _ in range(_CHUNKS)]
    for place, (account_id, step) in enumerate(zip(changes.ids, steps, strict=True)):
        leaf = changes.leaf(place)
        if leaf is not None:
            by_chunk[step][AccountId(int(account_id))] = leaf
    return by_chunk


def _pairs(chance: np.random.Generator) -> Figure:
    rows = chance.integers(0, 256, (_PAIRS, keccak.ROW_BYTES), np.uint8)
    digests = lanes.aligned((_PAIRS, keccak.DIGEST_BYTES), np.uint8)
    messages = [row.tobytes() for row in rows[:_SINGLE_PAIRS]]
    lanes_s, single_s = [], []
    for _ in range(_ROUNDS):
        lanes_s.append(timed(keccak.hash_rows, rows, True, digests)[1])
        single, took_s = timed(_one_by_one, messages)
        single_s.append(took_s)
        if [Digest(digest.tobytes()) for digest in digests[:_SINGLE_PAIRS]] != single:
            raise RuntimeError("the two hashes differ")
    return beside(_PAIRS / min(lanes_s), _SINGLE_PAIRS / min(single_s), "sha3")


def _load_s(flat: FlatTree) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tree"
        tree_file.save(flat, path)
        loaded, took_s = timed(tree_file.load, path)
    if loaded.root != flat.root:
        raise RuntimeError("another tree was loaded")
    return round(took_s, 2)


def _one_by_one(messages: list[bytes]) -> list[Digest]:
    return [keccak_of_one(message) for message in messages]


def timed(work: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """Return what `work` returns, and how much of this thread's time it took."""
    started = time.thread_time()
    result = work(*arguments)
    return result, time.thread_time() - started


def beside(value: float, baseline: float, name: str) -> Figure:
    return {
        "value": round(value),
        "baseline": round(baseline),
        "baseline_by": name,
        "ratio": round(value / baseline, 1),
    }


def as_text(figure: Figure) -> str:
    """Return one of the figures as a line."""
    if "ratio" not in figure:
        return f"{figure['value']:,} with {figure['accounts']:,} accounts"
    return "{value:,} beside {baseline:,} by {baseline_by} ({ratio} times)".format(**figure)


def main() -> int:
    parser = argparse.ArgumentParser(prog="trees", description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=_ACCOUNTS)
    figures = measure(parser.parse_args().accounts)
    Screen().table({name: as_text(figure) for name, figure in figures.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
