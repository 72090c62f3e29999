"""A tree's file holds it whole, or is refused.

- save and load: none, some, many accounts; over an older file
- damage: each byte's flip, each cut, another order → rejects; no file → rejects
"""

import numpy as np
import pytest

from backend.engine.vector import tree_file
from backend.engine.vector.tree import Changes, FlatTree
from backend.engine.vector.tree_file import TreeFileDamaged
from tests.unit.engine.vector import leaves as some


def _tree(count):
    flat = FlatTree()
    items = [(some.AccountId(i % 5 << 24 | i), some.leaf(i + 1)) for i in range(count)]
    flat.put(Changes.of(items), np.zeros(count, np.uint32), 1)
    return flat


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("count", [0, 1, 3_000])
def test_load__what_was_saved__succeeds(tmp_path, count, threads, monkeypatch):
    monkeypatch.setattr(tree_file, "_PART", 1_000)
    tree = _tree(count)

    tree_file.save(tree, tmp_path / "tree")
    loaded = tree_file.load(tmp_path / "tree", threads)

    assert (loaded.root, len(loaded)) == (tree.root, count)
    assert all(loaded.leaf(i % 5 << 24 | i) == some.leaf(i + 1) for i in range(0, count, 97))


def test_save__over_an_older_file__succeeds(tmp_path):
    tree_file.save(_tree(9), tmp_path / "tree")

    tree_file.save(_tree(4), tmp_path / "tree")

    assert tree_file.load(tmp_path / "tree").root == _tree(4).root
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]


def test_load__any_byte_flipped__rejects(tmp_path):
    path = tmp_path / "tree"
    tree_file.save(_tree(3), path)
    whole = path.read_bytes()

    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(TreeFileDamaged) as refused:
            tree_file.load(path)
        assert refused.value.path == path


def test_load__cut_or_longer__rejects(tmp_path):
    path = tmp_path / "tree"
    tree_file.save(_tree(3), path)
    whole = path.read_bytes()

    for data in [whole[:end] for end in range(len(whole))] + [whole + b"\0", whole + whole[-42:]]:
        path.write_bytes(data)
        with pytest.raises(TreeFileDamaged, match="size|shorter"):
            tree_file.load(path)


def test_load__accounts_in_another_order__rejects(tmp_path):
    path = tmp_path / "tree"
    tree_file.save(_tree(2), path)
    whole = path.read_bytes()

    path.write_bytes(whole[:48] + whole[90:] + whole[48:90])

    with pytest.raises(TreeFileDamaged, match="not ascending"):
        tree_file.load(path)


def test_load__no_file__rejects(tmp_path):
    with pytest.raises(FileNotFoundError):
        tree_file.load(tmp_path / "tree")
