"""What the API shows of custody, beside its examples and its bodies.

- each object has the fields of its example; each example of a body is a good body
- a clock beyond the calendar; what a customer's row hides
"""

import pytest

from backend.access.api import custody_examples, customers, holds, schedules
from backend.access.custody import schemas
from backend.access.custody.views import customer_view
from backend.records.registers.customers import Customer
from tests.unit.access.custody.scenes import DAY_S, customer, done, hold, now_s, tick
from tests.unit.access.scenes import PAYEE_TEXT, get


async def test_views__every_object__has_the_fields_of_its_example_holds(world):
    made = await customer(world, "alice", 10_000)
    held = (await hold(world, payer=made["id"])).json()
    plan = {
        "customer_id": made["id"],
        "payee": PAYEE_TEXT,
        "asset": "USDC",
        "amount": "5",
        "first_at": str(now_s(world)),
    }
    planned = await done(world, "/v1/schedules", plan, "plan")
    await tick(world)
    uses = await get(world, f"/v1/customers/{made['id']}/key-uses")
    paid = await get(world, f"/v1/schedules/{planned['id']}/occurrences")

    for shown, example in (
        (made, custody_examples.CUSTOMER),
        (uses["data"][0], custody_examples.KEY_USE),
        (held, custody_examples.HOLD),
        (planned, custody_examples.SCHEDULE),
        (paid["data"][0], custody_examples.OCCURRENCE),
    ):
        assert shown.keys() == example.keys()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (schemas.CustomerPaymentIn, customers._PAYMENT),
        (schemas.CustomerWithdrawalIn, customers._WITHDRAWAL),
        (schemas.HoldIn, holds._EXAMPLE),
        (schemas.ScheduleIn, schedules._EXAMPLE),
    ],
)
def test_examples__every_body__is_a_good_one_holds(kind, body):
    assert kind.model_validate(body)


def test_customer_view__row__shows_no_number_holds():
    shown = customer_view(Customer(7, "cus_1", "alice", bytes(20), DAY_S * 1000))

    assert "number" not in shown
    assert shown["created_at"] == "1970-01-02T00:00:00.000Z"
