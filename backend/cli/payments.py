"""`causeway deposit` and `causeway pay`: money in, and money moved."""

from typing import Annotated

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


def deposit(
    who: WhoArgument,
    amount: AmountArgument,
    asset: AssetArgument,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Deposit from somebody's wallet, and wait until it is credited.

    On a local chain he is given money for gas and test tokens first.
    """
    from backend.console.amounts import amount_text

    with connected(as_json, key_file) as (screen, actions):
        made = actions.deposit(who, amount, asset)
        shown = amount_text(actions.asset(made.asset), made.amount)
        screen.show(
            made.raw, f"{who} deposited {shown} {made.asset}: {made.status}", f"deposit {made.id}"
        )


def pay(
    payer: Annotated[str, typer.Argument(metavar="FROM", help="Who pays: a local name, or 0x….")],
    payee: Annotated[str, typer.Argument(metavar="TO", help="Who is paid: a name, or 0x….")],
    amount: AmountArgument,
    asset: AssetArgument,
    memo: Annotated[
        str | None, typer.Option(help="A text or invoice; the payment binds its hash.")
    ] = None,
    fee_max: FeeMax = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Pay somebody, and wait until the payment is final."""
    from backend.console.amounts import amount_text

    with connected(as_json, key_file) as (screen, actions):
        paid = actions.pay(payer, payee, amount, asset, memo=memo, fee_max=fee_max)
        payment = paid.payment
        used = actions.asset(asset)
        shown, fee = amount_text(used, payment.amount), amount_text(used, payment.fee)
        screen.show(
            payment.raw | {"ms": paid.ms},
            f"{payer} paid {payee} {shown} {used.code} (fee {fee}): "
            f"{payment.status} in {paid.ms} ms",
            payment.id,
        )
