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
    payee: Annotated[
        str, typer.Argument(metavar="TO", help="Who is paid: a name, or 0x….", show_default=False)
    ] = "",
    amount: Annotated[
        str, typer.Argument(metavar="AMOUNT", help="A decimal, like 12.34.", show_default=False)
    ] = "",
    asset: Annotated[
        str,
        typer.Argument(metavar="ASSET", help="The asset's code, like USDX.", show_default=False),
    ] = "",
    memo: Annotated[
        str | None, typer.Option(help="A text or invoice; the payment binds its hash.")
    ] = None,
    request: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Pay this request instead of TO, AMOUNT and ASSET."),
    ] = None,
    request_amount: Annotated[
        str | None,
        typer.Option("--amount", metavar="AMOUNT", help="For a request that takes any amount."),
    ] = None,
    fee_max: FeeMax = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Pay somebody, and wait until the payment is final."""
    from backend.console.amounts import amount_text
    from backend.console.collecting import CollectingActions

    _check_call(payee, amount, asset, memo, request, request_amount)
    with connected(as_json, key_file) as (screen, actions):
        if request is None:
            paid = actions.pay(payer, payee, amount, asset, memo=memo, fee_max=fee_max)
        else:
            collecting = CollectingActions(actions)
            paid = collecting.pay_request(payer, request, request_amount, fee_max=fee_max)
        payment = paid.payment
        used = actions.asset(payment.asset or "")
        payee = payee or actions.people.name(payment.payee or "")
        shown, fee = amount_text(used, payment.amount), amount_text(used, payment.fee)
        screen.show(
            payment.raw | {"ms": paid.ms},
            f"{payer} paid {payee} {shown} {used.code} (fee {fee}): "
            f"{payment.status} in {paid.ms} ms",
            payment.id,
        )


def _check_call(
    payee: str,
    amount: str,
    asset: str,
    memo: str | None,
    request: str | None,
    request_amount: str | None,
) -> None:
    """Check that a call names a payee, an amount and an asset, or else a request."""
    if request is not None:
        if payee or memo is not None:
            raise typer.BadParameter("--request stands instead of TO, AMOUNT, ASSET and --memo")
        return
    if request_amount is not None:
        raise typer.BadParameter("--amount goes with --request")
    for name, value in (("TO", payee), ("AMOUNT", amount), ("ASSET", asset)):
        if not value:
            raise typer.BadParameter(f"missing argument {name}")
