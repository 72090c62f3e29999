"""What the tests of groups do again and again."""

from backend.protocol.orders import PaymentOrder, linked
from backend.protocol.types import Address
from tests.unit.access.scenes import PAYEE, PAYEE_TEXT, PAYER, PAYER_TEXT
from tests.unit.access.world import WIDE_TOKEN, order, sign
from tests.unit.engine.committee import DOMAIN

EXCHANGE = (
    {"payer": PAYER_TEXT, "payee": PAYEE_TEXT, "asset": "USDC", "amount": "1000"},
    {"payer": PAYEE_TEXT, "payee": PAYER_TEXT, "asset": "WIDE", "amount": "900"},
)
KEYS = {PAYER_TEXT: PAYER, PAYEE_TEXT: PAYEE}


async def build(world, *legs, key_text="g1", **fields):
    body = {"legs": list(legs or EXCHANGE)} | fields
    return await world.post("/v1/groups", body, **{"Idempotency-Key": key_text})


def order_of(leg):
    message = leg["typed_data"]["message"]
    return PaymentOrder(
        *(Address(bytes.fromhex(message[name][2:])) for name in ("payer", "payee", "asset")),
        *(int(message[name]) for name in ("amount", "fee", "nonce", "validUntil")),
        *(bytes.fromhex(message[name][2:]) for name in ("memo", "link")),
    )


def signature_of(leg, signer=None):
    digest = order_of(leg).digest(DOMAIN)
    return "0x" + (signer or KEYS[leg["payer"]]).sign_digest(digest).hex()


async def add_signature(world, group, leg, signature=None, **headers):
    body = {"leg": leg, "signature": signature or signature_of(group["legs"][leg])}
    return await world.post(f"/v1/groups/{group['id']}/signatures", body, **headers)


async def sign_all(world, group):
    for leg in range(len(group["legs"])):
        response = await add_signature(world, group, leg, Prefer="wait=final")
    await world.settle()
    return response


def balances(world):
    return [
        world.node.account(who.address, asset_id).balance_minor
        for who in (PAYER, PAYEE)
        for asset_id in (1, 2)
    ]


def signed_exchange(nonce=0):
    orders = linked(
        [
            order(PAYER, PAYEE.address, 1_000, nonce),
            order(PAYEE, PAYER.address, 900 * 10**12, nonce, asset=WIDE_TOKEN, fee=0),
        ]
    )
    return [sign(KEYS[PAYER_TEXT], orders[0]), sign(PAYEE, orders[1])]


def body_of_group(legs):
    return {
        "legs": [
            {"order": leg.order.message(), "signature": "0x" + leg.signature.hex()} for leg in legs
        ]
    }
