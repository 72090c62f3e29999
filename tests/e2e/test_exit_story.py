"""Leaving a platform that goes on running, and challenging it.

- alice asks the chain for her money: the ledger sweeps her account, the operator shows it, she is
  paid; bob's payments go on meanwhile
- a stranger watches: with what the platform publishes he has nothing to say
- a stranger challenges all that a batch holds: each challenge is answered, and the batch settles
"""

import asyncio
import time

import pytest

from backend.protocol.types import address_from_text, address_text
from backend.rebuilding import Origin
from backend.settlement.anvil import dev_key, dev_secret
from backend.settlement.client import ChainClient
from backend.settlement.data_sources import DataSources, DevelopmentBlobs
from backend.settlement.deployment_file import load_deployment
from backend.settlement.kzg import Kzg
from backend.settlement.l1_history import L1Reader
from backend.settlement.sender import Sender
from backend.settlement.watching.challenger import Challenger
from backend.settlement.watching.follower import Follower
from backend.watching import open_watcher
from tests.e2e.commands import Commands
from tests.e2e.conftest import platform_in
from tests.e2e.plain_wallet import PlainWallet
from tests.e2e.test_rebuild_drill import balance_of, post, send, wallet_of

UNIT = 10**6
WAIT_S = 60


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    with platform_in(tmp_path_factory.mktemp("leaving")) as platform:
        operator = Commands(platform.settings)
        for name in ("alice", "bob"):
            operator.run("account", "new", name)
            operator.run("kyc", "apply", name)
            operator.run("deposit", name, "100", "USDX")
        yield platform


@pytest.fixture(scope="module")
def chain(platform):
    """The deployment, and a stranger's wallet."""
    settings = platform.settings
    deployment = load_deployment(settings.deployments_dir / "31337.json")
    return deployment, PlainWallet(settings.rpc_url, dev_secret(9))


def until(condition):
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.2)


def ask(platform, contract, function, *arguments):
    """Return what a view answers."""

    async def answer():
        client = ChainClient(platform.settings.rpc_url)
        try:
            return await client.read(contract, function, *arguments)
        finally:
            await client.close()

    return asyncio.run(answer())


class NothingKnown:
    """Evidence of a stranger who was told nothing."""

    async def evidence(self, batch):
        return {}


async def challenge_all(platform, deployment):
    """Let a stranger challenge each operation of the batches that are not settled."""
    client, kzg = ChainClient(platform.settings.rpc_url), Kzg()
    try:
        reader = await L1Reader.at(client, deployment.address("Rollup"))
        follower = Follower(reader, DataSources([], [DevelopmentBlobs(client)], kzg), None, 0)
        stranger = Challenger(follower, Sender(client, dev_key(9)), NothingKnown())
        standing = await stranger.step()
        return len(standing.alarms), [one.posted.header_hash for one in follower.disputable()]
    finally:
        kzg.close()
        await client.close()


@pytest.mark.timeout(240)
def test_exit__operator_serves__is_swept_shown_and_paid_succeeds(platform, chain, tmp_path):
    deployment, stranger = chain
    operator, settings = Commands(platform.settings), platform.settings
    rollup, token = (
        address_text(contract.address) for contract in (deployment.rollup, deployment.token("USDX"))
    )
    alice = wallet_of(settings, "alice")
    post(operator, "calldata", stranger, rollup)

    def kit():
        path = str(tmp_path / "exit.json")
        return operator.json("exit-kit", "--owner", alice.address, "--out", path)

    before = kit()
    [account] = before["accounts"]
    send(alice, before, "request-exit")
    until(lambda: balance_of(operator, "alice") == 0)
    operator.run("pay", "bob", "alice", "1", "USDX")
    assert balance_of(operator, "alice") == UNIT  # it came after, and stays
    post(operator, "blobs", stranger, rollup)
    owner = bytes.fromhex(alice.address[2:])
    exits = deployment.core("Exits")
    waiting = ("waitingSince", account["account_id"], owner)
    until(lambda: ask(platform, exits, *waiting) == 0)
    operator.run("batch", "post", "--wait")
    until(lambda: ask(platform, deployment.rollup, "frontier") >= 2)
    before_claim = alice.token_balance(token)
    send(alice, kit(), "claim")

    assert alice.token_balance(token) - before_claim == int(account["balance"])


@pytest.mark.timeout(240)
def test_watch__evidence_published__has_nothing_to_say_holds(platform, chain, tmp_path):
    """A stranger asks the platform who authorised what, and is content."""
    _, stranger = chain
    operator, settings = Commands(platform.settings), platform.settings
    rollup = address_text(chain[0].address("Rollup"))
    operator.run("pay", "bob", "alice", "1", "USDX")
    post(operator, "blobs", stranger, rollup)
    tip = ask(platform, chain[0].rollup, "tip")
    origin = Origin(settings.rpc_url, address_from_text(rollup))

    async def look():
        async with open_watcher(
            origin,
            settings,
            tmp_path,
            key=None,
            evidence_url=settings.api_url,
            may_freeze=False,
        ) as watcher:
            return await watcher.step()

    standing = asyncio.run(look())
    told = operator.json(
        "watch", "--once", "--keep", str(tmp_path), "--rpc", settings.rpc_url, "--rollup", rollup
    )

    assert (standing.batch, standing.alarms) == (tip, [])
    assert (told["batch"], told["alarms"]) == (tip, [])
    assert len([*(tmp_path / "chunks").iterdir()]) == tip


@pytest.mark.timeout(240)
def test_challenge__all_of_a_batch__is_answered_and_settles_succeeds(platform, chain):
    deployment, stranger = chain
    operator = Commands(platform.settings)
    rollup = address_text(deployment.address("Rollup"))
    for _ in range(3):
        operator.run("pay", "bob", "alice", "1", "USDX")
    operator.run("withdraw", "bob", "2", "USDX")
    post(operator, "calldata", stranger, rollup)

    count, header_hashes = asyncio.run(challenge_all(platform, deployment))

    challenges = deployment.core("Challenges")
    assert count >= 4
    until(lambda: not any(ask(platform, challenges, "openCount", each) for each in header_hashes))
    tip = ask(platform, deployment.rollup, "tip")
    operator.run("batch", "post", "--wait")
    until(lambda: ask(platform, deployment.rollup, "frontier") >= tip)
    assert ask(platform, deployment.committee, "epoch") == 1
