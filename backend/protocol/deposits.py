"""What a holder signs so that anyone may deposit his tokens (docs/PROTOCOL.md, section 7).

The message is ERC-3009's `ReceiveWithAuthorization`, in the token's domain. Its nonce binds asset
and owner, so whoever sends it can't credit anybody else.
"""

from dataclasses import dataclass
from typing import Any, Final

from backend.protocol.eip712 import type_hash
from backend.protocol.hashing import Digest, keccak
from backend.protocol.types import Address, address_text, digest_text

_DEPOSIT_TYPE_HASH: Final = type_hash(
    "Deposit", (("uint16", "assetId"), ("address", "owner"), ("bytes32", "salt"))
)
_AUTHORIZATION_FIELDS: Final = (
    ("address", "from"),
    ("address", "to"),
    ("uint256", "value"),
    ("uint256", "validAfter"),
    ("uint256", "validBefore"),
    ("bytes32", "nonce"),
)
_AUTHORIZATION_TYPE_HASH: Final = type_hash("ReceiveWithAuthorization", _AUTHORIZATION_FIELDS)
_DOMAIN_FIELDS: Final = (
    ("string", "name"),
    ("string", "version"),
    ("uint256", "chainId"),
    ("address", "verifyingContract"),
)
_DOMAIN_TYPE_HASH: Final = type_hash("EIP712Domain", _DOMAIN_FIELDS)
VALID_AFTER_S: Final = 0


def deposit_nonce(asset_id: int, owner: Address, salt: Digest) -> Digest:
    """Return the ERC-3009 nonce that lets the tokens be deposited for `owner` and nobody else.

    `salt` is random: an authorisation of the same nonce is taken once.
    """
    words = asset_id.to_bytes(32) + owner.rjust(32, b"\0") + salt
    return keccak(_DEPOSIT_TYPE_HASH + words)


@dataclass(frozen=True, slots=True)
class TokenDomain:
    """The domain of a token's typed data: unlike ours, it has a version of its own."""

    name: str
    version: str
    chain_id: int
    token: Address

    def digest(self, struct_hash: bytes) -> Digest:
        """Return what is signed for a structure."""
        separator = keccak(
            _DOMAIN_TYPE_HASH
            + keccak(self.name.encode())
            + keccak(self.version.encode())
            + self.chain_id.to_bytes(32)
            + self.token.rjust(32, b"\0")
        )
        return keccak(b"\x19\x01" + separator + struct_hash)


@dataclass(frozen=True, slots=True)
class DepositAuthorization:
    """A holder's word that anyone may deposit `amount` base units of his for an owner.

    It is alive in the seconds between VALID_AFTER_S and `valid_before_ts_s`, both exclusive.
    """

    holder: Address
    rollup: Address
    amount: int
    valid_before_ts_s: int
    nonce: Digest  # of `deposit_nonce`

    def digest(self, domain: TokenDomain) -> Digest:
        """Return what the holder signs."""
        addresses = self.holder.rjust(32, b"\0") + self.rollup.rjust(32, b"\0")
        numbers = (self.amount, VALID_AFTER_S, self.valid_before_ts_s)
        words = b"".join(number.to_bytes(32) for number in numbers)
        return domain.digest(keccak(_AUTHORIZATION_TYPE_HASH + addresses + words + self.nonce))

    def typed_data(self, domain: TokenDomain) -> dict[str, Any]:
        """Return the JSON that the holder's wallet takes (eth_signTypedData_v4)."""
        return {
            "types": {
                "EIP712Domain": [{"name": name, "type": kind} for kind, name in _DOMAIN_FIELDS],
                "ReceiveWithAuthorization": [
                    {"name": name, "type": kind} for kind, name in _AUTHORIZATION_FIELDS
                ],
            },
            "primaryType": "ReceiveWithAuthorization",
            "domain": {
                "name": domain.name,
                "version": domain.version,
                "chainId": domain.chain_id,
                "verifyingContract": address_text(domain.token),
            },
            "message": {
                "from": address_text(self.holder),
                "to": address_text(self.rollup),
                "value": str(self.amount),
                "validAfter": str(VALID_AFTER_S),
                "validBefore": str(self.valid_before_ts_s),
                "nonce": digest_text(self.nonce),
            },
        }
