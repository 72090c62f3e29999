"""What an attestor signs about a person (docs/PROTOCOL.md, section 8)."""

from dataclasses import dataclass
from typing import Final

from backend.protocol.eip712 import Domain, type_hash
from backend.protocol.hashing import Digest, keccak
from backend.protocol.types import Address

_TYPE_HASH: Final = type_hash(
    "Attestation",
    (("address", "person"), ("uint8", "level"), ("uint64", "expiry"), ("uint64", "issued")),
)


@dataclass(frozen=True, slots=True)
class Attestation:
    """The person is known to `level` until `expiry`; times are seconds."""

    person: Address
    level: int
    expiry: int
    issued: int

    def digest(self, domain: Domain) -> Digest:
        """Return what is signed, in the domain of the registry (`kyc_domain`)."""
        return domain.digest(
            keccak(
                _TYPE_HASH
                + self.person.rjust(32, b"\0")
                + self.level.to_bytes(32)
                + self.expiry.to_bytes(32)
                + self.issued.to_bytes(32)
            )
        )
