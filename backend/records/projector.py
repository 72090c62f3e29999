"""Keeps the projections up to date, in a thread of its own, so that nobody waits for them.

Law: blocks reach the projections in order and none is lost: what the observer missed (this process
was not running) is replayed first.
"""

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Final

from backend.records.event_stream import EventStream
from backend.records.facts import ChainEvent, FinalBlock
from backend.records.projections import Projections

# In one transaction, when blocks come faster than they are written.
_TOGETHER_MAX: Final = 64
_ORDERS_TOGETHER_MAX: Final = 10_000

_Item = FinalBlock | ChainEvent | None


class Projector:
    """Takes facts from any thread and applies them one after the other."""

    def __init__(self, projections: Projections, stream: EventStream) -> None:
        self._projections = projections
        self._stream = stream
        self._queue: SimpleQueue[tuple[str, _Item]] = SimpleQueue()
        self._waiting_orders = 0
        self._lock = Lock()
        self._thread = Thread(target=self._run, name="projector", daemon=True)
        self.error: BaseException | None = None

    def start(self, replay: Callable[[int], Iterator[FinalBlock]]) -> None:
        """Catch up from `replay(from_block)`, then follow what is observed. Call it once.

        Observe node and chain before: what comes twice is applied once.
        """
        self._projections.forget_unconfirmed()
        for final in replay(self._projections.block_number + 1):
            self._projections.apply_final_block(final)
        self._thread.start()

    def observe(self, final: FinalBlock) -> None:
        """Take a final block: an observer of the node."""
        with self._lock:
            self._waiting_orders += len(final.body.records)
        self._queue.put(("block", final))

    def observe_chain(self, event: ChainEvent) -> None:
        """Take an event of the chain: a listener of the watcher."""
        self._queue.put(("chain", event))

    def stop(self) -> None:
        """Apply what is waiting, then end."""
        self._queue.put(("stop", None))
        if self._thread.is_alive():
            self._thread.join()

    def waiting_orders(self) -> int:
        """Return how many orders are final and not in the projections yet."""
        return self._waiting_orders

    @property
    def is_alive(self) -> bool:
        """Whether facts are being applied."""
        return self._thread.is_alive() and self.error is None

    def _run(self) -> None:
        try:
            while self._step():
                self._stream.changed()
        except BaseException as error:  # the thread's last words: readiness shows them
            self.error = error
            raise

    def _step(self) -> bool:
        kind, item = self._queue.get()
        finals: list[FinalBlock] = []
        orders = 0
        while kind == "block" and len(finals) < _TOGETHER_MAX:
            finals.append(item)  # type: ignore[arg-type]
            orders += len(finals[-1].body.records)
            if self._queue.empty() or orders >= _ORDERS_TOGETHER_MAX:
                break
            kind, item = self._queue.get()
        else:
            # What ended the row of blocks comes after them; a block too many starts the next row.
            return self._finish(finals, kind, item)
        return self._finish(finals, "none", None)

    def _finish(self, finals: list[FinalBlock], kind: str, item: _Item) -> bool:
        if kind == "block":
            finals = [*finals, item]  # type: ignore[list-item]
        if finals:
            self._projections.apply_final_blocks(finals)
            with self._lock:
                self._waiting_orders -= sum(len(final.body.records) for final in finals)
        if kind == "chain":
            self._projections.apply_chain_event(item)  # type: ignore[arg-type]
        return kind != "stop"
