"""The registers of custody, together."""

from dataclasses import dataclass

from sqlalchemy import Engine

from backend.records.registers.customers import Customers, KeyUses
from backend.records.registers.holds import Holds
from backend.records.registers.kept_orders import KeptOrders
from backend.records.registers.schedules import Schedules


@dataclass(frozen=True, slots=True)
class CustodyRegisters:
    """Customers, uses of keys, orders that we sign, holds, schedules."""

    customers: Customers
    key_uses: KeyUses
    kept_orders: KeptOrders
    holds: Holds
    schedules: Schedules

    @classmethod
    def of(cls, engine: Engine) -> "CustodyRegisters":
        """Return the registers in a database."""
        return cls(
            Customers(engine),
            KeyUses(engine),
            KeptOrders(engine),
            Holds(engine),
            Schedules(engine),
        )
