"""Fees: a quote is representable."""

import pytest

from tests.unit.access.scenes import get


@pytest.mark.parametrize(
    ("asset", "amount", "fee"), [("USDC", "5", "10"), ("WIDE", "1000000", "0")]
)
async def test_quote_fee__amount__is_representable_succeeds(world, asset, amount, fee):
    quote = await get(world, f"/v1/fees/quote?asset={asset}&amount={amount}")

    assert quote["fee"] == fee
    assert quote["total"] == str(int(amount) + int(fee))
