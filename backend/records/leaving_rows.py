"""What exits, challenges, the freeze and what follows it change. Law: as in chain_rows.py."""

from functools import singledispatch
from typing import Final

from sqlalchemy import Connection, insert, update

from backend.protocol.types import digest_text
from backend.records.event_rows import Row, event_row, first_row, was_told
from backend.records.facts import (
    AccountEscaped,
    ChallengeEnded,
    ChallengeOpened,
    DepositRefunded,
    EpochBegun,
    ExitRequested,
    ExitServed,
    RollupFrozen,
    WithdrawalAdvanced,
)
from backend.records.tables.projections import advances, challenges, deposits, exits

OPEN: Final = "open"


@singledispatch
def apply(event: object, connection: Connection) -> Row | None:
    """Write what `event` says; return its row for the stream of events, None if it is not new."""
    raise TypeError(f"{type(event).__name__} is no event of the chain")


@apply.register
def _exit_requested(event: ExitRequested, connection: Connection) -> Row | None:
    if first_row(connection, exits, exits.c.exit_index == event.exit_index) is not None:
        return None
    connection.execute(
        insert(exits).values(
            exit_index=event.exit_index,
            account_id=event.account_id,
            owner=event.owner,
            tx_hash=event.tx_hash,
            l1_block_number=event.l1_block_number,
        )
    )
    subject = str(event.exit_index)
    return event_row("exit.requested", subject, event.ts_ms, event.l1_block_number, event.owner)


@apply.register
def _exit_served(event: ExitServed, connection: Connection) -> Row | None:
    # The newest request before the showing is the one that was shown.
    of_account = (exits.c.account_id == event.account_id, exits.c.owner == event.owner)
    before = exits.c.l1_block_number <= event.l1_block_number
    newest = exits.select().where(*of_account, before).order_by(exits.c.exit_index.desc()).limit(1)
    found = connection.execute(newest).first()
    if found is None or (found.served_l1_block_number or 0) >= event.l1_block_number:
        return None
    connection.execute(
        update(exits)
        .where(exits.c.exit_index == found.exit_index)
        .values(
            served_batch_number=event.batch_number, served_l1_block_number=event.l1_block_number
        )
    )
    subject = str(found.exit_index)
    return event_row("exit.served", subject, event.ts_ms, event.l1_block_number, event.owner)


@apply.register
def _challenge_opened(event: ChallengeOpened, connection: Connection) -> Row | None:
    is_same = (
        challenges.c.header_hash == event.header_hash,
        challenges.c.slot == event.slot_number,
    )
    if first_row(connection, challenges, *is_same) is not None:
        return None
    connection.execute(
        insert(challenges).values(
            header_hash=event.header_hash,
            slot=event.slot_number,
            positions=event.positions,
            batch_number=event.batch_number,
            challenger=event.challenger,
            deadline_ts_s=event.deadline_ts_s,
            status=OPEN,
        )
    )
    subject = _challenge_name(event.batch_number, event.slot_number)
    return event_row(
        "challenge.opened", subject, event.ts_ms, event.l1_block_number, event.challenger
    )


@apply.register
def _challenge_ended(event: ChallengeEnded, connection: Connection) -> Row | None:
    is_open = (
        challenges.c.header_hash == event.header_hash,
        challenges.c.slot == event.slot_number,
        challenges.c.status == OPEN,
    )
    found = first_row(connection, challenges, *is_open)
    if found is None:
        return None
    connection.execute(update(challenges).where(*is_open).values(status=event.status))
    subject = _challenge_name(found.batch_number, event.slot_number)
    kind = f"challenge.{event.status}"
    return event_row(kind, subject, event.ts_ms, event.l1_block_number, found.challenger)


def _challenge_name(batch_number: int, slot_number: int) -> str:
    """Return what an event calls a challenge: batch and slot number."""
    return f"{batch_number}.{slot_number}"


@apply.register
def _withdrawal_advanced(event: WithdrawalAdvanced, connection: Connection) -> Row | None:
    if first_row(connection, advances, advances.c.claim_key == event.claim_key) is not None:
        return None
    connection.execute(
        insert(advances).values(
            claim_key=event.claim_key, provider=event.provider, tx_hash=event.tx_hash
        )
    )
    return event_row(
        "withdrawal.advanced",
        digest_text(event.claim_key),
        event.ts_ms,
        event.l1_block_number,
        event.owner,
        event.provider,
    )


@apply.register
def _deposit_refunded(event: DepositRefunded, connection: Connection) -> Row | None:
    is_it = deposits.c.deposit_index == event.deposit_index
    found = first_row(connection, deposits, is_it)
    if found is None or found.refunded_tx_hash is not None:
        return None
    connection.execute(update(deposits).where(is_it).values(refunded_tx_hash=event.tx_hash))
    subject = str(event.deposit_index)
    return event_row("deposit.refunded", subject, event.ts_ms, event.l1_block_number, found.owner)


@apply.register
def _epoch_begun(event: EpochBegun, connection: Connection) -> Row | None:
    row = event_row("epoch.begun", str(event.number), event.ts_ms, event.l1_block_number)
    return _once(connection, row)


@apply.register
def _rollup_frozen(event: RollupFrozen, connection: Connection) -> Row | None:
    row = event_row("rollup.frozen", event.reason, event.ts_ms, event.l1_block_number)
    return _once(connection, row)


@apply.register
def _account_escaped(event: AccountEscaped, connection: Connection) -> Row | None:
    subject = str(event.account_id)
    row = event_row("account.escaped", subject, event.ts_ms, event.l1_block_number, event.owner)
    return _once(connection, row)


def _once(connection: Connection, row: Row) -> Row | None:
    return None if was_told(connection, row["type"], row["subject"]) else row
