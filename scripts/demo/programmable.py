"""The second part: money that moves only when its conditions hold, and payouts that nobody makes
alone. It runs on the platform of the first part, with the words of the command line.
"""

import time
from dataclasses import dataclass

from backend.config import Settings
from backend.console.actions import Actions, open_actions
from backend.console.bonuses import BonusActions, CampaignWish
from scripts.demo.screen import Screen

_ASSET = "USDX"
_DEPOSIT = "100"
_TURNOVER = "60"  # above half of the deposit, which the campaign asks for


@dataclass(frozen=True, slots=True)
class BonusTold:
    """How the bonus's story ended."""

    is_released: bool
    is_claimed: bool
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
