"""Tells the records, in their words, what settlement saw on the chain."""

from functools import singledispatch

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


@fact_of.register
def _batch_posted(event: events.BatchPosted, ts_ms: int) -> facts.BatchPosted:
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
    return facts.BatchGone(event.batch.header.number, event.place.block.number, ts_ms)


@fact_of.register
def _batch_rolled_back(event: events.BatchRolledBack, ts_ms: int) -> facts.BatchGone:
    return facts.BatchGone(event.batch.header.number, event.place.block.number, ts_ms)


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


def _noop_slots(chunks: tuple[Chunk, ...]) -> tuple[int, ...]:
    return tuple(
        slot_number(index, position)
        for index, chunk in enumerate(chunks)
        for position, operation in chunk.operations()
        if isinstance(operation, NoOp)
    )
