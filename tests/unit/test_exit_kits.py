"""Exit kits of a platform, before the first batch.

- a deposit that no batch has: what freezes the rollup for it, and pays it back; of others: nothing
- one that was paid back: nothing to send

That kits of a running platform equal those of the chain alone: tests/e2e/test_leaving_commands.py.
"""

from types import SimpleNamespace

import pytest

from backend.engine.batch.desk import BatchDesk
from backend.exit_kits import ExitKits
from backend.protocol.hashing import keccak
from backend.protocol.types import Asset, DepositRecord, address_text
from backend.records.database import open_database
from backend.records.facts import DepositConfirmed, DepositRefunded, DepositSeen
from backend.records.projections import Projections
from backend.records.reader import Reader
from backend.settlement.chain import RpcError
from tests.unit.console.test_leaving import full_deployment
from tests.unit.engine.committee import COMMITTEE, DOMAIN, VALIDATORS, key
from tests.unit.scenes import NOBODY, TOKEN, deployment

OWNER = key("payer").address
RECORDS = [DepositRecord(TOKEN, 1, NOBODY, 7, 1_000), DepositRecord(TOKEN, 1, OWNER, 5, 1_001)]
VIEWS = {"tip": 0, "frontier": 0, "bounty": 1_000, "frozenTsS": 0, "rolledBackTsS": 0}


class Chain:
    """Answers the views; its token tells no name."""

    async def latest(self):
        return SimpleNamespace(ts_s=2_000, number=9)

    async def read(self, contract, function, *arguments):
        if function not in VIEWS:
            raise RpcError(-32000, "no such function")
        return VIEWS[function]


class Watcher:
    """Two confirmed deposits, no batch."""

    def confirmed(self):
        return SimpleNamespace(number=9)

    def listings(self, known_count, to_l1_block):
        return [Asset(1, TOKEN, 1, bytes(20))]

    def deposits(self, from_index, to_l1_block):
        return RECORDS[from_index:]

    def batch(self, number):
        return None


@pytest.fixture
def projections(tmp_path):
    engine = open_database("projections", f"sqlite:///{tmp_path / 'p.sqlite3'}")
    projections = Projections(engine, DOMAIN)
    for index, record in enumerate(RECORDS):
        projections.apply_chain_event(DepositSeen(index, record, 5, keccak(b"deposit")))
        projections.apply_chain_event(DepositConfirmed(index, 6, 0))
    return projections


async def kit_of(tmp_path, owner):
    engine = open_database("projections", f"sqlite:///{tmp_path / 'p.sqlite3'}")
    desk = BatchDesk(COMMITTEE, tuple(VALIDATORS), None, None, lambda _: iter(()), None)
    return await ExitKits(Chain(), full_deployment(), Watcher(), desk, Reader(engine)).kit(owner)


async def test_kit__deposit_not_credited__freezes_and_refunds_it_succeeds(tmp_path, projections):
    kit = await kit_of(tmp_path, OWNER)

    timeout_s = deployment().parameters.deposit_timeout_s
    calls = [(call["what"], call["not_before_ts_s"]) for call in kit["calls"]]
    assert (kit["owner"], kit["batch"]) == (address_text(OWNER), 0)
    assert calls == [("freeze", 1_001 + timeout_s), ("refund", 0)]


async def test_kit__deposit_refunded__has_nothing_to_send_holds(tmp_path, projections):
    projections.apply_chain_event(DepositRefunded(1, 8, 0, keccak(b"refund")))

    assert (await kit_of(tmp_path, OWNER))["calls"] == []
    assert (await kit_of(tmp_path, key("payee").address))["calls"] == []
