"""What clients send about custodial customers, holds and schedules."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from backend.access.schemas import AssetName, Body, MemoText, MomentText, ShortText
from backend.access.texts import AddressIn, Amount, SignatureIn

CustomerId = Annotated[str, StringConstraints(min_length=1, max_length=40)]
# The id of a customer whose key we keep, or anybody's address.
PayerIn = Annotated[str, StringConstraints(min_length=1, max_length=42)]


class CustomerIn(Body):
    """A customer whose key we are to keep. `external_id` is the client's own name for him."""

    external_id: ShortText


class CustomerPaymentIn(Body):
    """A payment of a customer's; the amount is minor units."""

    payee: AddressIn
    asset: AssetName
    amount: Amount
    memo: MemoText | None = None


class CustomerWithdrawalIn(Body):
    """A withdrawal of a customer's; the amount is minor units."""

    asset: AssetName
    amount: Amount


class HoldIn(Body):
    """Money to be set aside for a payee until `expires_at`."""

    payer: PayerIn
    payee: AddressIn
    asset: AssetName
    amount: Amount
    expires_at: MomentText
    memo: MemoText | None = None


class HoldAuthorizationIn(Body):
    """The payer's signature of the hold's order."""

    signature: SignatureIn


class CaptureIn(Body):
    """How much goes to the payee, by default all; the rest goes back."""

    amount: Amount | None = None


class ScheduleIn(Body):
    """Payments that a customer makes by himself: the first at `first_at`, `count` in all."""

    customer_id: CustomerId
    payee: AddressIn
    asset: AssetName
    amount: Amount
    first_at: MomentText
    every: Literal["once", "day", "week", "month"] = "once"
    count: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 1
    memo: MemoText | None = None
