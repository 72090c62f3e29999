"""What the tests of custody do again and again."""

from typing import Any

from backend.access.custody.runner import CustodyRunner
from backend.protocol.types import address_from_text
from tests.unit.access.scenes import PAYEE_TEXT, PAYER, PAYER_TEXT
from tests.unit.access.world import World, order, sign

DAY_S = 24 * 3600


def now_s(world: World) -> int:
    return world.clock() // 1000


async def call(world: World, path: str, body: Any, key_text: str, **headers: str) -> Any:
    return await world.post(path, body, **{"Idempotency-Key": key_text}, **headers)


async def done(world: World, path: str, body: Any, key_text: str) -> Any:
    """Make a call that succeeds; return its answer."""
    response = await call(world, path, body, key_text)
    assert response.status_code < 300, response.text
    return response.json()


async def customer(world: World, name: str = "alice", amount: int = 0) -> Any:
    """Make a customer, with money if need be."""
    made = await done(world, "/v1/customers", {"external_id": name}, f"customer {name}")
    if amount:
        await fund(world, made["address"], amount)
    return made


async def fund(world: World, address: str, amount: int) -> None:
    """Pay somebody from the payer's account."""
    await world.settle()
    account = world.node.account(PAYER.address, 1)
    to = address_from_text(address)
    paid = sign(PAYER, order(PAYER, to, amount, account.nonce_next, valid_until=2**62))
    assert (await world.pay(paid, Prefer="wait=final")).json()["status"] == "final"
    await world.settle()


async def hold(world: World, key_text: str = "hold-1", **fields: Any) -> Any:
    """Make a hold of the payer's for the payee."""
    wish = {
        "payer": PAYER_TEXT,
        "payee": PAYEE_TEXT,
        "asset": "USDC",
        "amount": "1000",
        "expires_at": str(now_s(world) + DAY_S),
    }
    return await call(world, "/v1/holds", wish | fields, key_text)


async def authorised(world: World, key_text: str = "hold-1", **fields: Any) -> Any:
    """Make a hold whose money is set aside by the payer's signature."""
    made = (await hold(world, key_text, **fields)).json()
    path = f"/v1/holds/{made['id']}/authorization"
    answer = await world.post(path, {"signature": signature_of(made)})
    assert answer.json()["status"] == "authorised", answer.text
    return answer.json()


def signature_of(made: Any) -> str:
    """Sign the order of a hold as the payer does."""
    digest = bytes.fromhex(made["order"]["id"][2:])
    return "0x" + PAYER.sign_digest(digest).hex()


async def balance(world: World, address: str) -> int:
    """Return what somebody has when nothing is on its way."""
    await world.settle()
    account = world.node.account(address_from_text(address), 1)
    return 0 if account is None else account.balance_minor


async def tick(world: World) -> None:
    """Let the runner do one round, and all that follows from it."""
    await CustodyRunner(world.api.state.services).round()
    await world.settle()


def pass_time(world: World, seconds: int) -> None:
    """Move the clock on."""
    world.clock.offset_ms += seconds * 1000
