"""What the API shows of roll-backs, challenges, refunds and sweeps.

- a batch rolled back: its payments are final again; listed by its status alone; its number again
- challenges of a batch; metrics count those that are open
- a refunded deposit; a withdrawal by an exit
"""

from dataclasses import replace

from backend.protocol.hashing import keccak
from backend.records.facts import (
    BatchPosted,
    BatchRolledBack,
    ChallengeEnded,
    ChallengeOpened,
    DepositRefunded,
    DepositSeen,
)
from tests.unit.access.leaving.scenes import client_of, withdrawn
from tests.unit.access.scenes import (
    ACCEPTED_TS_S,
    PAYEE,
    PAYEE_TEXT,
    get,
    header,
    post_batch,
)
from tests.unit.engine.committee import DOMAIN, START_MS


def hash_of(world, number):
    return header(number, world.projections.block_number).digest(DOMAIN)


async def test_batches__rolled_back_and_posted_again__succeeds(world):
    made = await withdrawn(world)
    path = f"/v1/withdrawals/{made['id']}"
    await post_batch(world, 1)
    first = hash_of(world, 1)
    posted = (await get(world, path))["status"]

    world.projections.apply_chain_event(BatchRolledBack(1, first, 44, START_MS))

    fallen = await get(world, "/v1/batches/1")
    assert (posted, (await get(world, path))["status"]) == ("posted", "final")
    assert (fallen["status"], fallen["next"]) == ("rolled_back", None)
    assert (await get(world, "/v1/batches"))["data"] == []
    listed = await get(world, "/v1/batches?status=rolled_back")
    assert [one["hash"] for one in listed["data"]] == [fallen["hash"]] == ["0x" + first.hex()]

    again = replace(header(1, world.projections.block_number), epoch=2)
    world.projections.apply_chain_event(
        BatchPosted(again, again.digest(DOMAIN), ACCEPTED_TS_S, 7, 45, keccak(b"again"), (3, 4))
    )

    assert (await get(world, path))["status"] == "posted"
    assert (await get(world, "/v1/batches/1"))["header"]["epoch"] == 2
    assert len((await get(world, "/v1/batches?status=rolled_back"))["data"]) == 1


async def test_batch__challenged__shows_it_and_counts_it_succeeds(world):
    await post_batch(world, 1)
    header_hash = hash_of(world, 1)
    for slot in (5, 6):
        world.projections.apply_chain_event(
            ChallengeOpened(
                *(header_hash, 1, slot, 1 << slot | 1 << 63),
                *(PAYEE.address, 1_800_000_000, 31, START_MS),
            )
        )
    world.projections.apply_chain_event(ChallengeEnded(header_hash, 6, "answered", 32, START_MS))

    shown = (await get(world, "/v1/batches/1"))["challenges"]
    numbers = (await world.client.get("/metrics")).text

    assert [(one["slot_numbers"], one["status"]) for one in shown] == [
        (["5", "63"], "open"),
        (["6", "63"], "answered"),
    ]
    assert (shown[0]["challenger"], shown[0]["answer_until"]) == (
        PAYEE_TEXT,
        "2027-01-15T08:00:00.000Z",
    )
    assert "causeway_open_challenges 1.0" in numbers
    assert "causeway_epoch 1.0" in numbers
    assert "causeway_frozen 0.0" in numbers


async def test_metrics__frozen__says_so_succeeds(world):
    async with client_of(world, frozen_ts_s=lambda: 5) as client:
        assert "causeway_frozen 1.0" in (await client.get("/metrics")).text
        assert (await client.get("/readyz")).json()["frozen_ts_s"] == 5


async def test_deposit__refunded__says_so_succeeds(world):
    record = world.l1.queue[0][1]
    world.projections.apply_chain_event(DepositSeen(50, record, 5, keccak(b"deposit")))
    world.projections.apply_chain_event(DepositRefunded(50, 9, START_MS, keccak(b"refund")))

    shown = await get(world, "/v1/deposits/50")

    assert (shown["status"], shown["next"]) == ("refunded", None)
    assert shown["refund"] == {"tx_hash": "0x" + keccak(b"refund").hex()}


async def test_withdrawal__by_an_order__says_so_succeeds(world):
    made = await withdrawn(world)

    shown = await get(world, f"/v1/withdrawals/{made['id']}")

    assert made["kind"] == shown["kind"] == "order"
