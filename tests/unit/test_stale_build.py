"""What ape has built is forgotten when any source or setting has changed.

- a first run, a library changed, a file added, another setting → forgotten; otherwise kept
"""

import pytest

from tests.stale_build import forget_stale_build


@pytest.fixture
def root(tmp_path):
    (tmp_path / "contracts" / "libraries").mkdir(parents=True)
    (tmp_path / "contracts" / "Rollup.sol").write_text('import "./libraries/Chunks.sol";')
    (tmp_path / "contracts" / "libraries" / "Chunks.sol").write_text("library Chunks {}")
    build(tmp_path)
    assert forget_stale_build(tmp_path)
    build(tmp_path)
    return tmp_path


def build(root):
    (root / ".build").mkdir()
    (root / ".build" / "__local__.json").write_text("{}")


def test_forget_stale_build__nothing_changed__changes_nothing(root):
    assert not forget_stale_build(root)
    assert (root / ".build" / "__local__.json").exists()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("contracts/libraries/Chunks.sol", "library Chunks { }"),
        ("contracts/New.sol", ""),
        ("ape-config.yaml", "solidity: {}"),
    ],
)
def test_forget_stale_build__something_changed__succeeds(root, path, text):
    (root / path).write_text(text)

    assert forget_stale_build(root)
    assert not (root / ".build").exists()
    assert not forget_stale_build(root)
