"""A platform that is killed while it pays: kill -9, started again, and everybody is paid once.

- killed right after the root was authorised, and again and again while payments are made
"""

import asyncio
import os
import signal
import time

import pytest

from backend import local
from backend.api_key import read_api_key
from backend.protocol.hashing import keccak
from backend.protocol.types import address_text
from backend.settlement.deployment_file import load_deployment
from causeway import ApiConnectionError, ApiStatusError, Client
from tests.e2e.commands import Commands
from tests.e2e.conftest import settings_in

COUNT = 4_000
PRIZE = 1_000  # minor units
FEE = 10_000
KILLS = 2


@pytest.fixture
def settings(tmp_path):
    settings = settings_in(tmp_path)
    try:
        asyncio.run(local.start(settings))
        yield settings
    finally:
        asyncio.run(local.stop(settings))


def payee(index: int) -> bytes:
    return keccak(b"payee %d" % index)[:20]


def kill(settings) -> None:
    pid = local.running_backend(settings)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while local.running_backend(settings) is not None:
        time.sleep(0.02)


def paid_count(settings, payout_id: str) -> int:
    try:
        with Client(settings.api_url, read_api_key(settings), retries_max=0) as client:
            return client.payouts.get(payout_id).paid_count
    except (ApiConnectionError, ApiStatusError):
        return 0


def test_payout__killed_while_paying__pays_once_holds(settings, tmp_path):
    commands = Commands(settings)
    made = commands.json("api-key", "create", "approver")
    other = settings.model_copy(update={"api_key": made["secret"]})
    other.model_fields_set.add("api_key")
    approver = Commands(other)
    deployment = load_deployment(settings.deployments_dir / "31337.json")
    assert deployment is not None
    treasury = address_text(deployment.address("Treasury"))
    commands.run("account", "new", "patron")
    commands.run("kyc", "apply", "patron")
    commands.run("deposit", "patron", "200", "USDX")
    commands.run("pay", "patron", treasury, "100", "USDX", "--fee-max", "1")
    file = tmp_path / "prizes.csv"
    rows = (f"{address_text(payee(index))},0.001\n" for index in range(COUNT))
    file.write_text("payee,amount\n" + "".join(rows))
    payout = commands.json("payout", "create", str(file), "--asset", "USDX")
    for treasurer in ("treasurer-2", "treasurer-3"):
        words = ("--as", treasurer, "--yes")
        approver.json("proposal", "approve", payout["proposal_id"], *words)
    approver.json("proposal", "execute", payout["proposal_id"])

    seen = []
    for _ in range(KILLS):
        before, deadline = paid_count(settings, payout["id"]), time.monotonic() + 20
        while paid_count(settings, payout["id"]) <= before < COUNT and time.monotonic() < deadline:
            time.sleep(0.01)
        kill(settings)
        asyncio.run(local.start(settings))
        seen.append(paid_count(settings, payout["id"]))
    done = commands.json("payout", "show", payout["id"], "--wait")

    assert (done["status"], done["paid_count"], done["skipped_count"]) == ("done", str(COUNT), "0")
    assert seen[0] < COUNT, "it was killed too late to prove anything"
    with Client(settings.api_url, read_api_key(settings)) as client:
        account = client.accounts.get(treasury, "USDX")
        assert account.balance == 100 * 10**6 - COUNT * (PRIZE + FEE)
        assert account.nonce == COUNT
        for index in (0, COUNT // 2, COUNT - 1):
            assert client.accounts.get(payee(index), "USDX").balance == PRIZE
