"""Where a watcher begins: at the newest settled batch whose state somebody has kept.

- its blobs are gone and an archive has the state: it goes on from there; without it it says so
- the state after a settled batch is kept now and then
- a state that isn't L1's, a batch that can still be disputed: as if nobody had kept anything
"""

from dataclasses import replace

import pytest

from backend.protocol.batches import pack_blobs
from backend.protocol.operations import Withdrawal
from backend.protocol.state_tree import GENESIS_LEAVES
from backend.settlement.archive import Archive
from backend.settlement.data_sources import DataSources
from backend.settlement.l1_history import L1Reader
from backend.settlement.watching import follower as module
from backend.settlement.watching.follower import Follower
from tests.e2e.settlement.chain import OWNER
from tests.e2e.settlement.test_challenge_watching import (
    ACCOUNT,
    MONEY,
    first_batch,
    thief,  # noqa: F401
)


@pytest.fixture
async def archive(l1, thief, tmp_path):  # noqa: F811
    """Batch 1 by blobs that nobody has, its state in an archive; then a batch by calldata."""
    header, chunks = await first_batch(thief)
    header = await thief.post(header, chunks, pack_blobs(chunks))
    leaves = {place: thief.tree.leaf(place) for place in (*GENESIS_LEAVES, ACCOUNT)}
    kept = Archive(tmp_path / "archive")
    kept.keep_state(1, header.digest(l1.rollup.domain), leaves)
    await thief.post(*await thief.batch([Withdrawal(ACCOUNT, MONEY, 0)], cursor=1))
    return kept


async def test_follow__settled_batch__its_state_is_kept_for_the_next_holds(
    l1,
    kzg,
    thief,  # noqa: F811
    tmp_path,
    monkeypatch,
):
    monkeypatch.setattr(module, "STATE_INTERVAL", 1)
    await thief.post(*await first_batch(thief))
    archive = Archive(tmp_path / "kept")
    follower = Follower(await reader_of(l1), DataSources([], [], kzg), archive, 0)
    await follower.follow()
    assert list(archive.states()) == []

    await settle(l1)
    await follower.follow()

    assert list(archive.states()) == [1]
    after = await follower_of(l1, kzg, archive)
    await after.follow()
    assert after.state.tree.root == thief.tree.root


async def follower_of(l1, kzg, *known):
    return Follower(await reader_of(l1), DataSources([], [], kzg), None, 0, known)


async def reader_of(l1):
    return await L1Reader.at(l1.client, l1.rollup.contract.address)


async def settle(l1, count=1):
    await l1.pass_time(l1.deployment.parameters.challenge_window_s)
    await l1.mine()
    batches = [(await l1.rollup.posted(n)).accepted.arguments() for n in range(1, count + 1)]
    await l1.call(OWNER, l1.rollup.contract, "settle", batches)


async def test_follow__settled_state_kept__goes_on_succeeds(l1, kzg, thief, archive):  # noqa: F811
    await settle(l1)
    blind, helped = await follower_of(l1, kzg), await follower_of(l1, kzg, archive)

    await blind.follow()
    await helped.follow()

    assert (blind.number, blind.missing.header.number) == (0, 1)
    assert (helped.number, helped.missing) == (2, None)
    assert helped.state.tree.root == thief.tree.root
    assert [one.posted.header.number for one in helped.disputable()] == [2]
    assert (await helped.leaf_after(1, ACCOUNT)).balance_minor == MONEY


async def test_follow__state_of_a_batch_not_settled__is_not_taken_holds(l1, kzg, archive):
    follower = await follower_of(l1, kzg, archive)

    await follower.follow()

    assert (follower.number, follower.missing.header.number) == (0, 1)


async def test_follow__state_not_l1s__is_not_taken_holds(l1, kzg, thief, archive):  # noqa: F811
    await settle(l1)
    posted = await l1.rollup.posted(1)
    for path in (archive.folder / "states").iterdir():
        path.unlink()
    leaf = replace(thief.tree.leaf(ACCOUNT), balance_minor=MONEY + 1)
    archive.keep_state(1, posted.header_hash, {**GENESIS_LEAVES, ACCOUNT: leaf})
    follower = await follower_of(l1, kzg, archive)

    await follower.follow()

    assert (follower.number, follower.missing.header.number) == (0, 1)
