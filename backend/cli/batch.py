"""`causeway batch`: what the chain has of the ledger."""

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from backend.cli.options import AsJson, connected
from backend.cli.screen import table

if TYPE_CHECKING:
    from causeway import Batch

app = typer.Typer(help="What the chain has of the ledger.", no_args_is_help=True)


@app.command("list")
def list_batches(
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 20,
    status: Annotated[
        Literal["built", "posted", "settled", "rolled_back"] | None,
        typer.Option(help="Only these; those that were rolled back are in no other list."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List batches, the newest first."""
    with connected(as_json) as (screen, actions):
        found = [*islice(actions.client.batches.list(status=status), limit)]
        empty = "No batch yet. `causeway batch post` posts what is final."
        if status is not None:
            empty = f"no batch is {status}"
        screen.show_list(found, batch_table(found), empty)


@app.command()
def show(
    number: Annotated[int, typer.Argument(metavar="N", min=1, help="The batch's number.")],
    as_json: AsJson = False,
) -> None:
    """Show a batch: its header, and the transaction that brought it."""
    with connected(as_json) as (screen, actions):
        batch = actions.client.batches.get(number)
        rows = [(name, str(value)) for name, value in batch.header.items()]
        challenges = [
            f"slots {', '.join(one['slot_numbers'])} challenged: {one['status']}"
            for one in batch.challenges or []
        ]
        following = "" if batch.next is None else f", {batch.next['status']} at the earliest "
        when = "" if batch.next is None else str(batch.next["earliest_at"])
        screen.show(
            batch.raw,
            f"batch {batch.number}: {batch.status}{following}{when}",
            f"transaction {batch.tx_hash} in block {batch.l1_block}"
            if batch.tx_hash
            else "The chain doesn't have it yet.",
            *challenges,
            table("field", "value", rows=rows),
        )


@app.command()
def post(
    carrier: Annotated[
        Literal["blobs", "calldata"] | None, typer.Option(help="By default the cheaper one.")
    ] = None,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait",
            help="Wait until it is settled. A local chain's clock is moved over the challenge "
            "window; on a public chain, where that takes days, wait until it is posted.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Post all that is final by now."""
    with connected(as_json) as (screen, actions):
        if wait:
            found = actions.settle(carrier)
            screen.show_list(found, batch_table(found), "Nothing was waiting.")
            return
        waiting = actions.post(carrier)
        data = {"object": "posting", "operation_count": str(waiting.operation_count)}
        blocks = f"{waiting.operation_count} operations in {waiting.block_count} blocks"
        is_any = waiting.operation_count > 0
        screen.show(
            data | {"carrier": carrier},
            f"{blocks} will be posted: see `causeway batch list`" if is_any else "Nothing waits.",
        )


def batch_table(batches: "list[Batch]") -> Any:
    """Return batches as a table."""
    rows = [
        (
            str(batch.number),
            batch.status,
            str(batch.last_block),
            str(batch.header["chunkCount"]),
            str(batch.l1_block or ""),  # a batch that is only built has none
            batch.tx_hash or "",
        )
        for batch in batches
    ]
    return table(">batch", "status", ">to block", ">chunks", ">chain block", "tx", rows=rows)
