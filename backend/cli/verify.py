"""`causeway verify`: whether journal, projections and chain agree."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from backend.cli.options import AsJson
from backend.cli.screen import Screen
from backend.config import settings

if TYPE_CHECKING:
    from backend.verifying import Difference, Verified


def verify(as_json: AsJson = False) -> None:
    """Check this platform's journal, projections and batches against each other and the chain.

    Exit code 1: something differs; the first such thing is shown. The platform may be running.
    """
    from backend.verifying import Difference, verify_platform

    screen = Screen(as_json)
    try:
        verified = asyncio.run(verify_platform(settings(), screen.say))
    except Difference as difference:
        screen.show(_result(None, difference), f"DIFFERENCE at {difference}")
        raise typer.Exit(1) from None
    screen.show(
        _result(verified, None),
        f"{verified.block_count} blocks, {verified.batch_count} batches, "
        f"{verified.deposit_count} deposits agree",
        f"{verified.account_count} accounts are projected as they are at block "
        f"{verified.projected_block_number}",
        f"the vault covers all that is owed of {len(verified.books)} assets",
    )


def _result(verified: "Verified | None", difference: "Difference | None") -> dict[str, Any]:
    found = {} if verified is None else asdict(verified)
    found.pop("books", None)
    shown = None if difference is None else {"where": difference.where, "reason": difference.reason}
    return {"object": "verification", "is_sound": difference is None, "difference": shown} | found
