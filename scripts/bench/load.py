"""Open-loop load: orders arrive when they arrive, whether or not the platform keeps up.

Runs in a process of its own, which has signed all orders before the clock starts. An order counts
from the moment at which it arrives, not from that at which it could be sent; so nothing that has to
wait is left out. What has arrived meanwhile goes out together, as a small bulk request; a payer's
orders go over one connection, in their order. What is refused with 429 is sent again when the
platform asks for it.

Clients learn of certificates in two ways. All orders' events are followed: they also say when an
order's block was made. And of some orders, spread evenly, and of the last one, a client asks
`wait=final` as soon as they are accepted, and so learns of the certificate itself.
"""

import asyncio
import json
import re
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from scripts.bench.stage import Door, Signer
from scripts.bench.wire import Connection

LINES_MAX = 100
_TICK_S = 0.001
_EVENT = re.compile(rb'"subject":"0x([0-9a-f]{64})"[^\n]*"created_at":"([^"]+)"')
_ASKED_PER_S = 50
_PAUSE_S = 0.1
_EVENT_END = b"\n\n"
_READ_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Plan:
    """Who pays whom at which moment (seconds from the start, ascending), and how that is sent."""

    door: Door
    signer: Signer
    moments: Sequence[float]
    payers: Sequence[int]
    payees: Sequence[int]
    connections: int = 16
    lines_max: int = LINES_MAX  # orders in a request
    drain_s: float = 60  # how long to go on after the last arrival


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a plan. Seconds are counted from the start."""

    accepted_s: list[float]
    accepted_ms: list[float]  # from arrival to answer
    block_s: list[float]  # when the block of each was made
    event_ms: list[float]  # from arrival to its event
    certificate_ms: list[float]  # from arrival to certificate, of those asked for
    refused_count: int  # answers that asked for the same order later
    nonces: dict[int, int]  # each payer's next one


@dataclass(slots=True)
class _Order:
    moment_s: float
    payer: int
    nonce: int
    record: bytes
    id: bytes
    question: bytes | None  # the request that asks whether it is final


def run(plan: Plan) -> Result:
    """Carry out a plan; return when all orders have their certificates, or time is up."""
    orders = []
    every = max(1, round(len(plan.moments) / (max(plan.moments[-1], 1) * _ASKED_PER_S)))
    columns = zip(plan.moments, plan.payers, plan.payees, strict=True)
    for place, (moment_s, payer, payee) in enumerate(columns):
        signed = plan.signer.payment(payer, payee)
        is_asked = place % every == 0 or place == len(plan.moments) - 1
        question = plan.door.single(signed, is_final_awaited=True) if is_asked else None
        nonce = signed.order.nonce
        orders.append(_Order(moment_s, payer, nonce, signed.record(), signed.id, question))
    return asyncio.run(_Run(plan, orders).result())


@dataclass
class _Run:
    plan: Plan
    orders: list[_Order]
    accepted: list[tuple[_Order, float]] = field(default_factory=list)
    told: dict[bytes, tuple[float, str]] = field(default_factory=dict)
    """By id when the event came, and when the block was made."""
    asking: list["asyncio.Task[float]"] = field(default_factory=list)
    refused_count: int = 0
    _start_s: float = 0
    _start_ts_s: float = 0

    async def result(self) -> Result:
        lines = [_Line(self, self.plan) for _ in range(self.plan.connections)]
        following = asyncio.create_task(self._follow(ready := asyncio.Event()))
        sending = [asyncio.create_task(line.run()) for line in lines]
        try:
            await _first_failure(asyncio.wait_for(ready.wait(), 10), following)
            self._start_s, self._start_ts_s = time.perf_counter(), time.time()
            await _first_failure(self._arrive(lines), following, *sending)
            try:
                await _first_failure(
                    asyncio.wait_for(self._served(), self.plan.drain_s), following, *sending
                )
            except TimeoutError:
                await asyncio.gather(*(line.stop() for line in lines))
        finally:
            for task in (following, *sending, *self.asking):
                task.cancel()
            await asyncio.gather(following, *sending, *self.asking, return_exceptions=True)
        return self._told()

    def now_s(self) -> float:
        """Return the seconds since the start."""
        return time.perf_counter() - self._start_s

    async def _arrive(self, lines: Sequence["_Line"]) -> None:
        waiting = deque(self.orders)
        while waiting:
            now_s = self.now_s()
            while waiting and waiting[0].moment_s <= now_s:
                order = waiting.popleft()
                lines[order.payer % len(lines)].take(order)
            await asyncio.sleep(_TICK_S)

    async def _served(self) -> None:
        while len(self.told) < len(self.orders):
            await asyncio.sleep(_TICK_S)
        await asyncio.gather(*self.asking)

    def accept(self, order: _Order, at_s: float) -> None:
        """Note that an order was accepted; ask for its certificate if it is one of those."""
        self.accepted.append((order, at_s))
        if order.question is not None:
            self.asking.append(asyncio.create_task(self._ask(order, order.question)))

    async def _ask(self, order: _Order, question: bytes) -> float:
        """Return how many milliseconds after its arrival the order was known to be final."""
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.plan.door.port)
            writer.write(question)
            status = int((await reader.readline()).split()[1])
            now_s = self.now_s()
            writer.close()
            if status == 200:
                return (now_s - order.moment_s) * 1000
            if status not in (202, 429):  # not within ten seconds, or not now
                raise RuntimeError(f"asked for a certificate, the platform answered {status}")
            await asyncio.sleep(_PAUSE_S)

    async def _follow(self, ready: asyncio.Event) -> None:
        """Note when the platform tells of certificates."""
        door = self.plan.door
        ours = {order.id for order in self.orders}
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port, limit=_READ_BYTES)
        writer.write(
            b"GET /v1/events?types=payment.final HTTP/1.1\r\nHost: bench\r\n"
            + f"Authorization: Bearer {door.api_key}\r\n\r\n".encode()
        )
        text = b""
        while data := await reader.read(_READ_BYTES):
            now_s = self.now_s()
            whole, end, rest = (text + data).rpartition(_EVENT_END)
            text = rest
            if end:
                ready.set()
            for subject, created_at in _EVENT.findall(whole):
                order_id = bytes.fromhex(subject.decode())
                if order_id in ours:
                    self.told.setdefault(order_id, (now_s, created_at.decode()))
        raise RuntimeError("the stream of events ended")

    def _told(self) -> Result:
        nonces = dict(self.plan.signer.nonces)
        nonces.update({order.payer: order.nonce for order in reversed(self.orders)})
        for order, _ in self.accepted:
            nonces[order.payer] = max(nonces[order.payer], order.nonce + 1)
        told = [(order, *self.told[order.id]) for order in self.orders if order.id in self.told]
        asked = [task for task in self.asking if task.done() and not task.cancelled()]
        return Result(
            [at_s for _, at_s in self.accepted],
            [(at_s - order.moment_s) * 1000 for order, at_s in self.accepted],
            [datetime.fromisoformat(made).timestamp() - self._start_ts_s for _, _, made in told],
            [(at_s - order.moment_s) * 1000 for order, at_s, _ in told],
            [task.result() for task in asked],
            self.refused_count,
            nonces,
        )


class _Line:
    """One connection and what waits for it."""

    def __init__(self, run: _Run, plan: Plan) -> None:
        self._run, self._plan = run, plan
        self._waiting: deque[_Order] = deque()
        self._wake = asyncio.Event()
        self._is_stopping = False
        self._idle = asyncio.Event()
        self._idle.set()

    def take(self, order: _Order) -> None:
        """Send an order as soon as that can be."""
        self._waiting.append(order)
        self._wake.set()

    async def stop(self) -> None:
        """Send nothing more; return when what was sent has been answered."""
        self._is_stopping = True
        await self._idle.wait()

    async def run(self) -> None:
        """Send until cancelled."""
        loop = asyncio.get_running_loop()
        answers: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue()
        _, connection = await loop.create_connection(
            lambda: Connection(
                lambda status, body: answers.put_nowait((status, body)),
                lambda: answers.put_nowait(None),
            ),
            "127.0.0.1",
            self._plan.door.port,
        )
        try:
            while True:
                await self._wake.wait()
                if not self._waiting or self._is_stopping:
                    self._wake.clear()
                    continue
                self._idle.clear()
                count = min(len(self._waiting), self._plan.lines_max)
                sent = [self._waiting.popleft() for _ in range(count)]
                connection.send(self._plan.door.bulk([order.record for order in sent]))
                answer = await answers.get()
                if answer is None:
                    raise RuntimeError("the platform closed a connection")
                retry_after_s = self._read(sent, *answer)
                self._idle.set()
                await asyncio.sleep(retry_after_s)
        finally:
            connection.close()

    def _read(self, sent: Sequence[_Order], status: int, body: bytes) -> float:
        """Note what was accepted, put back what has to be sent again, and return when.

        Raises RuntimeError if an order is refused for ever.
        """
        now_s = self._run.now_s()
        if status == 200 and b'"error"' not in body:
            for order in sent:
                self._run.accept(order, now_s)
            return 0
        again: list[_Order] = []
        retry_after_ms = 0
        for order, line in zip(sent, _lines(status, body, len(sent)), strict=True):
            if "error" not in line:
                self._run.accept(order, now_s)
                continue
            error = line["error"]
            # Behind an order that was put back, the same payer's next one is ahead of its turn.
            if not error["retryable"] and not (again and error["code"] == "NONCE_GAP"):
                raise RuntimeError(f"refused: {error}")
            again.append(order)
            retry_after_ms = max(retry_after_ms, error["values"].get("retry_after_ms", 0))
        self._run.refused_count += len(again)
        self._waiting.extendleft(reversed(again))
        self._wake.set()
        return retry_after_ms / 1000


def _lines(status: int, body: bytes, count: int) -> Iterator[dict[str, Any]]:
    """Yield what is said of each order; an answer that refuses says the same of all."""
    if status == 200:
        yield from map(json.loads, body.splitlines())
    else:
        yield from [json.loads(body)] * count


async def _first_failure(work: Any, *others: "asyncio.Task[None]") -> None:
    """Wait for `work`, unless one of the others fails before."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task, *others}, return_when=asyncio.FIRST_COMPLETED)
        for one in others:
            if one.done():
                one.result()
        await task
    finally:
        task.cancel()
