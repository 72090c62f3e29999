"""`causeway rebuild` and `causeway exit-kit`: what anybody can do without the operator."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from backend.cli.options import AsJson
from backend.cli.screen import Screen, table
from backend.config import settings
from backend.protocol.money import format_decimal
from backend.protocol.types import Address, address_from_text, address_text

if TYPE_CHECKING:
    from backend.rebuilding import Found
    from backend.settlement.rebuild import AssetBooks

Rpc: TypeAlias = Annotated[
    str | None, typer.Option(metavar="URL", help="The node; by default CAUSEWAY_RPC_URL.")
]
RollupAddress: TypeAlias = Annotated[
    str | None,
    typer.Option("--rollup", metavar="ADDRESS", help="By default the one deployed from here."),
]
FromBlock: TypeAlias = Annotated[
    int,
    typer.Option(min=0, help="A block at or before the rollup's creation; saves reading logs."),
]
Archives: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        "--archive",
        metavar="DIR",
        help="A folder with batches' data, of the operator or of an earlier rebuild. May repeat.",
    ),
]
Beacon: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="URL", help="A beacon node's REST interface, which has blobs."),
]
FromState: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--from-state",
        help="Begin at an archive's newest state: quick, but earlier withdrawals are not found.",
    ),
]


def rebuild(
    rpc: Rpc = None,
    rollup: RollupAddress = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the data and the state are kept.")
    ] = Path("rebuilt"),
    archive: Archives = None,
    beacon: Beacon = None,
    from_block: FromBlock = 0,
    from_state: FromState = False,
    owner: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Write his exit kit there, too. May repeat."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make the whole ledger again from the chain alone, and compare it with what the chain holds.

    Exit code 1: a batch is wrong, or the vault holds less than is owed.
    """
    screen = Screen(as_json)
    owners = [address_from_text(text, "owner") for text in owner or []]
    found = _found(screen, out, rpc, rollup, from_block, archive, beacon, from_state)
    summary = ledger_summary(found)
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    for address in owners:
        _write_kit(found, address, out / f"exit-{address_text(address)}.json")
    screen.show(summary, *_summary_lines(found), _books_table(found), f"kept in {out}")
    if not summary["is_sound"]:
        raise typer.Exit(1)


def exit_kit(
    owner: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Whose money is to leave.")
    ] = None,
    everybody: Annotated[
        bool, typer.Option("--everybody", help="What anybody can send for all owners.")
    ] = False,
    rpc: Rpc = None,
    rollup: RollupAddress = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="By default exit-ADDRESS.json here; a .txt beside it."),
    ] = None,
    archive: Archives = None,
    beacon: Beacon = None,
    from_block: FromBlock = 0,
    from_state: FromState = False,
    as_json: AsJson = False,
) -> None:
    """Write the transactions by which an owner leaves, for any wallet. Asks the chain alone."""
    if (owner is None) == (not everybody):
        raise typer.BadParameter("name an owner by --owner, or take --everybody")
    address = None if owner is None else address_from_text(owner, "owner")
    screen = Screen(as_json)
    found = _found(screen, None, rpc, rollup, from_block, archive, beacon, from_state)
    name = "everybody" if address is None else address_text(address)
    path = out or Path(f"exit-{name}.json")
    data, text = _write_kit(found, address, path)
    screen.show(data, *text.splitlines(), "", f"{path} holds the calls")


def _write_kit(found: "Found", owner: Address | None, path: Path) -> tuple[dict[str, Any], str]:
    """Write an exit kit as JSON and, beside it, as text; return both."""
    from backend.settlement.exit_kit import exit_kit as kit_of
    from backend.settlement.exit_kit_file import kit_json, kit_text

    kit = kit_of(found.position, owner)
    data, text = kit_json(kit), kit_text(kit)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=2) + "\n")
    path.with_suffix(".txt").write_text(text)
    return data, text


def _found(
    screen: Screen,
    out: Path | None,
    rpc: str | None,
    rollup: str | None,
    from_block: int,
    archives: list[Path] | None,
    beacon_url: str | None,
    from_state: bool,
) -> "Found":
    from backend.rebuilding import Origin, rebuild_ledger

    origin = Origin(
        rpc_url=rpc or settings().rpc_url,
        rollup=None if rollup is None else address_from_text(rollup, "rollup"),
        from_block=from_block,
        archives=archives or [],
        beacon_url=beacon_url,
        from_state=from_state,
    )
    return asyncio.run(rebuild_ledger(origin, settings(), out, screen.say))


def ledger_summary(found: "Found") -> dict[str, Any]:
    """Return what was found, for programs; `is_sound` if nobody has to act."""
    rebuilt, position = found.rebuilt, found.position
    last = position.last
    is_sound = rebuilt.wrong is None and all(book.is_covered for book in found.books)
    return {
        "object": "rebuilt_ledger",
        "chain_id": position.chain_id,
        "rollup": address_text(position.rollup.address),
        "l1_block": rebuilt.history.head.number,
        "batch": rebuilt.number,
        "tip": position.tip,
        "settled": position.frontier,
        "root": None if last is None else "0x" + last.state.tree.root.hex(),
        "skipped_batches": rebuilt.skipped,
        "wrong": rebuilt.wrong,
        "frozen_ts_s": position.frozen_ts_s or None,
        "is_sound": is_sound,
        "assets": [
            {
                "asset_id": book.asset_id,
                "token": address_text(Address(book.token)),
                "unit": str(book.unit),
                "accounts": book.account_count,
                "balances_minor": str(book.balances_minor),
                "unpaid_minor": str(book.unpaid_minor),
                "waiting_minor": str(book.waiting_minor),
                "outstanding_minor": str(book.outstanding_minor),
                "vault": None if book.vault is None else str(book.vault),
                "is_covered": book.is_covered,
            }
            for book in found.books
        ],
    }


def _summary_lines(found: "Found") -> list[str]:
    rebuilt, position = found.rebuilt, found.position
    lines = [f"batches {rebuilt.number} of {position.tip} executed, {position.frontier} settled"]
    if rebuilt.skipped:
        lines.append(f"of {rebuilt.skipped} the data was missing: a later state stood in for them")
    if rebuilt.wrong is not None:
        lines.append(f"WRONG: {rebuilt.wrong}")
    return lines


def _books_table(found: "Found") -> Any:
    names = found.position.names

    def decimal(book: "AssetBooks", amount_base: int) -> str:
        name = names.get(book.asset_id)
        if name is None:
            return f"{amount_base} base units"
        return format_decimal(amount_base, name.decimals)

    rows = [
        (
            names[book.asset_id].symbol if book.asset_id in names else address_text(book.token),
            str(book.account_count),
            decimal(book, book.balances_minor * book.unit),
            decimal(book, book.unpaid_minor * book.unit),
            decimal(book, book.waiting_minor * book.unit),
            "?" if book.vault is None else decimal(book, book.vault),
            "covered" if book.is_covered else "NOT COVERED",
        )
        for book in found.books
    ]
    columns = (">accounts", ">balances", ">withdrawn, unpaid", ">deposits waiting", ">vault", "")
    return table("asset", *columns, rows=rows)
