"""The API when all goes well.

- assets, fees, accounts, statements; orders to sign
- payments: accepted, final, repeated, rejected, listed, in bulk; where they stand and what is next
- withdrawals and their claims; deposits: prepared, seen, credited
- applicants: approved, by message, rejected later; API keys
- blocks, batches, proofs; health, metrics, OpenAPI
"""

import hashlib
import hmac
import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from backend.access.api import payments as payments_module
from backend.protocol.batches import BatchHeader, withdrawal_key
from backend.protocol.errors import error_classes
from backend.protocol.hashing import Digest, keccak
from backend.protocol.orders import encode_orders
from backend.protocol.types import Leaf, address_text, digest_text
from backend.records.facts import (
    BatchPosted,
    BatchSettled,
    DepositConfirmed,
    DepositSeen,
    WithdrawalClaimed,
)
from tests.unit.access.world import (
    FUNDS,
    REGISTRY,
    WEBHOOK_SECRET,
    WIDE_TOKEN,
    body_of,
    error_of,
    key,
    order,
    sign,
    withdrawal,
)
from tests.unit.engine.committee import DOMAIN, ROLLUP, START_MS, TOKEN

PAYER, PAYEE = key("payer"), key("payee")
PAYER_TEXT, PAYEE_TEXT = address_text(PAYER.address), address_text(PAYEE.address)
ACCEPTED_TS_S = START_MS // 1000 + 5


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


async def test_assets__both__have_codes_and_units_succeeds(world):
    listed = await get(world, "/v1/assets")

    assert [(one["code"], one["unit"], one["minor_decimals"]) for one in listed["data"]] == [
        ("USDC", "1", 6),
        ("WIDE", str(10**12), 6),
    ]
    for name in ("WIDE", "2", address_text(WIDE_TOKEN), address_text(WIDE_TOKEN).lower()):
        assert (await get(world, f"/v1/assets/{name}"))["asset_id"] == 2


@pytest.mark.parametrize(
    ("asset", "amount", "fee"), [("USDC", "5", "10"), ("WIDE", "1000000", "0")]
)
async def test_quote_fee__amount__is_representable_succeeds(world, asset, amount, fee):
    quote = await get(world, f"/v1/fees/quote?asset={asset}&amount={amount}")

    assert quote["fee"] == fee
    assert quote["total"] == str(int(amount) + int(fee))


async def test_get_account__pending_order__counts_it_succeeds(world):
    await world.pay(sign(PAYER, order(PAYER, PAYEE.address, 1_000)))

    account = await get(world, f"/v1/accounts/{PAYER_TEXT}/USDC")

    assert account["nonce_next"] == "1"
    assert account["available"] == str(FUNDS - 1_010)


async def test_list_accounts__of_one_owner__succeeds(world):
    listed = await get(world, f"/v1/accounts?owner={PAYER_TEXT}")
    page = await get(world, "/v1/accounts?limit=1&asset=USDC")

    assert {one["asset"] for one in listed["data"]} == {"USDC", "WIDE"}
    assert page["has_more"]
    rest = await get(world, f"/v1/accounts?asset=USDC&after={page['next_cursor']}")
    assert len(rest["data"]) == 2


async def test_statement__some_movements__newest_first_succeeds(world):
    signed = sign(PAYER, order(PAYER, PAYEE.address, 1_000))
    await world.pay(signed, Prefer="wait=final")
    await world.settle()

    path = f"/v1/accounts/{PAYER_TEXT}/USDC/statement"
    listed = await get(world, path)

    shown = [(one["kind"], one["amount"], one["balance_after"]) for one in listed["data"]]
    assert shown == [
        ("fee", "-10", str(FUNDS - 1_010)),
        ("payment", "-1000", str(FUNDS - 1_000)),
        ("deposit", str(FUNDS), str(FUNDS)),
    ]
    assert listed["data"][1]["subject"] == digest_text(signed.digest(DOMAIN))
    first = await get(world, f"{path}?limit=2")
    rest = await get(world, f"{path}?limit=2&after={first['next_cursor']}")
    back = await get(world, f"{path}?limit=2&before={rest['data'][0]['id']}")
    assert first["data"] + rest["data"] == listed["data"]
    assert back["data"] == first["data"]


async def test_build_order__friendly_words__a_wallet_can_sign_it_succeeds(world):
    body = {
        "payer": PAYER_TEXT,
        "payee": PAYEE_TEXT,
        "asset": "WIDE",
        "amount": "5",
        "memo": "invoice 17",
    }
    built = (await world.post("/v1/orders", body, **{"Idempotency-Key": "o1"})).json()
    again = await world.post("/v1/orders", body, **{"Idempotency-Key": "o1"})

    message = built["typed_data"]["message"]
    signed = Account.sign_message(
        encode_typed_data(full_message=built["typed_data"]), keccak(b"payer")
    )
    response = await world.post(
        "/v1/payments", {"order": message, "signature": "0x" + signed.signature.hex()}
    )

    assert again.json() == built
    assert again.headers["idempotent-replayed"] == "true"
    assert message["amount"] == str(5 * 10**12)
    assert message["memo"] == digest_text(keccak(b"invoice 17"))
    assert response.status_code == 202
    assert response.json()["id"] == built["id"]
    assert response.json()["amount"] == "5"


async def test_build_order__withdrawal__succeeds(world):
    body = {
        "kind": "withdrawal",
        "payer": PAYER_TEXT,
        "asset": "USDC",
        "amount": "5",
        "fee": "20",
        "nonce": 7,
        "valid_until": "2035-01-01T00:00:00Z",
    }
    built = (await world.post("/v1/orders", body, **{"Idempotency-Key": "o1"})).json()

    message = built["typed_data"]["message"]
    assert built["typed_data"]["primaryType"] == "WithdrawalOrder"
    assert (message["nonce"], message["fee"], message["validUntil"]) == ("7", "20", "2051222400")


async def test_get_domain__always__is_ours_succeeds(world):
    domain = await get(world, "/v1/orders/domain")

    assert domain["verifyingContract"] == address_text(ROLLUP)


async def test_create_payment__good_order__accepted_then_final_succeeds(world):
    signed = sign(PAYER, order(PAYER, PAYEE.address, 1_000))

    response = await world.pay(signed)
    await world.settle()
    shown = await get(world, f"/v1/payments/{response.json()['id']}")

    assert response.status_code == 202
    accepted = response.json()
    assert accepted["status"] == "accepted"
    assert accepted["next"]["status"] == "final"
    assert accepted["id"] == digest_text(signed.digest(DOMAIN))
    assert shown["status"] == "final"
    assert (shown["asset"], shown["amount"], shown["fee"]) == ("USDC", "1000", "10")
    assert shown["block"]["slot"] == 0
    assert shown["next"]["status"] == "posted"


async def test_create_payment__wait_final__answers_final_succeeds(world):
    signed = sign(PAYER, order(PAYER, PAYEE.address, 1_000))

    response = await world.pay(signed, Prefer="wait=final")

    assert response.status_code == 200
    assert response.json()["status"] == "final"
    assert response.json()["block"]["number"]


async def test_create_payment__repeated__changes_nothing(world):
    signed = sign(PAYER, order(PAYER, PAYEE.address, 1_000))
    first = await world.pay(signed, Prefer="wait=final")
    await world.settle()
    before = world.state()

    again = await world.pay(signed)

    await world.settle()
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["status"] == "final"
    assert world.state() == before


async def test_get_payment__posted_and_settled__shows_its_place_succeeds(world):
    payments = [sign(PAYER, order(PAYER, PAYEE.address, 1, nonce)) for nonce in range(3)]
    for signed in payments:
        await world.pay(signed, Prefer="wait=final")
    await world.settle()
    path = f"/v1/payments/{digest_text(payments[2].digest(DOMAIN))}"
    row = world.dependencies.reader.payment(payments[2].digest(DOMAIN))
    ordinal = row.block.first_slot + row.order.slot

    await post_batch(world, 1)
    posted = await get(world, path)
    await post_batch(world, 1, is_settled=True)
    settled = await get(world, path)

    assert posted["status"] == "posted"
    assert posted["batch"]["number"] == "1"
    assert posted["batch"]["slot"] == ordinal + 2  # after the padding
    assert posted["next"] == {"status": "settled", "earliest_at": "2027-01-15T08:01:05.000Z"}
    assert settled["status"] == "settled"
    assert settled["next"] is None


async def test_get_payment__rejected_after_acceptance__tells_the_code_succeeds(world, monkeypatch):
    @dataclass(frozen=True)
    class Rejected:
        is_final = False
        block_number = 9
        code = "ORDER_EXPIRED"

    async def wait_final(_payment_id, _timeout_ms):
        return Rejected()

    monkeypatch.setattr(world.node, "wait_final", wait_final)
    signed = sign(PAYER, order(PAYER, PAYEE.address, 1_000))
    response = await world.pay(signed)

    assert response.status_code == 200
    assert (response.json()["status"], response.json()["code"]) == ("rejected", "ORDER_EXPIRED")
    assert response.json()["amount"] == "1000"


async def test_list_payments__filters__succeeds(world):
    for nonce in range(3):
        await world.pay(sign(PAYER, order(PAYER, PAYEE.address, 1 + nonce, nonce)))
    await world.pay(sign(PAYEE, order(PAYEE, PAYER.address, 50, 0)), Prefer="wait=final")
    await world.settle()

    def amounts(page):
        return [one["amount"] for one in page["data"]]

    assert amounts(await get(world, f"/v1/payments?payer={PAYER_TEXT}")) == ["3", "2", "1"]
    assert amounts(await get(world, f"/v1/payments?payee={PAYER_TEXT}")) == ["50"]
    assert len(amounts(await get(world, f"/v1/payments?party={PAYER_TEXT}"))) == 4
    assert amounts(await get(world, "/v1/payments?asset=WIDE")) == []
    assert len(amounts(await get(world, "/v1/payments?status=final"))) == 4
    first = await get(world, f"/v1/payments?payer={PAYER_TEXT}&limit=2")
    rest = await get(world, f"/v1/payments?payer={PAYER_TEXT}&after={first['next_cursor']}")
    assert (amounts(first), amounts(rest)) == (["3", "2"], ["1"])
    assert rest["next_cursor"] is None
    await post_batch(world, 1)
    assert amounts(await get(world, "/v1/payments?status=final")) == []
    assert len(amounts(await get(world, "/v1/payments?status=posted"))) == 4
    await post_batch(world, 1, is_settled=True)
    assert len(amounts(await get(world, "/v1/payments?status=settled"))) == 4


async def test_create_payments__binary_records__succeeds(world):
    orders = [sign(PAYER, order(PAYER, PAYEE.address, 1, nonce)) for nonce in range(40)]
    orders.append(sign(PAYEE, withdrawal(PAYEE, 7)))

    response = await world.client.post(
        "/v1/payments/bulk",
        content=encode_orders(orders),
        headers={"Content-Type": "application/x-causeway-orders"},
    )

    answers = [json.loads(line) for line in response.text.splitlines()]
    assert [answer["id"] for answer in answers] == [
        digest_text(signed.digest(DOMAIN)) for signed in orders
    ]
    await world.settle()
    assert world.node.account(PAYER.address, 1).nonce == 40


@dataclass(frozen=True)
class Proof:
    batch_number: int
    slot: int
    chunk: bytes = bytes(992)
    chunk_path: tuple[bytes, ...] = (bytes(32),) * 10
    leaf: Leaf = Leaf(PAYER.address, 1, 1, 5)  # type: ignore[arg-type]
    leaf_path: tuple[bytes, ...] = (bytes(32),) * 32
    account_id: int = 5


class Archive:
    def withdrawal_proof(self, batch_number: int, slot: int) -> Proof:
        return Proof(batch_number, slot)

    def account_proof(self, batch_number: int, account_id: int) -> Proof:
        return Proof(batch_number, 0, account_id=account_id)


async def test_withdrawal__until_claimed__succeeds(world, monkeypatch):
    services = world.api.state.services
    monkeypatch.setattr(
        world.api.state,
        "services",
        replace(services, needs=replace(services.needs, proofs=Archive())),
    )
    signed = sign(PAYER, withdrawal(PAYER, 300))
    created = (await world.post("/v1/withdrawals", body_of(signed), Prefer="wait=final")).json()
    await world.settle()
    path = f"/v1/withdrawals/{created['id']}"

    early = await world.client.get(f"{path}/claim")
    await post_batch(world, 1)
    posted = await get(world, path)
    await post_batch(world, 1, is_settled=True)
    settled = await get(world, path)
    claim = await get(world, f"{path}/claim")
    claim_key = withdrawal_key(PAYER.address, 0, TOKEN, 300)
    world.projections.apply_chain_event(
        WithdrawalClaimed(claim_key, PAYER.address, 1, 9, 50, START_MS, keccak(b"claim"))
    )
    claimed = await get(world, path)
    listed = await get(world, f"/v1/withdrawals?payer={PAYER_TEXT}&status=settled")

    assert created["status"] == "final"
    assert error_of(early) == (404, "PROOF_NOT_AVAILABLE")
    assert (posted["status"], settled["status"]) == ("posted", "settled")
    assert settled["next"]["status"] == "claimed"
    place = settled["batch"]
    assert claim["proof"]["slot"] == str(place["chunk"] * 64 + place["slot"])
    assert claim["transaction"]["to"] == address_text(ROLLUP)
    assert len(claim["transaction"]["data"]) > 2 * 992
    assert (claimed["status"], claimed["next"]) == ("claimed", None)
    assert [one["id"] for one in listed["data"]] == [created["id"]]
    assert (await world.client.get(f"/v1/payments/{created['id']}")).status_code == 404


async def test_proofs__account_and_withdrawal__succeeds(world, monkeypatch):
    services = world.api.state.services
    monkeypatch.setattr(
        world.api.state,
        "services",
        replace(services, needs=replace(services.needs, proofs=Archive())),
    )
    path = f"/v1/proofs/accounts/{PAYER_TEXT}/USDC"
    early = await world.client.get(path)
    await post_batch(world, 1)

    account = await get(world, path)
    same = await get(world, f"{path}?batch=1")
    proof = await get(world, "/v1/proofs/withdrawals/1/7")

    assert error_of(early) == (404, "BATCH_NOT_FOUND")
    assert account == same
    assert account["root"] == digest_text(header(1, 1).post_root)
    assert account["account_id"] == str(world.node.account(PAYER.address, 1).account_id)
    assert proof["slot"] == "7"


async def test_blocks_and_batches__some__succeeds(world):
    await post_batch(world, 1, is_settled=True)
    blocks = await get(world, "/v1/blocks?limit=1")
    batches = await get(world, "/v1/batches?status=settled")

    number = blocks["data"][0]["number"]
    assert (await get(world, f"/v1/blocks/{number}"))["hash"] == blocks["data"][0]["hash"]
    assert (await get(world, "/v1/batches/1")) == batches["data"][0]
    assert batches["data"][0]["header"]["lastBlockNumber"] == number


async def apply(world, family_name: str = "Lovelace", key_text: str = "a1") -> Any:
    body = {
        "external_id": "customer-1",
        "person": PAYER_TEXT,
        "details": {"family_name": family_name},
    }
    return (await world.post("/v1/kyc/applicants", body, **{"Idempotency-Key": key_text})).json()


async def tell(world, reference: str, answer: dict[str, Any], secret: str = WEBHOOK_SECRET) -> Any:
    message = {"applicantId": reference, "type": "applicantReviewed", "reviewResult": answer}
    raw = json.dumps(message).encode()
    digest = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    return await world.client.post(
        "/v1/kyc/messages",
        content=raw,
        headers={"X-Payload-Digest": digest, "X-Payload-Digest-Alg": "HMAC_SHA256_HEX"},
    )


def reference_of(world, applicant: Any) -> str:
    return world.dependencies.registers.applicants.get(applicant["id"]).provider_reference


GREEN = {"reviewAnswer": "GREEN"}
RED = {"reviewAnswer": "RED", "rejectLabels": ["FORGERY"], "reviewRejectType": "FINAL"}


async def test_applicant__approved_at_once__has_an_attestation_succeeds(world):
    applicant = await apply(world)
    again = await apply(world)

    assert applicant["status"] == "approved"
    assert applicant["attestation"]["registry"] == address_text(REGISTRY)
    assert "Lovelace" not in json.dumps(applicant)
    assert again["id"] == applicant["id"]
    assert (await get(world, f"/v1/kyc/applicants/{applicant['id']}")) == applicant
    assert (await get(world, "/v1/kyc/applicants"))["data"] == [applicant]


async def test_applicant__message_decides__succeeds(world):
    applicant = await apply(world, "Considerate")
    path = f"/v1/kyc/applicants/{applicant['id']}"
    reference = reference_of(world, applicant)
    assert applicant["status"] == "pending"

    forged = await tell(world, reference, GREEN, "another secret")
    told = await tell(world, reference, GREEN)
    again = await tell(world, reference, GREEN)

    assert error_of(forged) == (422, "SIGNATURE_INVALID")
    assert told.json()["applicant_id"] == again.json()["applicant_id"] == applicant["id"]
    assert (await get(world, path))["status"] == "approved"


async def test_applicant__rejected_after_approval__is_revoked_on_the_chain_succeeds(world):
    applicant = await apply(world)
    reference = reference_of(world, applicant)
    world.chain.is_available = False
    failed = await tell(world, reference, RED)
    world.chain.is_available = True

    told = await tell(world, reference, RED)

    shown = await get(world, f"/v1/kyc/applicants/{applicant['id']}")
    assert error_of(failed) == (503, "CHAIN_UNAVAILABLE")
    assert told.status_code == 200
    assert (shown["status"], shown["reasons"]) == ("rejected", ["FORGERY"])
    assert world.chain.revoked == [PAYER.address]
    assert shown["attestation"] is None


async def test_applicant__unknown_to_us__changes_nothing(world):
    told = await tell(world, "nobody", GREEN)

    assert told.json()["applicant_id"] is None


async def test_deposit__prepared__has_evidence_and_a_permit_succeeds(world):
    await apply(world)
    body = {"owner": PAYER_TEXT, "asset": "WIDE", "amount": "5"}
    prepared = (await world.post("/v1/deposits", body, **{"Idempotency-Key": "d1"})).json()
    permit = {"deadline": "2000000000", "signature": "0x" + "11" * 64 + "1b"}
    one = await world.post("/v1/deposits", body | {"permit": permit}, **{"Idempotency-Key": "d2"})
    world.chain.allowances[PAYER.address] = 5 * 10**12
    allowed = await world.post("/v1/deposits", body, **{"Idempotency-Key": "d3"})

    assert [one["purpose"] for one in prepared["transactions"]] == ["approve", "deposit"]
    assert prepared["permit"]["message"]["value"] == str(5 * 10**12)
    assert prepared["evidence"][2:] in prepared["transactions"][1]["data"]
    assert [one["purpose"] for one in one.json()["transactions"]] == ["deposit"]
    assert [one["purpose"] for one in allowed.json()["transactions"]] == ["deposit"]
    assert allowed.json()["permit"] is None


async def test_deposit__seen_confirmed_credited__succeeds(world):
    record = world.l1.queue[0][1]
    world.projections.apply_chain_event(DepositSeen(50, record, 5, keccak(b"deposit")))
    seen = await get(world, "/v1/deposits/50")
    world.projections.apply_chain_event(DepositConfirmed(50, 6, START_MS))
    confirmed = await get(world, "/v1/deposits/50")
    listed = await get(world, f"/v1/deposits?owner={PAYER_TEXT}&asset=USDC")

    assert (seen["status"], seen["next"]["status"]) == ("seen", "confirmed")
    assert (confirmed["status"], confirmed["next"]["status"]) == ("confirmed", "credited")
    assert [(one["id"], one["status"]) for one in listed["data"]] == [
        ("50", "confirmed"),
        ("0", "credited"),
    ]


async def test_api_keys__made_used_revoked__succeeds(world):
    body = {"name": "billing", "scopes": ["payments:read", "api-keys:write"]}
    made = (await world.post("/v1/api-keys", body, **{"Idempotency-Key": "k1"})).json()
    replayed = (await world.post("/v1/api-keys", body, **{"Idempotency-Key": "k1"})).json()
    headers = {"Authorization": f"Bearer {made['secret']}"}

    used = await world.client.get("/v1/payments", headers=headers)
    more = await world.post("/v1/api-keys", {"name": "x"}, **{"Idempotency-Key": "k2"}, **headers)
    listed = await get(world, "/v1/api-keys")
    revoked = await world.client.delete(f"/v1/api-keys/{made['id']}")
    refused = await world.client.get("/v1/payments", headers=headers)

    assert replayed["id"] == made["id"]
    assert replayed["secret"] is None
    assert used.status_code == 200
    assert error_of(more) == (403, "PERMISSION_DENIED")
    assert {one["id"] for one in listed["data"]} == {made["id"], "bootstrap"}
    assert made["secret"] not in json.dumps(listed)
    assert revoked.json()["revoked_at"]
    assert error_of(refused) == (401, "API_KEY_INVALID")
    assert (await world.client.delete("/v1/api-keys/nobody")).status_code == 400


async def test_health__running__succeeds(world):
    assert (await get(world, "/healthz"))["status"] == "alive"
    assert (await get(world, "/readyz"))["status"] == "ready"
    await get(world, "/v1/payments")
    metrics = await world.client.get("/metrics")
    assert 'route="/v1/payments"' in metrics.text


async def test_health__node_stopped__is_not_ready_rejects(world):
    await world.node.stop()

    response = await world.client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["problems"] == ["the node is down"]


async def test_openapi__every_call__has_an_example_and_its_errors_holds(world):
    schema = await get(world, "/openapi.json")

    assert schema["openapi"].startswith("3.1")
    for path, operations in schema["paths"].items():
        if not path.startswith("/v1/"):
            continue
        for method, operation in operations.items():
            answers = operation["responses"]
            good = [answers[status] for status in answers if status.startswith("2")]
            contents = [content for answer in good for content in answer["content"].values()]
            assert any("example" in content for content in contents), (path, method)
            assert "401" in answers, (path, method)
            assert operation["summary"], (path, method)
    errors = json.dumps(schema["paths"]["/v1/payments"]["post"]["responses"])
    for error in payments_module.PAYMENT_ERRORS:
        assert error.code in errors
    assert error_classes()
