"""What waits, and waiting for it.

- wait_for: found at once, later, never
- waiting: the blocks after the newest batch's last one
- settle on a public chain: posted, and the clock is left alone

Local chains are settled in tests/e2e/test_cli.py.
"""

from types import SimpleNamespace

import pytest

from backend.console.errors import StillWaiting
from backend.console.posting import Poster, Waiting, newest_batch, wait_for, waiting

BLOCKS = [
    SimpleNamespace(number=number, operation_count=count)
    for number, count in ((4, 0), (3, 2), (2, 5), (1, 7))
]


class Platform:
    """Has four blocks, and one batch that ends with `last_block`; posting adds another."""

    def __init__(self, last_block=None):
        self.batches = self
        self.asked = []
        self._found = [] if last_block is None else [self._batch(1, last_block)]

    def list(self, *, status=None):
        return iter(self._found)

    def post(self, carrier):
        self.asked.append(carrier)
        self._found.insert(0, self._batch(len(self._found) + 1, 3))

    def pages(self, _model, path, _query):
        assert path == "/v1/blocks"
        return iter(BLOCKS)

    def build(self, last_block):
        self._found.insert(0, self._batch(len(self._found) + 1, last_block, "built"))

    def _batch(self, number, last_block, status="posted"):
        return SimpleNamespace(number=number, last_block=last_block, accepted_ts_s=0, status=status)


def poster(platform, said):
    return Poster(platform, None, None, said.append, challenge_window_s=60, is_local=False)


def test_wait_for__found_later__succeeds():
    answers = iter([None, None, 7])

    assert wait_for("a number", lambda: next(answers), 5) == 7


def test_wait_for__never__rejects():
    with pytest.raises(StillWaiting, match="0 s for a number"):
        wait_for("a number", lambda: None, 0)


@pytest.mark.parametrize(
    ("last_block", "expected"), [(None, Waiting(4, 14)), (2, Waiting(2, 2)), (4, Waiting(0, 0))]
)
def test_waiting__blocks_after_the_newest_batch__holds(last_block, expected):
    assert waiting(Platform(last_block)) == expected


def test_newest_batch__none_yet__succeeds():
    assert newest_batch(Platform()) is None


def test_newest_batch__one_is_only_built__does_not_count_holds():
    platform = Platform(2)
    platform.build(4)

    assert newest_batch(platform).last_block == 2
    assert waiting(platform) == Waiting(2, 2)


def test_post__carrier_named__asks_for_it_succeeds():
    platform = Platform(2)

    assert poster(platform, []).post("blobs") == Waiting(2, 2)
    assert platform.asked == ["blobs"]


def test_settle__public_chain__waits_until_posted_succeeds():
    platform, said = Platform(2), []

    found = poster(platform, said).settle()

    assert [batch.number for batch in found] == [2, 1]
    assert said == ["posting 2 operations"]


def test_settle__only_empty_blocks_wait__posts_nothing_succeeds():
    platform = Platform(3)

    poster(platform, []).settle()

    assert platform.asked == []
