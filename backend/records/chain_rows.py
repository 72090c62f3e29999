"""What deposits, batches and claims change. Law: an event that says nothing new changes nothing.

What leads out of the ledger is in leaving_rows.py.
"""

from functools import singledispatch

from sqlalchemy import Connection, delete, func, insert, select, update

from backend.protocol.types import digest_text
from backend.records import leaving_rows
from backend.records.event_rows import Row, event_row, first_row
from backend.records.facts import (
    BatchGone,
    BatchPosted,
    BatchRolledBack,
    BatchSettled,
    DepositConfirmed,
    DepositGone,
    DepositSeen,
    WithdrawalClaimed,
)
from backend.records.tables.projections import batches, claims, deposits, removed_batches


def forget_unconfirmed(connection: Connection) -> None:
    """Forget deposits that may have gone while nobody watched; those that stay are seen again."""
    connection.execute(delete(deposits).where(deposits.c.confirmed_l1_block_number.is_(None)))


@singledispatch
def apply(event: object, connection: Connection) -> Row | None:
    """Write what `event` says; return its row for the stream of events, None if it is not new."""
    return leaving_rows.apply(event, connection)


@apply.register
def _deposit_seen(event: DepositSeen, connection: Connection) -> Row | None:
    is_same = deposits.c.deposit_index == event.deposit_index
    found = first_row(connection, deposits, is_same)
    if found is not None and found.tx_hash == event.tx_hash:
        return None
    # Another transaction took the place of one that a reorganisation threw out.
    connection.execute(delete(deposits).where(is_same))
    record = event.record
    connection.execute(
        insert(deposits).values(
            deposit_index=event.deposit_index,
            token=record.token,
            asset_id=record.asset_id,
            owner=record.owner,
            amount_minor=record.amount_minor,
            l1_ts_s=record.l1_ts_s,
            l1_block_number=event.l1_block_number,
            tx_hash=event.tx_hash,
        )
    )
    return event_row(
        "deposit.seen",
        str(event.deposit_index),
        record.l1_ts_s * 1000,
        event.l1_block_number,
        record.owner,
    )


@apply.register
def _deposit_confirmed(event: DepositConfirmed, connection: Connection) -> Row | None:
    found = first_row(connection, deposits, deposits.c.deposit_index == event.deposit_index)
    if found is None or found.confirmed_l1_block_number is not None:
        return None
    connection.execute(
        update(deposits)
        .where(deposits.c.deposit_index == event.deposit_index)
        .values(confirmed_l1_block_number=event.l1_block_number)
    )
    subject = str(event.deposit_index)
    return event_row("deposit.confirmed", subject, event.ts_ms, event.l1_block_number, found.owner)


@apply.register
def _deposit_gone(event: DepositGone, connection: Connection) -> Row | None:
    found = first_row(connection, deposits, deposits.c.deposit_index == event.deposit_index)
    if found is None:
        return None
    connection.execute(delete(deposits).where(deposits.c.deposit_index == event.deposit_index))
    subject = str(event.deposit_index)
    return event_row("deposit.gone", subject, event.ts_ms, event.l1_block_number, found.owner)


@apply.register
def _batch_posted(event: BatchPosted, connection: Connection) -> Row | None:
    header = event.header
    is_same = batches.c.number == header.number
    found = first_row(connection, batches, is_same)
    noop_slots = _packed(event.noop_slots)
    if found is not None and (found.header_hash, found.tx_hash) == (
        event.header_hash,
        event.tx_hash,
    ):
        if noop_slots is not None and found.noop_slots is None:
            connection.execute(update(batches).where(is_same).values(noop_slots=noop_slots))
        return None
    was_removed = removed_batches.c.header_hash == event.header_hash
    if first_row(connection, removed_batches, was_removed) is not None:
        return None  # it is read again: what became of it is known
    connection.execute(delete(batches).where(is_same))
    connection.execute(
        insert(batches).values(
            number=header.number,
            status="posted",
            header_hash=event.header_hash,
            epoch=header.epoch,
            parent_hash=header.parent_hash,
            pre_root=header.pre_root,
            post_root=header.post_root,
            chunks_root=header.chunks_root,
            chunk_count=header.chunk_count,
            data_hash=header.data_hash,
            deposit_cursor=header.deposit_cursor,
            pin_number=header.l1_block_number,
            pin_hash=header.l1_block_hash,
            last_block_number=header.last_block_number,
            last_block_hash=header.last_block_hash,
            timestamp=header.timestamp,
            accepted_ts_s=event.accepted_ts_s,
            signers=event.signers.to_bytes(32),
            tx_hash=event.tx_hash,
            l1_block_number=event.l1_block_number,
            noop_slots=noop_slots,
        )
    )
    return event_row(
        "batch.posted", str(header.number), event.accepted_ts_s * 1000, event.l1_block_number
    )


def _packed(slots: tuple[int, ...] | None) -> bytes | None:
    return None if slots is None else b"".join(slot.to_bytes(2) for slot in slots)


@apply.register
def _batch_settled(event: BatchSettled, connection: Connection) -> Row | None:
    changed = connection.execute(
        update(batches)
        .where(batches.c.number == event.number, batches.c.status == "posted")
        .values(status="settled")
    )
    if changed.rowcount == 0:
        return None
    return event_row("batch.settled", str(event.number), event.ts_ms, event.l1_block_number)


@apply.register
def _batch_gone(event: BatchGone, connection: Connection) -> Row | None:
    is_it = (batches.c.number == event.number, batches.c.header_hash == event.header_hash)
    changed = connection.execute(delete(batches).where(*is_it))
    if changed.rowcount == 0:
        return None
    return event_row("batch.gone", str(event.number), event.ts_ms, event.l1_block_number)


@apply.register
def _batch_rolled_back(event: BatchRolledBack, connection: Connection) -> Row | None:
    is_it = (batches.c.number == event.number, batches.c.header_hash == event.header_hash)
    found = first_row(connection, batches, *is_it)
    if found is None:
        return None
    last = connection.execute(select(func.max(removed_batches.c.removal))).scalar() or 0
    fate = {
        "removal": last + 1,
        "status": "rolled_back",
        "removed_l1_block_number": event.l1_block_number,
    }
    connection.execute(insert(removed_batches).values(dict(found._mapping) | fate))
    connection.execute(delete(batches).where(*is_it))
    return event_row("batch.rolled_back", str(event.number), event.ts_ms, event.l1_block_number)


@apply.register
def _withdrawal_claimed(event: WithdrawalClaimed, connection: Connection) -> Row | None:
    if first_row(connection, claims, claims.c.claim_key == event.claim_key) is not None:
        return None
    connection.execute(
        insert(claims).values(
            claim_key=event.claim_key,
            owner=event.owner,
            batch_number=event.batch_number,
            slot=event.slot_number,
            tx_hash=event.tx_hash,
            l1_block_number=event.l1_block_number,
        )
    )
    subject = digest_text(event.claim_key)
    return event_row("withdrawal.claimed", subject, event.ts_ms, event.l1_block_number, event.owner)
