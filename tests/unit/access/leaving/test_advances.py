"""Instant exits: what the owner signs, and what the provider sends.

- prepared: typed data of this withdrawal; with the signature the provider's transactions
- enough allowed: no approval; a fee of 0, of all
- refused: another signer, fee or time than signed; expired; advanced, claimed, settled; unknown
"""

import pytest

from backend.access.api.leaving_examples import ADVANCE
from backend.access.leaving.schemas import AdvanceIn
from backend.protocol.advances import Advance
from backend.protocol.batches import withdrawal_key
from backend.protocol.eip712 import Domain, ledger_domain
from backend.protocol.hashing import keccak
from backend.protocol.types import address_text
from backend.records.facts import WithdrawalAdvanced, WithdrawalClaimed
from backend.settlement.artifacts import artifact
from tests.unit.access.leaving.scenes import withdrawn
from tests.unit.access.scenes import PAYEE, PAYEE_TEXT, PAYER, PAYER_TEXT, get, post_batch
from tests.unit.access.world import EXITS, error_of
from tests.unit.engine.committee import DOMAIN, ROLLUP, START_MS, TOKEN

AMOUNT, FEE = 300, 20
VALID_UNTIL = START_MS // 1000 + 1_000
CLAIM_KEY = withdrawal_key(PAYER.address, 0, TOKEN, AMOUNT)


def signed(signer=PAYER, *, domain: Domain = DOMAIN, provider=PAYEE_TEXT, **fields):
    """Return the part `signed` of a body; what is signed differs by `fields`."""
    values = {
        "owner": PAYER.address,
        "nonce": 0,
        "asset": TOKEN,
        "amount": AMOUNT,
        "fee": FEE,
        "valid_until": VALID_UNTIL,
    } | fields
    signature = signer.sign_digest(Advance(**values).digest(domain))
    return {
        "valid_until": str(VALID_UNTIL),
        "signature": "0x" + signature.hex(),
        "provider": provider,
    }


async def advance(world, withdrawal_id, key="advance-1", fee=FEE, **body):
    path = f"/v1/withdrawals/{withdrawal_id}/advance"
    return await world.post(path, {"fee": str(fee)} | body, **{"Idempotency-Key": key})


async def test_prepare_advance__unsigned__is_this_withdrawal_succeeds(world):
    made = await withdrawn(world, AMOUNT)

    shown = (await advance(world, made["id"])).json()

    assert set(shown) == set(ADVANCE)
    message = shown["typed_data"]["message"]
    assert (shown["fee"], shown["paid"], shown["transactions"]) == ("20", "280", [])
    assert shown["typed_data"]["primaryType"] == "Advance"
    valid_until = message.pop("validUntil")
    assert message == {
        "owner": PAYER_TEXT,
        "nonce": "0",
        "asset": address_text(TOKEN),
        "amount": "300",
        "fee": "20",
    }
    assert 3_500 < int(valid_until) - START_MS // 1000 < 3_700


async def test_prepare_advance__signed__is_the_providers_to_send_succeeds(world):
    made = await withdrawn(world, AMOUNT)

    answer = await advance(world, made["id"], signed=signed())

    assert answer.status_code == 200, answer.text
    approve, sending = answer.json()["transactions"]
    assert (approve["purpose"], approve["to"]) == ("approve", address_text(TOKEN))
    assert approve["data"].endswith(f"{280:064x}")
    assert (sending["from"], sending["to"]) == (PAYEE_TEXT, address_text(EXITS))
    call = artifact("Exits").abi.decode_call(bytes.fromhex(sending["data"][2:]))
    assert call.name == "advance"
    assert list(call.values["order"].values()) == [
        PAYER.address,
        0,
        TOKEN,
        AMOUNT,
        FEE,
        VALID_UNTIL,
    ]
    assert "0x" + call.values["signature"].hex() == signed()["signature"]


async def test_prepare_advance__enough_allowed__needs_no_approval_succeeds(world):
    made = await withdrawn(world, AMOUNT)
    world.chain.allowances[PAYEE.address] = AMOUNT - FEE

    shown = (await advance(world, made["id"], signed=signed())).json()

    assert [one["purpose"] for one in shown["transactions"]] == ["advance"]


@pytest.mark.parametrize(("fee", "paid"), [(0, "300"), (AMOUNT, "0")])
async def test_prepare_advance__smallest_and_largest_fee__succeeds(world, fee, paid):
    made = await withdrawn(world, AMOUNT)

    assert (await advance(world, made["id"], fee=fee)).json()["paid"] == paid


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        (signed(PAYEE), "SIGNATURE_INVALID"),
        (signed(fee=FEE + 1), "SIGNATURE_INVALID"),
        (signed(nonce=1), "SIGNATURE_INVALID"),
        (signed(valid_until=VALID_UNTIL + 1), "SIGNATURE_INVALID"),
        (signed(domain=ledger_domain(1, ROLLUP)), "SIGNATURE_INVALID"),
        (signed() | {"signature": "0x12"}, "SIGNATURE_INVALID"),
        (signed() | {"provider": "0x12"}, "MALFORMED_REQUEST"),
        (signed() | {"valid_until": "soon"}, "MALFORMED_REQUEST"),
        ({}, "MALFORMED_REQUEST"),
    ],
)
async def test_prepare_advance__not_what_was_signed__rejects(world, parts, code):
    made = await withdrawn(world, AMOUNT)

    answer = await advance(world, made["id"], signed=parts)

    assert answer.json()["error"]["code"] == code


def test_advance_in__without_a_signature__has_none_holds():
    assert AdvanceIn.model_validate({"fee": "1"}).signed is None


async def test_prepare_advance__over__rejects(world):
    made = await withdrawn(world, AMOUNT)
    world.clock.offset_ms += 2_000_000

    answer = await advance(world, made["id"], signed=signed())

    assert error_of(answer) == (422, "SIGNATURE_INVALID")
    assert "valid until" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("fee", "expected"),
    [
        (AMOUNT + 1, (409, "ADVANCE_REFUSED")),
        ("1.5", (422, "AMOUNT_NOT_INTEGER")),
        (-1, (422, "AMOUNT_NOT_INTEGER")),
        (2**256, (422, "AMOUNT_TOO_LARGE")),
    ],
)
async def test_prepare_advance__wrong_fee__rejects(world, fee, expected):
    made = await withdrawn(world, AMOUNT)

    assert error_of(await advance(world, made["id"], fee=fee)) == expected


async def test_prepare_advance__unknown_withdrawal__rejects(world):
    assert error_of(await advance(world, "0x" + "11" * 32)) == (404, "WITHDRAWAL_NOT_FOUND")
    assert error_of(await advance(world, "0x11", "advance-2")) == (400, "MALFORMED_REQUEST")


async def test_prepare_advance__advanced_settled_or_claimed__rejects(world):
    made = await withdrawn(world, AMOUNT)
    refused = (409, "ADVANCE_REFUSED")
    advanced = WithdrawalAdvanced(
        CLAIM_KEY, PAYER.address, PAYEE.address, 40, START_MS, keccak(b"advance")
    )
    world.projections.apply_chain_event(advanced)
    shown = await get(world, f"/v1/withdrawals/{made['id']}")

    assert shown["advance"]["provider"] == PAYEE_TEXT
    assert error_of(await advance(world, made["id"], "advanced")) == refused
    claimed = WithdrawalClaimed(CLAIM_KEY, PAYER.address, 1, 9, 50, START_MS, keccak(b"claim"))
    world.projections.apply_chain_event(claimed)
    assert error_of(await advance(world, made["id"], "claimed")) == refused


async def test_prepare_advance__settled__rejects(world):
    made = await withdrawn(world, AMOUNT)
    await post_batch(world, 1)
    assert (await advance(world, made["id"], "posted")).status_code == 200
    await post_batch(world, 1, is_settled=True)

    answer = await advance(world, made["id"], "settled")

    assert error_of(answer) == (409, "ADVANCE_REFUSED")
    assert "claim it" in answer.json()["error"]["message"]
