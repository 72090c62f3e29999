"""What several commands take, and how they reach the platform."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from backend.cli.screen import Screen
from backend.config import settings

if TYPE_CHECKING:  # loading these takes a second, and `--help` needs none of them
    from backend.console.actions import Actions
    from backend.console.people import Person

AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Write JSON to stdout, and nothing else.")
]
WhoArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="NAME", help="A local name, or an address (0x…).")
]
AmountArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="AMOUNT", help="A decimal, like 12.34.")
]
AssetArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="ASSET", help="The asset's code, like USDX.")
]
KeyFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="KEYSTORE",
        help="Sign with this keystore; NAME is then its address. Its passphrase is "
        "CAUSEWAY_KEYS_PASSPHRASE, or asked for.",
    ),
]
FeeMax: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--fee-max", metavar="AMOUNT", help="The highest fee to sign; 1 % of the amount by default."
    ),
]


@contextmanager
def connected(as_json: bool, key_file: Path | None = None) -> Iterator[tuple[Screen, "Actions"]]:
    """Connect to the platform for one command."""
    from backend.console.actions import open_actions

    screen = Screen(as_json)
    guest = None if key_file is None else _guest(key_file)
    with open_actions(settings(), screen.say, guest) as actions:
        yield screen, actions


def _guest(path: Path) -> "Person":
    """Open a keystore: with the settings' passphrase, or the one that is asked for."""
    from backend.console.errors import KeyFileUnreadable
    from backend.console.people import read_key_file

    try:
        return read_key_file(path, settings().keys_passphrase.get_secret_value())
    except KeyFileUnreadable:
        if not (path.exists() and sys.stdin.isatty()):
            raise
    return read_key_file(path, typer.prompt(f"Passphrase of {path}", hide_input=True, err=True))
