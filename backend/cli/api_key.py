"""`causeway api-key`: who may ask the platform."""

from typing import TYPE_CHECKING, Annotated

import typer

from backend.cli.options import AsJson, connected
from backend.cli.screen import table

if TYPE_CHECKING:
    from causeway import ApiKey

app = typer.Typer(help="Who may ask the platform.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="Like payments:read or kyc:*; may repeat. By default all."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. Its secret is shown this once."""
    with connected(as_json) as (screen, actions):
        made = actions.client.api_keys.create(name, scope or ["*"])
        screen.show(made.raw, f"{made.id} ({_scopes(made)})", f"{made.secret}")


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List keys, revoked ones too."""
    with connected(as_json) as (screen, actions):
        found = [*actions.client.api_keys.list()]
        rows = [
            (key.id, key.name, _scopes(key), key.last_used_at or "-", key.revoked_at or "-")
            for key in found
        ]
        shown = table("id", "name", "scopes", "last used", "revoked", rows=rows)
        screen.show_list(found, shown, "there is no API key")


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, not its secret.")],
    as_json: AsJson = False,
) -> None:
    """Revoke a key for ever."""
    with connected(as_json) as (screen, actions):
        revoked = actions.client.api_keys.revoke(key_id)
        screen.show(revoked.raw, f"{revoked.id} is revoked")


def _scopes(key: "ApiKey") -> str:
    return " ".join(key.scopes)
