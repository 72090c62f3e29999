"""`causeway withdraw`: money back to the chain, settled or at once."""

from typing import TYPE_CHECKING, Annotated

import typer

from backend.cli.options import (
    AmountArgument,
    AsJson,
    AssetArgument,
    FeeMax,
    KeyFile,
    WhoArgument,
    connected,
)
from backend.cli.screen import Screen

if TYPE_CHECKING:
    from backend.console.actions import Actions
    from causeway import Withdrawal

app = typer.Typer(
    help="Take money back to the chain: `causeway withdraw NAME AMOUNT ASSET`, then "
    "`causeway withdraw claim ID`.",
    no_args_is_help=True,
)
Id = Annotated[str, typer.Argument(metavar="ID", help="The withdrawal's id (0x…).")]


@app.command()
def start(
    who: WhoArgument,
    amount: AmountArgument,
    asset: AssetArgument,
    claim_too: Annotated[
        bool,
        typer.Option(
            "--claim", help="Post, wait until it is settled, and claim (on local chains)."
        ),
    ] = False,
    fee_max: FeeMax = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Take money out of the ledger (the word `start` may be left out)."""
    with connected(as_json, key_file) as (screen, actions):
        made = actions.withdraw(who, amount, asset, fee_max=fee_max)
        if claim_too:
            actions.settle()
            made = actions.claim(made.id)
        _show(screen, actions, made)


@app.command()
def claim(
    withdrawal_id: Id,
    sender: Annotated[
        str | None,
        typer.Option("--from", metavar="NAME", help="Who sends it; by default the owner."),
    ] = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Claim a settled withdrawal on the chain. Whoever sends it, its owner is paid."""
    with connected(as_json, key_file) as (screen, actions):
        _show(screen, actions, actions.claim(withdrawal_id, sender))


@app.command()
def advance(
    withdrawal_id: Id,
    provider: Annotated[
        str, typer.Option("--from", metavar="NAME", help="Who pays now and claims later.")
    ],
    fee: Annotated[str, typer.Option(metavar="AMOUNT", help="What he keeps.")] = "0",
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Have a provider pay a withdrawal at once, less his fee: he takes the claim, and the risk that
    its batch is rolled back. The owner's key signs here.
    """
    from backend.console.leaving import LeavingActions

    with connected(as_json, key_file) as (screen, actions):
        leaving = LeavingActions(actions)
        advanced = leaving.advance(withdrawal_id, provider, fee)
        screen.show(advanced.raw, leaving.shown(advanced), advanced.id)


@app.command()
def show(withdrawal_id: Id, as_json: AsJson = False) -> None:
    """Show how a withdrawal stands."""
    with connected(as_json) as (screen, actions):
        _show(screen, actions, actions.client.withdrawals.get(withdrawal_id))


def _show(screen: Screen, actions: "Actions", found: "Withdrawal") -> None:
    from backend.console.amounts import amount_text

    asset = actions.asset(found.asset or "")
    amount, fee = amount_text(asset, found.amount), amount_text(asset, found.fee)
    lines = [f"withdrawal of {amount} {asset.code} (fee {fee}): {found.status}", found.id]
    if found.advance is not None:
        provider = actions.people.name(found.advance["provider"])
        lines.insert(1, f"paid in advance by {provider}, who gets what is claimed")
    claiming = f"`causeway withdraw claim {found.id}`"
    if found.status in ("accepted", "final"):
        lines.append(f"next: `causeway batch post --wait`, then {claiming}")
    elif found.status == "settled":
        lines.append(f"next: {claiming}")
    screen.show(found.raw, *lines)
