"""`causeway campaign`: bonuses that a sponsor sets money aside for."""

from typing import TYPE_CHECKING, Annotated

import typer

from backend.cli.options import AmountArgument, AsJson, AssetArgument, WhoArgument, connected

if TYPE_CHECKING:
    from backend.cli.screen import Screen
    from backend.console.actions import Actions
    from causeway import Campaign

app = typer.Typer(
    help="Bonus campaigns: money set aside for those who deposit.", no_args_is_help=True
)
Number = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign's number.")]


@app.command()
def create(
    sponsor: WhoArgument,
    budget: AmountArgument,
    asset: AssetArgument,
    deposit_min: Annotated[str, typer.Option(help="The smallest deposit that earns a bonus.")],
    person_max: Annotated[str, typer.Option(help="The largest bonus of a person.")],
    match_bps: Annotated[int, typer.Option(help="The bonus in 1/100 % of the deposit.")] = 0,
    bonus: Annotated[str | None, typer.Option(help="Or a fixed bonus.")] = None,
    days: Annotated[int, typer.Option(help="How long deposits count, from now on.")] = 30,
    holding_s: Annotated[int, typer.Option(help="Seconds from the deposit to the release.")] = 0,
    expires_after_s: Annotated[int, typer.Option(help="Seconds that a grant lives.")] = 2_592_000,
    turnover_bps: Annotated[
        int, typer.Option(help="What has to be paid to others, in 1/100 % of the deposit.")
    ] = 0,
    terms: Annotated[str | None, typer.Option(help="The terms' text; its hash is kept.")] = None,
    as_json: AsJson = False,
) -> None:
    """Create a campaign and fund it from the sponsor's wallet. Its terms never change."""
    from backend.console.bonuses import BonusActions, CampaignWish

    wish = CampaignWish(
        asset,
        budget,
        deposit_min,
        person_max,
        match_bps=match_bps,
        bonus=bonus,
        days=days,
        holding_s=holding_s,
        expires_after_s=expires_after_s,
        turnover_bps=turnover_bps,
        terms_text=terms,
    )
    with connected(as_json) as (screen, actions):
        _show(screen, actions, BonusActions(actions).create(sponsor, wish))


@app.command("list")
def list_campaigns(as_json: AsJson = False) -> None:
    """List all campaigns, the newest first."""
    with connected(as_json) as (screen, actions):
        campaigns = list(actions.client.campaigns.list())
        lines = [_text(actions, campaign) for campaign in campaigns]
        data = {"object": "list", "data": [one.raw for one in campaigns]}
        screen.show(data, *lines or ["there is no campaign"])


@app.command()
def show(campaign: Number, as_json: AsJson = False) -> None:
    """Show a campaign's terms, and what is left of its budget."""
    with connected(as_json) as (screen, actions):
        _show(screen, actions, actions.client.campaigns.get(campaign))


@app.command()
def fund(campaign: Number, amount: AmountArgument, as_json: AsJson = False) -> None:
    """Add to a campaign's budget."""
    from backend.console.bonuses import BonusActions

    with connected(as_json) as (screen, actions):
        _show(screen, actions, BonusActions(actions).fund(campaign, amount))


@app.command()
def end(campaign: Number, as_json: AsJson = False) -> None:
    """End a campaign; what was granted stands."""
    from backend.console.bonuses import BonusActions

    with connected(as_json) as (screen, actions):
        _show(screen, actions, BonusActions(actions).end(campaign))


@app.command()
def withdraw(campaign: Number, as_json: AsJson = False) -> None:
    """Take what an ended campaign has left."""
    from backend.console.bonuses import BonusActions

    with connected(as_json) as (screen, actions):
        _show(screen, actions, BonusActions(actions).withdraw_budget(campaign))


@app.command()
def deposit(
    campaign: Number, who: WhoArgument, amount: AmountArgument, as_json: AsJson = False
) -> None:
    """Deposit and be granted the bonus in the same transaction."""
    from backend.cli.grant import show_grant
    from backend.console.bonuses import BonusActions

    with connected(as_json) as (screen, actions):
        show_grant(screen, actions, BonusActions(actions).deposit(campaign, who, amount))


def _show(screen: "Screen", actions: "Actions", campaign: "Campaign") -> None:
    screen.show(campaign.raw, _text(actions, campaign))


def _text(actions: "Actions", campaign: "Campaign") -> str:
    from backend.console.amounts import amount_text

    asset = actions.asset(campaign.asset)
    left, person_max = (
        f"{amount_text(asset, amount)} {asset.code}"
        for amount in (campaign.budget, int(campaign.raw["person_max"]))
    )
    tiers = ", ".join(
        f"from {amount_text(asset, int(tier['deposit_min']))} {asset.code} earn "
        + (
            f"{amount_text(asset, int(tier['bonus']))} {asset.code}"
            if tier["bonus"]
            else f"{tier['match_bps'] / 100:g} %"
        )
        for tier in campaign.raw["tiers"]
    )
    return (
        f"campaign {campaign.id} is {campaign.status}: deposits {tiers}, "
        f"a person at most {person_max}; {left} left"
    )
