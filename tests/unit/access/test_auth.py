"""Who asks: keys found, cached, revoked elsewhere, counted; accepted orders and metrics kept."""

import pytest

from backend.access.accepted import AcceptedOrder, AcceptedOrders
from backend.access.auth import Gatekeeper
from backend.access.metrics import Metrics
from backend.engine.vector.records import RecordRun
from backend.protocol.errors import ApiKeyInvalid, PermissionDenied, RateLimited
from backend.protocol.order_records import encode_records
from backend.records.database import open_database
from backend.records.registers.api_keys import ApiKey, ApiKeys
from backend.records.tables import registers
from tests.unit.engine.nodes import pay


class Clock:
    now_ms = 1_000_000

    def __call__(self):
        return self.now_ms


@pytest.fixture
def api_keys(tmp_path):
    return ApiKeys(open_database("registers", f"sqlite:///{tmp_path / 'r.sqlite3'}"))


async def test_let_in__valid_key__notes_its_use_succeeds(api_keys):
    key, secret = api_keys.create("x", ("payments:*", "accounts:read"), 5)
    gatekeeper = Gatekeeper(api_keys, Clock(), 0)

    let_in = await gatekeeper.let_in(f"Bearer {secret}", "payments:write")

    assert let_in.id == key.id
    assert api_keys.get(key.id).last_used_ts_ms == Clock.now_ms
    with pytest.raises(PermissionDenied, match="accounts:write"):
        await gatekeeper.let_in(f"bearer {secret}", "accounts:write")


@pytest.mark.parametrize("later_ms", [5_001, -3_600_000])
async def test_let_in__revoked_elsewhere__ends_within_seconds_rejects(api_keys, later_ms):
    clock = Clock()
    key, secret = api_keys.create("x", ("*",), 5)
    gatekeeper = Gatekeeper(api_keys, clock, 0)
    await gatekeeper.let_in(f"Bearer {secret}", "a:read")
    api_keys.revoke(key.id, 7)
    clock.now_ms += later_ms

    with pytest.raises(ApiKeyInvalid):
        await gatekeeper.let_in(f"Bearer {secret}", "a:read")
    assert api_keys.revoke(key.id, 9).revoked_ts_ms == 7


async def test_let_in__too_many__waits_for_the_bucket_rejects(api_keys):
    clock = Clock()
    _, secret = api_keys.create("x", ("*",), 5)
    gatekeeper = Gatekeeper(api_keys, clock, 2)
    for _ in range(2):
        await gatekeeper.let_in(f"Bearer {secret}", "a:read")

    with pytest.raises(RateLimited) as caught:
        await gatekeeper.let_in(f"Bearer {secret}", "a:read")
    clock.now_ms += caught.value.retry_after_ms

    assert caught.value.retry_after_ms == 500
    await gatekeeper.let_in(f"Bearer {secret}", "a:read")


@pytest.mark.parametrize("text", ["", "x" * 201, "cwk_bootstrap_first", "cwk__", "second"])
async def test_find__not_the_key__rejects(api_keys, text):
    api_keys.ensure_bootstrap("first", 1)

    assert api_keys.find(text) is None


def test_ensure_bootstrap__another_secret__takes_its_place_succeeds(api_keys):
    api_keys.ensure_bootstrap("first", 1)
    api_keys.ensure_bootstrap("second", 2)

    assert api_keys.find("first") is None
    assert api_keys.find("second").allows("anything:write")
    assert len(api_keys.list(None, 10)) == 1
    with api_keys._engine.connect() as connection:
        stored = connection.execute(registers.api_keys.select()).one()
    assert b"second" not in stored.secret_sha256


def test_allows__scopes__exactly_holds():
    key = ApiKey("a", "x", ("payments:read",), 1, None, None)

    assert key.allows("payments:read")
    assert not key.allows("payments:write")


def test_accepted_orders__more_than_kept__forgets_the_oldest_holds():
    orders = AcceptedOrders(kept_max=2)
    for number in range(3):
        orders.add(bytes([number]), "order", number)  # type: ignore[arg-type]

    assert orders.get(b"\x00") is None
    assert orders.add(b"\x01", "again", 99).accepted_ts_ms == 1  # type: ignore[arg-type]


def test_accepted_orders__of_a_request__are_decoded_when_asked_holds():
    records = RecordRun(encode_records([pay(1, 0), pay(2, 1)]))
    orders = AcceptedOrders(kept_max=2)
    orders.add_all(records, [(b"\x07", 0), (b"\x08", 1)], 5)
    orders.add_all(records, [(b"\x08", 1)], 9)

    assert orders.get(b"\x08") == AcceptedOrder(pay(2, 1), 5)
    orders.add(b"\x09", pay(3, 2), 6)
    assert orders.get(b"\x07") is None


def test_metrics__requests__are_counted_succeeds():
    metrics = Metrics()
    metrics.count("GET", "/v1/payments", 200, 0.002)

    assert b'route="/v1/payments",status="200"} 1.0' in metrics.text()
