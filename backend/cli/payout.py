"""`causeway payout`: many payments by one approval."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backend.cli.options import AsJson, connected
from backend.cli.screen import table

if TYPE_CHECKING:
    from backend.cli.screen import Screen
    from backend.console.actions import Actions
    from causeway import Payout

app = typer.Typer(
    help="Many payments by one approval: `create` proposes a file, `causeway proposal` has it "
    "approved, and then everybody is paid.",
    no_args_is_help=True,
)
Id = Annotated[str, typer.Argument(metavar="ID", help="The payout's id (0x…).")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it has ended.")]


@app.command()
def create(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV: payee,amount and, if need be, memo,reference."),
    ],
    asset: Annotated[str, typer.Option(help="The asset's code, like USDX.")],
    proposer: Annotated[
        str, typer.Option("--as", metavar="NAME", help="The treasurer who proposes it.")
    ] = "treasurer-1",
    owner: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Who pays in place of the treasury, such as a Safe (0x…)."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Propose to pay everybody in a file. The same file again shows the payout that is there, and
    pays nobody twice.
    """
    from backend.console.approvals import ApprovalActions

    with connected(as_json) as (screen, actions):
        made = ApprovalActions(actions).run(file, asset, proposer=proposer, owner=owner)
        _show(screen, actions, made)


@app.command()
def show(payout_id: Id, wait: Wait = False, as_json: AsJson = False) -> None:
    """Show how a payout stands."""
    from backend.console.approvals import ApprovalActions

    with connected(as_json) as (screen, actions):
        treasurers = ApprovalActions(actions)
        found = treasurers.show(payout_id)
        if wait:
            if found.status == "proposed":
                screen.say(f"waiting until it is approved and executed: {_proposal(found)}")
            found = treasurers.wait(payout_id)
        _show(screen, actions, found)


@app.command("list")
def list_payouts(as_json: AsJson = False) -> None:
    """List payouts, the newest first."""
    with connected(as_json) as (screen, actions):
        found = list(actions.client.payouts.list())
        rows = [
            (one.id, one.status, str(one.line_count), str(one.paid_count), one.asset)
            for one in found
        ]
        shown = table("payout", "status", ">lines", ">paid", "asset", rows=rows)
        screen.show_list(found, shown, "there is no payout")


@app.command()
def report(
    payout_id: Id,
    skipped_to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the skipped lines here, as the next file."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the sums of a payout: paid, skipped and why, waiting."""
    from backend.console.amounts import amount_text
    from backend.console.approvals import ApprovalActions

    with connected(as_json) as (screen, actions):
        found = ApprovalActions(actions).report(payout_id, skipped_to)
        asset = actions.asset(actions.client.payouts.get(payout_id).asset)
        lines = []
        for name in ("paid", "skipped", "waiting"):
            sums = getattr(found, name)
            amount = amount_text(asset, int(sums["total"]))
            lines.append(f"{name}: {sums['count']} lines, {amount} {asset.code}")
        lines += [f"  {code}: {count}" for code, count in found.skipped["by_code"].items()]
        screen.show(found.raw, f"payout {found.id}: {found.status}", *lines)


@app.command()
def cancel(payout_id: Id, as_json: AsJson = False) -> None:
    """Give a payout of another owner up; the treasury's is ended by `proposal cancel`."""
    with connected(as_json) as (screen, actions):
        _show(screen, actions, actions.client.payouts.cancel(payout_id))


def _proposal(found: "Payout") -> str:
    """Return what shows how far a proposed payout is."""
    if found.proposal_id is None:
        return f"{found.owner} has to make its call"
    return f"`causeway proposal show {found.proposal_id}`"


def _show(screen: "Screen", actions: "Actions", found: "Payout") -> None:
    from backend.console.amounts import amount_text

    asset = actions.asset(found.asset)
    total, fees = amount_text(asset, found.total), amount_text(asset, found.fees)
    lines = [
        f"payout of {total} {asset.code} (fees {fees}) to {found.line_count} lines: {found.status}",
        found.id,
        f"paid {found.paid_count}, skipped {found.skipped_count}",
    ]
    if found.status == "proposed" and found.proposal_id is not None:
        lines.append(f"next: `causeway proposal approve {found.proposal_id} --as NAME`")
    elif found.status == "proposed":
        lines.append(f"next: {found.owner} calls {found.call['target']} with {found.call['data']}")
    screen.show(found.raw, *lines)
