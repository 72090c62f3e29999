"""What the owner of a withdrawal signs to be paid at once (docs/PROTOCOL.md, section 7)."""

from dataclasses import dataclass
from typing import Any, Final

from backend.protocol.eip712 import Domain, type_hash
from backend.protocol.hashing import Digest, keccak
from backend.protocol.types import Address, address_text

ADVANCE_FIELDS: Final = (
    ("address", "owner"),
    ("uint64", "nonce"),
    ("address", "asset"),
    ("uint256", "amount"),
    ("uint256", "fee"),
    ("uint64", "validUntil"),
)
_ADVANCE_TYPE_HASH: Final = type_hash("Advance", ADVANCE_FIELDS)


@dataclass(frozen=True, slots=True)
class Advance:
    """Whoever pays the owner `amount` less `fee` takes the claim of his withdrawal.

    `asset` is the token and the amounts are its base units; `nonce` and `amount` are those of the
    withdrawal. `valid_until` is in seconds, its last one included.
    """

    owner: Address
    nonce: int
    asset: Address
    amount: int
    fee: int
    valid_until: int

    def digest(self, domain: Domain) -> Digest:
        """Return what the owner signs, in the domain of orders."""
        words = (
            self.owner.rjust(32, b"\0"),
            self.nonce.to_bytes(32),
            self.asset.rjust(32, b"\0"),
            self.amount.to_bytes(32),
            self.fee.to_bytes(32),
            self.valid_until.to_bytes(32),
        )
        return domain.digest(keccak(_ADVANCE_TYPE_HASH + b"".join(words)))

    def typed_data(self, domain: Domain) -> dict[str, Any]:
        """Return the JSON that a wallet signs (eth_signTypedData_v4)."""
        message = {
            "owner": address_text(self.owner),
            "nonce": str(self.nonce),
            "asset": address_text(self.asset),
            "amount": str(self.amount),
            "fee": str(self.fee),
            "validUntil": str(self.valid_until),
        }
        return domain.typed_data("Advance", ADVANCE_FIELDS, message)
