"""Acts on what it sees: proves fraud, challenges what nobody authorised, answers, shows, freezes.

Law: it needs nothing of the operator. Each step looks at the chain anew and repeats nothing that
the chain has already, so that it can be stopped and started at any time.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Final

import structlog

from backend.protocol.batches import CHUNK_SLOTS
from backend.protocol.errors import ChainUnavailable
from backend.protocol.evidence import Evidence
from backend.protocol.hashing import Digest
from backend.settlement.artifacts import artifact
from backend.settlement.chain import Contract, Done, Outcome, Refused, RpcError
from backend.settlement.data_sources import DataMissing
from backend.settlement.l1_history import History, HistoryIncomplete
from backend.settlement.proving.answers import answers, bond_wei, challenge, unanswerable
from backend.settlement.proving.fraud import Fraud, proof_commitment
from backend.settlement.proving.proofs import Arguments
from backend.settlement.proving.replay import ReplayedBatch
from backend.settlement.sender import Sender
from backend.settlement.transactions import fees_of
from backend.settlement.watching.challenges import OpenedChallenge, opened_challenges
from backend.settlement.watching.deadlines import overdue, showing
from backend.settlement.watching.evidence import EvidenceSource, authority_of
from backend.settlement.watching.follower import Follower

_POLL_MS: Final = 2_000
_CHALLENGES_MAX: Final = 16  # chunks of a batch in a step, so that all else has its turn
_ANSWERED_MAX: Final = 64  # challenges of a batch in a step
_AT_ONCE: Final = 16  # transactions of one key, of which nodes keep so many before they are mined
_RESERVE_GAS: Final = 8_000_000  # the dearest proof, and more: no bond is paid out of it
_DATA_DUE_S: Final = 600  # beacon nodes have a block's blobs by the next block, or soon after

WAITS: Final = (ChainUnavailable, RpcError, HistoryIncomplete)
"""What a step may raise without anything being wrong: it is to be taken again, later."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Standing:
    """What a watcher has found so far, for people."""

    batch: int = 0
    frontier: int = 0
    tip: int = 0
    alarms: list[str] = field(default_factory=list)
    """What is wrong now, and what is done about it."""
    unshown: list[int] = field(default_factory=list)
    """Batches whose orders whoever has the evidence has not shown yet, and still may."""
    frozen_ts_s: int = 0
    """Since when the rollup is frozen, in L1 time; 0 if it is not."""


class Challenger:
    """One watcher of one rollup."""

    def __init__(
        self,
        follower: Follower,
        sender: Sender | None,
        evidence: EvidenceSource | None,
        *,
        may_freeze: bool = False,
    ) -> None:
        """`sender` pays for transactions; None: only look. `evidence` says who authorised what;
        None: nothing is challenged or answered. A freeze is for ever, so it has to be asked for."""
        self.standing = Standing()
        self._follower, self._reader = follower, follower.reader
        self._sender, self._evidence = sender, evidence
        self._may_freeze = may_freeze
        self._judged: set[tuple[Digest, int]] = set()
        """Batches whose authorisations are all known, by L1 as it was at a number of
        reorganisations: it may have lost a root or an exit since."""
        # In the present step: whether the evidence was answered for, whatever the answer, and the
        # batches whose orders it doesn't show yet.
        self._is_answered = True
        self._unshown: list[int] = []

    async def run(self, poll_ms: int = _POLL_MS) -> None:
        """Watch for ever. A chain that doesn't answer is asked again."""
        while True:
            try:
                await self.step()
            except WAITS as error:
                log.warning("watcher_waits", reason=str(error))
            await asyncio.sleep(poll_ms / 1000)

    async def step(self) -> Standing:
        """Look once, and take the next step of all that is to be done. Return how it stands."""
        follower = self._follower
        history = await follower.follow()
        alarms = await self._missing_data()
        if follower.fraud is not None:
            batch, fraud = follower.fraud
            alarms.append(f"batch {batch.header.number} is false: {fraud.reason}")
            await self._prove(fraud)
        batches = {one.posted.header_hash: one for one in follower.disputable()}
        challenged = await opened_challenges(self._reader, batches.values())
        await self._draw()
        self._is_answered = True
        self._unshown = []
        for header_hash, replayed in batches.items():
            alarms += await self._judge(history, replayed, challenged.get(header_hash, []))
        await self._expire(challenged)
        await self._show_served(history)
        alarms += await self._freeze(history)
        self.standing = Standing(
            follower.number,
            history.frontier,
            history.tip,
            alarms,
            self._unshown,
            await self._reader.view("frozenTsS"),
        )
        return self.standing

    async def _missing_data(self) -> list[str]:
        """Tell of data that can't be had. What came before it is watched all the same."""
        missing = self._follower.missing
        if missing is None:
            return []
        head = await self._reader.client.latest()
        is_due = head.ts_s >= missing.accepted.accepted_ts_s + _DATA_DUE_S
        return [str(DataMissing(missing.header.number))] if is_due else []

    # Fraud

    async def _prove(self, fraud: Fraud) -> None:
        """Commit to the proof; in a later L1 block send it."""
        if self._sender is None:
            return
        disputes = await self._contract("Disputes")
        call_data = disputes.abi.call_data(fraud.function, *fraud.arguments)
        commitment = proof_commitment(call_data, self._sender.address)
        committed_at = await self._reader.client.read(disputes, "committedAt", commitment)
        head = await self._reader.client.latest()
        if not committed_at:
            await self._send("commit", disputes, "commit", commitment)
        elif head.number >= committed_at:  # the transaction comes into a later block
            await self._send(fraud.function, disputes, fraud.function, *fraud.arguments)

    # Authorisation

    async def _judge(
        self, history: History, batch: ReplayedBatch, challenged: list[OpenedChallenge]
    ) -> list[str]:
        """Challenge what the evidence doesn't cover, and answer what others challenge."""
        key = batch.posted.header_hash, history.reorganisations
        waiting = [one for one in challenged if one.open_slots and one.is_in_time]
        if self._evidence is None or (key in self._judged and not waiting):
            return []
        evidence = await self._ask(self._evidence, batch)
        if evidence is None:
            if not await self._is_patience_over(batch):
                self._unshown.append(batch.posted.header.number)
                return []
            evidence = {}
        authority = await authority_of(self._reader, history, batch, evidence)
        number = batch.posted.header.number
        missing = dict(unanswerable(batch, evidence, authority))
        if not missing:
            self._judged.add(key)
        known = {slot: evidence[slot] for slot in evidence.keys() - missing.keys()}
        await self._answer(batch, waiting, known)
        alarms = [
            f"batch {number}, slot {slot}: nobody shows who authorised it ({reason})"
            for slot, reason in missing.items()
        ]
        ever = frozenset[int]().union(*(one.slots for one in challenged))
        left = await self._challenge(batch, missing.keys() - ever)
        if left:
            alarms.append(f"batch {number}: no ether for the bonds of {left} operations more")
        return alarms

    async def _ask(
        self, source: EvidenceSource, batch: ReplayedBatch
    ) -> Mapping[int, Evidence] | None:
        """Return the evidence that there is; None as yet. Who gives no answer is not asked again
        in this step: he may belong to the operator, and have all else wait for him."""
        if not self._is_answered:
            return None
        try:
            return await source.evidence(batch.posted)
        except ChainUnavailable:
            self._is_answered = False
            log.warning("nobody_answers_for_evidence", batch=batch.posted.header.number)
            return None

    async def _is_patience_over(self, batch: ReplayedBatch) -> bool:
        """Return whether whoever has the evidence has had half of the window to show it."""
        window_s = await self._reader.view("challengeWindow")
        head = await self._reader.client.latest()
        return bool(head.ts_s >= batch.posted.accepted.accepted_ts_s + window_s // 2)

    async def _challenge(self, batch: ReplayedBatch, slots: set[int]) -> int:
        """Challenge some of these, chunk by chunk. Return how many are left for want of ether.

        An operator who knew their order would show L1 the orders of the first chunks, and put what
        nobody authorised behind them.
        """
        if not slots or self._sender is None:
            return 0
        chunks: dict[int, list[int]] = {}
        for slot in slots:
            chunks.setdefault(slot // CHUNK_SLOTS, []).append(slot)
        client, challenges = self._reader.client, await self._contract("Challenges")
        prices, floor_wei = await client.prices(), await self._reader.view("gasPriceFloor")
        # The base fee may rise until the transaction is mined. What is too much comes back.
        price_wei = max(floor_wei, prices.base_fee_wei * 5 // 4)
        reserve_wei = _RESERVE_GAS * fees_of(prices).max_fee_wei
        is_poor = False
        for index in SystemRandom().sample(sorted(chunks), min(len(chunks), _CHALLENGES_MAX)):
            of_chunk = chunks[index]
            value_wei = bond_wei(len(of_chunk), price_wei)
            if await client.balance_wei(self._sender.address) < value_wei + reserve_wei:
                is_poor = True
                continue
            arguments = challenge(batch, of_chunk)
            outcome = await self._send(
                "challenge", challenges, "challenge", *arguments, value_wei=value_wei
            )
            if isinstance(outcome, Done):
                slots = slots.difference(of_chunk)
        return len(slots) if is_poor else 0

    async def _draw(self) -> None:
        """Draw what bonds and answers have brought, once it is enough for another bond."""
        if self._sender is None:
            return
        challenges = await self._contract("Challenges")
        client = self._reader.client
        owed_wei = await client.read(challenges, "owedWei", self._sender.address)
        if owed_wei >= await client.read(challenges, "bond", 1):
            await self._send("draw", challenges, "withdrawBonds")

    async def _answer(
        self,
        batch: ReplayedBatch,
        waiting: list[OpenedChallenge],
        evidence: Mapping[int, Evidence],
    ) -> None:
        """Answer the oldest of these challenges, many in one L1 block.

        Else whoever challenged each slot by itself would have more than could be answered in time,
        and the stakes of an honest committee.
        """
        challenges = await self._contract("Challenges")
        places = asyncio.Semaphore(_AT_ONCE)

        async def answer(calls: list[Arguments]) -> None:
            async with places:
                for arguments in calls:  # the next part's gas depends on this one
                    await self._send("answer", challenges, "answer", *arguments)

        oldest = waiting[:_ANSWERED_MAX]
        parts = []
        for one in sorted(oldest, key=lambda one: one.slot):  # or chunks are executed anew
            known = {slot: evidence[slot] for slot in one.open_slots & evidence.keys()}
            parts.append(answer(list(answers(batch, one.slot, known))))
        for outcome in await asyncio.gather(*parts, return_exceptions=True):
            if outcome is not None:
                raise outcome

    async def _expire(self, challenged: Mapping[Digest, list[OpenedChallenge]]) -> None:
        """End a challenge that nobody has answered in time."""
        for of_batch in challenged.values():
            for one in of_batch:
                if one.open_slots and not one.is_in_time:
                    arguments = one.batch.accepted.arguments(), one.slot
                    challenges = await self._contract("Challenges")
                    await self._send("expire", challenges, "expire", *arguments)
                    return  # the batch is gone, and so are all its challenges

    # Exits and deadlines

    async def _show_served(self, history: History) -> None:
        """Show the exits that were served, for their bounties."""
        if self._sender is None:
            return
        for account_id, owner in history.exits:
            try:
                arguments = await showing(self._reader, self._follower, account_id, owner)
            except DataMissing as reason:
                log.warning("exit_cannot_be_shown", account_id=account_id, reason=str(reason))
                continue
            if arguments is not None:
                await self._send("show", self._reader.exits, "showServed", *arguments)

    async def _freeze(self, history: History) -> list[str]:
        """Freeze the rollup if the committee has missed a deadline."""
        late = await overdue(self._reader, self._follower, history)
        if late is None:
            return []
        if self._may_freeze:
            await self._send("freeze", self._reader.contract, late.function, *late.arguments)
        return [f"{late.reason}: anybody may freeze the rollup"]

    # Transactions

    async def _send(
        self,
        what: str,
        contract: Contract,
        function: str,
        *arguments: object,
        value_wei: int = 0,
    ) -> Outcome | None:
        if self._sender is None:
            return None
        outcome = await self._sender.call(contract, function, *arguments, value_wei=value_wei)
        if isinstance(outcome, Done):
            log.info("watcher_acted", what=what, function=function, gas=outcome.receipt.gas_used)
        else:
            # Somebody was faster, or the chain has moved on: the next step sees how it is.
            reason = str(outcome.reason) if isinstance(outcome, Refused) else "not mined yet"
            log.warning("watcher_was_refused", what=what, function=function, reason=reason)
        return outcome

    async def _contract(self, name: str) -> Contract:
        address = await self._reader.view(name.lower())
        others = (artifact(other).abi for other in ("Rollup", "Committee", "Disputes"))
        return Contract(bytes(address), artifact(name).abi.joined(*others))
