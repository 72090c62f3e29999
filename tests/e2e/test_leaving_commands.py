"""Leaving, told in commands, on a real platform.

- an exit: asked for, swept, shown, claimed: the last unit is in the wallet
- a second request while it is under way, and one before a batch has the account: refused
- an instant exit: the provider pays at once and is paid by the claim; twice: refused
- the platform's exit kit is the one that anybody makes of the chain alone
- wrong calls
"""

import time
from types import SimpleNamespace

import pytest

from backend.cli import exits, withdrawals
from tests.e2e.commands import Commands

WAIT_S = 60


@pytest.fixture(scope="module")
def causeway(running_platform):
    return Commands(running_platform.settings)


@pytest.fixture(scope="module")
def people(causeway):
    """Three who can be paid; two of them have 50 and 40 in the ledger, and on the chain."""
    for name in ("erin", "gina", "henk"):
        causeway.run("account", "new", name)
        causeway.run("kyc", "apply", name)
    causeway.run("deposit", "erin", "50", "USDX")
    causeway.run("deposit", "gina", "40", "USDX")


def until(look):
    """Return what `look` finds; the platform follows the chain by itself."""
    deadline = time.monotonic() + WAIT_S
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.2)
    return found


def money(causeway, name):
    """Return what somebody has in the ledger and in his wallet."""
    [usdx] = [
        one for one in causeway.json("account", "show", name)["balances"] if one["asset"] == "USDX"
    ]
    return usdx["ledger"], usdx["wallet"]


def exit_of(causeway, status):
    [found] = causeway.json("exit", "show", "erin")["data"]
    return found if found["status"] == status else None


@pytest.fixture(scope="module")
def left(causeway, people):
    """Let erin leave; return what each step answered."""
    early = causeway.json("exit", "request", "erin", "USDX", exit_code=1)
    causeway.run("batch", "post", "--wait")
    asked = causeway.json("exit", "request", "erin", "USDX")
    again = causeway.json("exit", "request", "erin", "USDX", exit_code=1)
    swept = until(lambda: exit_of(causeway, "swept"))
    text = causeway.run("exit", "show", "erin").stdout
    causeway.run("batch", "post", "--wait")
    served = until(lambda: exit_of(causeway, "served"))
    before = money(causeway, "erin")
    [withdrawal] = served["withdrawals"]
    claimed = causeway.json("withdraw", "claim", withdrawal)
    return SimpleNamespace(**locals())


def test_exit__asked_for__the_last_unit_comes_succeeds(causeway, left):
    assert left.asked["owner"] == causeway.json("account", "show", "erin")["address"]
    assert left.swept["may_freeze_at"] is not None
    assert left.withdrawal in left.text
    assert left.served["may_freeze_at"] is None
    assert (left.claimed["kind"], left.claimed["status"]) == ("exit", "claimed")
    assert left.claimed["amount"] == "50000000"
    assert left.before == ("0", "0")
    assert money(causeway, "erin") == ("0", "50")


def test_exit_request__no_batch_or_one_under_way__rejects(left):
    assert left.early["error"]["code"] == "PROOF_NOT_AVAILABLE"
    assert left.again["error"]["code"] == "EXIT_OPEN"


def test_withdraw_advance__provider_pays_at_once__and_claims_succeeds(causeway, left):
    made = causeway.json("withdraw", "gina", "10", "USDX")

    advanced = causeway.json("withdraw", "advance", made["id"], "--from", "henk", "--fee", "0.5")

    henk = causeway.json("account", "show", "henk")["address"]
    assert advanced["advance"]["provider"] == henk
    assert money(causeway, "gina")[1] == "9.5"
    again = ("withdraw", "advance", made["id"], "--from", "henk")
    assert causeway.json(*again, exit_code=1)["error"]["code"] == "ADVANCE_REFUSED"
    causeway.run("batch", "post", "--wait")
    claimed = causeway.json("withdraw", "claim", made["id"])
    assert claimed["status"] == "claimed"
    shown = causeway.run("withdraw", "show", made["id"]).stdout
    assert "paid in advance by henk" in shown
    assert money(causeway, "henk")[1] == "10"
    assert money(causeway, "gina")[1] == "9.5"


def test_exit_kit__of_the_platform__equals_that_of_the_chain_holds(causeway, left, tmp_path):
    made = causeway.json("withdraw", "gina", "5", "USDX")
    causeway.run("batch", "post", "--wait")
    causeway.run("withdraw", "gina", "6", "USDX")
    causeway.run("deposit", "gina", "3", "EURX")
    causeway.run("batch", "post")
    assert causeway.json("withdraw", "show", made["id"])["status"] == "settled"
    until(lambda: causeway.json("batch", "list")["data"][0]["status"] == "posted")
    gina = causeway.json("account", "show", "gina")["address"]

    def of_the_platform():
        kit = causeway.json("exit", "kit", "gina", "--out", str(tmp_path / "ours.json"))
        return kit if kit["batch"] == kit["tip"] else None  # it waits until that is confirmed

    ours = until(of_the_platform)
    theirs = causeway.json("exit-kit", "--owner", gina, "--out", str(tmp_path / "theirs.json"))

    assert [call["what"] for call in ours["calls"]].count("claim") == 2
    assert {call["what"] for call in ours["calls"]} >= {"request-exit", "freeze", "escape"}
    for kit in (ours, theirs):
        del kit["ts_s"], kit["l1_block"]
        for call in kit["calls"]:
            del call["value"]  # follows the base fee
    assert ours == theirs
    assert (tmp_path / "ours.json").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("exit", "request", "nobody", "USDX"), "PERSON_UNKNOWN"),
        (("exit", "request", "henk", "EURX"), "ACCOUNT_NOT_FOUND"),
        (("exit", "request", "0x" + "12" * 20, "USDX"), "ACCOUNT_NOT_FOUND"),
        (("exit", "show", "0x12"), "MALFORMED_REQUEST"),
        (("withdraw", "advance", "0x" + "12" * 32, "--from", "henk"), "WITHDRAWAL_NOT_FOUND"),
        (("withdraw", "advance", "0x12", "--from", "henk"), "MALFORMED_REQUEST"),
    ],
)
def test_leaving__wrong_call__rejects(causeway, people, words, code):
    assert causeway.json(*words, exit_code=1)["error"]["code"] == code


def test_exit_show__nobody_asked__says_so_succeeds(causeway, people):
    assert "has not asked for an exit" in causeway.run("exit", "show", "henk").stdout


@pytest.mark.parametrize("module", [exits, withdrawals])
def test_help__modules_of_leaving__are_light_holds(module):
    assert {"open_actions", "Actions", "LeavingActions"}.isdisjoint(vars(module))
