"""Settles batches whose challenge window has passed. Anyone may, so a lost race costs nothing."""

import asyncio
from typing import Final

import structlog

from backend.protocol.errors import ChainUnavailable
from backend.settlement.batch_data import AcceptedBatch
from backend.settlement.chain import Done, Outcome, Refused, RpcError
from backend.settlement.rollup import Rollup
from backend.settlement.sender import Sender

_BATCHES_MAX: Final = 32  # in one transaction: 20,000 gas each, far below the limit
_POLL_MS: Final = 5_000

log = structlog.get_logger(__name__)


class Settler:
    """Moves the rollup's frontier. Its key is not the submitter's: nodes keep an address either in
    the pool of blobs or in the ordinary one."""

    def __init__(self, rollup: Rollup, sender: Sender) -> None:
        self._rollup, self._client, self._sender = rollup, rollup.client, sender

    async def run(self, poll_ms: int = _POLL_MS) -> None:
        """Settle for ever. A chain that doesn't answer is asked again."""
        while True:
            try:
                await self.settle()
            except (ChainUnavailable, RpcError) as error:
                log.warning("settler_waits_for_chain", reason=str(error))
            await asyncio.sleep(poll_ms / 1000)

    async def settle(self) -> Outcome | None:
        """Settle all batches that can be; None if there is none. A repeat finds none."""
        ripe = await self._ripe()
        if not ripe:
            return None
        contract = self._rollup.contract
        data = self._rollup.settlement(ripe)
        outcome = await self._sender.send(contract.address, data, abi=contract.abi)
        first, last = ripe[0].header.number, ripe[-1].header.number
        if isinstance(outcome, Done):
            log.info("batches_settled", first=first, last=last, gas=outcome.receipt.gas_used)
        elif isinstance(outcome, Refused):
            # Somebody was faster, or L1 time is behind: the next round sees how it is.
            log.info("settlement_refused", first=first, last=last, reason=str(outcome.reason))
        return outcome

    async def _ripe(self) -> list[AcceptedBatch]:
        frontier, tip = await self._rollup.frontier(), await self._rollup.tip()
        head = await self._client.latest()
        window_s = self._rollup.deployment.parameters.challenge_window_s
        ripe: list[AcceptedBatch] = []
        for number in range(frontier + 1, min(tip, frontier + _BATCHES_MAX) + 1):
            posted = await self._rollup.posted(number)
            if posted is None or posted.accepted.accepted_ts_s + window_s > head.ts_s:
                break
            ripe.append(posted.accepted)
        return ripe
