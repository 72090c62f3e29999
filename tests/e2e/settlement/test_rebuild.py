"""The ledger made again from a real chain: blobs and calldata, nothing of the operator.

- all accounts, what L1 has not paid, what the vault holds
- what was rolled back has never been
- an archive in place of blobs; a state in place of both
- files that were changed are as good as missing; without any data it says which batch
- blobs from a beacon node's interface
"""

from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import ClientSession, web

from backend.protocol.types import BRIDGE, Address, digest_text
from backend.settlement.archive import Archive
from backend.settlement.data_sources import BeaconBlobs, DataMissing, DataSources, DevelopmentBlobs
from backend.settlement.l1_history import HistoryIncomplete, L1Reader, NoRollup
from backend.settlement.rebuild import Rebuilder, Rebuilt, books
from backend.settlement.submitter import Progress
from scripts.ports import free_port
from tests.e2e.settlement.chain import OWNER
from tests.e2e.settlement.posting import Posting, opened

DEPOSITED, WITHDRAWN, WAITING = 5_000_000, 1_200_000, 7_000_000


async def two_batches(l1, kzg) -> Posting:
    """Post a batch as blobs and one as calldata; a deposit waits after them."""
    posting = await opened(l1, kzg, carrier="blobs")
    await posting.advance_to(Progress.CONFIRMED)
    posting.settings = replace(posting.settings, carrier="calldata")
    posting.restart()
    posting.ledger.withdraw(OWNER.address, 1, WITHDRAWN)
    await posting.advance_to(Progress.CONFIRMED)
    await l1.deposit(OWNER, WAITING)
    return posting


async def reader_of(l1) -> L1Reader:
    return await L1Reader.at(l1.client, l1.deployment.address("Rollup"))


async def rebuilt(l1, sources: DataSources, out: Archive | None = None, **options) -> Rebuilt:
    reader = await reader_of(l1)
    return await Rebuilder(reader, await reader.history(), sources, out).run(**options)


def balance_minor(found: Rebuilt) -> int:
    return sum(leaf.balance_minor for _, leaf in found.accounts())


@asynccontextmanager
async def beacon_node(rpc_url: str, block_number: int):
    """Serve a block's blobs under its root: anvil has them under the block's number alone."""

    async def blobs(request: web.Request) -> web.Response:
        assert request.match_info["root"].startswith("0x")
        url = f"{rpc_url}/eth/v1/beacon/blobs/{block_number}"
        async with ClientSession() as session, session.get(url) as answer:
            return web.json_response(await answer.json(), status=answer.status)

    app = web.Application()
    app.router.add_get("/eth/v1/beacon/blobs/{root}", blobs)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def test_rebuild__blobs_and_calldata__all_is_there_succeeds(l1, kzg):
    posting = await two_batches(l1, kzg)

    found = await rebuilt(l1, DataSources([], [DevelopmentBlobs(l1.client)], kzg))

    assert (found.number, found.wrong, found.skipped) == (2, None, 0)
    assert found.state.tree.root == posting.ledger.tree.root
    [(_, leaf)] = [(i, leaf) for i, leaf in found.accounts() if i != BRIDGE]
    assert (leaf.owner, leaf.balance_minor) == (OWNER.address, DEPOSITED - WITHDRAWN)
    assert [(one.payee, one.amount_minor) for one in found.unpaid] == [(OWNER.address, WITHDRAWN)]
    assert [index for index, _ in found.waiting_deposits()] == [1]
    [usdx, *_] = await books(await reader_of(l1), found)
    assert (usdx.balances_minor, usdx.unpaid_minor) == (DEPOSITED - WITHDRAWN, WITHDRAWN)
    assert usdx.waiting_minor == WAITING
    assert usdx.owed_minor == usdx.outstanding_minor == usdx.vault
    assert usdx.is_covered


async def test_rebuild__blobs_gone__archive_or_state_serves_succeeds(l1, kzg, tmp_path):
    posting = await two_batches(l1, kzg)
    root = posting.ledger.tree.root
    archive = Archive(tmp_path / "archive")
    await rebuilt(l1, DataSources([], [DevelopmentBlobs(l1.client)], kzg), archive)
    reader = await reader_of(l1)
    blob_batch = await reader.batch(await reader.history(), 1)
    blob_chunks = archive.folder / "chunks" / digest_text(blob_batch.header_hash)
    whole = blob_chunks.read_bytes()

    again = await rebuilt(l1, DataSources([archive], [], kzg))
    assert (again.state.tree.root, again.skipped, len(again.unpaid)) == (root, 0, 1)

    # A changed file is as good as none; then the state after the last batch serves.
    blob_chunks.write_bytes(whole[:-1] + b"x")
    later = await rebuilt(l1, DataSources([archive], [], kzg))
    assert (later.state.tree.root, later.skipped, len(later.unpaid)) == (root, 2, 0)

    # So is a state whose root is another; then nothing is left.
    [state] = archive.folder.glob("states/*")
    state.write_bytes(state.read_bytes()[:-1] + b"x")
    with pytest.raises(DataMissing, match="batch 1 "):
        await rebuilt(l1, DataSources([archive], [], kzg))


async def test_rebuild__first_batches_data_gone__goes_on_from_a_state_succeeds(l1, kzg, tmp_path):
    posting = await opened(l1, kzg, carrier="blobs")
    await posting.advance_to(Progress.CONFIRMED)
    archive = Archive(tmp_path)
    await rebuilt(l1, DataSources([], [DevelopmentBlobs(l1.client)], kzg), archive)
    posting.settings = replace(posting.settings, carrier="calldata")
    posting.restart()
    posting.ledger.withdraw(OWNER.address, 1, WITHDRAWN)
    await posting.advance_to(Progress.CONFIRMED)
    [chunks] = archive.folder.glob("chunks/*")
    chunks.unlink()
    sources = DataSources([archive], [], kzg)

    found = await rebuilt(l1, sources)

    assert (found.number, found.skipped, len(found.unpaid)) == (2, 1, 1)
    assert found.state.tree.root == posting.ledger.tree.root
    with pytest.raises(DataMissing, match="batch 1 "):
        await rebuilt(l1, sources, may_skip=False)


async def test_rebuild__batch_rolled_back__is_no_history_succeeds(l1, kzg):
    await two_batches(l1, kzg)
    reader = await reader_of(l1)
    before = await rebuilt(l1, DataSources([], [DevelopmentBlobs(l1.client)], kzg))
    # As the judge of frauds does it.
    judge = "0x" + l1.deployment.address("Disputes").hex()
    data = reader.contract.abi.call_data("rollBack", before.batches[2].arguments(), OWNER.address)
    await l1.client.rpc("anvil_impersonateAccount", judge)
    await l1.client.rpc("anvil_setBalance", judge, hex(10**18))
    call = {"from": judge, "to": "0x" + reader.contract.address.hex(), "data": "0x" + data.hex()}
    await l1.client.rpc("eth_sendTransaction", call)
    await l1.mine()

    found = await rebuilt(l1, DataSources([], [DevelopmentBlobs(l1.client)], kzg))

    assert (found.number, found.history.tip, found.wrong, found.unpaid) == (1, 1, None, [])
    assert balance_minor(found) == DEPOSITED
    [usdx, *_] = await books(reader, found)
    assert usdx.owed_minor == usdx.outstanding_minor == DEPOSITED + WAITING


async def test_rebuild__from_state__earlier_batches_are_left_out_succeeds(l1, kzg, tmp_path):
    posting = await two_batches(l1, kzg)
    archive = Archive(tmp_path)
    sources = DataSources([archive], [DevelopmentBlobs(l1.client)], kzg)
    await rebuilt(l1, sources, archive)

    found = await rebuilt(l1, sources, from_state=True)

    assert (found.number, found.skipped, found.unpaid) == (2, 2, [])
    assert found.state.tree.root == posting.ledger.tree.root


async def test_rebuild__blobs_of_beacon_node__succeeds(l1, kzg):
    posting = await opened(l1, kzg, carrier="blobs")
    await posting.advance_to(Progress.CONFIRMED)
    await l1.mine()
    reader = await reader_of(l1)
    batch = await reader.batch(await reader.history(), 1)

    async with beacon_node(l1.client.url, batch.block.number) as url:
        found = await rebuilt(l1, DataSources([], [BeaconBlobs(url, l1.client, kzg)], kzg))

    assert balance_minor(found) == DEPOSITED
    # Of another block it has other blobs, or none: as good as missing.
    async with beacon_node(l1.client.url, batch.block.number - 1) as url:
        with pytest.raises(DataMissing):
            await rebuilt(l1, DataSources([], [BeaconBlobs(url, l1.client, kzg)], kzg))


async def test_rebuild__no_data_anywhere__rejects(l1, kzg):
    posting = await opened(l1, kzg, carrier="blobs")
    await posting.advance_to(Progress.CONFIRMED)

    with pytest.raises(DataMissing, match="batch 1 "):
        await rebuilt(l1, DataSources([], [], kzg))


async def test_history__no_rollup_or_too_late_a_block__rejects(l1):
    with pytest.raises(NoRollup):
        await L1Reader.at(l1.client, Address(OWNER.address))
    with pytest.raises(NoRollup):
        await L1Reader.at(l1.client, l1.deployment.address("Committee"))
    reader = await reader_of(l1)
    await l1.mine(2)

    with pytest.raises(HistoryIncomplete, match="assetCount"):
        await reader.history((await l1.client.latest()).number)


async def test_history__known_before__reads_what_is_new_alone_holds(l1, monkeypatch):
    reader = await reader_of(l1)
    await l1.fund(OWNER, WAITING)
    known = await reader.history()
    await l1.deposit(OWNER, WAITING)
    asked: list[int] = []
    logs = l1.client.logs

    async def noted(addresses, first, last):
        asked.append(first)
        return await logs(addresses, first, last)

    monkeypatch.setattr(l1.client, "logs", noted)
    later = await reader.history(known=known)

    assert asked == [known.head.number + 1]
    assert len(later.deposits) == len(known.deposits) + 1
    assert replace(later, head=known.head) == replace(await reader.history(), head=known.head)


async def test_history__known_head_reorganised_away__is_read_anew_holds(l1):
    reader = await reader_of(l1)
    await l1.fund(OWNER, WAITING)
    before = await reader.history()
    await l1.deposit(OWNER, WAITING)
    known = await reader.history()
    await l1.reorganise((await l1.client.latest()).number - before.head.number)

    later = await reader.history(known=known)

    assert (len(known.deposits), len(later.deposits)) == (1, 0)
