"""1,000 prizes by 2-of-3 approval, through the platform and a real chain.

- file → proposal → its maker may not approve → two approvals → one L1 transaction → 1,000 payments
- a payee whom the issuer froze meanwhile is skipped, reported, and written to the next file
- the same file again pays nobody
- a frozen payee in a new file is named; one file in another's place is noticed before signing
- the ledger's sums agree with the file, to the minor unit
"""

import asyncio
import re
import sys
import time

import pytest

from backend.protocol.hashing import keccak
from backend.protocol.types import Address, address_from_text, address_text
from backend.settlement.anvil import dev_key
from backend.settlement.chain import Done
from backend.settlement.client import ChainClient
from backend.settlement.deployment_file import load_deployment
from backend.settlement.sender import Sender
from causeway import Client
from tests.e2e.commands import Commands

COUNT = 1_000
FROZEN_INDEX = 617
FEE = 10_000  # minor units, of each payment
MILLION = 10**6


@pytest.fixture(scope="module")
def commands(running_platform):
    return Commands(running_platform.settings)


@pytest.fixture(scope="module")
def deployment(running_platform):
    settings = running_platform.settings
    found = load_deployment(settings.deployments_dir / "31337.json")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def approver(running_platform, commands):
    """The commands of somebody who holds another API key."""
    made = commands.json("api-key", "create", "approver")
    settings = running_platform.settings.model_copy(update={"api_key": made["secret"]})
    settings.model_fields_set.add("api_key")
    return Commands(settings)


def payee(index: int) -> Address:
    return Address(keccak(b"winner %d" % index)[:20])


def prize_minor(index: int) -> int:
    return MILLION + index * 1_000


def csv_of(indexes) -> str:
    rows = [
        f"{address_text(payee(index))},{prize_minor(index) / MILLION:.3f},prize {index},W-{index}\n"
        for index in indexes
    ]
    return "payee,amount,memo,reference\n" + "".join(rows)


@pytest.fixture(scope="module")
def funded(commands, deployment):
    """The treasury's ledger account has enough for all prizes: anybody may pay it."""
    commands.run("account", "new", "patron")
    commands.run("kyc", "apply", "patron")
    commands.run("deposit", "patron", "2000", "USDX")
    treasury = address_text(deployment.address("Treasury"))
    commands.run("pay", "patron", treasury, "1800", "USDX", "--fee-max", "1")
    return treasury


def freeze(running_platform, deployment, account: Address) -> None:
    async def send() -> None:
        client = ChainClient(running_platform.settings.rpc_url)
        try:
            token = deployment.token("USDX")
            outcome = await Sender(client, dev_key(0)).call(token, "freeze", account)
            assert isinstance(outcome, Done)
        finally:
            await client.close()

    asyncio.run(send())


def approve_by_two(commands, approver, proposal_id, file):
    """Who proposed can't approve, nobody executes yet; two others look, and approve."""
    assert (
        "OWN_PROPOSAL"
        in commands.run(
            *("proposal", "approve", proposal_id, "--as", "treasurer-2", "--yes"), exit_code=1
        ).output
    )
    early = approver.json("proposal", "execute", proposal_id, exit_code=1)
    assert early["error"]["code"] == "PROPOSAL_NOT_APPROVED"

    looked = approver.run("proposal", "show", proposal_id, "--file", str(file))
    assert "authorizeOrders(root=0x" in looked.stdout
    assert f"to {COUNT} lines" in looked.stdout
    assert re.search(r"^approvals weigh 0 of 2: 0x\w{40} \(proposer\)$", looked.stdout, re.M)
    unsure = approver.run("proposal", "approve", proposal_id, "--as", "treasurer-2", exit_code=1)
    assert "Approve this as treasurer-2?" in unsure.output
    assert proposal_id in approver.run("proposal", "list", "--status", "open").stdout
    for treasurer in ("treasurer-2", "treasurer-3"):
        approved = approver.json("proposal", "approve", proposal_id, "--as", treasurer, "--yes")
    assert (approved["status"], approved["weight"]) == ("approved", "2")


def test_payout__thousand_prizes__pays_all_but_the_frozen_succeeds(
    running_platform, commands, approver, deployment, funded, tmp_path
):
    file = tmp_path / "prizes.csv"
    file.write_text("\ufeff" + csv_of(range(COUNT)), encoding="utf-8")

    payout = commands.json("payout", "create", str(file), "--asset", "USDX", "--as", "treasurer-1")
    proposal_id = payout["proposal_id"]
    assert (payout["status"], payout["line_count"]) == ("proposed", str(COUNT))
    approve_by_two(commands, approver, proposal_id, file)
    freeze(running_platform, deployment, payee(FROZEN_INDEX))

    started = time.perf_counter()
    executed = approver.json("proposal", "execute", proposal_id)
    assert executed["status"] == "executed"
    done = commands.json("payout", "show", payout["id"], "--wait")
    seconds = time.perf_counter() - started
    rate = f"{COUNT / seconds:.0f} a second, the L1 transaction and its confirmation included"
    sys.stdout.write(f"\n{COUNT} payouts in {seconds:.1f} s: {rate}\n")

    assert (done["status"], done["paid_count"], done["skipped_count"]) == (
        "done",
        str(COUNT - 1),
        "1",
    )
    paid_minor = sum(prize_minor(index) for index in range(COUNT) if index != FROZEN_INDEX)
    with Client(running_platform.settings.api_url, api_key(running_platform)) as client:
        for index in (0, FROZEN_INDEX - 1, FROZEN_INDEX + 1, COUNT - 1):
            assert client.accounts.get(payee(index), "USDX").balance == prize_minor(index)
        treasury = client.accounts.get(address_from_text(funded), "USDX")
        assert treasury.balance == 1_800 * MILLION - paid_minor - 1 - COUNT * FEE
        assert treasury.nonce == COUNT
        assert not [a for a in client.accounts.list(owner=payee(FROZEN_INDEX))]

    assert payout["id"] in commands.run("payout", "list").stdout
    ended = commands.run("proposal", "show", proposal_id).stdout
    assert f"transaction {executed['tx_hash']}" in ended
    assert "approvals weigh" not in ended
    following = tmp_path / "next.csv"
    report = commands.json("payout", "report", payout["id"], "--skipped-to", str(following))
    assert report["skipped"]["by_code"] == {"PAYEE_BLOCKED": "1"}
    assert report["paid"] == {"count": str(COUNT - 1), "total": str(paid_minor)}
    assert following.read_text().splitlines()[1].split(",") == [
        address_text(payee(FROZEN_INDEX)),
        "1.617",
        f"prize {FROZEN_INDEX}",
        f"W-{FROZEN_INDEX}",
        payout["id"],
    ]
    refused = commands.json("payout", "create", str(following), "--asset", "USDX", exit_code=1)
    assert refused["error"]["code"] == "PAYOUT_LINES_INVALID"
    assert "line 2" in refused["error"]["message"]

    again = commands.json("payout", "create", str(file), "--asset", "USDX")
    assert (again["id"], again["status"], again["paid_count"]) == (
        payout["id"],
        "done",
        str(COUNT - 1),
    )
    with Client(running_platform.settings.api_url, api_key(running_platform)) as client:
        assert client.accounts.get(address_from_text(funded), "USDX").nonce == COUNT


def test_approve__another_file__is_noticed_rejects(commands, approver, funded, tmp_path):
    mine, other = tmp_path / "mine.csv", tmp_path / "other.csv"
    mine.write_text(csv_of([2_000]))
    other.write_text(csv_of([2_001]))
    proposal_id = commands.json("payout", "create", str(mine), "--asset", "USDX")["proposal_id"]

    words = ("proposal", "approve", proposal_id, "--as", "treasurer-2", "--file", str(other))
    refused = approver.json(*words, "--yes", exit_code=1)

    assert refused["error"]["code"] == "PREPARED_WRONG"
    assert "of other lines than your file" in refused["error"]["message"]
    cancelled = commands.json("proposal", "cancel", proposal_id, "--as", "treasurer-1")
    assert cancelled["status"] == "cancelled"


def api_key(running_platform) -> str:
    return (running_platform.settings.data_dir / "api-key").read_text().strip()
