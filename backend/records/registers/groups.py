"""Groups while people sign them. Law: a leg's first good signature stays; what is dead stays so."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Engine, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from backend.records.paging import Page, Part, read_page
from backend.records.tables.collecting import group_legs, groups

State = Literal["signing", "complete", "accepted", "dead"]


@dataclass(frozen=True, slots=True)
class Leg:
    """One payment of a group; `signature` is None until its payer has signed."""

    order_id: bytes
    payer: bytes
    order_fields: bytes
    signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group as it stands. `complete`: all have signed; `dead`: never to be executed, `code` why.

    `accepted` means that the node took it; how it ended, the ledger tells.
    """

    id: bytes
    scope: str
    valid_until: int
    state: State
    code: str | None
    created_ts_ms: int
    legs: tuple[Leg, ...]
    sequence: int | None = None


class Groups:
    """The register of groups."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, group: Group) -> Group:
        """Add a group; a repeat of its scope, or of its very legs, returns the one there."""
        row = {
            "id": group.id,
            "scope": group.scope,
            "valid_until": group.valid_until,
            "state": group.state,
            "code": group.code,
            "created_ts_ms": group.created_ts_ms,
        }
        legs = [
            {
                "group_id": group.id,
                "leg": index,
                "order_id": leg.order_id,
                "payer": leg.payer,
                "order_fields": leg.order_fields,
                "signature": leg.signature,
            }
            for index, leg in enumerate(group.legs)
        ]
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(groups).values(row))
                connection.execute(insert(group_legs), legs)
        except IntegrityError:
            existing = self.of_scope(group.scope) or self.get(group.id)
            if existing is None:
                raise
            return existing
        return group

    def get(self, group_id: bytes) -> Group | None:
        """Return a group by its link."""
        return self._first(groups.c.id == group_id)

    def of_scope(self, scope: str) -> Group | None:
        """Return the group that a request made."""
        return self._first(groups.c.scope == scope)

    def sign(self, group_id: bytes, leg: int, signature: bytes) -> Group | None:
        """Keep a leg's signature unless it has one; the last one makes the group complete."""
        with self._engine.begin() as connection:
            connection.execute(
                update(group_legs)
                .where(group_legs.c.group_id == group_id)
                .where(group_legs.c.leg == leg)
                .where(group_legs.c.signature.is_(None))
                .values(signature=signature)
            )
            unsigned = (
                select(func.count())
                .select_from(group_legs)
                .where(group_legs.c.group_id == group_id)
                .where(group_legs.c.signature.is_(None))
            )
            if not connection.execute(unsigned).scalar_one():
                connection.execute(
                    update(groups)
                    .where(groups.c.id == group_id)
                    .where(groups.c.state == "signing")
                    .values(state="complete")
                )
        return self.get(group_id)

    def mark(self, group_id: bytes, state: State, code: str | None = None) -> None:
        """Note that the node took a group, or why it is dead. What is dead stays so."""
        with self._engine.begin() as connection:
            connection.execute(
                update(groups)
                .where(groups.c.id == group_id)
                .where(groups.c.state != "dead")
                .values(state=state, code=code)
            )

    def reopen(self, group_id: bytes) -> None:
        """Wait for somebody to ask again: the node refused a complete group."""
        with self._engine.begin() as connection:
            connection.execute(
                update(groups)
                .where(groups.c.id == group_id)
                .where(groups.c.state == "complete")
                .values(state="signing")
            )

    def complete(self) -> list[Group]:
        """Return the groups that all have signed and the node has not taken, the oldest first."""
        query = select(groups).where(groups.c.state == "complete").order_by(groups.c.sequence)
        with self._engine.connect() as connection:
            return [_group(connection, row) for row in connection.execute(query).all()]

    def list(self, payer: bytes | None, page: Page) -> Part:
        """Return groups, the newest first."""
        query = select(groups)
        if payer is not None:
            mine = select(group_legs.c.group_id).where(group_legs.c.payer == payer)
            query = query.where(groups.c.id.in_(mine))
        with self._engine.connect() as connection:
            part = read_page(connection, query, groups.c.sequence, page)
            return Part([_group(connection, row) for row in part.rows], part.has_more)

    def _first(self, condition: Any) -> Group | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(groups).where(condition)).first()
            return None if row is None else _group(connection, row)


def _group(connection: Connection, row: Row[Any]) -> Group:
    query = select(group_legs).where(group_legs.c.group_id == row.id).order_by(group_legs.c.leg)
    legs = tuple(
        Leg(leg.order_id, leg.payer, leg.order_fields, leg.signature)
        for leg in connection.execute(query)
    )
    return Group(legs=legs, **row._mapping)
