"""An exit kit, sent by a wallet that knows nothing of us, on a real chain.

- the whole way of a person whom nobody serves: request, freeze at its deadline and not before,
  settle, claim, refund, escape, the bounty back: all to the last unit
- a base fee above the floor: the bounty follows it
- a deposit that nobody credits, with no batch at all, and silence
- everybody's kit, sent by a stranger
- a batch that is wrong: the kit stands on the one before, and the summary says so
"""

import pytest

from backend.cli.rebuilding import ledger_summary
from backend.config import Settings
from backend.rebuilding import Origin, rebuild_ledger
from backend.settlement.anvil import dev_secret
from backend.settlement.data_sources import DataSources, DevelopmentBlobs
from backend.settlement.exit_kit import exit_kit
from backend.settlement.exit_kit_file import kit_json, kit_text
from backend.settlement.exit_position import position_of
from backend.settlement.l1_history import L1Reader
from backend.settlement.rebuild import Rebuilder
from backend.settlement.submitter import Progress
from tests.e2e.plain_wallet import PlainWallet
from tests.e2e.settlement.chain import OTHER_OWNER, OWNER
from tests.e2e.settlement.posting import first_deposit, opened

HAD, DEPOSITED, WITHDRAWN, WAITING = 100_000_000, 5_000_000, 1_200_000, 7_000_000
BASE_FEE_WEI = 5 * 10**9
OWNER_SECRET, STRANGER_SECRET = dev_secret(4), dev_secret(9)


class Leaver:
    """A person's kits and wallet."""

    def __init__(self, l1, kzg, secret=OWNER_SECRET, owner=OWNER.address) -> None:
        self.l1, self.kzg, self.owner = l1, kzg, owner
        self.wallet = PlainWallet(l1.client.url, secret)
        self.token = "0x" + l1.deployment.token("USDX").address.hex()

    async def kit(self):
        reader = await L1Reader.at(self.l1.client, self.l1.deployment.address("Rollup"))
        sources = DataSources([], [DevelopmentBlobs(self.l1.client)], self.kzg)
        rebuilt = await Rebuilder(reader, await reader.history(), sources).run()
        kit = exit_kit(await position_of(reader, rebuilt), self.owner)
        self.text, self.json = kit_text(kit), kit_json(kit)
        return self.json

    def calls(self, what: str) -> list:
        return [call for call in self.json["calls"] if call["what"] == what]

    def send(self, what: str) -> None:
        """Send all calls of a kind; each succeeds."""
        calls = self.calls(what)
        assert calls, f"no {what} in the kit"
        assert all(self.wallet.send(call) for call in calls)

    def is_refused(self, call) -> bool:
        try:
            return not self.wallet.send(call)
        except RuntimeError as error:
            return "revert" in str(error)

    def balance(self, owner: str | None = None) -> int:
        return self.wallet.token_balance(self.token, owner)


async def posted_twice(l1, kzg):
    """A deposit and, in another batch, a withdrawal; then a deposit that nobody credits."""
    posting = await opened(l1, kzg, carrier="calldata")
    await posting.advance_to(Progress.CONFIRMED)
    posting.ledger.withdraw(OWNER.address, 1, WITHDRAWN)
    await posting.advance_to(Progress.CONFIRMED)
    await l1.deposit(OWNER, WAITING)
    return posting


async def test_exit_kit__nobody_serves__the_last_unit_comes_succeeds(l1, kzg):
    await posted_twice(l1, kzg)
    person = Leaver(l1, kzg)
    await person.kit()
    assert [account["balance"] for account in person.json["accounts"]] == ["3800000"]
    assert "3.8 USDX" in person.text
    person.send("request-exit")
    assert person.json["frozen_ts_s"] is None

    await person.kit()
    assert not person.calls("request-exit")
    exit_freeze, deposit_freeze, silence_freeze = person.calls("freeze")
    deadline_ts_s = exit_freeze["not_before_ts_s"]
    assert deadline_ts_s <= deposit_freeze["not_before_ts_s"] < silence_freeze["not_before_ts_s"]
    assert all(person.is_refused(call) for call in person.calls("escape") + person.calls("refund"))
    assert person.is_refused(exit_freeze)
    person.wallet.pass_time_until(deadline_ts_s)
    assert person.is_refused(silence_freeze)
    assert person.wallet.send(exit_freeze)

    # All else is from the kit that was made before the freeze.
    for what in ("settle", "claim", "refund", "escape"):
        person.send(what)
    assert person.balance() == HAD
    assert person.balance(person.json["rollup"]) == 0
    assert all(person.is_refused(call) for call in person.calls("claim"))

    await person.kit()
    assert {call["what"] for call in person.json["calls"]} == {"credit-bounty", "draw-bounty"}
    assert person.json["accounts"] == []
    bounties = "0x" + l1.deployment.address("Exits").hex()
    assert int(person.wallet.rpc("eth_getBalance", bounties, "latest"), 16) > 0
    person.send("credit-bounty")
    person.send("draw-bounty")
    assert int(person.wallet.rpc("eth_getBalance", bounties, "latest"), 16) == 0


async def test_exit_kit__base_fee_far_above_the_floor__the_bounty_is_enough_succeeds(
    l1, geth_like, kzg
):
    await posted_twice(l1, kzg)
    await l1.set_base_fee(BASE_FEE_WEI)
    person = Leaver(geth_like, kzg)
    person.wallet = PlainWallet(l1.client.url, OWNER_SECRET)
    await person.kit()

    person.send("request-exit")

    [request] = person.calls("request-exit")
    assert int(request["value"]) == 2 * 4 * 300_000 * BASE_FEE_WEI


async def test_exit_kit__no_batch_at_all__the_deposit_comes_back_succeeds(l1, kzg):
    await l1.fund(OWNER, HAD)
    await l1.deposit(OWNER, DEPOSITED)
    await l1.deposit(OWNER, WAITING)
    person = Leaver(l1, kzg)
    await person.kit()
    [freeze] = person.calls("freeze")
    assert person.is_refused(freeze)
    person.wallet.pass_time_until(freeze["not_before_ts_s"])

    person.send("freeze")
    person.send("refund")

    assert len(person.calls("refund")) == 1
    assert person.balance() == HAD


async def test_exit_kit__of_everybody__a_stranger_sends_it_succeeds(l1, kzg):
    posting = await posted_twice(l1, kzg)
    await l1.fund(OTHER_OWNER, HAD)
    await l1.deposit(OTHER_OWNER, DEPOSITED)
    await l1.mine()
    for index in (1, 2):
        posting.ledger.credit(await first_deposit(l1, index))
    await posting.advance_to(Progress.CONFIRMED)
    stranger = Leaver(l1, kzg, STRANGER_SECRET, owner=None)
    await stranger.kit()
    assert len(stranger.json["accounts"]) == 2
    assert not stranger.calls("request-exit")
    [freeze] = stranger.calls("freeze")
    stranger.wallet.pass_time_until(freeze["not_before_ts_s"])

    for what in ("freeze", "settle", "claim", "escape"):
        stranger.send(what)

    for owner in (OWNER, OTHER_OWNER):
        assert stranger.balance("0x" + owner.address.hex()) == HAD
    assert stranger.balance(stranger.json["rollup"]) == 0
    assert stranger.balance() == 0


async def test_exit_kit__wrong_batch__stands_on_the_one_before_succeeds(l1, kzg):
    posting = await posted_twice(l1, kzg)
    # Chunks of nonsense behind: the committee signs them here.
    posting.ledger.fill(1, b"\xee" * 960)
    posting.ledger.withdraw(OWNER.address, 1, WITHDRAWN)
    await posting.advance_to(Progress.CONFIRMED)
    person = Leaver(l1, kzg)

    await person.kit()

    assert (person.json["batch"], person.json["tip"]) == (2, 3)
    assert "rolled back" in person.text
    assert [account["balance"] for account in person.json["accounts"]] == ["3800000"]
    assert person.calls("freeze") == []
    person.send("request-exit")


async def test_rebuild_ledger__wrong_batch__is_not_sound_holds(l1, kzg, tmp_path):
    posting = await posted_twice(l1, kzg)
    origin = Origin(l1.client.url, l1.deployment.address("Rollup"))
    settings = Settings(data_dir=tmp_path, deployments_dir=tmp_path)
    good = ledger_summary(await rebuild_ledger(origin, settings, tmp_path / "out", print))
    assert (good["is_sound"], good["batch"], good["wrong"]) == (True, 2, None)
    posting.ledger.fill(1, b"\xee" * 960)
    posting.ledger.withdraw(OWNER.address, 1, WITHDRAWN)
    await posting.advance_to(Progress.CONFIRMED)

    found = ledger_summary(await rebuild_ledger(origin, settings, tmp_path / "out", print))

    assert not found["is_sound"]
    assert (found["batch"], found["tip"]) == (2, 3)
    assert found["wrong"].startswith("batch 3: chunk 1: ")
    assert found["root"] == good["root"]


@pytest.mark.parametrize("owner", [OTHER_OWNER.address])
async def test_exit_kit__of_somebody_without_anything__is_empty_holds(l1, kzg, owner):
    person = Leaver(l1, kzg, owner=owner)

    await person.kit()

    assert (person.json["accounts"], person.json["calls"]) == ([], [])
    assert "nothing to send" in person.text
