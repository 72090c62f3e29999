"""Tells the records, in their words, what settlement saw on the chain."""

from functools import singledispatch
from typing import Final

from backend.protocol.batches import Chunk, slot_number
from backend.protocol.operations import NoOp
from backend.records import facts
from backend.settlement import events


@singledispatch
def fact_of(event: events.ChainEvent, ts_ms: int) -> facts.ChainEvent | None:
    """Return what the records keep of `event`, noticed at `ts_ms`; None if they don't."""
    return None


@fact_of.register
def _deposit_seen(event: events.DepositSeen, ts_ms: int) -> facts.DepositSeen:
    place = event.place
    return facts.DepositSeen(event.index, event.record, place.block.number, place.tx_hash)


@fact_of.register
def _deposit_confirmed(event: events.DepositConfirmed, ts_ms: int) -> facts.DepositConfirmed:
    return facts.DepositConfirmed(event.index, event.place.block.number, ts_ms)


@fact_of.register
def _deposit_gone(event: events.DepositGone, ts_ms: int) -> facts.DepositGone:
    return facts.DepositGone(event.index, event.place.block.number, ts_ms)


@fact_of.register(events.BatchPosted | events.BatchConfirmed)
def _batch_posted(
    event: events.BatchPosted | events.BatchConfirmed, ts_ms: int
) -> facts.BatchPosted:
    return batch_posted(event, None)


def batch_posted(
    event: events.BatchPosted | events.BatchConfirmed, chunks: tuple[Chunk, ...] | None
) -> facts.BatchPosted:
    """Return the fact that a batch was accepted, with its chunks if they are known."""
    batch = event.batch
    return facts.BatchPosted(
        batch.header,
        batch.header_hash,
        batch.accepted.accepted_ts_s,
        batch.accepted.signers,
        event.place.block.number,
        batch.tx_hash,
        None if chunks is None else _noop_slots(chunks),
    )


@fact_of.register
def _batch_gone(event: events.BatchGone, ts_ms: int) -> facts.BatchGone:
    batch, l1_block_number = event.batch, event.place.block.number
    return facts.BatchGone(batch.header.number, batch.header_hash, l1_block_number, ts_ms)


@fact_of.register
def _batch_rolled_back(event: events.BatchRolledBack, ts_ms: int) -> facts.BatchRolledBack:
    batch, l1_block_number = event.batch, event.place.block.number
    return facts.BatchRolledBack(batch.header.number, batch.header_hash, l1_block_number, ts_ms)


@fact_of.register
def _batch_settled(event: events.BatchSettled, ts_ms: int) -> facts.BatchSettled:
    return facts.BatchSettled(event.number, event.place.block.number, ts_ms)


@fact_of.register
def _withdrawal_claimed(event: events.WithdrawalClaimed, ts_ms: int) -> facts.WithdrawalClaimed:
    return facts.WithdrawalClaimed(
        event.key,
        event.owner,
        event.batch_number,
        event.slot_number,
        event.place.block.number,
        ts_ms,
        event.place.tx_hash,
    )


@fact_of.register
def _withdrawal_advanced(event: events.WithdrawalAdvanced, ts_ms: int) -> facts.WithdrawalAdvanced:
    place = event.place
    return facts.WithdrawalAdvanced(
        event.key, event.owner, event.provider, place.block.number, ts_ms, place.tx_hash
    )


@fact_of.register
def _challenge_opened(event: events.ChallengeOpened, ts_ms: int) -> facts.ChallengeOpened:
    return facts.ChallengeOpened(
        event.header_hash,
        event.batch_number,
        event.slot_number,
        event.positions,
        event.challenger,
        event.deadline_ts_s,
        event.place.block.number,
        ts_ms,
    )


_CHALLENGE_ENDS: Final = {
    events.ChallengeAnswered: "answered",
    events.ChallengeExpired: "expired",
    events.BondReleased: "released",
}


@fact_of.register(events.ChallengeAnswered | events.ChallengeExpired | events.BondReleased)
def _challenge_ended(
    event: events.ChallengeAnswered | events.ChallengeExpired | events.BondReleased, ts_ms: int
) -> facts.ChallengeEnded:
    status = _CHALLENGE_ENDS[type(event)]
    l1_block_number = event.place.block.number
    return facts.ChallengeEnded(
        event.header_hash, event.slot_number, status, l1_block_number, ts_ms
    )


@fact_of.register
def _exit_requested(event: events.ExitRequested, ts_ms: int) -> facts.ExitRequested:
    request, place = event.request, event.place
    return facts.ExitRequested(
        event.index, request.account_id, request.owner, place.block.number, ts_ms, place.tx_hash
    )


@fact_of.register
def _exit_served(event: events.ExitServed, ts_ms: int) -> facts.ExitServed:
    l1_block_number = event.place.block.number
    return facts.ExitServed(
        event.account_id, event.owner, event.batch_number, l1_block_number, ts_ms
    )


@fact_of.register
def _epoch_begun(event: events.EpochBegun, ts_ms: int) -> facts.EpochBegun:
    return facts.EpochBegun(event.epoch.number, event.place.block.number, ts_ms)


@fact_of.register
def _rollup_frozen(event: events.RollupFrozen, _ts_ms: int) -> facts.RollupFrozen:
    return facts.RollupFrozen(event.reason, event.place.block.number, event.ts_s * 1000)


@fact_of.register
def _account_escaped(event: events.Escaped, ts_ms: int) -> facts.AccountEscaped:
    return facts.AccountEscaped(event.account_id, event.owner, event.place.block.number, ts_ms)


@fact_of.register
def _deposit_refunded(event: events.DepositRefunded, ts_ms: int) -> facts.DepositRefunded:
    place = event.place
    return facts.DepositRefunded(event.index, place.block.number, ts_ms, place.tx_hash)


def _noop_slots(chunks: tuple[Chunk, ...]) -> tuple[int, ...]:
    return tuple(
        slot_number(index, position)
        for index, chunk in enumerate(chunks)
        for position, operation in chunk.operations()
        if isinstance(operation, NoOp)
    )
