"""What clients send to collect, pay back, and pay as one."""

from typing import Annotated

from pydantic import Field, StringConstraints

from backend.access.schemas import AssetName, Body, MemoText, MomentText, PaymentMessage
from backend.access.texts import AddressIn, Amount, SignatureIn


class PaymentRequestIn(Body):
    """A request to be paid. Without an amount, any will do; without a memo it has its own."""

    payee: AddressIn
    asset: AssetName
    amount: Amount | None = None
    memo: MemoText | None = None
    expires_at: MomentText | None = None


class RefundIn(Body):
    """How much of a payment is to be paid back, in minor units."""

    amount: Amount
    fee: Amount | None = None
    valid_until: MomentText | None = None


class LegIn(Body):
    """One payment of a group, in minor units."""

    payer: AddressIn
    payee: AddressIn
    asset: AssetName
    amount: Amount
    fee: Amount | None = None
    memo: MemoText | None = None


class GroupIn(Body):
    """Payments to be made all together or not at all."""

    legs: list[LegIn] = Field(max_length=64)
    valid_until: MomentText | None = None


class SignedLegIn(Body):
    """A leg as its payer signed it."""

    order: PaymentMessage
    signature: SignatureIn


class SignedGroupIn(Body):
    """A group that all have signed, its legs in order."""

    legs: list[SignedLegIn] = Field(max_length=64)


class LegSignatureIn(Body):
    """Who signs a leg, which is named by its place, from 0: a signature, or a customer of ours."""

    leg: Annotated[int, Field(ge=0, le=63)]
    signature: SignatureIn | None = None
    customer_id: Annotated[str, StringConstraints(max_length=64)] | None = None
