"""`causeway group`: payments that are made all together, or not at all."""

from typing import TYPE_CHECKING, Annotated

import typer

from backend.cli.options import AsJson, KeyFile, connected
from backend.cli.screen import Screen

if TYPE_CHECKING:
    from backend.console.collecting import CollectingActions
    from causeway import Group

app = typer.Typer(
    help="Payments made as one: `causeway group exchange alice bob 10 USDX 9 EURX`.",
    no_args_is_help=True,
)
Id = Annotated[str, typer.Argument(metavar="ID", help="The group's id (0x…).")]


@app.command()
def exchange(
    first: Annotated[str, typer.Argument(metavar="NAME", help="Who gives the first amount.")],
    second: Annotated[str, typer.Argument(metavar="OTHER", help="Who gives the second.")],
    first_amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="A decimal.")],
    first_asset: Annotated[str, typer.Argument(metavar="ASSET", help="Its asset, like USDX.")],
    second_amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="A decimal.")],
    second_asset: Annotated[str, typer.Argument(metavar="ASSET", help="Its asset, like EURX.")],
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Exchange two amounts at once. Those of the two whose keys are here sign."""
    from backend.console.collecting import CollectingActions, Exchange

    wish = Exchange(first, second, first_amount, first_asset, second_amount, second_asset)
    with connected(as_json, key_file) as (screen, actions):
        collecting = CollectingActions(actions)
        _show(screen, collecting, collecting.exchange(wish))


@app.command()
def sign(
    who: Annotated[str, typer.Argument(metavar="NAME", help="Whose legs are signed.")],
    group_id: Id,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without being asked.")] = False,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign somebody's legs of a group, having seen all of them."""
    from backend.console.collecting import CollectingActions

    with connected(as_json, key_file) as (screen, actions):
        collecting = CollectingActions(actions)
        found = actions.client.groups.get(group_id)
        for line in collecting.lines(found):
            screen.say(line)
        collecting.check_signable(who, found)
        if not yes and (as_json or not typer.confirm("Sign?", err=True)):
            raise typer.BadParameter("nothing was signed; --yes signs without being asked")
        _show(screen, collecting, collecting.sign(who, found))


@app.command()
def rebuild(group_id: Id, as_json: AsJson = False) -> None:
    """Build a group anew that can't be executed any more; all sign again."""
    from backend.console.collecting import CollectingActions

    with connected(as_json) as (screen, actions):
        made = actions.client.groups.rebuild(group_id)
        _show(screen, CollectingActions(actions), made)


@app.command()
def show(group_id: Id, as_json: AsJson = False) -> None:
    """Show a group: all legs, who has signed, and how it stands."""
    from backend.console.collecting import CollectingActions

    with connected(as_json) as (screen, actions):
        collecting = CollectingActions(actions)
        _show(screen, collecting, actions.client.groups.get(group_id))


def _show(screen: Screen, collecting: "CollectingActions", found: "Group") -> None:
    code = "" if found.code is None else f" ({found.code})"
    screen.show(found.raw, f"group: {found.status}{code}", found.id, *collecting.lines(found))
