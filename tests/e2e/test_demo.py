"""The main job, as `make demo` runs it, on the first lines of the CSV.

- everybody's payment is accepted, final, posted and settled; both carriers are used
- a deposit without KYC is refused
- the checker agrees to the unit, and says so if a figure is off by one minor unit
"""

import asyncio
import json
import subprocess
import sys

import pytest

from backend import local
from backend.api_key import key_file, read_api_key
from backend.settlement.client import ChainClient
from backend.toolchain import PROJECT_ROOT
from scripts.demo.__main__ import PAYMENTS, demo_settings, report
from scripts.demo.people import People, read_lines
from scripts.demo.screen import Screen
from scripts.demo.story import Story

LINES = 40


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Return the report, the checker's input and its command, while the platform still runs."""
    folder = tmp_path_factory.mktemp("demo")
    settings = demo_settings(folder)
    people = People("tests")
    lines = read_lines(PAYMENTS, people, LINES)

    async def tell():
        platform = await local.start(settings)
        chain = ChainClient(settings.rpc_url)
        api = (platform.api_url, read_api_key(settings))
        story = Story(api, chain, platform.deployed.deployment, people, lines, Screen())
        try:
            return await story.tell(), story.for_the_checker(settings.api_url, str(PAYMENTS))
        finally:
            await chain.close()

    try:
        done, story = asyncio.run(tell())
        yield report(done, True, 0), story, folder, key_file(settings)
    finally:
        asyncio.run(local.stop(settings))


def check(story, folder, key_file):
    path = folder / "story.json"
    path.write_text(json.dumps(story))
    command = [sys.executable, "scripts/check_balances.py", str(path)]
    command += ["--api-key-file", str(key_file)]
    return subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)


def test_demo__first_lines__all_settle_succeeds(told):
    figures, _story, _folder, _key_file = told

    statuses = ("accepted", "final", "posted", "settled")
    assert [figures[f"payments_{status}"] for status in statuses] == [LINES] * 4
    assert figures["withdrawals_claimed"] == 19
    assert figures["deposit_refused_without_kyc"] is True
    assert figures["batches"] == 2
    assert 0 < figures["final_ms_p50"] <= figures["final_ms_p99"]


def test_demo__both_carriers__have_gas_figures_succeeds(told):
    figures, _story, _folder, _key_file = told

    assert figures["gas_per_payment_blob"] > 0
    assert figures["blob_gas_per_payment"] == round(131_072 / (LINES // 2))
    assert figures["gas_per_payment_calldata"] > 0
    assert 30_000 < figures["gas_per_transfer_erc20"] < 60_000


def test_check_balances__true_story__succeeds(told):
    _figures, story, folder, key_file = told

    checked = check(story, folder, key_file)

    assert (checked.returncode, checked.stderr) == (0, "")
    assert "all balances agree" in checked.stdout


@pytest.mark.parametrize("part", ["deposits", "fees_minor", "withdrawals", "minted"])
def test_check_balances__one_unit_off__rejects(told, part):
    _figures, story, folder, key_file = told
    wrong = json.loads(json.dumps(story))
    if part == "fees_minor":
        wrong[part][0] += 1
    else:
        name = "amount" if part == "minted" else "amount_minor"
        wrong[part][0][name] += 1

    checked = check(wrong, folder, key_file)

    assert checked.returncode == 1
    assert "expected" in checked.stdout
