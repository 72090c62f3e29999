"""Who and what the vectors speak of."""

from dataclasses import fields
from typing import Any, Final

from backend.protocol.eip712 import ledger_domain
from backend.protocol.hashing import keccak
from backend.protocol.signing import PrivateKey
from backend.protocol.types import Address


def key(word: str) -> PrivateKey:
    """Return the key of a word."""
    return PrivateKey(keccak(word.encode()))


def address(word: str) -> Address:
    """Return an address that a word stands for."""
    return Address(keccak(word.encode())[12:])


CHAIN_ID: Final = 31337
ROLLUP: Final = address("rollup")
TOKEN: Final = address("token")
DOMAIN: Final = ledger_domain(CHAIN_ID, ROLLUP)
DOMAIN_VECTOR: Final = {
    "chain_id": CHAIN_ID,
    "verifying_contract": ROLLUP,
    "separator": DOMAIN.separator,
}


def named(structure: Any) -> dict[str, Any]:
    """Return the fields of a dataclass by name."""
    return {field.name: getattr(structure, field.name) for field in fields(structure)}
