"""`causeway watch`: what keeps an operator honest, for anybody to run."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.cli.options import AsJson
from backend.cli.rebuilding import Archives, Beacon, FromBlock, RollupAddress, Rpc
from backend.cli.screen import Screen
from backend.config import settings
from backend.protocol.times import time_text
from backend.protocol.types import address_from_text

if TYPE_CHECKING:
    from backend.protocol.signing import PrivateKey
    from backend.rebuilding import Origin
    from backend.settlement.watching.challenger import Standing

_POLL_S = 2


def watch(
    rpc: Rpc = None,
    rollup: RollupAddress = None,
    keep: Annotated[
        Path, typer.Option(metavar="DIR", help="Where all batches' data is kept: an archive.")
    ] = Path("watched"),
    archive: Archives = None,
    beacon: Beacon = None,
    from_block: FromBlock = 0,
    evidence: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="A platform that shows who authorised what; what it doesn't is challenged.",
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by", metavar="PERSON", help="Who pays for proofs and bonds. Nobody: only look."
        ),
    ] = None,
    freeze: Annotated[
        bool, typer.Option("--freeze", help="Freeze the rollup, for ever, when it is overdue.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Execute each batch as the chain would, and prove what is false. Needs no operator.

    Exit code 1 with --once: something is wrong.
    """
    from backend.rebuilding import Origin

    origin = Origin(
        rpc_url=rpc or settings().rpc_url,
        rollup=None if rollup is None else address_from_text(rollup, "rollup"),
        from_block=from_block,
        archives=archive or [],
        beacon_url=beacon,
    )
    key = None if by is None else _key_of(by)
    screen = Screen(as_json)
    standing = asyncio.run(_watch(screen, origin, keep, key, evidence, freeze, once))
    if standing.alarms:
        raise typer.Exit(1)


def _key_of(name: str) -> "PrivateKey":
    from backend.console.people import People
    from backend.deploying import key_store

    return People(key_store(settings(), "people")).find(name).key


async def _watch(
    screen: Screen,
    origin: "Origin",
    keep: Path,
    key: "PrivateKey | None",
    evidence_url: str | None,
    may_freeze: bool,
    once: bool,
) -> "Standing":
    from backend.settlement.watching.challenger import WAITS
    from backend.watching import open_watcher

    shown: dict[str, Any] = {}
    async with open_watcher(
        origin, settings(), keep, key=key, evidence_url=evidence_url, may_freeze=may_freeze
    ) as watcher:
        while True:
            try:
                standing = await watcher.step()
            except WAITS as reason:
                if once:
                    raise
                screen.say(f"waits: {reason}")
            else:
                view = _view(standing)
                if view != shown:
                    screen.show(view, *_lines(standing))
                    shown = view
                if once:
                    return standing
            await asyncio.sleep(_POLL_S)


def _view(standing: "Standing") -> dict[str, Any]:
    return {
        "object": "watch",
        "batch": standing.batch,
        "tip": standing.tip,
        "settled": standing.frontier,
        "alarms": standing.alarms,
        "unshown_batches": standing.unshown,
        "frozen_ts_s": standing.frozen_ts_s or None,
    }


def _lines(standing: "Standing") -> list[str]:
    sound = "nothing is wrong" if not standing.alarms else "ALARM"
    head = f"batch {standing.batch} of {standing.tip}, {standing.frontier} settled: {sound}"
    notes = [f"batch {number}: its orders are not shown yet" for number in standing.unshown]
    if standing.frozen_ts_s:
        notes.append(f"frozen since {time_text(standing.frozen_ts_s)}: see docs/guides/leaving.md")
    return [head, *(f"  {line}" for line in (*standing.alarms, *notes))]
