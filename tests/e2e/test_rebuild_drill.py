"""The operator is gone, and took everything along: the chain alone gives everybody his money.

Two people pay each other; a batch comes by blobs, one by calldata. Then the platform is killed, and
its journal, databases, keys and addresses are deleted. In an empty folder the ledger is made again;
with its files and plain wallets people freeze the rollup and leave, to the last unit.
"""

import asyncio
import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from eth_account import Account

from backend import local
from backend.config import Settings
from backend.console.actions import open_actions
from backend.protocol.types import address_text
from backend.settlement.anvil import dev_secret
from backend.settlement.artifacts import artifact
from backend.settlement.deployment_file import load_deployment
from tests.e2e.commands import Commands
from tests.e2e.conftest import settings_in
from tests.e2e.plain_wallet import PlainWallet

UNIT = 10**6
LATE = 7 * UNIT  # deposited when nobody is there any more
POSTED_S_MAX = 90
CHAIN_FILES = ("anvil.pid", "anvil.log", "chain.json")


@pytest.fixture
def settings(tmp_path):
    settings = settings_in(tmp_path / "operator")
    try:
        asyncio.run(local.start(settings))
        yield settings
    finally:
        asyncio.run(local.stop(settings))


def post(commands: Commands, carrier: str, reader: PlainWallet, rollup: str) -> None:
    """Have a batch posted, and wait until the chain has it."""
    tip = reader.number(rollup, "tip()")
    commands.run("batch", "post", "--carrier", carrier)
    deadline = time.monotonic() + POSTED_S_MAX
    while reader.number(rollup, "tip()") == tip:
        assert time.monotonic() < deadline, "no batch was posted"
        time.sleep(0.1)


def balance_of(commands: Commands, name: str) -> int:
    """Return what the platform says that somebody has, in minor units."""
    balances = commands.json("account", "show", name)["balances"]
    [usdx] = [one for one in balances if one["asset"] == "USDX"]
    return int(usdx["account"]["balance"])


def wallet_of(settings: Settings, name: str) -> PlainWallet:
    """Return the wallet of a person, who has a keystore as wallets have them."""
    keystore = json.loads((settings.data_dir / "people" / f"{name}.json").read_text())
    secret = Account.decrypt(keystore, settings.keys_passphrase.get_secret_value())
    return PlainWallet(settings.rpc_url, bytes(secret))


def lose_operator(settings: Settings) -> None:
    """Kill the platform and delete all that is its: the chain stays."""
    pid = local.running_backend(settings)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while local.running_backend(settings) is not None:
        time.sleep(0.02)
    for path in settings.data_dir.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in CHAIN_FILES:
            path.unlink()


def archived_by(settings: Settings, count: int) -> dict[str, bytes]:
    """Return the batches' data in the platform's archive, when it has so many of them."""
    folder = settings.data_dir / "archive" / "chunks"
    deadline = time.monotonic() + POSTED_S_MAX
    while len(found := [*folder.glob("0x*")]) < count:
        assert time.monotonic() < deadline, "batches were not archived"
        time.sleep(0.1)
    return {path.name: path.read_bytes() for path in found}


def deposit_for_nobody(wallet: PlainWallet, rollup: str, token: str, amount: int) -> None:
    """Deposit while no operator is there to credit it."""
    token_abi, rollup_abi = artifact("Stablecoin").abi, artifact("Rollup").abi
    address = bytes.fromhex(wallet.address[2:])
    approval = token_abi.call_data("approve", bytes.fromhex(rollup[2:]), amount)
    deposit = rollup_abi.call_data("deposit", 1, address, amount, b"")
    for to, data in ((token, approval), (rollup, deposit)):
        assert wallet.send({"to": to, "data": "0x" + data.hex(), "value": "0"})


def send(wallet: PlainWallet, kit: dict, *whats: str) -> None:
    """Send all calls of these kinds, in the kit's order; each succeeds."""
    calls = [call for call in kit["calls"] if call["what"] in whats]
    assert {call["what"] for call in calls} == {*whats}
    assert all(wallet.send(call) for call in calls)


@pytest.mark.timeout(300)
def test_drill__operator_gone__all_money_comes_out_succeeds(settings, tmp_path, monkeypatch):
    deployment = load_deployment(settings.deployments_dir / "31337.json")
    assert deployment is not None
    rollup = address_text(deployment.address("Rollup"))
    token = address_text(deployment.token("USDX").address)
    stranger = PlainWallet(settings.rpc_url, dev_secret(9))
    operator = Commands(settings)
    for name in ("alice", "bob"):
        operator.run("account", "new", name)
        operator.run("kyc", "apply", name)
    operator.run("deposit", "alice", "100", "USDX")
    operator.run("pay", "alice", "bob", "30", "USDX")
    post(operator, "blobs", stranger, rollup)
    operator.run("pay", "bob", "alice", "1.5", "USDX")
    operator.run("withdraw", "bob", "10", "USDX")
    post(operator, "calldata", stranger, rollup)
    people = {name: wallet_of(settings, name) for name in ("alice", "bob")}
    in_ledger = {name: balance_of(operator, name) for name in people}
    with open_actions(settings) as actions:
        for name, amount in (("alice", LATE), ("bob", 0)):
            actions.fill_wallet(actions.people[name], actions.asset("USDX"), amount)
    archived = archived_by(settings, 2)
    lose_operator(settings)
    deposit_for_nobody(people["alice"], rollup, token, LATE)
    assert [wallet.token_balance(token) for wallet in people.values()] == [0, 0]

    # Somebody else's machine: an empty folder, a node's URL, the rollup's address.
    (tmp_path / "anybody").mkdir()
    monkeypatch.chdir(tmp_path / "anybody")
    nothing = tmp_path / "nothing"
    anybody = Commands(
        settings.model_copy(update={"data_dir": nothing, "deployments_dir": nothing})
    )
    where = ("--rpc", settings.rpc_url, "--rollup", rollup)
    summary = anybody.json("rebuild", *where)
    [usdx] = [asset for asset in summary["assets"] if asset["token"] == token]
    assert summary["is_sound"]
    assert (summary["batch"], summary["tip"], summary["wrong"]) == (2, 2, None)
    assert (usdx["unpaid_minor"], usdx["waiting_minor"]) == (str(10 * UNIT), str(LATE))
    assert usdx["outstanding_minor"] == usdx["vault"] == str(100 * UNIT + LATE)

    # What the operator kept was the very same: a copy of his archive would have done for blobs.
    assert {path.name: path.read_bytes() for path in Path("rebuilt/chunks").iterdir()} == archived

    def kit_of(*whose: str) -> dict:
        return anybody.json("exit-kit", *whose, *where, "--archive", "rebuilt")

    kits = {name: kit_of("--owner", wallet.address) for name, wallet in people.items()}
    for name, kit in kits.items():
        assert int(kit["accounts"][0]["balance"]) == in_ledger[name]
        send(people[name], kit, "request-exit")

    # With the kits of now: bob freezes, and each takes what is his.
    kits = {name: kit_of("--owner", wallet.address) for name, wallet in people.items()}
    [freeze, *_] = [call for call in kits["bob"]["calls"] if call["what"] == "freeze"]
    people["bob"].pass_time_until(freeze["not_before_ts_s"])
    assert people["bob"].send(freeze)
    send(people["bob"], kits["bob"], "settle", "claim", "escape")
    send(people["alice"], kits["alice"], "refund", "escape")
    assert people["bob"].token_balance(token) == in_ledger["bob"] + 10 * UNIT
    assert people["alice"].token_balance(token) == in_ledger["alice"] + LATE

    # Whatever else is in there (fees), anybody brings to whose it is.
    send(stranger, kit_of("--everybody"), "escape")
    assert stranger.token_balance(token, rollup) == 0
    assert kit_of("--owner", people["bob"].address)["accounts"] == []
