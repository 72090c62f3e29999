"""Stolen keys: somebody posts a false batch in the committee's name while the platform runs.

The platform's own guard proves it, L1 takes it back, and the signers' stakes are gone. The operator
names a committee of new keys; the old one closes its epoch, and the same payments are posted again.
Nobody has lost anything but who signed.
"""

import asyncio

import pytest

from backend import local
from backend.deploying import key_store, validator_names
from backend.protocol.operations import Withdrawal
from backend.protocol.types import address_text
from backend.settlement.anvil import dev_key, dev_secret
from backend.settlement.client import ChainClient
from backend.settlement.data_sources import DataSources, DevelopmentBlobs
from backend.settlement.deployment_file import load_deployment
from backend.settlement.kzg import Kzg
from backend.settlement.l1_history import L1Reader
from backend.settlement.watching.follower import Follower
from tests.e2e.commands import Commands
from tests.e2e.conftest import platform_in
from tests.e2e.plain_wallet import PlainWallet
from tests.e2e.settlement.chain import Chain
from tests.e2e.settlement.thief import Thief
from tests.e2e.test_exit_story import ask, until
from tests.e2e.test_rebuild_drill import balance_of, post

UNIT = 10**6


async def steal(settings, deployment):
    """Post a batch that takes all of alice's money out, with the committee's stolen keys."""
    client, kzg = ChainClient(settings.rpc_url), Kzg()
    try:
        reader = await L1Reader.at(client, deployment.address("Rollup"))
        follower = Follower(reader, DataSources([], [DevelopmentBlobs(client)], kzg), None, 0)
        history = await follower.follow()
        last = (await reader.batch(history, history.tip)).header
        store = key_store(settings)
        keys = sorted(map(store.load, validator_names(store)), key=lambda key: key.address)
        chain = Chain(client, deployment, settings.data_dir / "anvil.pid")
        tree, blocks = follower.state.tree, last.last_block_number
        thief = Thief(chain, kzg, keys, dev_key(8), tree, last, blocks)
        [(account_id, leaf)] = [
            (account_id, tree.leaf(account_id))
            for account_id in follower.state.account_of.values()
            if tree.leaf(account_id).balance_minor > 50 * UNIT
        ]
        theft = Withdrawal(account_id, leaf.balance_minor, 0)
        header, chunks = await thief.batch([theft], cursor=last.deposit_cursor)
        await thief.post(header, chunks)
        return header.number, header.digest(reader.domain)
    finally:
        kzg.close()
        await client.close()


@pytest.mark.timeout(300)
def test_roll_back__keys_stolen__ledger_goes_on_with_others_succeeds(tmp_path):
    with platform_in(tmp_path / "operator") as platform:
        settings = platform.settings
        deployment = load_deployment(settings.deployments_dir / "31337.json")
        stranger = PlainWallet(settings.rpc_url, dev_secret(9))
        rollup = address_text(deployment.rollup.address)
        operator = Commands(settings)
        for name in ("alice", "bob"):
            operator.run("account", "new", name)
            operator.run("kyc", "apply", name)
        operator.run("deposit", "alice", "100", "USDX")
        operator.run("pay", "alice", "bob", "10", "USDX")
        post(operator, "calldata", stranger, rollup)
        before = balance_of(operator, "alice")

        number, header_hash = asyncio.run(steal(settings, deployment))
        challenges = deployment.core("Challenges")
        until(lambda: ask(platform, challenges, "openCount", header_hash))
        stranger.rpc("evm_increaseTime", hex(deployment.parameters.answer_window_s + 5))
        until(lambda: ask(platform, deployment.rollup, "tip") == number - 1)

        def fallen():
            return operator.json("batch", "list", "--status", "rolled_back")["data"]

        until(fallen)
        assert [one["hash"] for one in fallen()] == ["0x" + header_hash.hex()]
        shown = operator.run("batch", "show", str(number)).stdout
        assert f"batch {number}: rolled_back" in shown
        assert "challenged: expired" in shown
        state = operator.json("committee", "show")
        assert state["epoch"] == 2
        assert sum(member["stake_wei"] == "0" for member in state["members"]) == 3
        assert balance_of(operator, "alice") == before
        renewed = operator.json("committee", "renew")
        assert renewed["epoch"] == 3
        until(lambda: operator.json("status")["backend"]["epoch"] == 3)
        asyncio.run(local.stop(settings))
        asyncio.run(local.start(settings))
        operator.run("pay", "alice", "bob", "1", "USDX")
        post(operator, "calldata", stranger, rollup)

        assert ask(platform, deployment.rollup, "tip") == number
        assert balance_of(operator, "alice") < before
        where = address_text(challenges.address), "latest"
        held_wei = int(stranger.rpc("eth_getBalance", *where), 16)
        # Its bond came back, and may be drawn already.
        assert ask(platform, challenges, "owedWei", dev_key(2).address) == held_wei
