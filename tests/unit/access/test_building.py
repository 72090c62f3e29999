"""Building orders: the least fee, ten minutes, the next nonce; what is refused.

- a payment and a withdrawal with all defaults; a nonce and a fee of the caller's
- the shape of a wish: no payee, a payee of a withdrawal, oneself
- times: RFC 3339, seconds, the past; amounts: zero, too large
"""

import pytest

from backend.access.building import amount_minor_of, order_of, valid_until_of
from backend.access.schemas import OrderIn
from backend.protocol import errors
from backend.protocol.orders import PaymentOrder, WithdrawalOrder
from tests.unit.access.scenes import PAYEE, PAYEE_TEXT, PAYER, PAYER_TEXT
from tests.unit.access.world import WIDE_TOKEN, order, sign
from tests.unit.engine.committee import TOKEN

WISH = {"payer": PAYER_TEXT, "payee": PAYEE_TEXT, "asset": "USDC", "amount": "1000"}


async def built(world, **fields):
    wish = {name: value for name, value in (WISH | fields).items() if value is not None}
    return await order_of(world.api.state.services, OrderIn.model_validate(wish))


async def test_order_of__payment__takes_the_least_fee_and_next_nonce_succeeds(world):
    await world.pay(sign(PAYER, order(PAYER, PAYEE.address, 1)))

    made = await built(world)

    assert isinstance(made, PaymentOrder)
    assert (made.payer, made.payee, made.asset) == (PAYER.address, PAYEE.address, TOKEN)
    assert (made.amount, made.fee, made.nonce) == (1_000, 10, 1)
    assert made.valid_until - world.clock() // 1000 in (599, 600)


async def test_order_of__withdrawal_of_a_wide_token__counts_base_units_succeeds(world):
    made = await built(world, kind="withdrawal", payee=None, asset="WIDE", nonce="7")

    assert isinstance(made, WithdrawalOrder)
    assert (made.asset, made.amount, made.fee, made.nonce) == (WIDE_TOKEN, 10**15, 0, 7)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"payee": None}, errors.MalformedRequest),
        ({"kind": "withdrawal"}, errors.MalformedRequest),
        ({"payee": PAYER_TEXT}, errors.SameAccount),
        ({"fee": "9"}, errors.FeeTooLow),
        ({"asset": "WIDE", "fee": "1"}, errors.FeeNotAllowed),
        ({"payer": "0x" + "07" * 20}, errors.AccountUnknown),
        ({"valid_until": "1000"}, errors.OrderExpired),
    ],
)
async def test_order_of__malformed__rejects(world, fields, error):
    with pytest.raises(error):
        await built(world, **fields)


async def test_valid_until_of__texts__are_read_holds(world):
    services = world.api.state.services

    assert valid_until_of(services, "2030-01-01T00:00:00Z", 5) == 1_893_456_000
    assert valid_until_of(services, str(2**64 - 1), 5) == 2**64 - 1


def test_amount_minor_of__limits__rejects():
    assert amount_minor_of(2**48 - 1) == 2**48 - 1
    with pytest.raises(errors.AmountZero):
        amount_minor_of(0)
    with pytest.raises(errors.AmountTooLarge):
        amount_minor_of(2**48)
