"""`causeway exit`: all money of an account out of the ledger, asked of the chain."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backend.cli.options import AsJson, AssetArgument, KeyFile, WhoArgument, connected
from backend.cli.screen import table

if TYPE_CHECKING:
    from causeway import Exit

app = typer.Typer(
    help="Ask the chain for all money of an account; nobody can refuse it. Without a platform, "
    "`causeway exit-kit` makes the kit of the chain alone.",
    no_args_is_help=True,
)


@app.command()
def request(
    who: WhoArgument, asset: AssetArgument, key_file: KeyFile = None, as_json: AsJson = False
) -> None:
    """Ask for an exit: the owner's own transaction, with a bounty for who shows it as served."""
    from backend.console.leaving import LeavingActions

    with connected(as_json, key_file) as (screen, actions):
        made = LeavingActions(actions).request(who, asset)
        lines = [f"exit {made.id} of account {made.account_id} ({made.asset}): {made.status}"]
        lines.append(f"next: `causeway exit show {who}`")
        screen.show(made.raw, *lines)


@app.command()
def show(who: WhoArgument, as_json: AsJson = False) -> None:
    """Show somebody's exits, with the withdrawals that they caused."""
    from backend.console.leaving import LeavingActions

    with connected(as_json) as (screen, actions):
        found = LeavingActions(actions).exits(who)
        rows = [_row(one) for one in found]
        columns = ("exit", "asset", "status", "may freeze at", "withdrawals")
        screen.show_list(found, table(*columns, rows=rows), f"{who} has not asked for an exit")


@app.command()
def kit(
    who: WhoArgument,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="By default exit-ADDRESS.json here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write all transactions by which somebody leaves, as the platform knows them: quickly made,
    and the same as `causeway exit-kit` makes of the chain alone.
    """
    with connected(as_json) as (screen, actions):
        found = actions.client.exits.kit(actions.people.find(who).address)
        path = out or Path(f"exit-{found.owner}.json")
        path.write_text(json.dumps(found.raw, indent=2) + "\n")
        lines = [f"{call['what']}: {call['text']}" for call in found.calls]
        screen.show(found.raw, *lines, f"{path} holds the calls")


def _row(found: "Exit") -> tuple[str, ...]:
    withdrawals = ", ".join(found.withdrawals)
    return found.id, found.asset or "", found.status, found.may_freeze_at or "", withdrawals
