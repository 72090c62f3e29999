"""What clients send. An order is sent exactly as it was signed: base units, EIP-712's names."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from backend.access.texts import AddressIn, Amount, DigestIn, SignatureIn, U64In
from backend.protocol.hashing import ZERO_DIGEST, Digest
from backend.protocol.order_records import SignedOrder
from backend.protocol.orders import PaymentOrder, WithdrawalOrder
from backend.protocol.types import Address

ShortText = Annotated[str, StringConstraints(min_length=1, max_length=100)]
DomainText = Annotated[str, StringConstraints(max_length=100)]
AssetName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
MemoText = Annotated[str, StringConstraints(max_length=10_000)]
MomentText = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Scope = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z-]+:(read|write|\*))$")]


class Body(BaseModel):
    """A body without unknown fields: a misspelt one is refused, not passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DomainIn(BaseModel):
    """For which contract on which chain the client signed; optional, checked if present."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: DomainText = "Causeway"
    version: DomainText = "1"
    chain_id: U64In = Field(alias="chainId")
    verifying_contract: AddressIn = Field(alias="verifyingContract")


class PaymentMessage(Body):
    """The message of a signed PaymentOrder."""

    payer: AddressIn
    payee: AddressIn
    asset: AddressIn
    amount: Amount
    fee: Amount
    nonce: U64In
    validUntil: U64In
    memo: DigestIn = ZERO_DIGEST
    link: DigestIn = ZERO_DIGEST

    def order(self) -> PaymentOrder:
        """Return the order."""
        return PaymentOrder(
            Address(self.payer),
            Address(self.payee),
            Address(self.asset),
            self.amount,
            self.fee,
            self.nonce,
            self.validUntil,
            Digest(self.memo),
            Digest(self.link),
        )


class WithdrawalMessage(Body):
    """The message of a signed WithdrawalOrder."""

    payer: AddressIn
    asset: AddressIn
    amount: Amount
    fee: Amount
    nonce: U64In
    validUntil: U64In

    def order(self) -> WithdrawalOrder:
        """Return the order."""
        return WithdrawalOrder(
            Address(self.payer),
            Address(self.asset),
            self.amount,
            self.fee,
            self.nonce,
            self.validUntil,
        )


class SignedPayment(Body):
    """A payment to be accepted."""

    order: PaymentMessage
    signature: SignatureIn
    domain: DomainIn | None = None

    def signed(self) -> SignedOrder:
        """Return the signed order."""
        return SignedOrder(self.order.order(), self.signature)


class SignedWithdrawal(Body):
    """A withdrawal to be accepted."""

    order: WithdrawalMessage
    signature: SignatureIn
    domain: DomainIn | None = None

    def signed(self) -> SignedOrder:
        """Return the signed order."""
        return SignedOrder(self.order.order(), self.signature)


class OrderIn(Body):
    """What is to be signed, in the words of people: amounts in minor units."""

    kind: Literal["payment", "withdrawal"] = "payment"
    payer: AddressIn
    payee: AddressIn | None = None
    asset: AssetName
    amount: Amount
    fee: Amount | None = None
    memo: MemoText | None = None
    valid_until: MomentText | None = None
    nonce: U64In | None = None


class PermitIn(Body):
    """An ERC-2612 permit of the depositor for the rollup."""

    deadline: U64In
    signature: SignatureIn


class AuthorizationIn(Body):
    """An ERC-3009 authorisation of the depositor for the rollup, as the answer before showed it."""

    salt: DigestIn
    valid_before: U64In
    signature: SignatureIn


class DepositIn(Body):
    """A deposit to be prepared. `depositor` pays the tokens; by default the owner himself. With his
    `permit` or `authorization` there is one transaction; with the latter anyone may send it.
    """

    owner: AddressIn
    asset: AssetName
    amount: Amount
    depositor: AddressIn | None = None
    permit: PermitIn | None = None
    authorization: AuthorizationIn | None = None


class PersonIn(Body):
    """What the provider checks. It is passed on and not kept."""

    given_name: Annotated[str, StringConstraints(max_length=100)] = ""
    family_name: Annotated[str, StringConstraints(max_length=100)] = ""
    country: Annotated[str, StringConstraints(max_length=2)] = ""


class ApplicantIn(Body):
    """A customer to be checked. `external_id` is the client's own name for him."""

    external_id: ShortText
    person: AddressIn
    details: PersonIn = PersonIn()


class BatchIn(Body):
    """What is to be posted: all that is final, by `carrier` (by default the cheaper one)."""

    carrier: Literal["blobs", "calldata"] | None = None


class ApiKeyIn(Body):
    """A key to be made."""

    name: ShortText
    scopes: list[Scope] = Field(default=["*"], min_length=1, max_length=50)
