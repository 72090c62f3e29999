"""`causeway grant`: bonuses of people, and what they still wait for."""

from typing import TYPE_CHECKING, Annotated

import typer

from backend.cli.options import AsJson, connected

if TYPE_CHECKING:
    from backend.cli.screen import Screen
    from backend.console.actions import Actions
    from causeway import Grant

app = typer.Typer(help="Bonuses of people, and what they still wait for.", no_args_is_help=True)


@app.command()
def show(
    grant: Annotated[str, typer.Argument(metavar="GRANT", help="The grant's number.")],
    as_json: AsJson = False,
) -> None:
    """Show a grant: each condition with what it asks for, what is, and whether it is met."""
    with connected(as_json) as (screen, actions):
        show_grant(screen, actions, actions.client.grants.get(grant))


@app.command("list")
def list_grants(
    campaign: Annotated[str | None, typer.Option(help="Only of this campaign.")] = None,
    person: Annotated[str | None, typer.Option(help="Only of this person.")] = None,
    as_json: AsJson = False,
) -> None:
    """List grants, the newest first."""
    with connected(as_json) as (screen, actions):
        who = None if person is None else actions.people.find(person).address
        grants = list(actions.client.grants.list(campaign_id=campaign, person=who))
        lines = [_line(actions, grant) for grant in grants]
        data = {"object": "list", "data": [one.raw for one in grants]}
        screen.show(data, *lines or ["there is no grant"])


def show_grant(screen: "Screen", actions: "Actions", grant: "Grant") -> None:
    """Show a grant with its conditions."""
    lines = [_line(actions, grant)]
    for name, condition in grant.conditions.items():
        mark = "met" if condition["is_met"] else "not met"
        needed, actual = condition["needed"], condition["actual"]
        if name == "turnover":
            needed, actual = _money(actions, grant, needed), _money(actions, grant, actual)
        lines.append(f"  {name.replace('_', ' ')}: {mark} (needs {needed}, is {actual})")
    screen.show(grant.raw, *lines)


def _money(actions: "Actions", grant: "Grant", amount: str) -> str:
    from backend.console.amounts import amount_text

    return f"{amount_text(actions.asset(grant.asset), int(amount))} {grant.asset}"


def _line(actions: "Actions", grant: "Grant") -> str:
    waits = f", {grant.obstacle.lower().replace('_', ' ')}" if grant.obstacle else ""
    if grant.status == "open" and not grant.obstacle:
        waits = ", all conditions hold"
    what = f"grant {grant.id} of campaign {grant.campaign_id}"
    return f"{what}: {_money(actions, grant, str(grant.bonus))}, {grant.status}{waits}"
