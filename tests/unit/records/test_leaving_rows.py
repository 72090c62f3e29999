"""What is kept of exits, challenges, roll-backs and the freeze.

- a batch rolled back: its payments are final again; posted once more under another header, posted
- all facts of the chain read again after a restart: nothing changes
- an exit: requested, its sweeps, shown; the showing falls with its batch, and counts again later
- a second exit of an account: each has its own sweeps and showing
- challenges: open, and ended once; an answer to nothing changes nothing
- a deposit refunded, a withdrawal advanced; a freeze, an epoch and an escape come once
"""

from dataclasses import replace

import pytest
from sqlalchemy import select

from backend.protocol.hashing import keccak
from backend.records.database import open_database
from backend.records.event_rows import was_told
from backend.records.facts import (
    AccountEscaped,
    BatchPosted,
    BatchRolledBack,
    ChallengeEnded,
    DepositRefunded,
    ExitRequested,
    ExitServed,
    WithdrawalAdvanced,
)
from backend.records.leaving_reader import LeavingReader
from backend.records.paging import Page
from backend.records.projections import Projections
from backend.records.reader import OrderFilter, Reader
from backend.records.tables import projections as tables
from tests.unit.records.journal import DOMAIN, START_TS_MS, key, sample
from tests.unit.records.test_projections import (
    CHAIN_EVENTS,
    CLAIM,
    LEAVING,
    OWNER,
    all_rows,
    header,
    posted,
)


@pytest.fixture
def engine(tmp_path):
    return open_database("projections", f"sqlite:///{tmp_path / 'p.sqlite3'}")


@pytest.fixture
def projections(engine):
    return Projections(engine, DOMAIN)


@pytest.fixture
def reader(engine):
    return Reader(engine)


def again(number, last_block_number):
    """Return the posting of a batch under the next epoch."""
    made = replace(header(number, last_block_number), epoch=2)
    first = posted(number, last_block_number)
    return BatchPosted(
        made, made.digest(DOMAIN), first.accepted_ts_s + 60, 7, 20, keccak(b"again"), (3,)
    )


def removal(of):
    return BatchRolledBack(of.header.number, of.header_hash, 16, START_TS_MS)


def statuses(reader):
    part = reader.payments(OrderFilter(), Page())
    return [None if one.batch is None else one.batch.status for one in part.rows]


def events(engine, kind):
    query = select(tables.events).where(tables.events.c.type == kind)
    with engine.connect() as connection:
        return [row.subject for row in connection.execute(query)]


def test_apply__batch_rolled_back__payments_are_final_again_succeeds(engine, projections, reader):
    journal = sample()
    projections.apply_final_blocks(journal.blocks)
    first, second = posted(1, 3), posted(2, 5)
    for event in (first, second):
        projections.apply_chain_event(event)
    assert statuses(reader) == ["posted"] * 3

    assert projections.apply_chain_event(removal(second))

    assert statuses(reader) == [None, "posted", "posted"]
    assert reader.payments(OrderFilter(status="final"), Page()).rows[0].order.block_number == 5
    assert reader.batch(2) is None
    removed = reader.removed_batch(2)
    assert (removed.status, removed.header_hash) == ("rolled_back", second.header_hash)
    assert events(engine, "batch.rolled_back") == ["2"]

    assert projections.apply_chain_event(again(2, 5))

    assert statuses(reader) == ["posted"] * 3
    assert reader.batch(2).header_hash == again(2, 5).header_hash
    assert [row.header_hash for row in reader.removed_batches(Page()).rows] == [second.header_hash]


def test_apply__all_read_again__changes_nothing(engine, projections):
    projections.apply_final_blocks(sample().blocks)
    told = [*CHAIN_EVENTS, again(2, 4)]
    for event in told:
        projections.apply_chain_event(event)
    before = all_rows(engine)

    news = [event for event in told if projections.apply_chain_event(event)]

    # A deposit that was seen and went comes and goes once more.
    assert [type(event).__name__ for event in news] == ["DepositSeen", "DepositGone"]
    after = all_rows(engine)
    for name in ("cursors", "events"):
        del before[name], after[name]
    assert after == before


def test_apply__other_batch_of_the_number__is_kept_holds(projections, reader):
    projections.apply_chain_event(posted(1, 3))
    projections.apply_chain_event(removal(posted(1, 3)))
    projections.apply_chain_event(again(1, 3))

    assert not projections.apply_chain_event(removal(posted(1, 3)))
    assert not projections.apply_chain_event(posted(1, 3))

    assert reader.batch(1).header_hash == again(1, 3).header_hash


def swept(projections):
    """Let "newcomer" ask for an exit, be swept, and come to money again; return journal and id."""
    journal = sample()
    owner = key("newcomer").address
    account_id = journal.accounts[owner]
    request = ExitRequested(0, account_id, owner, 1, START_TS_MS, keccak(b"exit"))
    order = journal.sweep("newcomer", 5)
    projections.apply_final_blocks(journal.blocks)
    projections.apply_chain_event(request)
    return order, account_id, owner


def test_exit__swept_and_shown__until_its_batch_falls_succeeds(projections, reader):
    order, account_id, owner = swept(projections)
    shown = ExitServed(account_id, owner, 1, 15, START_TS_MS)
    projections.apply_chain_event(posted(1, 6))
    assert not reader.exit(0).is_served

    assert projections.apply_chain_event(shown)

    found = reader.exit(0)
    assert (found.row.account_id, found.sweep_ids) == (account_id, [order.digest(DOMAIN)])
    assert found.is_served
    projections.apply_chain_event(removal(posted(1, 6)))
    assert not reader.exit(0).is_served
    projections.apply_chain_event(again(1, 6))
    assert not projections.apply_chain_event(shown)
    assert not reader.exit(0).is_served
    assert projections.apply_chain_event(replace(shown, l1_block_number=21))
    assert reader.exit(0).is_served


def test_exit__asked_for_again__each_has_its_own_holds(projections, reader):
    order, account_id, owner = swept(projections)
    projections.apply_chain_event(posted(1, 6))
    projections.apply_chain_event(ExitServed(account_id, owner, 1, 15, START_TS_MS))

    projections.apply_chain_event(
        ExitRequested(1, account_id, owner, 20, START_TS_MS, keccak(b"second"))
    )
    projections.apply_chain_event(ExitServed(account_id, owner, 1, 15, START_TS_MS))

    first, second = reader.exit(0), reader.exit(1)
    assert (first.is_served, first.sweep_ids) == (True, [order.digest(DOMAIN)])
    assert (second.is_served, second.sweep_ids) == (False, [])


def test_exits__filtered__newest_first_holds(engine, projections, reader):
    _, account_id, owner = swept(projections)
    other = ExitRequested(1, 9, OWNER, 2, START_TS_MS, keccak(b"other"))
    projections.apply_chain_event(other)

    def indexes(owner, account_id):
        return [one.row.exit_index for one in reader.exits(owner, account_id, Page())[0]]

    assert indexes(None, None) == [1, 0]
    assert indexes(owner, None) == [0]
    assert indexes(None, 9) == [1]
    assert indexes(owner, 9) == []
    assert LeavingReader(engine).exit(2) is None


def test_apply__showing_of_no_request__changes_nothing(engine, projections):
    before = all_rows(engine)

    assert not projections.apply_chain_event(ExitServed(5, OWNER, 1, 15, START_TS_MS))

    assert all_rows(engine) == before


def test_challenges__answered__one_is_left_open_succeeds(engine, projections, reader):
    for event in CHAIN_EVENTS:
        projections.apply_chain_event(event)
    header_hash = posted(2, 4).header_hash

    rows = reader.challenges([header_hash])
    found = [(row.slot, row.positions, row.status) for row in rows]

    assert found == [(65, 2, "open"), (66, 2**63, "answered")]
    assert reader.open_challenge_count() == 1
    assert events(engine, "challenge.answered") == ["2.66"]
    late = ChallengeEnded(header_hash, 65, "released", 20, START_TS_MS)
    assert projections.apply_chain_event(late)
    assert reader.open_challenge_count() == 0


def test_apply__answer_to_nothing__changes_nothing(engine, projections):
    before = all_rows(engine)

    answered = ChallengeEnded(keccak(b"none"), 1, "answered", 20, START_TS_MS)
    assert not projections.apply_chain_event(answered)

    assert all_rows(engine) == before


def test_apply__deposit_refunded__is_kept_succeeds(projections, reader):
    for event in CHAIN_EVENTS:
        projections.apply_chain_event(event)

    assert reader.deposit(0).seen.refunded_tx_hash == keccak(b"refund")
    unknown = DepositRefunded(5, 18, START_TS_MS, keccak(b"refund"))
    assert not projections.apply_chain_event(unknown)


def test_apply__withdrawal_advanced__shows_who_claims_succeeds(projections, reader):
    journal = sample()
    projections.apply_final_blocks(journal.blocks)
    provider = key("payer").address
    advanced = WithdrawalAdvanced(
        CLAIM.claim_key, OWNER, provider, 12, START_TS_MS, keccak(b"advance")
    )

    projections.apply_chain_event(advanced)

    [placed] = reader.withdrawals(OrderFilter(), Page()).rows
    assert (placed.advance.provider, placed.claim) == (provider, None)


@pytest.mark.parametrize("kind", ["epoch.begun", "rollup.frozen", "account.escaped"])
def test_apply__what_comes_once__is_told_once_holds(engine, projections, kind):
    for event in [*LEAVING, *LEAVING]:
        projections.apply_chain_event(event)

    [subject] = events(engine, kind)
    with engine.connect() as connection:
        assert was_told(connection, kind, subject)
        assert not was_told(connection, kind, "another")


def test_apply__escapes_of_two_accounts__are_both_told_succeeds(engine, projections):
    for account_id in (77, 78):
        projections.apply_chain_event(AccountEscaped(account_id, OWNER, 18, START_TS_MS))

    assert events(engine, "account.escaped") == ["77", "78"]
