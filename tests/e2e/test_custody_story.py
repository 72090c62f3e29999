"""Customers, holds and schedules on a real chain, told in commands.

- a customer is made, paid, pays; each use of his key is shown; unknown names are refused
- a hold of his: captured in part; another: released; one of a person with a key here; listed
- a schedule pays by itself, and shows it; one for later is cancelled
- the backend is killed (SIGKILL) and comes back: keys, holds and schedules go on, nothing twice
- the commands load nothing heavy
"""

import os
import signal
import time
from types import SimpleNamespace

import pytest

from backend.cli import customer, hold, schedule
from backend.console import custody
from backend.local import running_backend
from tests.e2e.commands import Commands
from tests.e2e.conftest import settings_in


@pytest.fixture(scope="module")
def causeway(running_platform):
    return Commands(running_platform.settings)


def prepare(causeway, person: str, tenant: str):
    """Make a person with money and a customer who gets some of it; return the customer."""
    causeway.run("account", "new", person)
    causeway.run("kyc", "apply", person)
    causeway.run("deposit", person, "100", "USDX")
    made = causeway.json("customer", "create", tenant)
    causeway.run("pay", person, made["address"], "50", "USDX")
    return made


def plan(causeway, *more: str):
    return causeway.json("schedule", "create", "tenant-7", "landlady", "1", "USDX", *more)


@pytest.fixture(scope="module")
def story(causeway):
    """Return what each step answered."""
    tenant = prepare(causeway, "landlady", "tenant-7")
    again = causeway.json("customer", "create", "tenant-7")
    paid = causeway.json("customer", "pay", "tenant-7", "landlady", "5", "USDX", "--memo", "key")
    held = causeway.json("hold", "create", "tenant-7", "landlady", "10", "USDX")
    captured = causeway.json("hold", "capture", held["id"], "4")
    other = causeway.json("hold", "create", "tenant-7", "landlady", "10", "USDX")
    waiting = causeway.run("hold", "list")
    released = causeway.json("hold", "release", other["id"])
    signed = causeway.json("hold", "create", "landlady", "tenant-7", "2", "USDX")
    wrong = causeway.json("hold", "create", "nobody", "tenant-7", "2", "USDX", exit_code=1)
    planned = plan(causeway)
    wait_done(causeway, planned)
    later = plan(causeway, "--every", "month", "--count", "12", "--at", "2027-01-31T08:00:00")
    cancelled = causeway.json("schedule", "cancel", later["id"])
    shown = causeway.json("customer", "show", "tenant-7", "--uses")
    return SimpleNamespace(**locals())


def wait_done(causeway, planned) -> None:
    deadline = time.monotonic() + 60
    while True:
        found = {one["id"]: one["status"] for one in causeway.json("schedule", "list")["data"]}
        if found[planned["id"]] == "done":
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.5)


def test_customer__made_twice_and_paying__succeeds(story):
    assert story.again["id"] == story.tenant["id"]
    assert (story.paid["status"], story.paid["payer"]) == ("final", story.tenant["address"])


def test_holds__captured_and_released__succeeds(story):
    assert (story.held["status"], story.held["held"]) == ("authorised", "10020000")
    assert (story.captured["status"], story.captured["captured"]) == ("captured", "4000000")
    assert (story.released["status"], story.released["held"]) == ("released", "0")
    assert story.signed["status"] == "authorised"
    assert story.wrong["error"]["code"] == "PERSON_UNKNOWN"
    listed = story.waiting.stdout
    newest = f"{story.other['id']}  10 USDX for landlady"
    assert listed.index(newest) < listed.index(story.held["id"])
    assert "captured, 4 captured" in listed


def test_schedules__paid_and_cancelled__succeeds(causeway, story):
    mine = causeway.json("schedule", "list", "--customer", "tenant-7")["data"]

    assert story.later["next_at"] == "2027-01-31T08:00:00.000Z"
    assert story.cancelled["status"] == "cancelled"
    assert [one["status"] for one in mine] == ["cancelled", "done"]
    done = causeway.json("schedule", "show", story.planned["id"])
    assert [one["status"] for one in done["occurrences"]] == ["paid"]
    shown = causeway.run("schedule", "show", done["id"]).stdout
    assert "USDX to landlady: once, done" in shown
    assert done["occurrences"][0]["payment_id"] in shown
    assert "nothing was due yet" in causeway.run("schedule", "show", story.later["id"]).stdout


def test_customer_show__after_all__is_right_to_the_unit_holds(story):
    # 50 less 5, 4 and 1 that were paid, and the fees of 0.01: the payment, two into holds, a
    # capture and the return of its rest, the return of the other hold, the schedule's payment.
    assert story.shown["balances"] == [{"asset": "USDX", "ledger": "39.93"}]
    purposes = [use["purpose"] for use in story.shown["key_uses"]]
    assert purposes == ["schedule", "hold", "hold", "payment"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("customer", "show", "tenant-8"), "CUSTOMER_UNKNOWN"),
        (("customer", "show", "cus_8"), "CUSTOMER_UNKNOWN"),
        (("customer", "pay", "tenant-7", "nobody", "5", "USDX"), "PERSON_UNKNOWN"),
        (("customer", "pay", "tenant-7", "landlady", "5000", "USDX"), "INSUFFICIENT_FUNDS"),
        (("customer", "pay", "tenant-7", "landlady", "0", "USDX"), "AMOUNT_ZERO"),
        (("hold", "show", "hold_8"), "HOLD_NOT_FOUND"),
        (("schedule", "cancel", "sch_8"), "SCHEDULE_NOT_FOUND"),
    ],
)
def test_command__bad_input__rejects(causeway, story, words, code):
    assert causeway.json(*words, exit_code=1)["error"]["code"] == code


def test_backend__killed_and_up_again__nothing_is_lost_or_done_twice_holds(tmp_path):
    settings = settings_in(tmp_path)
    causeway = Commands(settings)
    try:
        causeway.run("up")
        prepare(causeway, "landlady", "tenant-7")
        held = causeway.json("hold", "create", "tenant-7", "landlady", "10", "USDX")
        planned = plan(causeway, "--every", "day", "--count", "2")
        os.kill(running_backend(settings), signal.SIGKILL)
        causeway.run("up")
        captured = causeway.json("hold", "capture", held["id"])
        deadline = time.monotonic() + 60
        while (found := causeway.json("schedule", "list")["data"][0])["begun"] < 1:
            assert time.monotonic() < deadline, found
            time.sleep(0.5)
        causeway.run("customer", "pay", "tenant-7", "landlady", "1", "USDX")
        time.sleep(2)  # two more rounds of the runner
        shown = causeway.json("customer", "show", "tenant-7", "--uses")
    finally:
        causeway.run("down")

    assert captured["status"] == "captured"
    assert found["id"] == planned["id"]
    # 50, less 10 and its reserve of 0.02, less 1 twice, less the fees of these three.
    assert shown["balances"] == [{"asset": "USDX", "ledger": "37.95"}]


@pytest.mark.parametrize("module", [customer, hold, schedule])
def test_help__each_module__is_light_holds(module):
    heavy = {"open_actions", "Actions", custody.CustodyActions.__name__}

    assert heavy.isdisjoint(vars(module))
