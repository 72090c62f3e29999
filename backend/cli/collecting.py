"""`causeway request` and `causeway refund`: ask for money, and pay it back."""

from typing import TYPE_CHECKING, Annotated

import typer

from backend.cli.options import (
    AmountArgument,
    AsJson,
    FeeMax,
    KeyFile,
    connected,
)
from backend.cli.screen import Screen, table

if TYPE_CHECKING:
    from backend.console.actions import Actions
    from causeway import PaymentRequest

app = typer.Typer(
    help="Ask for payments: `causeway request create bob 5 USDX`, then "
    "`causeway pay alice --request ID`.",
    no_args_is_help=True,
)
Id = Annotated[str, typer.Argument(metavar="ID", help="The request's id (preq_…).")]


@app.command()
def create(
    payee: Annotated[str, typer.Argument(metavar="NAME", help="Who is to be paid.")],
    amount: Annotated[
        str, typer.Argument(metavar="AMOUNT", help='A decimal, like 12.34, or "any".')
    ],
    asset: Annotated[str, typer.Argument(metavar="ASSET", help="The asset's code, like USDX.")],
    memo: Annotated[
        str | None, typer.Option(help="A text or invoice; by default the request's own.")
    ] = None,
    expires_at: Annotated[
        str | None, typer.Option(metavar="TIME", help="RFC 3339, like 2027-01-31T12:00:00Z.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask for a payment: a link to show to the payer, and a code for his wallet."""
    from backend.console.collecting import CollectingActions

    with connected(as_json) as (screen, actions):
        text = None if amount == "any" else amount
        made = CollectingActions(actions).ask(payee, text, asset, memo=memo, expires_at=expires_at)
        _show(screen, actions, made)


@app.command()
def show(request_id: Id, as_json: AsJson = False) -> None:
    """Show a payment request, and whether it is paid."""
    with connected(as_json) as (screen, actions):
        _show(screen, actions, actions.client.payment_requests.get(request_id))


@app.command("list")
def list_requests(as_json: AsJson = False) -> None:
    """List payment requests, the newest first."""
    with connected(as_json) as (screen, actions):
        found = list(actions.client.payment_requests.list())
        rows = [
            (one.id, one.status, _amount(actions, one), actions.people.name(one.payee))
            for one in found
        ]
        shown = table("id", "status", "amount", "to", rows=rows)
        screen.show_list(found, shown, "there is no payment request")


def _amount(actions: "Actions", found: "PaymentRequest") -> str:
    from backend.console.amounts import amount_text

    asset = actions.asset(found.asset)
    amount = "any amount of" if found.amount is None else amount_text(asset, found.amount)
    return f"{amount} {asset.code}"


def _show(screen: Screen, actions: "Actions", found: "PaymentRequest") -> None:
    payee = actions.people.name(found.payee)
    lines = [f"request of {_amount(actions, found)} to {payee}: {found.status}", found.id]
    if found.payment_id is not None:
        lines.append(f"paid by {found.payment_id}")
    elif found.status == "open":
        lines += [found.link, found.eip681, f"next: `causeway pay NAME --request {found.id}`"]
    screen.show(found.raw, *lines)


def refund(
    payment_id: Annotated[
        str, typer.Argument(metavar="PAYMENT", help="The id of the payment (0x…).")
    ],
    amount: AmountArgument,
    fee_max: FeeMax = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Pay an amount of a payment back, with its payee's key, and wait until it is final."""
    from backend.console.amounts import amount_text
    from backend.console.collecting import CollectingActions

    with connected(as_json, key_file) as (screen, actions):
        made = CollectingActions(actions).refund(payment_id, amount, fee_max=fee_max)
        asset = actions.asset(made.asset or "")
        shown = amount_text(asset, made.amount)
        screen.show(made.raw, f"paid {shown} {asset.code} back: {made.status}", made.id)
