"""What each event of the chain changes. Law: an event that says nothing new changes nothing."""

from functools import singledispatch
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

from backend.protocol.types import digest_text
from backend.records.facts import (
    BatchGone,
    BatchPosted,
    BatchSettled,
    DepositConfirmed,
    DepositGone,
    DepositSeen,
    WithdrawalClaimed,
)
from backend.records.tables.projections import batches, claims, deposits

Row = dict[str, Any]


def forget_unconfirmed(connection: Connection) -> None:
    """Forget deposits that may have gone while nobody watched; those that stay are seen again."""
    connection.execute(delete(deposits).where(deposits.c.confirmed_l1_block_number.is_(None)))


@singledispatch
def apply(event: object, connection: Connection) -> Row | None:
    """Write what `event` says; return its row for the stream of events, None if it is not new."""
    raise TypeError(f"{type(event).__name__} is no event of the chain")


def _event(kind: str, subject: str, ts_ms: int, position: int, owner: bytes | None = None) -> Row:
    return {
        "type": kind,
        "subject": subject,
        "owner": owner,
        "counterparty": None,
        "ts_ms": ts_ms,
        "position": position,
        "code": None,
    }


def _row(connection: Connection, table: Table, condition: Any) -> Any:
    return connection.execute(select(table).where(condition)).first()


@apply.register
def _deposit_seen(event: DepositSeen, connection: Connection) -> Row | None:
    is_same = deposits.c.deposit_index == event.deposit_index
    found = _row(connection, deposits, is_same)
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
    return _event(
        "deposit.seen",
        str(event.deposit_index),
        record.l1_ts_s * 1000,
        event.l1_block_number,
        record.owner,
    )


@apply.register
def _deposit_confirmed(event: DepositConfirmed, connection: Connection) -> Row | None:
    found = _row(connection, deposits, deposits.c.deposit_index == event.deposit_index)
    if found is None or found.confirmed_l1_block_number is not None:
        return None
    connection.execute(
        update(deposits)
        .where(deposits.c.deposit_index == event.deposit_index)
        .values(confirmed_l1_block_number=event.l1_block_number)
    )
    subject = str(event.deposit_index)
    return _event("deposit.confirmed", subject, event.ts_ms, event.l1_block_number, found.owner)


@apply.register
def _deposit_gone(event: DepositGone, connection: Connection) -> Row | None:
    found = _row(connection, deposits, deposits.c.deposit_index == event.deposit_index)
    if found is None:
        return None
    connection.execute(delete(deposits).where(deposits.c.deposit_index == event.deposit_index))
    subject = str(event.deposit_index)
    return _event("deposit.gone", subject, event.ts_ms, event.l1_block_number, found.owner)


@apply.register
def _batch_posted(event: BatchPosted, connection: Connection) -> Row | None:
    header = event.header
    is_same = batches.c.number == header.number
    found = _row(connection, batches, is_same)
    noop_slots = _packed(event.noop_slots)
    if found is not None and (found.header_hash, found.tx_hash) == (
        event.header_hash,
        event.tx_hash,
    ):
        if noop_slots is not None and found.noop_slots is None:
            connection.execute(update(batches).where(is_same).values(noop_slots=noop_slots))
        return None
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
    return _event(
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
    return _event("batch.settled", str(event.number), event.ts_ms, event.l1_block_number)


@apply.register
def _batch_gone(event: BatchGone, connection: Connection) -> Row | None:
    changed = connection.execute(delete(batches).where(batches.c.number == event.number))
    if changed.rowcount == 0:
        return None
    return _event("batch.gone", str(event.number), event.ts_ms, event.l1_block_number)


@apply.register
def _withdrawal_claimed(event: WithdrawalClaimed, connection: Connection) -> Row | None:
    if _row(connection, claims, claims.c.claim_key == event.claim_key) is not None:
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
    return _event("withdrawal.claimed", subject, event.ts_ms, event.l1_block_number, event.owner)
