"""`causeway proposal`: what the treasury shall do, and who approves it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backend.cli.options import AsJson, connected
from backend.cli.screen import table
from backend.protocol.money import format_decimal
from backend.protocol.types import address_text

if TYPE_CHECKING:
    from backend.cli.screen import Screen
    from backend.console.actions import Actions
    from backend.console.approvals import Checked
    from backend.settlement.deployment_file import TokenRecord
    from backend.settlement.dry_run import BalanceChange
    from causeway import Proposal

app = typer.Typer(help="What the treasury shall do, and who approves it.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="The proposal's id (0x…).")]
Signer = Annotated[
    str, typer.Option("--as", metavar="NAME", help="Whose key here signs, like treasurer-2.")
]
_ENDED = ("executed", "expired", "cancelled", "vetoed", "failed")
File = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A payout's file: see that the proposal pays just that."),
]


@app.command("list")
def list_proposals(
    status: Annotated[str | None, typer.Option(help="Only of this status, like open.")] = None,
    as_json: AsJson = False,
) -> None:
    """List proposals, the newest first."""
    with connected(as_json) as (screen, actions):
        found = list(actions.client.proposals.list(status=status))
        rows = [(one.id, one.status, one.kind, one.purpose, one.deadline) for one in found]
        shown = table("proposal", "status", "kind", "purpose", "deadline", rows=rows)
        screen.show_list(found, shown, "there is no proposal")


@app.command()
def show(proposal_id: Id, file: File = None, as_json: AsJson = False) -> None:
    """Show a proposal: what it would do on the chain as it is now, and what it still needs."""
    from backend.console.approvals import ApprovalActions

    with connected(as_json) as (screen, actions):
        checked = ApprovalActions(actions).look(proposal_id, file)
        screen.show(checked.shown.raw, *_lines(actions, checked))


@app.command()
def approve(
    proposal_id: Id,
    signer: Signer,
    file: File = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a proposal would do, ask, and sign it with a key that is here."""
    from backend.console.approvals import ApprovalActions

    with connected(as_json) as (screen, actions):
        treasurers = ApprovalActions(actions)
        checked = treasurers.look(proposal_id, file)
        if not as_json:
            screen.show(None, *_lines(actions, checked))
        if not yes:
            typer.confirm(f"Approve this as {signer}?", abort=True, err=True)
        _show(screen, treasurers.approve(checked, signer))


@app.command()
def execute(proposal_id: Id, as_json: AsJson = False) -> None:
    """Have an approved proposal executed; with a timelock, schedule it first."""
    with connected(as_json) as (screen, actions):
        _show(screen, actions.client.proposals.execute(proposal_id))


@app.command()
def cancel(
    proposal_id: Id,
    signer: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Whose key signs; none while it is open."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """End a proposal for ever: by its proposer, or by signers who veto it."""
    from backend.console.approvals import ApprovalActions

    with connected(as_json) as (screen, actions):
        _show(screen, ApprovalActions(actions).cancel(proposal_id, signer))


def _show(screen: "Screen", found: "Proposal") -> None:
    lines = [f"proposal {found.id}: {found.status}", *_weights(found)]
    if found.status == "approved":
        lines.append(f"next: `causeway proposal execute {found.id}`")
    screen.show(found.raw, *lines)


def _weights(found: "Proposal") -> list[str]:
    """Return what the approvals weigh; once a proposal has ended, none counts any more."""
    if found.status in _ENDED:
        return [] if found.tx_hash is None else [f"transaction {found.tx_hash}"]
    signers = [
        f"{one['signer']} (proposer)" if one["signer"] == found.proposer else str(one["signer"])
        for one in found.approvals or ()
    ]
    shown = ", ".join(signers) or "nobody yet"
    return [f"approvals weigh {found.weight} of {found.weight_needed}: {shown}"]


def _lines(actions: "Actions", checked: "Checked") -> list[str]:
    from backend.console.amounts import amount_text

    shown = checked.shown
    lines = [f"proposal {shown.id}: {shown.status}, until {shown.deadline}"]
    lines.append(f"purpose: {shown.purpose}")
    for effect in checked.run.effects:
        decoded = effect.decoded
        name = "unknown function" if decoded is None else decoded.name
        values = {} if decoded is None else decoded.values
        arguments = ", ".join(f"{name}={_readable(value)}" for name, value in values.items())
        outcome = "" if effect.error is None else f" FAILS: {effect.error}"
        lines.append(f"calls {address_text(effect.call.target)} {name}({arguments}){outcome}")
    tokens = actions.deployment.tokens
    lines += [_moved(change, tokens) for change in checked.run.changes or ()]
    if checked.payout is not None:
        payout, asset = checked.payout, actions.asset(checked.payout.asset)
        total, fees = amount_text(asset, payout.total), amount_text(asset, payout.fees)
        paid = f"{total} {asset.code} (fees {fees}) to {payout.line_count} lines"
        lines.append(f"pays {paid}, as its root says")
    return [*lines, *_weights(shown)]


def _moved(change: "BalanceChange", tokens: Sequence["TokenRecord"]) -> str:
    """Return a change of a balance; a token that the deployment's file doesn't have is counted in
    base units.
    """
    amount = abs(change.amount)
    shown = f"{amount} base units of token {address_text(change.token)}"
    for token in tokens:
        if token.address == change.token:
            shown = f"{format_decimal(amount, token.decimals)} {token.symbol}"
    return f"{address_text(change.account)} {'gets' if change.amount > 0 else 'pays'} {shown}"


def _readable(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
