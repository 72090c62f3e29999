"""`causeway`: start a platform, and do with it what its customers and operators do."""

from importlib.metadata import version
from typing import Annotated

import typer

from backend.cli import (
    account,
    api_key,
    batch,
    campaign,
    collecting,
    committee,
    customer,
    exits,
    grant,
    group,
    hold,
    kyc,
    payments,
    payout,
    platform,
    prize,
    proposal,
    rebuilding,
    schedule,
    verify,
    watching,
    withdrawals,
)
from backend.cli.root import Root, WithDefault

app = typer.Typer(
    cls=Root,
    help="Run the Causeway payment platform, and use it.",
    epilog="Begin with: causeway up · account new alice · kyc apply alice · deposit alice 100 USDX",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"causeway {version('causeway-platform')}")
        raise typer.Exit()


@app.callback()
def _main(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    pass


app.command()(platform.up)
app.command()(platform.down)
app.command()(platform.status)
app.command()(platform.deploy)
app.command()(verify.verify)
app.command()(rebuilding.rebuild)
app.command("exit-kit")(rebuilding.exit_kit)
app.command()(watching.watch)
app.add_typer(committee.app, name="committee")
app.add_typer(account.app, name="account")
app.add_typer(kyc.app, name="kyc")
app.command()(payments.deposit)
app.command()(payments.pay)
app.add_typer(collecting.app, name="request")
app.command()(collecting.refund)
app.add_typer(group.app, name="group")
app.add_typer(customer.app, name="customer")
app.add_typer(hold.app, name="hold")
app.add_typer(schedule.app, name="schedule")
app.add_typer(withdrawals.app, name="withdraw", cls=WithDefault)
app.add_typer(exits.app, name="exit")
app.add_typer(campaign.app, name="campaign")
app.add_typer(grant.app, name="grant")
app.add_typer(prize.app, name="prize")
app.add_typer(payout.app, name="payout")
app.add_typer(proposal.app, name="proposal")
app.add_typer(batch.app, name="batch")
app.add_typer(api_key.app, name="api-key")
