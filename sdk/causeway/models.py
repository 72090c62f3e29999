"""What the platform answers. Amounts are `int` minor units; fields of later versions pass."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Generic, Self, TypeVar

ModelT = TypeVar("ModelT", bound="Model")


@dataclass(frozen=True)
class Model:
    """An object of the API; `raw` is all that was answered."""

    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """Return the object in `data`."""
        values: dict[str, Any] = {"raw": dict(data)}
        for item in fields(cls):
            if item.name != "raw":
                value = data.get(item.name)
                values[item.name] = (
                    int(value) if item.type == "int" and value is not None else value
                )
        return cls(**values)


@dataclass(frozen=True)
class Asset(Model):
    """A token that the ledger holds. `unit`: base units in one minor unit. A `level_needed` above 0
    is what people need in the KYC registry to hold it.
    """

    asset_id: "int"
    code: str
    token: str
    decimals: "int"
    unit: "int"
    takes_fee: bool
    level_needed: "int" = 0


@dataclass(frozen=True)
class FeeQuote(Model):
    """A fee that an order of this amount can carry."""

    asset: str
    amount: "int"
    fee: "int"
    total: "int"


@dataclass(frozen=True)
class Account(Model):
    """One owner's money of one asset; pending orders are counted in `available`, `nonce_next`."""

    account_id: "int"
    owner: str
    asset: str
    balance: "int"
    available: "int"
    nonce: "int"
    nonce_next: "int"


@dataclass(frozen=True)
class StatementEntry(Model):
    """A movement on an account; `amount` is above 0 for money that came in."""

    id: str
    kind: str
    amount: "int"
    balance_after: "int"
    asset: str
    subject: str
    counterparty: str | None
    created_at: str


@dataclass(frozen=True)
class Payment(Model):
    """A payment: accepted, final, posted, settled, or rejected with a `code`."""

    id: str
    status: str
    code: str | None
    payer: str | None
    payee: str | None
    asset: str | None
    amount: "int"
    fee: "int"
    block: dict[str, Any] | None
    batch: dict[str, Any] | None
    next: dict[str, Any] | None

    @property
    def is_final(self) -> bool:
        """Whether it can't be undone in the ledger."""
        return self.status in ("final", "posted", "settled", "claimed")


@dataclass(frozen=True)
class Withdrawal(Model):
    """A withdrawal: accepted, final, posted, settled, claimed, or rejected with a `code`.

    Its `kind` is "order", or "exit" if an exit on the chain made the ledger pay it out. `advance`
    says who paid it at once and claims it.
    """

    id: str
    status: str
    code: str | None
    payer: str | None
    asset: str | None
    amount: "int"
    fee: "int"
    block: dict[str, Any] | None
    batch: dict[str, Any] | None
    next: dict[str, Any] | None
    kind: str | None = None
    advance: dict[str, Any] | None = None


@dataclass(frozen=True)
class Claim(Model):
    """The transaction that pays a settled withdrawal; anyone may send it."""

    withdrawal_id: str
    transaction: dict[str, Any]
    proof: dict[str, Any]


@dataclass(frozen=True)
class PreparedDeposit(Model):
    """The transactions to sign and send, in order, and the evidence they carry; what may be signed
    in place of sending some of them.
    """

    asset: str
    amount: "int"
    owner: str
    transactions: list[dict[str, Any]]
    permit: dict[str, Any] | None
    authorization: dict[str, Any] | None = None


@dataclass(frozen=True)
class Deposit(Model):
    """A deposit that the chain has seen: seen, confirmed, credited; refunded after a freeze."""

    id: str
    status: str
    owner: str
    asset: str
    amount: "int"
    tx_hash: str | None
    next: dict[str, Any] | None


@dataclass(frozen=True)
class Applicant(Model):
    """A customer's check: pending, approved, rejected, expired or revoked."""

    id: str
    status: str
    person: str
    level: "int"
    reasons: list[str]
    attestation: dict[str, Any] | None


@dataclass(frozen=True)
class Block(Model):
    """A certified block of the ledger."""

    number: "int"
    hash: str
    operation_count: "int"
    created_at: str


@dataclass(frozen=True)
class Batch(Model):
    """A batch that the chain has accepted: posted, settled, or rolled_back for a proven fraud."""

    number: "int"
    status: str
    hash: str
    header: dict[str, Any]
    accepted_ts_s: "int"
    tx_hash: str
    l1_block: "int"
    next: dict[str, Any] | None
    challenges: list[dict[str, Any]] | None = None

    @property
    def last_block(self) -> int:
        """The number of the ledger block it ends with."""
        return int(self.header["lastBlockNumber"])


@dataclass(frozen=True)
class Posting(Model):
    """What will be posted: so many operations."""

    operation_count: "int"
    carrier: str | None


@dataclass(frozen=True)
class ApiKey(Model):
    """Who may ask; `secret` is there only in the answer that made the key."""

    id: str
    name: str
    scopes: list[str]
    created_at: str
    last_used_at: str | None
    revoked_at: str | None
    secret: str | None


@dataclass(frozen=True)
class Event(Model):
    """Something that happened; `id` is where to go on from."""

    id: str
    type: str
    subject: str
    created_at: str
    code: str | None


@dataclass(frozen=True)
class BulkLine:
    """What became of one order of a bulk request: an id, or an error."""

    line: int
    id: str | None
    status: str | None
    error: dict[str, Any] | None


@dataclass(frozen=True)
class Page(Generic[ModelT]):
    """A part of a list."""

    data: list[ModelT]
    has_more: bool
    next_cursor: str | None
