"""The projections follow from the journal and the chain.

- a block: its payments, entries, accounts, events
- a block again; a block left out
- a fact of the chain: deposits, batches, claims, and their going
- a rebuild, in another order of the sources: the same rows
- laws: entries add up to zero; the last entry's balance is the account's
"""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, func, select

from backend.protocol.batches import BatchHeader, withdrawal_key
from backend.protocol.errors import InvariantViolated
from backend.protocol.hashing import Digest, keccak
from backend.protocol.money import AmountMinor
from backend.protocol.types import DepositRecord, fee_account_id
from backend.records import block_rows, chain_rows
from backend.records.database import open_database
from backend.records.facts import (
    AccountEscaped,
    BatchGone,
    BatchPosted,
    BatchRolledBack,
    BatchSettled,
    ChallengeEnded,
    ChallengeOpened,
    DepositConfirmed,
    DepositGone,
    DepositRefunded,
    DepositSeen,
    EpochBegun,
    ExitRequested,
    ExitServed,
    RollupFrozen,
    WithdrawalAdvanced,
    WithdrawalClaimed,
)
from backend.records.projections import Projections
from backend.records.tables import projections as tables
from tests.unit.records.journal import DOMAIN, START_TS_MS, TOKEN, Journal, key, sample


def header(number: int, last_block_number: int) -> BatchHeader:
    root = Digest(keccak(number.to_bytes(8)))
    return BatchHeader(
        number, 1, root, root, root, root, 1, root, 2, 1, root, last_block_number, root, 1
    )


def posted(number: int, last_block_number: int) -> BatchPosted:
    made = header(number, last_block_number)
    noops = tuple(range(10, 64))
    return BatchPosted(made, made.digest(DOMAIN), 1_700_000_100, 7, 9, keccak(b"post"), noops)


def deposit_seen(index: int) -> DepositSeen:
    record = DepositRecord(
        TOKEN, 1, key("payer").address, AmountMinor(1_000_000), START_TS_MS // 1000
    )
    return DepositSeen(index, record, 5, keccak(b"deposit"))


CLAIM = WithdrawalClaimed(
    withdrawal_key(key("payee").address, 0, TOKEN, 300),
    key("payee").address,
    1,
    9,
    12,
    START_TS_MS + 9_000,
    keccak(b"claim"),
)
OWNER = key("payee").address
# What leads out of the ledger, and batch 2 in between rolled back.
LEAVING = (
    WithdrawalAdvanced(CLAIM.claim_key, OWNER, OWNER, 12, START_TS_MS, keccak(b"advance")),
    ExitRequested(0, 77, OWNER, 13, START_TS_MS, keccak(b"exit")),
    ChallengeOpened(posted(2, 4).header_hash, 2, 65, 2, OWNER, 1_700_000_200, 14, START_TS_MS),
    ChallengeOpened(posted(2, 4).header_hash, 2, 66, 2**63, OWNER, 1_700_000_200, 14, START_TS_MS),
    ChallengeEnded(posted(2, 4).header_hash, 66, "answered", 15, START_TS_MS),
    ExitServed(77, OWNER, 2, 15, START_TS_MS),
    BatchRolledBack(2, posted(2, 4).header_hash, 16, START_TS_MS),
    EpochBegun(2, 16, START_TS_MS),
    RollupFrozen("Silence", 17, START_TS_MS),
    AccountEscaped(77, OWNER, 18, START_TS_MS),
    DepositRefunded(0, 18, START_TS_MS, keccak(b"refund")),
)
CHAIN_EVENTS = (
    deposit_seen(0),
    DepositConfirmed(0, 6, START_TS_MS),
    deposit_seen(1),
    DepositGone(1, 7, START_TS_MS),
    posted(1, 3),
    BatchSettled(1, 11, START_TS_MS + 8_000),
    CLAIM,
    posted(2, 4),
    *LEAVING,
)


@pytest.fixture
def engine(tmp_path) -> Engine:
    return open_database("projections", f"sqlite:///{tmp_path / 'p.sqlite3'}")


def all_rows(engine: Engine) -> dict[str, list[tuple]]:
    with engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in tables.metadata.sorted_tables
        }


def count(engine: Engine, table) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def applied(engine: Engine, journal: Journal) -> Projections:
    projections = Projections(engine, DOMAIN)
    for block in journal.blocks:
        assert projections.apply_final_block(block)
    return projections


def test_apply_final_block__every_kind_of_fact__succeeds(engine):
    journal = sample()

    projections = applied(engine, journal)

    assert projections.block_number == 5
    rows = all_rows(engine)
    assert len(rows["payments"]) == 3
    assert len(rows["withdrawals"]) == 1
    assert len(rows["credits"]) == 2
    assert len(rows["rejections"]) == 1
    assert [row[6] for row in rows["blocks"]] == [
        block.block.operation_count for block in journal.blocks
    ]
    with engine.connect() as connection:
        query = select(tables.accounts.c.balance_minor, tables.accounts.c.nonce)
        payer = connection.execute(
            query.where(tables.accounts.c.owner == key("payer").address)
        ).one()
        fees = connection.execute(
            query.where(tables.accounts.c.account_id == fee_account_id(1))
        ).one()
    assert tuple(payer) == (1_000_000 - 1_010 - 5 - 7, 3)
    assert fees.balance_minor == 11


def test_apply_final_block__same_block_again__changes_nothing(engine):
    journal = sample()
    projections = applied(engine, journal)
    before = all_rows(engine)

    again = [projections.apply_final_block(block) for block in journal.blocks]
    fresh = Projections(engine, DOMAIN).apply_final_blocks(journal.blocks)

    assert again == [False] * 5
    assert fresh == 0
    assert all_rows(engine) == before


def test_apply_final_block__block_left_out__rejects(engine):
    journal = sample()
    projections = Projections(engine, DOMAIN)
    projections.apply_final_block(journal.blocks[0])
    before = all_rows(engine)

    with pytest.raises(InvariantViolated, match="left out"):
        projections.apply_final_block(journal.blocks[2])

    assert all_rows(engine) == before


def test_apply_final_block__largest_valid_until__succeeds(engine):
    journal = sample()
    journal.add((journal.pay("payer", "payee", 1, valid_until=2**64 - 1),))

    applied(engine, journal)

    with engine.connect() as connection:
        query = select(tables.payments.c.valid_until).order_by(tables.payments.c.sequence.desc())
        assert connection.execute(query).scalars().first() == 2**64 - 1


def test_entries__all_blocks__add_up_to_zero_holds(engine):
    applied(engine, sample())

    with engine.connect() as connection:
        total = connection.execute(select(func.sum(tables.entries.c.amount_minor))).scalar_one()
        accounts = connection.execute(select(tables.accounts)).all()
        for account in accounts:
            last = connection.execute(
                select(tables.entries.c.balance_after_minor)
                .where(tables.entries.c.account_id == account.account_id)
                .order_by(tables.entries.c.sequence.desc())
                .limit(1)
            ).scalar_one()
            assert last == account.balance_minor
    assert total == 0
    assert len(accounts) == 4


def test_rebuild__sources_in_another_order__same_rows_holds(tmp_path):
    journal = sample()
    first = open_database("projections", f"sqlite:///{tmp_path / 'first.sqlite3'}")
    second = open_database("projections", f"sqlite:///{tmp_path / 'second.sqlite3'}")
    live = Projections(first, DOMAIN)
    for place, block in enumerate(journal.blocks):
        live.apply_final_block(block)
        live.apply_chain_event(CHAIN_EVENTS[place])
    for event in CHAIN_EVENTS[len(journal.blocks) :]:
        live.apply_chain_event(event)

    rebuilt = Projections(second, DOMAIN)
    for event in CHAIN_EVENTS:
        rebuilt.apply_chain_event(event)
    rebuilt.apply_final_blocks(journal.blocks)

    assert all_rows(first) == all_rows(second)
    assert all(all_rows(first).values())


@pytest.mark.parametrize("place", range(len(CHAIN_EVENTS)))
def test_apply_chain_event__same_event_again__changes_nothing(engine, place):
    projections = Projections(engine, DOMAIN)
    for event in CHAIN_EVENTS[: place + 1]:
        projections.apply_chain_event(event)
    before = all_rows(engine)

    assert not projections.apply_chain_event(CHAIN_EVENTS[place])

    assert all_rows(engine) == before


def test_apply_chain_event__reorganisation__takes_back_succeeds(engine):
    projections = Projections(engine, DOMAIN)
    for event in CHAIN_EVENTS:
        projections.apply_chain_event(event)
    gone = BatchGone(1, posted(1, 3).header_hash, 13, START_TS_MS)

    assert projections.apply_chain_event(gone)
    assert projections.apply_chain_event(DepositGone(0, 13, START_TS_MS))

    assert not projections.apply_chain_event(gone)
    assert count(engine, tables.batches) == 0
    assert count(engine, tables.removed_batches) == 1
    assert count(engine, tables.deposits) == 0


def test_apply_chain_event__deposit_in_another_transaction__replaces_it_succeeds(engine):
    projections = Projections(engine, DOMAIN)
    projections.apply_chain_event(deposit_seen(0))
    record = deposit_seen(0).record

    assert projections.apply_chain_event(DepositSeen(0, record, 6, keccak(b"another")))

    with engine.connect() as connection:
        row = connection.execute(select(tables.deposits)).one()
    assert (row.tx_hash, row.l1_block_number) == (keccak(b"another"), 6)


def test_apply_chain_event__padding_known_later__fills_it_in_succeeds(engine):
    projections = Projections(engine, DOMAIN)
    projections.apply_chain_event(replace(posted(1, 3), noop_slots=None))

    assert not projections.apply_chain_event(posted(1, 3))

    with engine.connect() as connection:
        row = connection.execute(select(tables.batches)).one()
    assert len(row.noop_slots) == 54 * 2


def test_forget_unconfirmed__restart__keeps_the_confirmed_holds(engine):
    projections = Projections(engine, DOMAIN)
    for event in (deposit_seen(0), DepositConfirmed(0, 6, START_TS_MS), deposit_seen(1)):
        projections.apply_chain_event(event)

    projections.forget_unconfirmed()

    assert count(engine, tables.deposits) == 1


def test_apply__not_an_event__rejects(engine):
    with engine.connect() as connection, pytest.raises(TypeError, match="no event"):
        chain_rows.apply("nothing", connection)


def test_accounts_named__opened_in_the_block__leaves_it_out_holds():
    journal = sample()

    operations = block_rows.operations_of(journal.blocks[1])

    assert block_rows.accounts_named(operations) == set()


def test_apply__sweep__is_a_withdrawal_without_signature_holds(engine):
    journal = sample()
    projections = Projections(engine, DOMAIN)
    order = journal.sweep("newcomer", 5)

    projections.apply_final_blocks(journal.blocks)

    with engine.connect() as connection:
        rows = connection.execute(
            select(tables.withdrawals).order_by(tables.withdrawals.c.sequence)
        ).all()
        account = connection.execute(
            select(tables.accounts).where(tables.accounts.c.owner == key("newcomer").address)
        ).one()
    assert (rows[-1].id, rows[-1].signature) == (order.digest(DOMAIN), b"")
    assert rows[-1].claim_key == withdrawal_key(order.payer, 0, TOKEN, 5)
    assert account.balance_minor == 0
