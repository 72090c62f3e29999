"""Exit kits of a platform, before the first batch.

- a deposit that no batch has: what freezes the rollup for it, and pays it back; of others: nothing
- one that was paid back: nothing to send
- the bounty of an exit request: by the base fee, and by the floor at least

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
VIEWS = {"tip": 0, "frontier": 0, "frozenTsS": 0, "rolledBackTsS": 0}


class Chain:
    """Answers the views; its token tells no name."""

    def __init__(self, base_fee_wei=0):
        self._base_fee_wei = base_fee_wei

    async def latest(self):
        return SimpleNamespace(ts_s=2_000, number=9, base_fee_wei=self._base_fee_wei)

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


def kits_of(tmp_path, chain):
    engine = open_database("projections", f"sqlite:///{tmp_path / 'p.sqlite3'}")
    desk = BatchDesk(COMMITTEE, tuple(VALIDATORS), None, None, lambda _: iter(()), None)
    return ExitKits(chain, full_deployment(), Watcher(), desk, Reader(engine))


async def kit_of(tmp_path, owner):
    return await kits_of(tmp_path, Chain()).kit(owner)


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


@pytest.mark.parametrize(("base_fee_gwei", "price_gwei"), [(0, 1), (1, 1), (40, 40)])
async def test_position__any_base_fee__the_bounty_follows_it_holds(
    tmp_path, projections, base_fee_gwei, price_gwei
):
    position = await kits_of(tmp_path, Chain(base_fee_gwei * 10**9))._position(OWNER)

    assert position.bounty_wei == 4 * 300_000 * price_gwei * 10**9
