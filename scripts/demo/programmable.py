"""The second part: money that moves only when its conditions hold, and payouts that nobody makes
alone. It runs on the platform of the first part, with the words of the command line.
"""

import time
from dataclasses import dataclass

from pydantic import SecretStr

from backend.config import Settings
from backend.console.actions import Actions, open_actions
from backend.console.approvals import ApprovalActions
from backend.console.bonuses import BonusActions, CampaignWish
from backend.protocol.hashing import keccak
from backend.protocol.types import Address, address_text
from scripts.demo.screen import Screen

_ASSET = "USDX"
_DEPOSIT = "100"
_TURNOVER = "60"  # above half of the deposit, which the campaign asks for
_WINNERS = 1_000
_PRIZE = "1.5"
_TREASURY = "1800"


@dataclass(frozen=True, slots=True)
class BonusTold:
    """How the bonus's story ended."""

    is_released: bool
    is_claimed: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class PrizesTold:
    """How the payout's story ended; the seconds are from the execution to the last payment."""

    paid_count: int
    seconds: float


def tell_bonus(settings: Settings, screen: Screen) -> BonusTold:
    """A player is checked, deposits, is granted a bonus, plays, is paid it, and leaves with all."""
    with open_actions(settings) as actions:
        started = time.perf_counter()
        bonuses = BonusActions(actions)
        for name in ("sponsor", "player", "shop"):
            actions.people.new(name)
        with screen.step("a sponsor sets 1,000 USDX aside for deposits (terms can't change)"):
            wish = CampaignWish(
                _ASSET,
                "1000",
                deposit_min="10",
                person_max="50",
                match_bps=1_000,
                turnover_bps=5_000,
                terms_text="10 % of the deposit, once half of it was spent.",
            )
            campaign = bonuses.create("sponsor", wish)
        with screen.step("a player is checked, deposits 100 USDX, is granted 10 at once"):
            actions.apply_for_kyc("player")
            grant = bonuses.deposit(campaign.id, "player", _DEPOSIT)
        with screen.step("he spends 60 USDX; attestors sign it; the bonus is released"):
            actions.pay("player", "shop", _TURNOVER, _ASSET)
            ended = bonuses.grant_ended(grant.id)
            _wait_for_bonus(actions)
        with screen.step("he withdraws the bonus with the rest, and claims it on the chain"):
            withdrawal = actions.withdraw("player", "45", _ASSET)
            actions.settle()
            claimed = actions.claim(withdrawal.id)
        seconds = round(time.perf_counter() - started, 1)
        return BonusTold(ended.status == "released", claimed.status == "claimed", seconds)


def _wait_for_bonus(actions: Actions) -> None:
    """Wait until the ledger has credited the bonus, which comes as a deposit."""
    player = actions.people["player"].address
    for _ in range(600):
        newest = next(iter(actions.client.deposits.list(owner=player)), None)
        if newest is not None and newest.status == "credited" and newest.amount == 10_000_000:
            return
        time.sleep(0.1)
    raise RuntimeError("waited 60 s for the bonus to be credited")


def tell_prizes(settings: Settings, screen: Screen) -> PrizesTold:
    """A file of a thousand winners: one treasurer proposes, two others approve, all are paid."""
    file = settings.data_dir / "prizes.csv"
    winners = (Address(keccak(b"winner %d" % number)[-20:]) for number in range(_WINNERS))
    lines = (f"{address_text(winner)},{_PRIZE},prize\n" for winner in winners)
    file.write_text("payee,amount,memo\n" + "".join(lines))
    with open_actions(settings) as actions:
        proposing = ApprovalActions(actions)
        with screen.step("a patron pays 1,800 USDX to the treasury's ledger account"):
            actions.people.new("patron")
            actions.apply_for_kyc("patron")
            actions.deposit("patron", "2000", _ASSET)
            actions.pay("patron", address_text(proposing.treasury), _TREASURY, _ASSET)
        with screen.step(f"a treasurer proposes {_WINNERS:,} prizes; nothing moves"):
            payout = proposing.run(file, _ASSET, proposer="treasurer-1")
        # Who proposes with one API key can't approve with it.
        other_key = actions.client.api_keys.create(name="approver", scopes=["*"]).secret
        with open_actions(_with_key(settings, other_key or "")) as others:
            approving = ApprovalActions(others)
            proposal_id = payout.proposal_id or ""
            with screen.step("two others see what it would do, and approve"):
                for treasurer in ("treasurer-2", "treasurer-3"):
                    approving.approve(approving.look(proposal_id, file), treasurer)
            started = time.perf_counter()
            with screen.step("one L1 transaction, and the ledger pays them all"):
                others.client.proposals.execute(proposal_id)
                done = proposing.wait(payout.id)
            seconds = round(time.perf_counter() - started, 1)
    return PrizesTold(int(done.paid_count), seconds)


def _with_key(settings: Settings, api_key: str) -> Settings:
    changed = settings.model_copy(update={"api_key": SecretStr(api_key)})
    changed.model_fields_set.add("api_key")
    return changed
