"""`causeway customer`: people whose keys the platform keeps."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.cli.options import AmountArgument, AsJson, AssetArgument, connected
from backend.cli.screen import table

if TYPE_CHECKING:
    from causeway import Customer

app = typer.Typer(
    help="Customers without keys of their own: the platform keeps them and signs.",
    no_args_is_help=True,
)

CustomerArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The customer's name, or his id (cus_…).")
]
PayeeArgument = Annotated[
    str, typer.Argument(metavar="TO", help="Who is paid: a name, a customer, or 0x….")
]


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Your own name for him.")],
    as_json: AsJson = False,
) -> None:
    """Make a customer and his key. A repeat changes nothing."""
    from backend.console.custody import CustodyActions

    with connected(as_json) as (screen, actions):
        made = CustodyActions(actions).add(name)
        screen.show(made.raw, f"{made.external_id} is {made.id}: {made.address}")


@app.command("list")
def list_customers(as_json: AsJson = False) -> None:
    """List the customers whose keys the platform keeps."""
    with connected(as_json) as (screen, actions):
        found = [*actions.client.customers.list()]
        rows = [(one.external_id, one.id, one.address) for one in found]
        empty = "Nobody yet. `causeway customer create NAME` makes one."
        screen.show_list(found, table("name", "id", "address", rows=rows), empty)


@app.command()
def show(
    who: CustomerArgument,
    uses: Annotated[
        bool, typer.Option("--uses", help="Show each use of his key, the newest first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a customer's balances, and what his key was used for."""
    from backend.console.custody import CustodyActions

    with connected(as_json) as (screen, actions):
        custody = CustodyActions(actions)
        found = custody.find(who)
        balances = custody.balances(found)
        data = found.raw | {
            "balances": [{"asset": asset.code, "ledger": text} for asset, text in balances]
        }
        parts: list[Any] = [
            _title(found),
            table("asset", ">ledger", rows=[(asset.code, text) for asset, text in balances]),
        ]
        if uses:
            listed = [*actions.client.customers.key_uses(found.id)]
            data["key_uses"] = [one.raw for one in listed]
            rows = [(one.created_at, one.purpose, one.actor, one.digest) for one in listed]
            parts.append(table("when", "what", "for", "digest", rows=rows))
        screen.show(data, *parts)


@app.command()
def pay(
    who: CustomerArgument,
    payee: PayeeArgument,
    amount: AmountArgument,
    asset: AssetArgument,
    memo: Annotated[
        str | None, typer.Option(help="A text or invoice; the payment binds its hash.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Have the platform pay for a customer, and wait until the payment is final."""
    from backend.console.amounts import amount_text
    from backend.console.custody import CustodyActions

    with connected(as_json) as (screen, actions):
        paid = CustodyActions(actions).pay(who, payee, amount, asset, memo=memo)
        payment, used = paid.payment, actions.asset(asset)
        shown, fee = amount_text(used, payment.amount), amount_text(used, payment.fee)
        screen.show(
            payment.raw | {"ms": paid.ms},
            f"{who} paid {payee} {shown} {used.code} (fee {fee}): {payment.status} in {paid.ms} ms",
            payment.id,
        )


def _title(customer: "Customer") -> str:
    return f"{customer.external_id} {customer.id} {customer.address}"
