"""Brings what is final to the chain and, on local chains, past the challenge window."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Final, TypeVar

from backend.console.errors import StillWaiting
from backend.settlement.anvil import increase_time
from backend.settlement.client import ChainClient
from causeway import Batch, Client
from causeway.models import Block

WAIT_S_LOCAL: Final = 120
WAIT_S_PUBLIC: Final = 3600
_POLL_S: Final = 0.1

Say = Callable[[str], None]
FoundT = TypeVar("FoundT")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is final and not in a batch yet."""

    block_count: int
    operation_count: int


def wait_for(what: str, look: Callable[[], FoundT | None], seconds: int) -> FoundT:
    """Return what `look` finds, asked again and again. Raises StillWaiting after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(_POLL_S)
    raise StillWaiting(what, seconds)


def newest_batch(client: Client) -> Batch | None:
    """Return the newest batch that the chain has; one that is only built may never get there."""
    return next((batch for batch in client.batches.list() if batch.status != "built"), None)


def waiting(client: Client) -> Waiting:
    """Return how much has no batch yet."""
    blocks = _blocks_after(client, newest_batch(client))
    return Waiting(len(blocks), sum(block.operation_count for block in blocks))


def _blocks_after(client: Client, batch: Batch | None) -> list[Block]:
    """Return the blocks after a batch's last one, the newest first."""
    last = 0 if batch is None else batch.last_block
    blocks = client.pages(Block, "/v1/blocks", {})
    return list(takewhile(lambda block: block.number > last, blocks))


class Poster:
    """Posts and settles through the API; moves the clock of a local chain."""

    def __init__(
        self,
        client: Client,
        chain: ChainClient,
        runner: asyncio.Runner,
        say: Say,
        *,
        challenge_window_s: int,
        is_local: bool,
    ) -> None:
        self._client, self._chain, self._runner, self._say = client, chain, runner, say
        self._window_s = challenge_window_s
        self._is_local = is_local
        self._wait_s = WAIT_S_LOCAL if is_local else WAIT_S_PUBLIC

    def post(self, carrier: str | None = None) -> Waiting:
        """Have all posted that is final by now; return how much had no batch yet."""
        found = waiting(self._client)
        self._client.batches.post(carrier)
        return found

    def settle(self, carrier: str | None = None) -> list[Batch]:
        """Have all posted that is final, and wait: on local chains until it is settled, moving
        their clock over the challenge window; on public ones, where that takes days, until it is
        posted. Returns the batches that were not settled before. Raises StillWaiting.
        """
        blocks = _blocks_after(self._client, newest_batch(self._client))
        last = next((block.number for block in blocks if block.operation_count), 0)
        if last:
            self._say(f"posting {sum(block.operation_count for block in blocks)} operations")
            self._client.batches.post(carrier)
        wait_for("the batch to be posted", lambda: self._is_posted(last), self._wait_s)
        batches = [*self._client.batches.list(status="posted")]
        if not batches or not self._is_local:
            return batches
        self._pass_window(batches)
        numbers = [batch.number for batch in batches]
        return wait_for("settlement", lambda: self._settled(numbers), self._wait_s)

    def _is_posted(self, block_number: int) -> bool | None:
        batch = newest_batch(self._client)
        last = 0 if batch is None else batch.last_block
        return True if last >= block_number else None

    def _pass_window(self, batches: list[Batch]) -> None:
        """Move a local chain's clock to the end of the last challenge window, no further."""
        ripe_ts_s = max(batch.accepted_ts_s for batch in batches) + self._window_s
        seconds = ripe_ts_s - self._runner.run(self._chain.latest()).ts_s + 1
        if seconds > 0:
            self._say(f"moving the local chain's clock {seconds} s over the challenge window")
            self._runner.run(increase_time(self._chain, seconds))

    def _settled(self, numbers: list[int]) -> list[Batch] | None:
        newest = islice(self._client.batches.list(), len(numbers) + 100)
        settled = {batch.number: batch for batch in newest if batch.status == "settled"}
        is_all = settled.keys() >= {*numbers}
        return [settled[number] for number in numbers] if is_all else None
