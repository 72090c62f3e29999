"""A user's story, told in commands.

- up: twice changes nothing; the first API key is shown once; down, and up again goes on
- a deposit without KYC is refused, with what to do next
- kyc, deposit, pay, withdraw, batch post --wait, claim: balances are right to the unit
- each refusal has a code, a message and exit code 1; a wrong call 2; none a traceback
- --json: nothing else on stdout, on errors too
- --help: each command has one, and it names --json
- api-key: made, shown once, refused after its revocation
- --key-file: signs without a name
- --foreground: stops the platform when interrupted
"""

import json
import signal
import subprocess
from types import SimpleNamespace

import httpx
import pytest
import typer

from backend.api_key import read_api_key
from backend.cli import (
    account,
    api_key,
    app,
    batch,
    kyc,
    options,
    payments,
    payout,
    platform,
    proposal,
    rebuilding,
    verify,
    withdrawals,
)
from backend.console.actions import PEOPLE_FOLDER
from backend.toolchain import PROJECT_ROOT
from tests.e2e.commands import Commands
from tests.e2e.conftest import environment_of, settings_in

CLI = PROJECT_ROOT / ".venv" / "bin" / "causeway"


@pytest.fixture(scope="module")
def causeway(running_platform):
    return Commands(running_platform.settings)


@pytest.fixture(scope="module")
def story(causeway):
    """Return what each step answered."""
    alice, bob = (causeway.json("account", "new", name) for name in ("alice", "bob"))
    refused = causeway.json("deposit", "alice", "100", "USDX", exit_code=1)
    applicant = causeway.json("kyc", "apply", "alice")
    deposit = causeway.run("deposit", "alice", "100.5", "USDX")
    payment = causeway.json("pay", "alice", "bob", "12.34", "USDX", "--memo", "invoice 17")
    withdrawal = causeway.json("withdraw", "bob", "5", "USDX")
    too_early = causeway.json("withdraw", "claim", withdrawal["id"], exit_code=1)
    batches = causeway.json("batch", "post", "--carrier", "calldata", "--wait")
    claimed = causeway.json("withdraw", "claim", withdrawal["id"])
    return SimpleNamespace(**locals())


def test_up__platform_runs__changes_nothing(causeway, running_platform):
    again = causeway.json("up")

    assert again["was_running"] is True
    assert again["first_api_key"] is None
    assert again["api_url"] == running_platform.settings.api_url


def test_up_and_down__own_platform__succeeds(tmp_path):
    settings = settings_in(tmp_path)
    causeway = Commands(settings)
    try:
        first = causeway.run("up")
        key = read_api_key(settings)
        again = causeway.run("up")
    finally:
        stopped = causeway.json("down")

    assert key.startswith("cwk_")
    assert key in first.stdout
    assert key not in again.output
    assert "nothing changed" in again.stdout
    assert stopped["stopped"] == ["backend", "chain"]
    assert causeway.json("down")["stopped"] == []
    assert causeway.json("status")["backend"]["status"] is None


def test_up__foreground_interrupted__stops_the_platform_holds(tmp_path):
    settings = settings_in(tmp_path)
    command = subprocess.Popen(
        [CLI, "up", "--foreground", "--json"],
        env={**environment_of(settings), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        shown = ""
        while not shown.endswith("}\n"):
            shown += command.stdout.readline()
    finally:
        command.send_signal(signal.SIGINT)
        output, errors = command.communicate(timeout=60)

    assert command.returncode == 0, errors
    assert json.loads(shown)["api_url"] == settings.api_url
    assert Commands(settings).json("down")["stopped"] == []


def test_deposit__no_kyc__rejects(story):
    error = story.refused["error"]

    assert error["code"] == "KYC_REQUIRED"
    assert "causeway kyc apply" in error["message"]


def test_deposit__local_chain__gives_money_and_says_so_succeeds(story):
    assert story.applicant["status"] == "approved"
    assert "alice deposited 100.5 USDX: credited" in story.deposit.stdout
    assert "money for gas" in story.deposit.stderr
    assert "gave alice 100.5 USDX of test money" in story.deposit.stderr


def test_pay__to_a_name__is_final_succeeds(story):
    assert story.payment["status"] in ("final", "posted")
    assert (story.payment["amount"], story.payment["fee"]) == ("12340000", "10000")
    assert story.payment["payee"] == story.bob["address"]
    assert isinstance(story.payment["ms"], int)


def test_withdraw__claimed__is_paid_succeeds(causeway, story):
    assert story.too_early["error"]["code"] == "PROOF_NOT_AVAILABLE"
    assert [one["status"] for one in story.batches["data"]] == ["settled"]
    assert story.claimed["status"] == "claimed"
    again = causeway.json("withdraw", "claim", story.withdrawal["id"], exit_code=1)
    assert again["error"]["code"] == "PROOF_NOT_AVAILABLE"
    assert "claimed" in causeway.run("withdraw", "show", story.withdrawal["id"]).stdout


def test_account_show__after_the_story__balances_are_right_holds(causeway, story):
    shown = {name: causeway.json("account", "show", name) for name in ("alice", "bob")}
    usdx = {name: shown[name]["balances"][0] for name in shown}

    # 12.34 and a fee of 0.01; then 5 and a fee of 0.01.
    assert (usdx["alice"]["ledger"], usdx["alice"]["wallet"]) == ("88.15", "0")
    assert (usdx["bob"]["ledger"], usdx["bob"]["wallet"]) == ("7.33", "5")
    text = causeway.run("account", "show", story.bob["address"], "--statement").stdout
    assert "12.34" in text
    assert "-5" in text


def test_account__new_and_list__succeeds(causeway, story):
    again = causeway.json("account", "new", "alice")

    assert again == story.alice | {"created": False}
    names = [one["name"] for one in causeway.json("account", "list")["data"]]
    assert {"alice", "bob"} <= {*names}
    assert story.alice["address"] in causeway.run("account", "list").stdout


def test_batch__list_and_show__succeeds(causeway, story):
    listed = causeway.json("batch", "list")["data"]
    number = story.batches["data"][0]["number"]

    assert number in [one["number"] for one in listed]
    assert causeway.json("batch", "show", number)["status"] == "settled"
    assert listed[0]["tx_hash"] in causeway.run("batch", "list").stdout
    assert f"batch {number}: settled" in causeway.run("batch", "show", number).stdout


def test_batch_post__nothing_waits__changes_nothing(causeway, story):
    assert causeway.run("batch", "post", "--wait").stdout == "Nothing was waiting.\n"
    assert causeway.json("batch", "post")["operation_count"] == "0"


def test_status__platform_runs__succeeds(causeway, story):
    found = causeway.json("status")

    assert found["chain"]["is_running"] is True
    assert found["backend"]["status"] == "ready"
    assert found["batches"]["settled"] >= 1
    assert found["assets"] == ["USDX", "EURX", "BOND"]
    backend = found["backend"]
    shown = f": ready, block {backend['block']}, epoch {backend['epoch']}\n"
    assert backend["epoch"] == 1
    assert shown in causeway.run("status").stdout


def test_deploy__done_already__changes_nothing(causeway, running_platform):
    found = causeway.json("deploy")

    assert found["steps"] == []
    assert found["contracts"]["Rollup"] in causeway.run("deploy").stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("pay", "bob", "alice", "1000", "USDX"), "INSUFFICIENT_FUNDS"),
        (("pay", "bob", "alice", "0", "USDX"), "AMOUNT_ZERO"),
        (("pay", "bob", "alice", "1,5", "USDX"), "AMOUNT_MALFORMED"),
        (("pay", "bob", "alice", "0.5", "USDX", "--fee-max", "0.001"), "FEE_MISMATCH"),
        (("pay", "bob", "alice", "1", "GOLD"), "ASSET_UNKNOWN"),
        (("pay", "bob", "carol", "1", "USDX"), "PERSON_UNKNOWN"),
        (("pay", "bob", "0x12", "1", "USDX"), "MALFORMED_REQUEST"),
        (("pay", "0x" + "11" * 20, "bob", "1", "USDX"), "NO_KEY"),
        (("account", "new", "Carol"), "NAME_INVALID"),
        (("kyc", "show", "bob"), "NOT_AN_APPLICANT"),
        (("batch", "show", "99"), "BATCH_NOT_FOUND"),
        (("withdraw", "show", "0x" + "00" * 32), "WITHDRAWAL_NOT_FOUND"),
        (("deploy", "--rpc", "http://127.0.0.1:9"), "NO_NODE"),
        (("pay", "bob", "bob", "1", "USDX", "--key-file", __file__), "KEY_FILE_UNREADABLE"),
    ],
)
def test_commands__refused__exit_with_code_and_message_rejects(causeway, story, words, code):
    error = causeway.json(*words, exit_code=1)["error"]
    result = causeway.run(*words, exit_code=1)

    assert error["code"] == code
    assert error["message"]
    assert code in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_commands__wrong_call__exit_with_2_rejects(causeway):
    assert causeway.json("pay", "bob", exit_code=2)["error"]["code"] == "USAGE"
    assert "AMOUNT" in causeway.run("pay", "bob", "alice", exit_code=2).stderr


def test_commands__nothing_runs__say_what_to_do_rejects(tmp_path):
    settings = settings_in(tmp_path)

    error = Commands(settings).json("batch", "list", exit_code=1)["error"]

    assert error["code"] == "NO_API_KEY"
    assert "causeway up" in error["message"]


def test_kyc__revoked__rejects(causeway, story):
    causeway.run("account", "new", "mallory")
    causeway.run("kyc", "apply", "mallory", "--family-name", "Trust")

    revoked = causeway.json("kyc", "revoke", "mallory")

    assert revoked["status"] == "revoked"
    assert "revoked" in causeway.run("kyc", "show", "mallory").stdout
    refused = causeway.json("deposit", "mallory", "1", "USDX", exit_code=1)
    assert refused["error"]["code"] == "KYC_REVOKED"


def test_api_key__made_and_revoked__rejects(causeway, running_platform):
    made = causeway.json("api-key", "create", "billing", "--scope", "payments:read")
    url = f"{running_platform.settings.api_url}/v1/payments"
    headers = {"Authorization": f"Bearer {made['secret']}"}
    before = httpx.get(url, headers=headers).status_code

    causeway.run("api-key", "revoke", made["id"])

    assert (before, httpx.get(url, headers=headers).status_code) == (200, 401)
    listed = causeway.run("api-key", "list").output
    assert "payments:read" in listed
    assert made["secret"] not in listed


def test_key_file__address_instead_of_name__succeeds(causeway, running_platform, story, tmp_path):
    source = running_platform.settings.data_dir / PEOPLE_FOLDER / "alice.json"
    keystore = tmp_path / "UTC--keystore"
    keystore.write_text(source.read_text())

    words = ("pay", story.alice["address"], "bob", "1", "EURX", "--key-file", str(keystore))
    error = causeway.json(*words, exit_code=1)["error"]

    assert error["code"] in ("ACCOUNT_UNKNOWN", "INSUFFICIENT_FUNDS")  # it was signed and sent


def _commands(command, path=("causeway",)):
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands(child, (*path, name))


ALL = [*_commands(typer.main.get_command(app))]


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path) for path, _ in ALL])
def test_help__each_command__has_one_holds(causeway, path, command):
    shown = causeway.run(*path[1:], "--help").stdout

    assert command.help
    assert command.help.split()[0] in shown
    is_group = hasattr(command, "commands")
    assert is_group or "--json" in shown


@pytest.mark.parametrize(
    "module",
    [
        account,
        api_key,
        batch,
        kyc,
        options,
        payments,
        payout,
        platform,
        proposal,
        rebuilding,
        verify,
        withdrawals,
    ],
)
def test_help__each_module__is_light_holds(module):
    heavy = {"open_actions", "Actions", "local", "rebuild_ledger", "verify_platform"}

    assert heavy.isdisjoint(vars(module))


def test_version__asked__succeeds():
    shown = subprocess.run([CLI, "--version"], capture_output=True, text=True, check=True)

    assert shown.stdout.startswith("causeway ")
    assert shown.stderr == ""
