"""What the chain's events leave in the stream of events, and what was left there before."""

from typing import Any

from sqlalchemy import Connection, Table, select

from backend.records.tables.projections import events

Row = dict[str, Any]


def event_row(
    kind: str,
    subject: str,
    ts_ms: int,
    l1_block_number: int,
    owner: bytes | None = None,
    counterparty: bytes | None = None,
) -> Row:
    """Return an event as the stream keeps it."""
    return {
        "type": kind,
        "subject": subject,
        "owner": owner,
        "counterparty": counterparty,
        "ts_ms": ts_ms,
        "position": l1_block_number,
        "code": None,
    }


def first_row(connection: Connection, table: Table, *conditions: Any) -> Any:
    """Return a row for which all conditions hold; None if there is none."""
    return connection.execute(select(table).where(*conditions).limit(1)).first()


def was_told(connection: Connection, kind: str, subject: str) -> bool:
    """Return whether the stream has an event already that comes once."""
    is_same = (events.c.source == "chain", events.c.type == kind, events.c.subject == subject)
    return first_row(connection, events, *is_same) is not None
