"""Another EVM: Hardhat.

- deploy twice; a deposit is confirmed; blobs are refused, so calldata carries the batch;
  it settles and a withdrawal is claimed
- deployed by ape, the whole platform runs on it: deposit, payment, batch, withdrawal, claim
"""

import asyncio
import subprocess

import pytest

from backend import local
from backend.config import Settings
from backend.protocol.errors import ChainUnavailable
from backend.settlement.chain import Done
from backend.settlement.client import ChainClient
from backend.settlement.settler import Settler
from backend.settlement.submitter import Progress
from backend.toolchain import PROJECT_ROOT, toolchain_environment
from scripts.ports import free_port
from tests.e2e.commands import Commands
from tests.e2e.conftest import environment_of, settings_in
from tests.e2e.settlement.chain import OPERATOR, OWNER, Chain, deployed
from tests.e2e.settlement.claims import claim
from tests.e2e.settlement.conftest import kzg  # noqa: F401
from tests.e2e.settlement.posting import opened

pytestmark = pytest.mark.long

HARDHAT_DIR = PROJECT_ROOT / "tools" / "hardhat"
HARDHAT = HARDHAT_DIR / "node_modules" / "hardhat" / "internal" / "cli" / "bootstrap.js"
START_WAIT_S = 60


@pytest.fixture
async def client(tmp_path):
    if not HARDHAT.exists():
        pytest.skip("Hardhat is not installed: run `make setup-hardhat`")
    port = free_port()
    environment = {
        **toolchain_environment(),
        "HOME": str(tmp_path),
        "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true",
    }
    command = ["node", HARDHAT, "node", "--hostname", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "hardhat.log").open("w") as log:
        process = subprocess.Popen(command, cwd=HARDHAT_DIR, env=environment, stdout=log)
    client = ChainClient(f"http://127.0.0.1:{port}")
    try:
        await until_it_answers(client)
        yield client
    finally:
        await client.close()
        process.terminate()
        process.wait()


async def until_it_answers(client):
    for _ in range(START_WAIT_S):
        try:
            return await client.chain_id()
        except ChainUnavailable:
            await asyncio.sleep(1)
    raise AssertionError("Hardhat does not answer")


class HardhatChain(Chain):
    async def mine(self, count: int = 1) -> None:
        await self.client.rpc("hardhat_mine", hex(count))


async def test_life_of_money__hardhat__succeeds(client, kzg, tmp_path):  # noqa: F811
    first = await deployed(client, tmp_path)
    l1 = HardhatChain(client, await deployed(client, tmp_path), tmp_path / "none")
    posting = await opened(l1, kzg, "auto")
    posting.ledger.withdraw(OWNER.address, 1, 2_000_000)
    token = l1.deployment.token("USDX")
    before = await client.read(token, "balanceOf", OWNER.address)

    await posting.advance_to(Progress.CONFIRMED)
    await l1.pass_time(61)
    settled = await Settler(l1.rollup, l1.sender(OPERATOR)).settle()
    posted = await l1.rollup.posted(1)
    proof = posting.ledger.withdrawal_proof(3)
    paid = await claim(l1.rollup, l1.sender(OWNER), posted.accepted, proof)

    assert l1.deployment == first
    assert posted.carrier == "calldata"
    assert isinstance(settled, Done)
    assert isinstance(paid, Done)
    assert await client.read(token, "balanceOf", OWNER.address) == before + 2_000_000


async def test_life_of_a_payment__platform_on_hardhat__succeeds(client, tmp_path):
    settings = Settings(**settings_in(tmp_path / "platform").model_dump() | {"rpc_url": client.url})
    run_deploy = f"ape run deploy --network {client.url}"
    ape = await asyncio.create_subprocess_shell(
        run_deploy, cwd=PROJECT_ROOT, env=environment_of(settings)
    )
    assert await ape.wait() == 0
    try:
        started = await local.start(settings)
        story = await asyncio.to_thread(_live, Commands(settings))
    finally:
        await local.stop(settings)

    assert started.deployed.is_unchanged  # ape deployed what the platform found
    assert story == {"payment": "final", "batch": "settled", "wallet": "5"}


def _live(commands):
    for name in ("alice", "bob"):
        commands.run("account", "new", name)
    commands.run("kyc", "apply", "alice")
    commands.run("deposit", "alice", "100", "USDX")
    payment = commands.json("pay", "alice", "bob", "12.34", "USDX")
    withdrawal = commands.json("withdraw", "bob", "5", "USDX")
    (batch,) = commands.json("batch", "post", "--wait")["data"]
    commands.run("withdraw", "claim", withdrawal["id"])
    shown = commands.json("account", "show", "bob")
    usdx = shown["balances"][0]
    return {"payment": payment["status"], "batch": batch["status"], "wallet": usdx["wallet"]}
