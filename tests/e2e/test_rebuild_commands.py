"""`causeway rebuild` and `causeway exit-kit` as they are called.

- without --rpc and --rollup: the chain and the rollup of this platform's settings
- files: summary, archive, a kit as JSON and text
- calls that can't be understood, places where nothing is: a code, a message, no traceback
"""

import json

import pytest

from tests.e2e.commands import Commands
from tests.e2e.conftest import platform_in

NOBODY = "0x" + "77" * 20


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    """Yield the settings of a platform with a batch."""
    with platform_in(tmp_path_factory.mktemp("commands")) as running:
        commands = Commands(running.settings)
        commands.run("account", "new", "alice")
        commands.run("kyc", "apply", "alice")
        commands.run("deposit", "alice", "100", "USDX")
        commands.run("batch", "post", "--carrier", "calldata", "--wait")
        yield running.settings


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_rebuild__no_options__this_platforms_ledger_succeeds(platform, folder):
    shown = Commands(platform).run("rebuild").stdout

    assert "batches 1 of 1 executed, 1 settled" in shown
    row = next(line.split() for line in shown.splitlines() if line.startswith("USDX"))
    assert row[2:] == ["100", "0", "0", "100", "covered"]
    kept = json.loads((folder / "rebuilt" / "summary.json").read_text())
    assert kept["is_sound"]
    assert kept["assets"][0]["balances_minor"] == "100000000"
    assert len([*(folder / "rebuilt" / "chunks").iterdir()]) == 1
    assert len([*(folder / "rebuilt" / "states").iterdir()]) == 1


def test_exit_kit__owner__file_and_text_succeeds(platform, folder):
    commands = Commands(platform)
    alice = commands.json("account", "show", "alice")["address"]

    shown = commands.run("exit-kit", "--owner", alice).stdout

    kit = json.loads((folder / f"exit-{alice}.json").read_text())
    text = (folder / f"exit-{alice}.txt").read_text()
    assert kit["owner"] == alice
    assert kit["accounts"][0]["balance"] == "100000000"
    assert text.splitlines()[0] == f"Exit kit of {alice}"
    assert text in shown


def test_rebuild__owner_named__his_kit_is_there_succeeds(platform, folder):
    commands = Commands(platform)
    alice = commands.json("account", "show", "alice")["address"]

    commands.run("rebuild", "--owner", alice)

    kit = json.loads((folder / "rebuilt" / f"exit-{alice}.json").read_text())
    assert (kit["owner"], kit["accounts"][0]["balance"]) == (alice, "100000000")


def test_exit_kit__everybody__has_its_name_succeeds(platform, folder):
    kit = Commands(platform).json("exit-kit", "--everybody", "--from-state")

    assert kit == json.loads((folder / "exit-everybody.json").read_text())
    assert kit["owner"] is None


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("exit-kit",), "USAGE", 2),
        (("exit-kit", "--owner", NOBODY, "--everybody"), "USAGE", 2),
        (("exit-kit", "--owner", "0x12"), "MALFORMED_REQUEST", 1),
        (("rebuild", "--rollup", "alice"), "MALFORMED_REQUEST", 1),
        (("rebuild", "--owner", "alice"), "MALFORMED_REQUEST", 1),
        (("rebuild", "--rollup", NOBODY), "NO_ROLLUP", 1),
        (("rebuild", "--rpc", "http://127.0.0.1:1"), "CHAIN_UNAVAILABLE", 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_command__wrong_call__rejects(platform, folder, words, code, exit_code):
    found = Commands(platform).json(*words, exit_code=exit_code)

    assert found["error"]["code"] == code
    assert [*folder.iterdir()] == []


def test_rebuild__begins_too_late__rejects(platform, folder):
    rollup = Commands(platform).json("rebuild")["rollup"]

    words = ("rebuild", "--rollup", rollup, "--from-block", "60")
    found = Commands(platform).json(*words, exit_code=1)

    assert found["error"]["code"] == "HISTORY_INCOMPLETE"
    assert "--from-block" in found["error"]["message"]


def test_rebuild__nothing_deployed__rejects(platform, folder):
    elsewhere = platform.model_copy(update={"deployments_dir": folder})

    found = Commands(elsewhere).json("rebuild", exit_code=1)

    assert found["error"]["code"] == "NOT_DEPLOYED"
