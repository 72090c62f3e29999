"""What the tests of the access plane do again and again."""

import hashlib
import hmac
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from backend.protocol.batches import BatchHeader
from backend.protocol.hashing import Digest, keccak
from backend.protocol.types import Leaf, address_text
from backend.records.facts import (
    BatchPosted,
    BatchSettled,
)
from tests.unit.access.world import (
    WEBHOOK_SECRET,
    body_of,
    key,
    order,
    sign,
)
from tests.unit.engine.committee import DOMAIN, START_MS

PAYER, PAYEE, STRANGER = key("payer"), key("payee"), key("stranger")
PAYER_TEXT, PAYEE_TEXT = address_text(PAYER.address), address_text(PAYEE.address)
ACCEPTED_TS_S = START_MS // 1000 + 5
GREEN = {"reviewAnswer": "GREEN"}
RED = {"reviewAnswer": "RED", "rejectLabels": ["FORGERY"], "reviewRejectType": "FINAL"}
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def header(number: int, last_block_number: int) -> BatchHeader:
    root = Digest(keccak(number.to_bytes(8)))
    return BatchHeader(
        number, 1, root, root, root, root, 2, root, 4, 1, root, last_block_number, root, 1
    )


async def post_batch(world, number: int, is_settled: bool = False) -> None:
    """Let the chain have a batch of all blocks so far; slots 3 and 4 of it are padding."""
    made = header(number, world.projections.block_number)
    noop_slots = (3, 4)
    digest = made.digest(DOMAIN)
    posted = BatchPosted(made, digest, ACCEPTED_TS_S, 7, 30, keccak(b"post"), noop_slots)
    world.projections.apply_chain_event(posted)
    if is_settled:
        world.projections.apply_chain_event(BatchSettled(number, 40, START_MS + 70_000))


async def get(world, path: str) -> Any:
    response = await world.client.get(path)
    assert response.status_code == 200, response.text
    return response.json()


@dataclass(frozen=True)
class Proof:
    batch_number: int
    slot_number: int
    chunk: bytes = bytes(992)
    chunk_path: tuple[bytes, ...] = (bytes(32),) * 10
    leaf: Leaf = Leaf(PAYER.address, 1, 1, 5)  # type: ignore[arg-type]
    leaf_path: tuple[bytes, ...] = (bytes(32),) * 32
    account_id: int = 5


class Archive:
    def withdrawal_proof(self, batch_number: int, slot_number: int) -> Proof:
        return Proof(batch_number, slot_number)

    def account_proof(self, batch_number: int, account_id: int) -> Proof:
        return Proof(batch_number, 0, account_id=account_id)


async def apply(world, family_name: str = "Lovelace", key_text: str = "a1") -> Any:
    body = {
        "external_id": "customer-1",
        "person": PAYER_TEXT,
        "details": {"family_name": family_name},
    }
    return (await world.post("/v1/kyc/applicants", body, **{"Idempotency-Key": key_text})).json()


async def tell(
    world,
    reference: str,
    answer: dict[str, Any],
    secret: str = WEBHOOK_SECRET,
    kind: str = "applicantReviewed",
) -> Any:
    message = {"applicantId": reference, "type": kind, "reviewResult": answer}
    raw = json.dumps(message).encode()
    digest = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    return await world.client.post(
        "/v1/kyc/messages",
        content=raw,
        headers={"X-Payload-Digest": digest, "X-Payload-Digest-Alg": "HMAC_SHA256_HEX"},
    )


def reference_of(world, applicant: Any) -> str:
    return world.dependencies.registers.applicants.get(applicant["id"]).provider_reference


@asynccontextmanager
async def nothing_changes(world):
    await world.settle()
    before = world.state()
    yield
    await world.settle()
    assert world.state() == before


def paid(**fields):
    """Return the body of a good payment, with some fields of its order set before signing."""
    fields = {"payer": PAYER, "payee": PAYEE.address, "amount": 1_000} | fields
    payer = fields.pop("payer")
    return body_of(sign(payer, order(payer, **fields)))


def with_message(**fields):
    """Return the body of a good payment, with some fields of its JSON replaced after signing."""
    body = paid()
    return body | {"order": body["order"] | fields}


async def deposit(world, key_text: str = "deposit-1", **fields: Any):
    body = {"owner": address_text(PAYER.address), "asset": "USDC", "amount": "5000"} | fields
    return await world.post("/v1/deposits", body, **{"Idempotency-Key": key_text})
