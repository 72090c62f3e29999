"""What keeps a platform from being ready: each part alone, and nothing."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from backend.app import _problems
from backend.engine.node_types import NodeStatus
from backend.protocol.hashing import ZERO_DIGEST

RUNNING = NodeStatus(7, ZERO_DIGEST, 1, 0, 0, 40, True, None)


@dataclass(frozen=True)
class Parts:
    """Stands for a platform: node, watcher, projector, submitter and desk in one."""

    node: NodeStatus = RUNNING
    read_to: int = 41
    is_alive: bool = True
    failure: str | None = None
    listed: dict[int, str] = field(default_factory=lambda: {1: "USDX", 2: "EURX"})
    alien: SimpleNamespace | None = None
    frozen_ts_s: int | None = None

    def problems(self) -> list[str]:
        return _problems(
            SimpleNamespace(status=lambda: self.node, assets=lambda: self.listed),
            SimpleNamespace(
                confirmed=lambda: SimpleNamespace(number=self.read_to),
                frozen_ts_s=lambda: self.frozen_ts_s,
            ),
            self,
            self,
            self,
            2,
        )


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (Parts(), []),
        (
            Parts(replace(RUNNING, failure="no disk", has_quorum=False)),
            ["the node does not run: no disk"],
        ),
        (Parts(replace(RUNNING, has_quorum=False)), ["too few validators answer"]),
        (Parts(read_to=39), ["the chain has not been read since the start"]),
        (Parts(read_to=40), []),
        (Parts(listed={1: "USDX"}), ["the ledger has not learnt of all assets yet"]),
        (Parts(is_alive=False), ["the projections are not kept up to date"]),
        (Parts(failure="no disk"), ["no batches are posted: no disk"]),
        (
            Parts(alien=SimpleNamespace(number=3)),
            ["L1 has taken a batch 3 that is not this ledger's"],
        ),
        (
            Parts(frozen_ts_s=9),
            ["the rollup is frozen: people take their money out on the chain"],
        ),
    ],
)
def test_problems__one_part_is_not_well__is_named_holds(parts, expected):
    assert parts.problems() == expected
