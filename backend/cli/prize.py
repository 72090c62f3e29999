"""`causeway prize`: many winners under one Merkle root."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backend.cli.options import AsJson, AssetArgument, FeeMax, WhoArgument, connected
from backend.cli.screen import table

if TYPE_CHECKING:
    from backend.cli.screen import Screen
    from backend.console.actions import Actions
    from causeway import Prize

app = typer.Typer(
    help="Prizes for many people, by one list: claimed on the chain, or paid in the ledger.",
    no_args_is_help=True,
)
Id = Annotated[str, typer.Argument(metavar="ID", help="The prize's id (0x…).")]


class Payout(StrEnum):
    """Where winners get it."""

    WALLET = "wallet"
    ACCOUNT = "account"
    ORDERS = "orders"


@app.command()
def create(
    sponsor: WhoArgument,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV: payee,amount and, if need be, memo,reference."),
    ],
    asset: AssetArgument,
    payout: Annotated[
        Payout,
        typer.Option(
            help="Claimed to the winner's wallet, or to his ledger account, or paid by orders."
        ),
    ] = Payout.WALLET,
    days: Annotated[int, typer.Option(help="How long winners can be paid, from now on.")] = 30,
    terms: Annotated[str, typer.Option(help="The terms' text; its hash is kept.")] = "",
    fee_max: FeeMax = None,
    as_json: AsJson = False,
) -> None:
    """Create a prize and pay it in from the sponsor's wallet. The same file again shows the prize
    that is there, and pays nobody twice.
    """
    from backend.console.prizes import PrizeActions, PrizeWish

    wish = PrizeWish(file, asset, payout.value, days, terms, fee_max)
    with connected(as_json) as (screen, actions):
        _show(screen, actions, PrizeActions(actions).create(sponsor, wish))


@app.command("list")
def list_prizes(as_json: AsJson = False) -> None:
    """List prizes, the newest first."""
    with connected(as_json) as (screen, actions):
        found = list(actions.client.prizes.list())
        shown = table("id", "prize", rows=[(one.id, _text(actions, one)) for one in found])
        screen.show_list(found, shown, "there is no prize")


@app.command()
def show(
    prize_id: Id,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is left of a prize, and how many are paid."""
    from backend.console.prizes import PrizeActions

    with connected(as_json) as (screen, actions):
        prizes = actions.client.prizes
        found = PrizeActions(actions).wait(prize_id) if wait else prizes.get(prize_id)
        _show(screen, actions, found)


@app.command()
def entries(
    prize_id: Id,
    person: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of one person: a local name, or an address.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List who gets what; with --json also the proofs."""
    from backend.console.amounts import amount_text

    with connected(as_json) as (screen, actions):
        whose = None if person is None else actions.people.find(person).address
        asset = actions.asset(actions.client.prizes.get(prize_id).asset)
        found = list(actions.client.prizes.entries(prize_id, person=whose))
        rows = [
            (str(one.index), one.person, amount_text(asset, one.amount), one.status)
            for one in found
        ]
        shown = table(">index", "person", f">{asset.code}", "status", rows=rows)
        screen.show_list(found, shown, "there is no entry")


@app.command()
def claim(
    prize_id: Id,
    who: WhoArgument,
    sender: Annotated[
        str | None,
        typer.Option("--from", metavar="NAME", help="Who sends it; by default the winner himself."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Have a winner paid. Anybody may send it for him."""
    from backend.console.amounts import amount_text
    from backend.console.prizes import PrizeActions

    with connected(as_json) as (screen, actions):
        found = PrizeActions(actions).claim(prize_id, who, sender)
        asset = actions.asset(actions.client.prizes.get(prize_id).asset)
        lines = [
            f"entry {one.index}: {amount_text(asset, one.amount)} {asset.code}, {one.status}"
            for one in found
        ]
        screen.show({"object": "list", "data": [one.raw for one in found]}, *lines)


@app.command()
def withdraw(prize_id: Id, as_json: AsJson = False) -> None:
    """Take back what nobody claimed in time, for the sponsor."""
    from backend.console.prizes import PrizeActions

    with connected(as_json) as (screen, actions):
        _show(screen, actions, PrizeActions(actions).withdraw_rest(prize_id))


def _show(screen: "Screen", actions: "Actions", prize: "Prize") -> None:
    screen.show(prize.raw, _text(actions, prize), prize.id)


def _text(actions: "Actions", prize: "Prize") -> str:
    from backend.console.amounts import amount_text

    asset = actions.asset(prize.asset)
    total, left = (amount_text(asset, one) for one in (prize.total, prize.remaining))
    return (
        f"prize of {total} {asset.code} to {prize.entry_count} entries ({prize.payout}) is "
        f"{prize.status}: {prize.paid_count} paid, {left} left, until {prize.ends_at}"
    )
