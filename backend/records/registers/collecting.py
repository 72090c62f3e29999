"""The registers of collecting, together."""

from dataclasses import dataclass

from sqlalchemy import Engine

from backend.records.registers.groups import Groups
from backend.records.registers.payment_requests import PaymentRequests
from backend.records.registers.refunds import Refunds


@dataclass(frozen=True, slots=True)
class CollectingRegisters:
    """Payment requests, refunds, and groups that people sign."""

    requests: PaymentRequests
    refunds: Refunds
    groups: Groups

    @classmethod
    def of(cls, engine: Engine) -> "CollectingRegisters":
        """Return the registers in a database."""
        return cls(PaymentRequests(engine), Refunds(engine), Groups(engine))
