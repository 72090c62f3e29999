"""`causeway account`: people with keys here, and what they have."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.cli.options import AsJson, WhoArgument, connected
from backend.cli.screen import Screen, table
from backend.config import settings
from backend.protocol.types import address_text

if TYPE_CHECKING:
    from backend.console.actions import Actions, Balance
    from backend.console.people import People, Person
    from causeway import StatementEntry

app = typer.Typer(help="People with keys on this machine, and their money.", no_args_is_help=True)

NewName = Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits, '-', '_'.")]


def _people() -> "People":
    from backend.console.actions import PEOPLE_FOLDER
    from backend.console.people import People
    from backend.deploying import key_store

    return People(key_store(settings(), PEOPLE_FOLDER))


@app.command()
def new(name: NewName, as_json: AsJson = False) -> None:
    """Make a key and keep it under a name, encrypted. A repeat changes nothing."""
    people = _people()
    is_new = name not in people
    person = people.new(name)
    end = "has a key now" if is_new else "was there already"
    Screen(as_json).show(
        _person(person) | {"created": is_new}, f"{name} {end}: {address_text(person.address)}"
    )


@app.command("list")
def list_people(as_json: AsJson = False) -> None:
    """List the people with keys here."""
    found = [*_people()]
    rows = [(str(person), address_text(person.address)) for person in found]
    empty = "Nobody yet. `causeway account new NAME` makes a key."
    Screen(as_json).show(
        {"object": "list", "data": [_person(person) for person in found]},
        table("name", "address", rows=rows) if rows else empty,
    )


@app.command()
def show(
    who: WhoArgument,
    statement: Annotated[
        bool, typer.Option("--statement", help="Show what moved, the newest first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show somebody's balances in the ledger and in his wallet, and his nonces."""
    with connected(as_json) as (screen, actions):
        person = actions.people.find(who)
        balances = actions.balances(person)
        data = _person(person) | {"balances": [_balance(one) for one in balances]}
        rows = [(one.asset.code, one.ledger_text, _nonce(one), one.wallet_text) for one in balances]
        parts: list[Any] = [
            f"{person.name or ''} {address_text(person.address)}".strip(),
            table("asset", ">ledger", ">nonce", ">wallet", rows=rows),
        ]
        if statement:
            entries = _entries(actions, balances, person)
            data["statement"] = [entry.raw | {"amount_text": shown} for entry, shown in entries]
            moves = [
                (entry.created_at, entry.kind, entry.asset, shown, entry.counterparty or "")
                for entry, shown in entries
            ]
            parts.append(table("when", "what", "asset", ">amount", "with", rows=moves))
        screen.show(data, *parts)


def _entries(
    actions: "Actions", balances: "Iterable[Balance]", person: "Person"
) -> "list[tuple[StatementEntry, str]]":
    """Return all movements with their amounts as decimals, the newest first."""
    from backend.console.amounts import amount_text

    found = [
        (entry, amount_text(balance.asset, entry.amount))
        for balance in balances
        if balance.account is not None
        for entry in actions.client.accounts.statement(person.address, balance.asset.code)
    ]
    return sorted(found, key=lambda pair: pair[0].created_at, reverse=True)


def _person(person: "Person") -> dict[str, Any]:
    return {"object": "person", "name": person.name, "address": address_text(person.address)}


def _balance(balance: "Balance") -> dict[str, Any]:
    return {
        "asset": balance.asset.code,
        "ledger": balance.ledger_text,
        "wallet": balance.wallet_text,
        "account": None if balance.account is None else balance.account.raw,
    }


def _nonce(balance: "Balance") -> str:
    return "-" if balance.account is None else str(balance.account.nonce)
