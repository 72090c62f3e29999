"""`causeway schedule`: payments that customers make by themselves."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from backend.cli.customer import CustomerArgument, PayeeArgument
from backend.cli.options import AmountArgument, AsJson, AssetArgument, connected
from backend.cli.screen import table

if TYPE_CHECKING:
    from causeway import Schedule

app = typer.Typer(
    help="Payments that customers make by themselves, once or again and again.",
    no_args_is_help=True,
)
ScheduleArgument = Annotated[str, typer.Argument(metavar="ID", help="The schedule's id (sch_…).")]


@app.command()
def create(
    who: CustomerArgument,
    payee: PayeeArgument,
    amount: AmountArgument,
    asset: AssetArgument,
    at: Annotated[
        datetime | None, typer.Option(help="The first time, in UTC; by default now.")
    ] = None,
    every: Annotated[str, typer.Option(help="once, day, week or month.")] = "once",
    count: Annotated[int, typer.Option(help="How many payments in all.")] = 1,
    memo: Annotated[str | None, typer.Option(help="A text; payments bind its hash.")] = None,
    as_json: AsJson = False,
) -> None:
    """Have a customer pay at a time, then every day, week or month."""
    from backend.console.custody import CustodyActions

    first_at = None if at is None else int(at.replace(tzinfo=UTC).timestamp())
    with connected(as_json) as (screen, actions):
        made = CustodyActions(actions).schedule(
            who, payee, amount, asset, first_at=first_at, every=every, count=count, memo=memo
        )
        screen.show(
            made.raw, f"{who} pays {payee} {amount} {made.asset}: {_plan(made)}", f"{made.id}"
        )


@app.command("list")
def list_schedules(
    customer: Annotated[
        str | None, typer.Option(metavar="NAME", help="This customer's alone.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List schedules, the newest first."""
    from backend.console.amounts import amount_text
    from backend.console.custody import CustodyActions

    with connected(as_json) as (screen, actions):
        wanted = None if customer is None else CustodyActions(actions).find(customer).id
        found = [*actions.client.schedules.list(customer_id=wanted)]
        rows = [
            (
                one.id,
                one.status,
                amount_text(actions.asset(one.asset), one.amount),
                one.asset,
                actions.people.name(one.payee),
                _plan(one),
            )
            for one in found
        ]
        shown = table("id", "status", ">amount", "asset", "to", "when", rows=rows)
        screen.show_list(found, shown, "there is no schedule")


@app.command()
def show(schedule_id: ScheduleArgument, as_json: AsJson = False) -> None:
    """Show a schedule, and what became of each payment that was due."""
    from backend.console.amounts import amount_text

    with connected(as_json) as (screen, actions):
        found = actions.client.schedules.get(schedule_id)
        due = list(actions.client.schedules.occurrences(schedule_id))
        amount = amount_text(actions.asset(found.asset), found.amount)
        payee = actions.people.name(found.payee)
        line = f"{amount} {found.asset} to {payee}: {_plan(found)}, {found.status}"
        rows = [(one.due_at, one.status, one.code or "-", one.payment_id or "-") for one in due]
        shown = table("due", "status", "code", "payment", rows=rows)
        data = {**found.raw, "occurrences": [one.raw for one in due]}
        screen.show(data, line, shown if due else "nothing was due yet")


@app.command()
def cancel(schedule_id: ScheduleArgument, as_json: AsJson = False) -> None:
    """Pay nothing more by a schedule. A repeat changes nothing."""
    with connected(as_json) as (screen, actions):
        made = actions.client.schedules.cancel(schedule_id)
        screen.show(made.raw, f"{made.id} is {made.status}")


def _plan(schedule: "Schedule") -> str:
    rhythm = "once" if schedule.every == "once" else f"every {schedule.every}, {schedule.count} ×"
    return f"{rhythm}, next {schedule.next_at}" if schedule.next_at else rhythm
