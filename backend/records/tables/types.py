"""Column types that SQLite keeps exactly, and PostgreSQL should. Law: numbers are whole."""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Dialect, Integer, LargeBinary
from sqlalchemy.types import TypeDecorator, TypeEngine

# Balances, ids and sequences. SQLite gives only a column declared INTEGER the speed of its
# row number.
U63: Final[TypeEngine[int]] = BigInteger().with_variant(Integer(), "sqlite")


class _Unsigned64(TypeDecorator[int]):
    """Any u64, kept as the signed number of the same 64 bits: for what a stranger may choose."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        return value if value is None or value < 2**63 else value - 2**64

    def process_result_value(self, value: int | None, dialect: Dialect) -> int | None:
        return value if value is None or value >= 0 else value + 2**64


U64: Final[TypeEngine[int]] = _Unsigned64()
ADDRESS: Final[TypeEngine[bytes]] = LargeBinary(20)
HASH: Final[TypeEngine[bytes]] = LargeBinary(32)
SIGNATURE: Final[TypeEngine[bytes]] = LargeBinary(65)


def required(name: str, kind: TypeEngine[Any]) -> Column[Any]:
    """Return a column that always has a value."""
    return Column(name, kind, nullable=False)


def optional(name: str, kind: TypeEngine[Any]) -> Column[Any]:
    """Return a column that may be empty."""
    return Column(name, kind, nullable=True)
