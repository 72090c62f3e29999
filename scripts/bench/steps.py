"""What the platform does under load: at most, at several rates of arrivals, and for a minute at
half of the most.

First all orders of a burst arrive at once, in large requests: how fast they are certified is a
first guess of the most. Then arrivals are random and payers shaped by Zipf's law, at shares of that
guess up to twice as much. What is certified in the time of a step must not fall where more is
offered.
"""

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np

from scripts.bench import arrivals, load
from scripts.bench.latencies import summary
from scripts.bench.stage import Stage

_SEED = 1


@dataclass(frozen=True, slots=True)
class Shape:
    """What is offered."""

    people: int = 2_048
    exponent: float = 1.0
    warm_up: int = 5_000
    burst_s: float = 8  # about
    shares: tuple[float, ...] = (0.25, 0.5, 0.75, 1, 1.25, 1.5, 2)
    step_s: float = 8
    held_s: float = 60
    burst_lines: int = 1_000  # orders in a request
    burst_connections: int = 4


async def measure(stage: Stage, client: Executor, shape: Shape) -> dict[str, Any]:
    """Return the most, the steps, and latencies at half of the most."""
    await stage.spread()
    offering = _Offering(stage, client, shape)
    guess_per_s = await offering.burst(shape.warm_up)
    bulk_per_s = await offering.burst(max(shape.warm_up, round(guess_per_s * shape.burst_s)))
    steps = [await offering.step(share * bulk_per_s, shape.step_s) for share in shape.shares]
    most_per_s = max(step["certified_per_s"] for step in steps)
    held = await offering.step(most_per_s / 2, shape.held_s)
    return {
        "bulk_orders_per_s": round(bulk_per_s),
        "most_per_s": most_per_s,
        "steps": steps,
        "held": held,
        "shape": f"Poisson arrivals, {shape.people:,} payers by Zipf's law with exponent "
        f"{shape.exponent:g}, requests of at most {load.LINES_MAX} orders, steps of "
        f"{shape.step_s:g} s; bulk requests of {shape.burst_lines:,}",
    }


@dataclass
class _Offering:
    """Offers orders; each time all are certified before the next."""

    stage: Stage
    client: Executor
    shape: Shape
    seed: int = _SEED

    async def burst(self, count: int) -> float:
        """Offer orders all at once; return how many a second were certified until the last."""
        lines, connections = self.shape.burst_lines, self.shape.burst_connections
        result = await self._run(np.zeros(count), lines_max=lines, connections=connections)
        if len(result.block_s) < count:
            raise RuntimeError(f"{count - len(result.block_s)} orders have no certificates")
        return count / max(*result.block_s, *(ms / 1000 for ms in result.certificate_ms))

    async def step(self, rate_per_s: float, seconds: float) -> dict[str, Any]:
        """Offer orders at a rate; return what became of them in that time (certified: in a block
        made by then), and how long it took for each, even later.
        """
        moments = arrivals.poisson(rate_per_s, seconds, self.seed)
        result = await self._run(moments)
        return {
            "seconds": seconds,
            "offered_per_s": round(len(moments) / seconds),
            "accepted_per_s": _in_time(result.accepted_s, seconds),
            "certified_per_s": _in_time(result.block_s, seconds),
            "certified_in_the_end": len(result.block_s),
            "asked_to_come_later": result.refused_count,
            "accepted": summary(result.accepted_ms).as_json(),
            "certificate": summary(result.certificate_ms).as_json(),
            "event": summary(result.event_ms).as_json(),
        }

    async def _run(self, moments: arrivals.Moments, **wire: int) -> load.Result:
        count, people = len(moments), self.shape.people
        payers = arrivals.zipf(count, people, self.shape.exponent, self.seed)
        payees = arrivals.others(payers, people, self.seed)
        self.seed += 1
        plan = load.Plan(
            self.stage.door,
            self.stage.signer,
            moments.tolist(),
            payers.tolist(),
            payees.tolist(),
            **wire,
        )
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(self.client, load.run, plan)
        self.stage.signer.nonces.update(result.nonces)
        return result


def _in_time(moments_s: list[float], seconds: float) -> int:
    return round(sum(moment_s <= seconds for moment_s in moments_s) / seconds)
