"""What the tests of proposals do again and again."""

from backend.protocol.hashing import Digest
from backend.protocol.proposals import cancellation_id
from backend.protocol.types import address_text
from tests.unit.access.treasury import TREASURERS
from tests.unit.engine.committee import ROLLUP, key

PROPOSER, SECOND, THIRD = TREASURERS
STRANGER = key("stranger")
BODY = {
    "proposer": address_text(PROPOSER.address),
    "calls": [{"target": address_text(ROLLUP), "data": "0x12345678"}],
    "purpose": "Prizes of January",
}
UNKNOWN = "/v1/proposals/0x" + "11" * 32


async def post(world, path, body, key_text="a", **headers):
    return await world.post(path, body, **{"Idempotency-Key": key_text}, **headers)


async def propose(world, key_text="proposal-1", **fields):
    response = await post(world, "/v1/proposals", BODY | fields, key_text)
    assert response.status_code == 201, response.text
    return response.json()


def approval_of(shown, signer, digest=None):
    digest = digest or Digest(bytes.fromhex(shown["id"][2:]))
    return {
        "signer": address_text(signer.address),
        "signature": "0x" + signer.sign_digest(digest).hex(),
    }


async def approve(world, shown, signer, headers, **changes):
    body = approval_of(shown, signer) | changes
    path = f"/v1/proposals/{shown['id']}/approvals"
    return await post(world, path, body, repr(body)[:200], **headers)


async def approved(world, approver, **fields):
    shown = await propose(world, **fields)
    for signer in (THIRD, PROPOSER, SECOND):
        assert (await approve(world, shown, signer, approver)).status_code == 201
    return shown


async def execute(world, shown, key_text="execute-1"):
    return await post(world, f"/v1/proposals/{shown['id']}/execute", {}, key_text)


async def get(world, shown):
    return (await world.client.get(f"/v1/proposals/{shown['id']}")).json()


def cancellation_of(world, treasury, shown, *signers):
    digest = cancellation_id(Digest(bytes.fromhex(shown["id"][2:])), treasury.domain)
    return {"approvals": [approval_of(shown, signer, digest) for signer in signers]}


async def cancel(world, shown, body, key_text="cancel-1"):
    return await post(world, f"/v1/proposals/{shown['id']}/cancel", body, key_text)
