"""`causeway committee`: who certifies the ledger, and what they have at stake."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from backend.cli.options import AsJson
from backend.cli.screen import Screen, table
from backend.config import settings
from backend.protocol.types import address_text

if TYPE_CHECKING:
    from backend.committees import CommitteeDesk, CommitteeState

app = typer.Typer(help="Who certifies the ledger, and their stakes.", no_args_is_help=True)

_T = TypeVar("_T")
_ETHER_WEI = 10**18


@app.command()
def show(as_json: AsJson = False) -> None:
    """Show the present epoch's members and stakes."""
    _show(Screen(as_json), _asked(lambda desk: desk.state()))


@app.command()
def stake(as_json: AsJson = False) -> None:
    """Pay what members lack of a whole stake, after a roll-back took it. A repeat pays nothing."""
    screen = Screen(as_json)
    paid = _asked(lambda desk: desk.make_whole())
    for validator in paid:
        screen.say(f"staked for {address_text(validator)}")
    _show(screen, _asked(lambda desk: desk.state()))


@app.command()
def renew(as_json: AsJson = False) -> None:
    """Begin an epoch with members of new keys. Do so when a validator's key may be stolen.

    The old members still have to close their epoch: leave the platform running until
    `causeway status` shows no waiting, then `causeway down` and `causeway up`.
    """
    screen = Screen(as_json)
    _show(screen, _asked(lambda desk: desk.renew()))
    screen.say("restart the platform, so that it has the new keys: causeway down, causeway up")


def _asked(ask: "Callable[[CommitteeDesk], Awaitable[_T]]") -> _T:
    async def answer() -> _T:
        from backend.committees import CommitteeDesk
        from backend.settlement.client import ChainClient

        client = ChainClient(settings().rpc_url)
        try:
            return await ask(await CommitteeDesk.of(settings(), client))
        finally:
            await client.close()

    return asyncio.run(answer())


def _show(screen: Screen, state: "CommitteeState") -> None:
    rows = [
        (
            address_text(member.address),
            f"{member.stake_wei / _ETHER_WEI:g}",
            "counts" if member.stake_wei >= state.stake_wei else "NOT WHOLE",
        )
        for member in state.members
    ]
    screen.show(
        _view(state),
        f"epoch {state.epoch}: {state.whole_count} of {len(state.members)} signatures count",
        table("validator", ">stake in ether", "", rows=rows),
    )


def _view(state: "CommitteeState") -> dict[str, Any]:
    return {
        "object": "committee",
        "epoch": state.epoch,
        "stake_wei": str(state.stake_wei),
        "members": [
            {"address": address_text(member.address), "stake_wei": str(member.stake_wei)}
            for member in state.members
        ],
    }
