"""A frozen rollup, and what watchers ask for.

- frozen: everything can be read, nothing changed; the answer says where the money comes out
- evidence of a batch: without a key, as the record's bytes; of an unknown batch: refused
"""

from dataclasses import replace

import httpx
import pytest

from backend.access.api import create_api
from backend.protocol.errors import BatchNotFound
from backend.protocol.evidence import Evidence, decode_evidence
from tests.unit.access.scenes import PAYEE, PAYER
from tests.unit.access.world import body_of, error_of, order, sign

FROZEN_TS_S = 1_800_000_123


def client_of(world, **changes):
    api = create_api(replace(world.dependencies, **changes))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(api), base_url="http://test", headers=world.client.headers
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/payments"),
        ("POST", "/v1/withdrawals"),
        ("POST", "/v1/batches"),
        ("POST", "/v1/payments/bulk"),
        ("DELETE", "/v1/api-keys/key_1"),
        ("POST", "/v1/nothing-of-ours"),
    ],
)
async def test_request__frozen__rejects(world, method, path):
    before = world.state()
    async with client_of(world, frozen_ts_s=lambda: FROZEN_TS_S) as client:
        answer = await client.request(method, path, json=body_of(sign(PAYER, a_payment())))

    assert error_of(answer) == (503, "FROZEN")
    assert "frozen at 2027-01-15 08:02:03 UTC" in answer.json()["error"]["message"]
    assert "causeway exit-kit" in answer.json()["error"]["message"]
    assert world.state() == before


def a_payment():
    return order(PAYER, PAYEE.address, 5)


async def test_request__frozen__can_be_read_succeeds(world):
    async with client_of(world, frozen_ts_s=lambda: FROZEN_TS_S) as client:
        for path in ("/v1/assets", "/v1/batches", "/healthz"):
            assert (await client.get(path)).status_code == 200


class Known:
    """Proofs of one batch."""

    def __init__(self, evidence):
        self._evidence = evidence

    async def evidence(self, batch_number):
        if batch_number != 3:
            raise BatchNotFound(batch_number)
        return self._evidence


async def test_get_evidence__without_a_key__succeeds(world):
    evidence = {4: Evidence(sign(PAYER, a_payment()), 0), 64: Evidence(None, 0)}
    async with client_of(world, proofs=Known(evidence)) as client:
        del client.headers["authorization"]
        answer = await client.get("/v1/batches/3/evidence")
        unknown = await client.get("/v1/batches/4/evidence")

    read = {
        int(one["slot_number"]): decode_evidence(bytes.fromhex(one["evidence"][2:]))
        for one in answer.json()["data"]
    }
    assert read == evidence
    assert error_of(unknown) == (404, "BATCH_NOT_FOUND")
