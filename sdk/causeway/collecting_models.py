"""What is collected, paid back and paid as one, as the platform answers it."""

from dataclasses import dataclass
from typing import Any

from causeway.models import Model


@dataclass(frozen=True)
class PaymentRequest(Model):
    """A request: open, paid (by `payment_id`), expired. Without an amount, any will do."""

    id: str
    status: str
    payee: str
    asset: str
    amount: "int"
    memo: str
    expires_at: str | None
    payment_id: str | None
    link: str
    eip681: str
    ledger: dict[str, Any]


@dataclass(frozen=True)
class Refund(Model):
    """A refund: prepared, then as a payment; rejected or expired, and nothing is reserved."""

    id: str
    payment_id: str
    number: "int"
    status: str
    code: str | None
    payer: str
    payee: str
    asset: str
    amount: "int"
    fee: "int"
    valid_until: str


@dataclass(frozen=True)
class Group(Model):
    """Payments made as one: signing, accepted, final, posted, settled, rejected, expired."""

    id: str
    status: str
    code: str | None
    valid_until: str
    legs: list[dict[str, Any]]

    @property
    def is_final(self) -> bool:
        """Whether it can't be undone in the ledger."""
        return self.status in ("final", "posted", "settled")
