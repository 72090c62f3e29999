"""`causeway hold`: money set aside for a payee until it is captured, released or expired."""

from typing import TYPE_CHECKING, Annotated

import typer

from backend.cli.customer import PayeeArgument
from backend.cli.options import AmountArgument, AsJson, AssetArgument, FeeMax, KeyFile, connected
from backend.cli.screen import table

if TYPE_CHECKING:
    from causeway import Hold

app = typer.Typer(help="Money set aside for a payee: capture, release.", no_args_is_help=True)

HoldArgument = Annotated[str, typer.Argument(metavar="ID", help="The hold's id (hold_…).")]


@app.command()
def create(
    payer: Annotated[
        str, typer.Argument(metavar="FROM", help="Who pays: a local name, or a customer.")
    ],
    payee: PayeeArgument,
    amount: AmountArgument,
    asset: AssetArgument,
    hours: Annotated[int, typer.Option(min=1, help="How long it is held.")] = 24,
    memo: Annotated[str | None, typer.Option(help="A text; its payments bind its hash.")] = None,
    fee_max: FeeMax = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Set money aside, signed by the payer's key here or by the platform for a customer."""
    from backend.console.custody import CustodyActions

    with connected(as_json, key_file) as (screen, actions):
        custody = CustodyActions(actions)
        made = custody.hold(payer, payee, amount, asset, hours * 3600, memo=memo, fee_max=fee_max)
        following = f"next: `causeway hold capture {made.id}`, or `hold release`"
        screen.show(made.raw, custody.shown(made), made.id, following)


@app.command("list")
def list_holds(as_json: AsJson = False) -> None:
    """List holds, the newest first."""
    from backend.console.custody import CustodyActions

    with connected(as_json) as (screen, actions):
        custody = CustodyActions(actions)
        found = list(actions.client.holds.list())
        rows = [(one.id, custody.shown(one), one.expires_at) for one in found]
        shown = table("id", "hold", "until", rows=rows)
        screen.show_list(found, shown, "there is no hold")


@app.command()
def show(hold_id: HoldArgument, as_json: AsJson = False) -> None:
    """Show where a hold stands in the ledger."""
    from backend.console.custody import CustodyActions

    with connected(as_json) as (screen, actions):
        found: Hold = actions.client.holds.get(hold_id)
        screen.show(found.raw, CustodyActions(actions).shown(found))


@app.command()
def capture(
    hold_id: HoldArgument,
    amount: Annotated[
        str | None, typer.Argument(metavar="[AMOUNT]", help="A decimal; by default all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Pay the payee all of a hold or a part of it; the rest goes back at once."""
    from backend.console.custody import CustodyActions

    with connected(as_json) as (screen, actions):
        custody = CustodyActions(actions)
        captured = custody.capture(hold_id, amount)
        screen.show(captured.raw, custody.shown(captured))


@app.command()
def release(hold_id: HoldArgument, as_json: AsJson = False) -> None:
    """Give a hold's money back to its payer. A repeat changes nothing."""
    from backend.console.custody import CustodyActions

    with connected(as_json) as (screen, actions):
        released = actions.client.holds.release(hold_id)
        screen.show(released.raw, CustodyActions(actions).shown(released))
