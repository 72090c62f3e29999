"""The stream of events. Law: a position is one number for each source, so that a rebuild, which
may read the sources in another order, still continues where a listener stopped.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from sqlalchemy import Engine, Row, func, or_, select

from backend.protocol.errors import MalformedRequest
from backend.records.tables.projections import events

_POSITION: Final = re.compile(r"[0-9]{1,18}\.[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class EventPosition:
    """How far a listener has come in each source. Written `block.chain`."""

    block: int = 0
    chain: int = 0

    def __str__(self) -> str:
        return f"{self.block}.{self.chain}"

    @classmethod
    def parse(cls, text: str) -> "EventPosition":
        """Return the position of a text. Raises MalformedRequest."""
        if not _POSITION.fullmatch(text):
            raise MalformedRequest("Last-Event-ID", "it is no id of an event")
        block, _, chain = text.partition(".")
        return cls(int(block), int(chain))

    def has(self, row: Row[Any]) -> bool:
        """Return whether the event of `row` is at or before this position."""
        return bool(row.sequence <= (self.block if row.source == "block" else self.chain))

    def joined(self, other: "EventPosition") -> "EventPosition":
        """Return the position of one who has come as far as both, in each source."""
        return EventPosition(max(self.block, other.block), max(self.chain, other.chain))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, and the position after it."""

    position: EventPosition
    row: Row[Any]


class EventStream:
    """Reads events after a position; tells listeners, from the writer's thread, that there are new.

    Law: a listener's callback returns at once.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._listeners: set[Callable[[], None]] = set()
        self._lock = Lock()

    def end(self) -> EventPosition:
        """Return the position after all events there are."""
        # One question for each source: the index answers a maximum, but no groups.
        last = select(func.max(events.c.sequence))
        with self._engine.connect() as connection:
            block, chain = (
                connection.execute(last.where(events.c.source == source)).scalar() or 0
                for source in ("block", "chain")
            )
        return EventPosition(block, chain)

    def after(
        self,
        position: EventPosition,
        limit: int,
        types: Sequence[str] = (),
        party: bytes | None = None,
    ) -> list[Event]:
        """Return up to `limit` events of each source after `position`, block events first."""
        found = []
        for source, last in (("block", position.block), ("chain", position.chain)):
            query = select(events).where(events.c.source == source, events.c.sequence > last)
            if types:
                query = query.where(events.c.type.in_(types))
            if party is not None:
                query = query.where(or_(events.c.owner == party, events.c.counterparty == party))
            query = query.order_by(events.c.sequence).limit(limit)
            with self._engine.connect() as connection:
                for row in connection.execute(query):
                    if source == "block":
                        position = EventPosition(row.sequence, position.chain)
                    else:
                        position = EventPosition(position.block, row.sequence)
                    found.append(Event(position, row))
        return found

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called after each change; return what ends it."""
        with self._lock:
            self._listeners.add(callback)

        def stop() -> None:
            with self._lock:
                self._listeners.discard(callback)

        return stop

    def changed(self) -> None:
        """Tell all listeners. Called by the projector after a commit."""
        with self._lock:
            listeners = tuple(self._listeners)
        for callback in listeners:
            callback()
