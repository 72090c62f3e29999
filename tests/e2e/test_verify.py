"""`causeway verify` on a running platform, and on what somebody has changed.

- journal, projections, batches, chain agree while payments are made
- an account that left by an exit
- a balance, an entry, an account in the projections; a byte of the journal; a journal cut short:
  each is found, and where
"""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest
from eth_account import Account

from backend.console.actions import PEOPLE_FOLDER, open_actions
from backend.console.posting import wait_for
from backend.protocol.types import address_text
from backend.settlement.anvil import dev_secret
from backend.verifying import Difference, verify_platform
from tests.e2e.commands import Commands
from tests.e2e.conftest import platform_in
from tests.e2e.plain_wallet import PlainWallet

SWEPT_S_MAX = 60


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    """Yield a platform with two people, two batches, and a payment that no batch has."""
    with platform_in(tmp_path_factory.mktemp("verify")) as running:
        commands = Commands(running.settings)
        for name in ("alice", "bob"):
            commands.run("account", "new", name)
            commands.run("kyc", "apply", name)
        commands.run("deposit", "alice", "100", "USDX")
        commands.run("pay", "alice", "bob", "30", "USDX")
        commands.run("batch", "post", "--carrier", "blobs", "--wait")
        commands.run("withdraw", "bob", "10", "USDX")
        commands.run("batch", "post", "--carrier", "calldata", "--wait")
        commands.run("pay", "bob", "alice", "1", "USDX")
        yield running.settings


@pytest.fixture
def copied(platform, tmp_path):
    """Return the settings of a copy of the platform's data, to be spoilt."""
    data = tmp_path / "data"
    shutil.copytree(platform.data_dir, data, ignore=shutil.ignore_patterns("*.lock"))
    return platform.model_copy(update={"data_dir": data})


def difference(settings) -> str:
    found = Commands(settings).json("verify", exit_code=1)
    assert not found["is_sound"]
    return f"{found['difference']['where']}: {found['difference']['reason']}"


def change_projections(settings, statement: str) -> None:
    with closing(sqlite3.connect(settings.data_dir / "projections.sqlite")) as database:
        assert database.execute(statement).rowcount == 1
        database.commit()


def test_verify__running_platform__agrees_succeeds(platform):
    found = Commands(platform).json("verify")

    assert found["is_sound"]
    assert found["difference"] is None
    assert (found["batch_count"], found["deposit_count"]) == (2, 1)
    assert found["block_count"] >= found["projected_block_number"] > 2
    assert found["account_count"] >= 3  # two people's and the fee account
    assert "agree" in Commands(platform).run("verify").stdout


# Bob's account: he has paid once, and withdrawn once.
BOBS = "(SELECT account_id FROM accounts WHERE nonce = 2)"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE accounts SET balance_minor = balance_minor + 1 WHERE nonce = 2", "projected as"),
        ("UPDATE accounts SET nonce = 7 WHERE nonce = 2", "nonce 7"),
        ("DELETE FROM accounts WHERE nonce = 2", "projected as nothing"),
        (
            f"UPDATE entries SET amount_minor = 29000000 WHERE amount_minor = 30000000 "
            f"AND account_id = {BOBS}",
            "add up to",
        ),
        ("UPDATE cursors SET position = 99999 WHERE source = 'block'", "no journal does"),
    ],
    ids=["balance", "nonce", "no account", "entry", "block"],
)
def test_verify__changed_projections__rejects(copied, statement, expected):
    change_projections(copied, statement)

    assert expected in difference(copied)


def test_verify__changed_byte_of_the_journal__rejects(copied):
    path = copied.data_dir / "ledger.log"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    assert "has changed" in difference(copied)


def test_verify__journal_cut_short__rejects(copied):
    path = copied.data_dir / "ledger.log"
    path.write_bytes(path.read_bytes()[:1_000])

    assert "the journal ends at block" in difference(copied)


@pytest.mark.parametrize("name", ["ledger.log", "projections.sqlite"])
def test_verify__file_missing__rejects(copied, name):
    (copied.data_dir / name).unlink()

    assert name in difference(copied)


async def test_verify_platform__changed__names_the_place_rejects(copied):
    change_projections(copied, "UPDATE accounts SET balance_minor = 5 WHERE nonce = 2")

    with pytest.raises(Difference) as found:
        await verify_platform(copied, print)

    assert found.value.where.startswith("account ")
    assert "projected as 5 of asset 1" in found.value.reason


def test_verify__vault_robbed__rejects(platform, copied):
    """The token's issuer takes it back, say: here its storage is changed."""
    with open_actions(platform) as actions:
        rollup = actions.deployment.address("Rollup")
        token = actions.deployment.token("USDX")
        held = actions.read(token, "balanceOf", rollup)
        wallet = PlainWallet(platform.rpc_url, dev_secret(9))
        wallet.rpc("anvil_dealERC20", *map(address_text, (rollup, token.address)), hex(held - 1))
    try:
        assert "the vault holds" in difference(copied)
    finally:
        wallet.rpc("anvil_dealERC20", *map(address_text, (rollup, token.address)), hex(held))


def test_verify__after_an_exit__agrees_succeeds(platform, tmp_path):
    """Alice's account is swept; journal, projections and a rebuilt ledger say the same."""
    commands = Commands(platform)
    alice = commands.json("account", "show", "alice")["address"]
    kit = commands.json("exit-kit", "--owner", alice, "--out", str(tmp_path / "kit.json"))
    [request] = [call for call in kit["calls"] if call["what"] == "request-exit"]
    keystore = json.loads((platform.data_dir / PEOPLE_FOLDER / "alice.json").read_text())
    secret = Account.decrypt(keystore, platform.keys_passphrase.get_secret_value())
    assert PlainWallet(platform.rpc_url, bytes(secret)).send(request)
    wait_for("the sweep", lambda: ledger_balance(commands, "alice") == 0 or None, SWEPT_S_MAX)
    commands.run("batch", "post", "--carrier", "calldata", "--wait")

    found = commands.json("verify")
    rebuilt = commands.json("rebuild", "--out", str(tmp_path / "rebuilt"))

    assert found["is_sound"]
    assert rebuilt["is_sound"]
    assert found["batch_count"] == rebuilt["batch"] == 3
    # Bob's withdrawal, and all that alice had.
    assert int(rebuilt["assets"][0]["unpaid_minor"]) > 71_000_000


def ledger_balance(commands: Commands, name: str) -> int:
    balances = commands.json("account", "show", name)["balances"]
    [usdx] = [one for one in balances if one["asset"] == "USDX"]
    return int(usdx["account"]["balance"])
