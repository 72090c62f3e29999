"""Run the main job: `python -m scripts.demo`, or `make demo`.

Starts a chain and a platform of its own, lets 200 people deposit, pay, settle and withdraw, checks
every balance with a program that shares no code with the platform, and stops what it started.
"""

import argparse
import asyncio
import json
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from backend import local
from backend.api_key import key_file, read_api_key
from backend.cli.root import quiet_logs
from backend.config import Settings
from backend.settlement.client import ChainClient
from backend.toolchain import PROJECT_ROOT
from scripts.demo.people import People, read_lines
from scripts.demo.programmable import tell_bonus, tell_prizes
from scripts.demo.screen import Screen
from scripts.demo.story import Story, Told
from scripts.ports import free_port

BUILD = PROJECT_ROOT / "build"
PAYMENTS = PROJECT_ROOT / "examples" / "payments.csv"
_HOUR_MS = 3_600_000
_MUST_HOLD = (
    "balances_match",
    "deposit_refused_without_kyc",
    "bonus_released",
    "bonus_withdrawn",
    "prizes_paid",
)


def demo_settings(folder: Path) -> Settings:
    """Return the settings of a platform apart from all others; batches are posted when asked."""
    return Settings(
        data_dir=folder,
        deployments_dir=folder / "deployments",
        chain_port=free_port(),
        api_port=free_port(),
        batch_age_ms_max=_HOUR_MS,
        fee_minor_min=10_000,  # a cent
        fee_bps=10,
    )


async def run(arguments: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """Run the demo and return its report."""
    started = time.perf_counter()
    folder = BUILD / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    settings = demo_settings(folder)
    people = People(arguments.seed)
    lines = read_lines(PAYMENTS, people, arguments.lines)
    chain = ChainClient(settings.rpc_url)
    try:
        with screen.step("starting chain and platform, deploying contracts"):
            platform = await local.start(settings)
        api = (platform.api_url, read_api_key(settings))
        story = Story(api, chain, platform.deployed.deployment, people, lines, screen)
        told = await story.tell()
        checked = _check_balances(story.for_the_checker(settings.api_url, str(PAYMENTS)), settings)
        screen.say(checked.stdout.strip().splitlines()[-1])
        bonus = await asyncio.to_thread(tell_bonus, settings, screen)
        prizes = await asyncio.to_thread(tell_prizes, settings, screen)
    finally:
        await chain.close()
        await local.stop(settings)
    seconds = round(time.perf_counter() - started, 1)
    return report(told, checked.returncode == 0, seconds) | {
        "bonus_released": bonus.is_released,
        "bonus_withdrawn": bonus.is_claimed,
        "prizes_paid": prizes.paid_count,
        "prizes_seconds": prizes.seconds,
        "payouts_per_s": round(prizes.paid_count / prizes.seconds),
    }


def report(told: Told, do_balances_match: bool, seconds: float) -> dict[str, Any]:
    """Return the figures of a run."""
    final_ms = sorted(ms for _, ms in told.answered)
    settled = told.statuses["settled"]
    by_blobs = [n for n, receipt in told.batch_receipts.items() if receipt.blob_gas_used]
    by_calldata = [n for n in told.batch_receipts if n not in by_blobs]
    gas = {number: receipt.gas_used for number, receipt in told.batch_receipts.items()}
    blob_gas = {number: receipt.blob_gas_used for number, receipt in told.batch_receipts.items()}
    return {
        "payments_accepted": len(told.answered),
        "payments_final": sum(payment.is_final for payment, _ in told.answered),
        "payments_posted": settled + told.statuses["posted"],
        "payments_settled": settled,
        "deposits_credited": len(told.deposits),
        "withdrawals_claimed": len(told.claimed),
        "deposit_refused_without_kyc": told.is_stranger_refused,
        "gas_per_payment_blob": _per_payment(told, by_blobs, gas),
        "blob_gas_per_payment": _per_payment(told, by_blobs, blob_gas),
        "gas_per_payment_calldata": _per_payment(told, by_calldata, gas),
        "gas_per_transfer_erc20": _mean([one.gas_used for one in told.transfer_receipts]),
        "final_ms_p50": round(statistics.median(final_ms), 1),
        "final_ms_p99": round(final_ms[int(len(final_ms) * 0.99)], 1),
        "blocks": told.block_count,
        "batches": len(told.batches),
        "seconds_total": seconds,
        "balances_match": do_balances_match,
    }


def _per_payment(told: Told, batches: list[int], amounts: dict[int, int]) -> int | None:
    payments = sum(told.payments_per_batch[number] for number in batches)
    return round(sum(amounts[number] for number in batches) / payments) if payments else None


def _mean(values: list[int]) -> int:
    return round(sum(values) / len(values))


def _check_balances(
    story: dict[str, Any], settings: Settings
) -> "subprocess.CompletedProcess[str]":
    path = settings.data_dir / "story.json"
    path.write_text(json.dumps(story))
    command = [sys.executable, "scripts/check_balances.py", str(path)]
    command += ["--api-key-file", str(key_file(settings))]
    checked = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    sys.stdout.write(checked.stderr)
    return checked


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, help="take only the first payments of the CSV")
    parser.add_argument("--seed", default="causeway", help="what everybody's key is derived from")
    arguments = parser.parse_args()
    screen = Screen()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with quiet_logs():
            figures = asyncio.run(run(arguments, screen))
    except KeyboardInterrupt:
        screen.say("interrupted: all that the demo started is stopped")
        return 130
    BUILD.mkdir(exist_ok=True)
    (BUILD / "demo.json").write_text(json.dumps(figures, indent=2) + "\n")
    screen.table(figures)
    screen.say("the same in build/demo.json")
    return 0 if all(figures[name] for name in _MUST_HOLD) else 1


if __name__ == "__main__":
    sys.exit(main())
