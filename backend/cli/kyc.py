"""`causeway kyc`: customers' checks, which let their deposits in."""

from typing import TYPE_CHECKING, Annotated

import typer

from backend.cli.options import AsJson, WhoArgument, connected
from backend.cli.screen import Screen

if TYPE_CHECKING:
    from causeway import Applicant

app = typer.Typer(help="Customers' checks, which let their deposits in.", no_args_is_help=True)


@app.command()
def apply(
    who: WhoArgument,
    given_name: Annotated[str, typer.Option(help="For the provider.")] = "",
    family_name: Annotated[
        str, typer.Option(help="For the provider; the sandbox rejects `Reject`.")
    ] = "",
    country: Annotated[str, typer.Option(help="For the provider: two letters.")] = "",
    as_json: AsJson = False,
) -> None:
    """Have somebody checked. Whoever is approved or pending already stays so."""
    given = {"given_name": given_name, "family_name": family_name, "country": country}
    with connected(as_json) as (screen, actions):
        _show(screen, who, actions.apply_for_kyc(who, given))


@app.command()
def show(who: WhoArgument, as_json: AsJson = False) -> None:
    """Show how somebody's check stands."""
    with connected(as_json) as (screen, actions):
        _show(screen, who, actions.applicant(who))


@app.command()
def revoke(who: WhoArgument, as_json: AsJson = False) -> None:
    """Revoke an approval: no further deposit is let in. Withdrawals are never stopped."""
    with connected(as_json) as (screen, actions):
        _show(screen, who, actions.revoke_kyc(who))


@app.command()
def record(
    who: WhoArgument,
    sender: Annotated[
        str | None,
        typer.Option("--from", metavar="NAME", help="Who sends it; by default the person."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put an approval on the chain, so that its person can be paid in regulated assets."""
    with connected(as_json) as (screen, actions):
        _show(screen, who, actions.record_attestation(who, sender))


def _show(screen: Screen, who: str, applicant: "Applicant") -> None:
    reasons = f" ({', '.join(applicant.reasons)})" if applicant.reasons else ""
    screen.show(applicant.raw, f"{who} is {applicant.status}{reasons}", applicant.id)
