"""Prizes on a real platform and chain, through the API, the console and the command line.

- to wallets: claimed by the winner's own key and by a stranger for him; the same file again
- refused by the contract: a wrong proof, a second claim; refused here: nothing waits, another file
- into ledger accounts: a winner who is not checked waits for his check, and is credited after it
- after the deadline: no claim, the rest returns to the sponsor, once
- by orders: everybody is paid in the ledger; an unchecked sponsor is no way round the gate
- by orders of a regulated asset: purse and winners have its level
- commands: create, list, show, entries, claim, withdraw, --help, unknown
"""

import asyncio
import time
from dataclasses import replace

import pytest

from backend.cli import prize as prize_cli
from backend.console.actions import open_actions
from backend.console.errors import NotAnApplicant, TransactionFailed
from backend.console.prizes import ClaimRefused, NothingToClaim, PrizeActions, PrizeWish
from backend.protocol.types import address_text, digest_from_text
from backend.settlement.client import ChainClient
from causeway import ApiStatusError
from tests.e2e.commands import Commands
from tests.e2e.conftest import platform_in

DAY_S = 24 * 3600
MILLION = 10**6


@pytest.fixture(scope="module")
def running_platform(tmp_path_factory):
    """A platform apart from the one that others share, since days pass on its chain."""
    with platform_in(tmp_path_factory.mktemp("prizes")) as platform:
        yield platform


@pytest.fixture(scope="module")
def actions(running_platform):
    with open_actions(running_platform.settings) as opened:
        opened.people.new("prize-sponsor")
        opened.people.new("prize-stranger")
        yield opened


@pytest.fixture(scope="module")
def prizes(actions):
    return PrizeActions(actions)


@pytest.fixture(scope="module")
def commands(running_platform):
    return Commands(running_platform.settings)


@pytest.fixture
def wish(actions, tmp_path):
    """Make people of some names, and a file that gives each a dollar more than the last."""

    def make(payout, *names, days=30):
        path = tmp_path / f"{payout}-{names[0]}.csv"
        rows = []
        for number, name in enumerate(names, start=1):
            address = actions.people.new(name).address
            rows.append(f"{address_text(address)},{number}.5\n")
        path.write_text("payee,amount\n" + "".join(rows), encoding="utf-8")
        return PrizeWish(path, "USDX", payout, days=days)

    return make


def wallet(actions, who) -> int:
    return actions.balances(who)[0].wallet_base


def in_ledger(actions, who) -> int:
    account = actions.balances(who)[0].account
    return 0 if account is None else account.balance


def wait_until(holds, seconds=60):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def refused(call) -> str:
    with pytest.raises(ApiStatusError) as caught:
        call()
    return caught.value.code


def pass_time(running_platform, seconds: int) -> None:
    async def move() -> None:
        chain = ChainClient(running_platform.settings.rpc_url)
        try:
            await chain.rpc("evm_increaseTime", seconds)
            await chain.rpc("evm_mine")
        finally:
            await chain.close()

    asyncio.run(move())


def test_prize__to_wallets__is_claimed_by_anybody_succeeds(actions, prizes, wish):
    asked = wish("wallet", "prize-ann", "prize-ben", "prize-cid")

    made = prizes.create("prize-sponsor", asked)
    own = prizes.claim(made.id, "prize-ann")
    foreign = prizes.claim(made.id, "prize-ben", sender="prize-stranger")
    again = prizes.create("prize-sponsor", replace(asked, days=5))

    assert (made.status, made.total, made.remaining) == ("open", 7_500_000, 7_500_000)
    assert [(one.status, one.amount) for one in own + foreign] == [
        ("paid", 1_500_000),
        ("paid", 2_500_000),
    ]
    assert [wallet(actions, f"prize-{name}") for name in ("ann", "ben", "cid")] == [
        1_500_000,
        2_500_000,
        0,
    ]
    assert (again.id, again.paid_count, again.remaining) == (made.id, 2, 3_500_000)
    assert again.ends_at == made.ends_at
    with pytest.raises(NothingToClaim):
        prizes.claim(made.id, "prize-ann")


def test_claim__wrong_proof_or_twice__reverts(actions, prizes, wish):
    made = prizes.create("prize-sponsor", wish("wallet", "prize-dan", "prize-eve"))
    dan, eve = list(actions.client.prizes.entries(made.id))
    contract, stranger = prizes._contract, actions.people.find("prize-stranger")
    asset = actions.asset("USDX")
    actions.fill_wallet(stranger, asset, 0)

    def send(entry, amount, proof):
        nodes = [digest_from_text(node, "proof") for node in proof]
        person = bytes.fromhex(entry.person[2:])
        words = (digest_from_text(made.id, "prize_id"), entry.index, person, amount, nodes)
        actions.send(stranger, contract, contract.abi.call_data("claim", *words), "claim")

    with pytest.raises(TransactionFailed, match="EntryNotInPrize"):
        send(dan, dan.amount, eve.proof)
    with pytest.raises(TransactionFailed, match="EntryNotInPrize"):
        send(dan, dan.amount + 1, dan.proof)
    send(dan, dan.amount, dan.proof)
    with pytest.raises(TransactionFailed, match="EntryClaimed"):
        send(dan, dan.amount, dan.proof)
    assert wallet(actions, "prize-dan") == dan.amount
    assert actions.client.prizes.get(made.id).remaining == eve.amount


def test_prize__into_accounts__waits_for_the_check_succeeds(actions, prizes, wish):
    made = prizes.create("prize-sponsor", wish("account", "prize-fay"))
    (entry,) = actions.client.prizes.entries(made.id)

    with pytest.raises(NotAnApplicant):
        prizes.claim(made.id, "prize-fay", sender="prize-stranger")
    actions.apply_for_kyc("prize-fay")
    (paid,) = prizes.claim(made.id, "prize-fay", sender="prize-stranger")

    assert (entry.obstacle or "").startswith("KycRequired(")
    assert paid.status == "paid"
    wait_until(lambda: in_ledger(actions, "prize-fay") == 1_500_000)
    assert actions.client.prizes.get(made.id).status == "ended"


def test_prize__over__returns_the_rest_succeeds(running_platform, actions, prizes, wish):
    asked = wish("wallet", "prize-gus", "prize-hal", days=1)
    made = prizes.create("prize-sponsor", asked)
    prizes.claim(made.id, "prize-gus")
    early = refused(lambda: prizes.withdraw_rest(made.id))
    before = wallet(actions, "prize-sponsor")

    pass_time(running_platform, 2 * DAY_S)
    with pytest.raises(ClaimRefused, match="DeadlinePassed"):
        prizes.claim(made.id, "prize-hal")
    over = actions.client.prizes.get(made.id)
    ended = prizes.withdraw_rest(made.id)

    assert (early, over.status, over.remaining) == ("PRIZE_NOT_OVER", "over", 2_500_000)
    assert (ended.status, ended.remaining, ended.paid_count) == ("ended", 0, 1)
    assert wallet(actions, "prize-sponsor") - before == 2_500_000
    assert refused(lambda: prizes.withdraw_rest(made.id)) == "PRIZE_NOT_OVER"
    assert prizes.create("prize-sponsor", asked).status == "ended"


def test_prize__by_orders__pays_everybody_in_the_ledger_succeeds(actions, prizes, wish):
    asked = replace(wish("orders", "prize-ida", "prize-jim", "prize-kim"), fee_max="0.01")

    unchecked = refused(lambda: prizes.create("prize-sponsor", asked))
    actions.apply_for_kyc("prize-sponsor")
    made = prizes.create("prize-sponsor", asked)
    ended = prizes.wait(made.id)

    assert (unchecked, made.payout) == ("KYC_REQUIRED", "orders")
    assert (ended.status, ended.paid_count, ended.remaining) == ("ended", 3, 0)
    assert [in_ledger(actions, f"prize-{name}") for name in ("ida", "jim", "kim")] == [
        1_500_000,
        2_500_000,
        3_500_000,
    ]
    purse = actions.client.accounts.get(made.purse or "", "USDX")
    assert (purse.balance, purse.nonce) == (0, 3)
    with pytest.raises(NothingToClaim):
        prizes.claim(made.id, "prize-ida")
    assert refused(lambda: prizes.withdraw_rest(made.id)) == "PRIZE_PAID_BY_ORDERS"


def test_prize__regulated_by_orders__pays_whoever_may_hold_it_succeeds(
    running_platform, actions, prizes, wish
):
    asked = replace(wish("orders", "prize-nan", "prize-oli"), asset="BOND")
    barred = refused(lambda: prizes.create("prize-sponsor", asked))
    for name in ("prize-sponsor", "prize-nan", "prize-oli"):
        actions.apply_for_kyc(name)
        actions.record_attestation(name)
    pass_time(running_platform, 1)  # one more block confirms what the registry says
    made = []

    def is_created():
        try:
            made.append(prizes.create("prize-sponsor", asked))
        except ApiStatusError as error:
            if error.code != "PAYOUT_LINES_INVALID":
                raise
        return made

    wait_until(is_created)
    ended = prizes.wait(made[0].id)

    assert barred in ("KYC_REQUIRED", "PAYOUT_LINES_INVALID")
    assert (ended.status, ended.paid_count) == ("ended", 2)
    purse = actions.client.accounts.get(made[0].purse or "", "BOND")
    assert (purse.balance, purse.nonce) == (0, 2)


def test_prize__commands__from_creation_to_claim_succeeds(commands, wish):
    commands.run("account", "new", "prize-patron")
    asked = wish("wallet", "prize-lea", "prize-max")

    words = ("prize", "create", "prize-patron", str(asked.path), "USDX", "--payout", "wallet")
    made = commands.json(*words, "--days", "3", "--terms", "First come, first served")
    listed = commands.run("prize", "list")
    entries = commands.json("prize", "entries", made["id"], "--person", "prize-lea")["data"]
    claimed = commands.run("prize", "claim", made["id"], "prize-lea", "--from", "prize-patron")
    shown = commands.run("prize", "show", made["id"])
    table = commands.run("prize", "entries", made["id"])
    early = commands.json("prize", "withdraw", made["id"], exit_code=1)

    assert (made["status"], made["total"]) == ("open", "4000000")
    assert f"{made['id']}  prize of 4 USDX to 2 entries (wallet) is open" in listed.stdout
    assert [one["amount"] for one in entries] == ["1500000"]
    assert "entry 0: 1.5 USDX, paid" in claimed.stdout
    assert "1 paid, 2.5 left" in shown.stdout
    assert "waiting" in table.stdout
    assert early["error"]["code"] == "PRIZE_NOT_OVER"


def test_prize__unknown_or_no_file__rejects(commands, tmp_path):
    commands.run("account", "new", "prize-nobody")
    words = ("prize", "create", "prize-nobody", str(tmp_path / "none.csv"), "USDX")

    unknown = commands.json("prize", "show", "0x" + "11" * 32, exit_code=1)

    assert unknown["error"]["code"] == "PRIZE_NOT_FOUND"
    assert commands.json(*words, exit_code=1)["error"]["code"] == "FILE_UNREADABLE"
    for command in prize_cli.app.registered_commands:
        name = command.name or command.callback.__name__
        assert commands.run("prize", name, "--help").stdout
