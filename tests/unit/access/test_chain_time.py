"""A chain whose clock is ahead of ours, as a local one's is after its window was skipped.

- an approval is issued in L1 time, so that it counts after a revocation there
- a permit lives for its time on the chain
"""

import uuid

AHEAD_S = 100_000


def once():
    return {"Idempotency-Key": str(uuid.uuid4())}


async def apply(world, person):
    body = {"external_id": "one", "person": "0x" + person.hex()}
    answer = await world.client.post("/v1/kyc/applicants", json=body, headers=once())
    return answer.json()


async def test_apply__revoked_on_a_chain_ahead__is_issued_after_it_succeeds(world, monkeypatch):
    person = b"\x07" * 20
    l1_ts_s = world.clock() // 1000 + AHEAD_S
    monkeypatch.setattr(world.chain, "latest_ts_s", later(l1_ts_s))
    first = await apply(world, person)
    path = f"/v1/kyc/applicants/{first['id']}/revoke"
    revoked = await world.client.post(path, headers=once())

    again = await apply(world, person)

    assert revoked.json()["status"] == "revoked"
    assert int(again["attestation"]["issued"]) > l1_ts_s
    assert int(again["attestation"]["expiry"]) > l1_ts_s + AHEAD_S


async def test_prepare_deposit__chain_ahead__permit_lives_succeeds(world, monkeypatch):
    person = b"\x07" * 20
    l1_ts_s = world.clock() // 1000 + AHEAD_S
    monkeypatch.setattr(world.chain, "latest_ts_s", later(l1_ts_s))
    await apply(world, person)

    body = {"owner": "0x" + person.hex(), "asset": "USDC", "amount": "1000000"}
    answer = await world.client.post("/v1/deposits", json=body, headers=once())

    assert int(answer.json()["permit"]["message"]["deadline"]) >= l1_ts_s + 3600


def later(l1_ts_s):
    async def latest_ts_s():
        return l1_ts_s

    return latest_ts_s
