"""What the treasury's signers sign (contracts/interfaces/ITreasury.sol). A digest is its id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from backend.protocol.eip712 import Domain, type_hash
from backend.protocol.errors import MalformedRequest
from backend.protocol.hashing import Digest, keccak
from backend.protocol.types import Address, address_from_text, address_text, digest_text

CALL_FIELDS: Final = (("address", "target"), ("uint256", "value"), ("bytes", "data"))
PROPOSAL_FIELDS: Final = (
    ("bytes", "proposer"),
    ("Call[]", "calls"),
    ("uint192", "nonceKey"),
    ("uint64", "nonce"),
    ("uint64", "deadline"),
    ("bytes32", "purpose"),
)
CANCELLATION_FIELDS: Final = (("bytes32", "proposal"),)

_CALL_TYPE: Final = "Call(address target,uint256 value,bytes data)"
_CALL_HASH: Final = keccak(_CALL_TYPE.encode())
# A type's string names the types it uses behind it (EIP-712, "encodeType").
_PROPOSAL_HASH: Final = keccak(
    f"Proposal({','.join(f'{kind} {name}' for kind, name in PROPOSAL_FIELDS)}){_CALL_TYPE}".encode()
)
_CANCELLATION_HASH: Final = type_hash("Cancellation", CANCELLATION_FIELDS)


@dataclass(frozen=True, slots=True)
class Call:
    """What the treasury shall do: call `target` with `value` wei and `data`."""

    target: Address
    value: int
    data: bytes

    def struct_hash(self) -> Digest:
        """Return the EIP-712 hash of the structure."""
        target = self.target.rjust(32, b"\0")
        return keccak(_CALL_HASH + target + self.value.to_bytes(32) + keccak(self.data))

    def message(self) -> dict[str, str]:
        """Return the call as JSON."""
        return {
            "target": address_text(self.target),
            "value": str(self.value),
            "data": "0x" + self.data.hex(),
        }

    @staticmethod
    def from_message(message: Mapping[str, Any]) -> "Call":
        """Return the call that JSON holds."""
        data = bytes.fromhex(message["data"][2:])
        return Call(address_from_text(message["target"], "target"), int(message["value"]), data)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Calls that signers approve. `proposer` is one of them; `deadline` is seconds of L1 time."""

    proposer: bytes
    calls: tuple[Call, ...]
    nonce_key: int
    nonce: int
    deadline: int
    purpose: Digest

    def struct_hash(self) -> Digest:
        """Return the EIP-712 hash of the structure alone."""
        return keccak(
            b"".join(
                (
                    _PROPOSAL_HASH,
                    keccak(self.proposer),
                    keccak(b"".join(call.struct_hash() for call in self.calls)),
                    self.nonce_key.to_bytes(32),
                    self.nonce.to_bytes(32),
                    self.deadline.to_bytes(32),
                    self.purpose,
                )
            )
        )

    def digest(self, domain: Domain) -> Digest:
        """Return what signers sign: the proposal's id."""
        return domain.digest(self.struct_hash())

    def message(self) -> dict[str, Any]:
        """Return the fields as JSON; integers are decimal texts."""
        return {
            "proposer": "0x" + self.proposer.hex(),
            "calls": [call.message() for call in self.calls],
            "nonceKey": str(self.nonce_key),
            "nonce": str(self.nonce),
            "deadline": str(self.deadline),
            "purpose": digest_text(self.purpose),
        }

    @staticmethod
    def from_message(message: Mapping[str, Any]) -> "Proposal":
        """Return the proposal that JSON holds: the inverse of `message`."""
        return Proposal(
            bytes.fromhex(message["proposer"][2:]),
            tuple(Call.from_message(call) for call in message["calls"]),
            int(message["nonceKey"]),
            int(message["nonce"]),
            int(message["deadline"]),
            Digest(bytes.fromhex(message["purpose"][2:])),
        )

    def typed_data(self, domain: Domain) -> dict[str, Any]:
        """Return the JSON that a wallet signs (eth_signTypedData_v4)."""
        typed = domain.typed_data("Proposal", PROPOSAL_FIELDS, self.message())
        typed["types"]["Call"] = [{"name": name, "type": kind} for kind, name in CALL_FIELDS]
        return typed


@dataclass(frozen=True, slots=True)
class Approval:
    """A signer (an address, or an ERC-7913 verifier and key) and his signature; an empty one if he
    approved on the chain."""

    signer: bytes
    signature: bytes


def treasury_domain(chain_id: int, treasury: Address) -> Domain:
    """Return the domain of proposals."""
    return Domain("Causeway Treasury", chain_id, treasury)


def cancellation_id(proposal_id: Digest, domain: Domain) -> Digest:
    """Return what is signed to end a proposal for ever."""
    return domain.digest(keccak(_CANCELLATION_HASH + proposal_id))


def cancellation_typed_data(proposal_id: Digest, domain: Domain) -> dict[str, Any]:
    """Return the JSON of a cancellation that a wallet signs."""
    message = {"proposal": digest_text(proposal_id)}
    return domain.typed_data("Cancellation", CANCELLATION_FIELDS, message)


def in_order(approvals: Sequence[Approval]) -> list[Approval]:
    """Return approvals as the treasury takes them: ascending by keccak(signer)."""
    return sorted(approvals, key=lambda approval: keccak(approval.signer))


def signer_of_text(text: str, field: str = "signer") -> bytes:
    """Return a signer of 0x text: 20 bytes at least. Raises MalformedRequest, naming `field`."""
    if len(text) == 42:
        return address_from_text(text, field)
    try:
        signer = bytes.fromhex(text[2:]) if text.startswith("0x") else b""
    except ValueError:
        signer = b""
    if not 20 <= len(signer) <= 1024:
        raise MalformedRequest(field, "a signer is 0x and an address, or a verifier and its key")
    return signer


def signer_text(signer: bytes) -> str:
    """Return a signer as text: an address with its checksum."""
    return address_text(signer) if len(signer) == 20 else "0x" + signer.hex()
