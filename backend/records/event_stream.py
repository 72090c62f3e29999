"""The stream of events. Law: a position is one number for each source, so that a rebuild, which
may read the sources in another order, still continues where a listener stopped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sqlalchemy import Engine, Row, func, or_, select

from backend.protocol.errors import MalformedRequest
from backend.records.tables.projections import events


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
        block, _, chain = text.partition(".")
        if not (block.isdecimal() and chain.isdecimal() and text.isascii() and len(text) < 42):
            raise MalformedRequest("Last-Event-ID", "it is no id of an event")
        return cls(int(block), int(chain))


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
        query = select(events.c.source, func.max(events.c.sequence)).group_by(events.c.source)
        with self._engine.connect() as connection:
            last = {source: sequence for source, sequence in connection.execute(query)}
        return EventPosition(last.get("block", 0), last.get("chain", 0))

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
