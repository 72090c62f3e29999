"""How many POSTs of one payment our REST API answers in a second.

The client is a process of its own that sends bytes made beforehand. It takes turns with a bare
FastAPI endpoint on the same server, and the median of the turns' ratios counts: others use the
machine, too. What the client can send at most is measured against a mere socket.
"""

import asyncio
import statistics
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

from scripts.bench import bare, wire
from scripts.bench.stage import RICH, Stage


@dataclass(frozen=True, slots=True)
class Load:
    """What the client sends. `RICH` is a multiple of `connections`."""

    turns: int = 5
    posts: int = 3_000  # in a turn, to each server
    connections: int = 32


async def measure(stage: Stage, client: Executor, load: Load) -> dict[str, Any]:
    """Return POSTs a second: ours, a bare endpoint's, a mere socket's, and the ratio."""
    loop = asyncio.get_running_loop()
    rates: dict[str, list[float]] = {"ours": [], "bare": [], "ceiling": []}
    with bare.running(bare.serve_endpoint) as bare_port, bare.running(bare.serve_fixed) as fixed:
        ports = {"ours": stage.door.port, "bare": bare_port, "ceiling": fixed}
        for turn in range(-1, load.turns):  # the first warms up
            orders = stage.signer.ring(load.posts, RICH)
            shares = _shares([stage.door.single(order) for order in orders], load.connections)
            for name, port in ports.items():
                send = partial(wire.send_all_here, port, shares, bare.STATUS)
                seconds = await loop.run_in_executor(client, send)
                if turn >= 0:
                    rates[name].append(load.posts / seconds)
            for order in orders[-RICH:]:
                await stage.until_final(order)
    ratios = [ours / other for ours, other in zip(rates["ours"], rates["bare"], strict=True)]
    return {
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "posts_per_s": round(statistics.median(rates["ours"])),
        "bare_posts_per_s": round(statistics.median(rates["bare"])),
        "client_ceiling_posts_per_s": round(statistics.median(rates["ceiling"])),
        "connections": load.connections,
        "posts": load.posts,
    }


def _shares(requests: Sequence[bytes], count: int) -> list[list[bytes]]:
    """Return requests dealt out to so many connections. Payers took turns, and their number is a
    multiple of `count`: so a payer's go over one connection, in their order.
    """
    return [list(requests[place::count]) for place in range(count)]
