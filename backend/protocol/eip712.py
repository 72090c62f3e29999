"""Typed structures as wallets sign them (EIP-712)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from backend.protocol.hashing import Digest, keccak
from backend.protocol.types import Address, address_text

_DOMAIN_FIELDS: Final = (
    ("string", "name"),
    ("string", "version"),
    ("uint256", "chainId"),
    ("address", "verifyingContract"),
)
PROTOCOL_VERSION: Final = "1"


def type_hash(name: str, members: Sequence[tuple[str, str]]) -> Digest:
    """Return the hash of a type's string; `members` are (type, name)."""
    listed = ",".join(f"{kind} {member}" for kind, member in members)
    return keccak(f"{name}({listed})".encode())


_DOMAIN_TYPE_HASH: Final = type_hash("EIP712Domain", _DOMAIN_FIELDS)


@dataclass(frozen=True, slots=True)
class Domain:
    """Whose signatures these are: one contract on one chain."""

    name: str
    chain_id: int
    contract: Address
    separator: Digest = field(init=False)
    _prefix: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        separator = keccak(
            _DOMAIN_TYPE_HASH
            + keccak(self.name.encode())
            + keccak(PROTOCOL_VERSION.encode())
            + self.chain_id.to_bytes(32)
            + self.contract.rjust(32, b"\0")
        )
        object.__setattr__(self, "separator", separator)
        object.__setattr__(self, "_prefix", b"\x19\x01" + separator)

    def digest(self, struct_hash: bytes) -> Digest:
        """Return what is signed for a structure."""
        return keccak(self._prefix + struct_hash)

    def typed_data(
        self, name: str, members: Sequence[tuple[str, str]], message: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the JSON that a wallet takes (eth_signTypedData_v4)."""
        return {
            "types": {
                "EIP712Domain": [{"name": n, "type": t} for t, n in _DOMAIN_FIELDS],
                name: [{"name": n, "type": t} for t, n in members],
            },
            "primaryType": name,
            "domain": {
                "name": self.name,
                "version": PROTOCOL_VERSION,
                "chainId": self.chain_id,
                "verifyingContract": address_text(self.contract),
            },
            "message": message,
        }


def ledger_domain(chain_id: int, rollup: Address) -> Domain:
    """Return the domain of orders, blocks, votes and headers (section 4)."""
    return Domain("Causeway", chain_id, rollup)


def kyc_domain(chain_id: int, registry: Address) -> Domain:
    """Return the domain of attestations about persons (section 10)."""
    return Domain("Causeway KYC", chain_id, registry)
