"""EIP-712 digests and signatures of everything that is signed (sections 3 to 7 and 10)."""

from dataclasses import dataclass

from eth_keys import keys
from eth_keys.exceptions import BadSignature
from eth_utils import ValidationError

from tests.independent.codec import Invalid, keccak, require, u

DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
HEADER = (
    "BatchHeader(uint64 number,uint32 epoch,bytes32 parentHash,bytes32 preRoot,bytes32 postRoot,"
    "bytes32 chunksRoot,uint16 chunkCount,bytes32 dataHash,uint64 depositCursor,"
    "uint64 l1BlockNumber,bytes32 l1BlockHash,uint64 lastBlockNumber,bytes32 lastBlockHash,"
    "uint64 timestamp)"
)
PAYMENT_ORDER = (
    "PaymentOrder(address payer,address payee,address asset,uint256 amount,uint256 fee,"
    "uint64 nonce,uint64 validUntil,bytes32 memo,bytes32 link)"
)
WITHDRAWAL_ORDER = (
    "WithdrawalOrder(address payer,address asset,uint256 amount,uint256 fee,uint64 nonce,"
    "uint64 validUntil)"
)
BLOCK = (
    "Block(uint64 number,uint32 epoch,uint32 round,bytes32 parentHash,bytes32 operationsHash,"
    "bytes32 bodyHash,uint32 operationCount,uint64 timestampMs)"
)
NEXT_ROUND = "NextRound(uint64 number,uint32 epoch,uint32 round)"
TIMEOUT = "Timeout(uint64 number,uint32 epoch,uint32 round)"
PROPOSAL = "Proposal(bytes32 blockHash)"
ADVANCE = (
    "Advance(address owner,uint64 nonce,address asset,uint256 amount,uint256 fee,uint64 validUntil)"
)
SEEN = "Seen(uint64 l1BlockNumber,bytes32 l1BlockHash)"
ATTESTATION = "Attestation(address person,uint8 level,uint64 expiry,uint64 issued)"

_ORDER_OF_THE_CURVE = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def fields_of(type_text: str) -> list[tuple[str, str]]:
    """Pairs of (type, name)."""
    inside = type_text[type_text.index("(") + 1 : -1]
    pairs = [field.split(" ") for field in inside.split(",")]
    return [(kind, name) for kind, name in pairs]


def _word(kind: str, value: int | bytes) -> bytes:
    if isinstance(value, int):
        require(kind.startswith("uint"), f"{kind} is no integer")
        return u(value, int(kind.removeprefix("uint")) // 8).rjust(32, b"\0")
    require(len(value) == {"address": 20, "bytes32": 32}[kind], f"wrong size of {kind}")
    return value.rjust(32, b"\0")


def encode(type_text: str, *values: int | bytes) -> bytes:
    """The fields alone, a word each."""
    kinds = [kind for kind, _ in fields_of(type_text)]
    return b"".join(_word(kind, value) for kind, value in zip(kinds, values, strict=True))


def struct_hash(type_text: str, *values: int | bytes) -> bytes:
    return keccak(keccak(type_text.encode()), encode(type_text, *values))


@dataclass(frozen=True)
class Domain:
    """One rollup, or with another name one registry of attestations."""

    chain_id: int
    contract: bytes
    name: str = "Causeway"

    def separator(self) -> bytes:
        texts = [keccak(DOMAIN.encode()), keccak(self.name.encode()), keccak(b"1")]
        return keccak(*texts, u(self.chain_id, 32), self.contract.rjust(32, b"\0"))

    def digest(self, type_text: str, *values: int | bytes) -> bytes:
        return self.of_struct(struct_hash(type_text, *values))

    def of_struct(self, hashed: bytes) -> bytes:
        return keccak(b"\x19\x01", self.separator(), hashed)


def signer_of(digest: bytes, signature: bytes) -> bytes:
    """The address that signed; Invalid unless r ‖ s ‖ v with low s and v 27 or 28."""
    require(len(signature) == 65, "a signature has 65 bytes")
    r, s, v = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64]), signature[64]
    require(v in (27, 28), "v is 27 or 28")
    require(0 < r < _ORDER_OF_THE_CURVE, "r is out of range")
    require(0 < s <= _ORDER_OF_THE_CURVE // 2, "s is not low")
    try:
        key = keys.Signature(vrs=(v - 27, r, s)).recover_public_key_from_msg_hash(digest)
    except (BadSignature, ValidationError) as error:
        raise Invalid("the signature has no signer") from error
    return key.to_canonical_address()


def sign(secret: bytes, digest: bytes) -> bytes:
    signature = keys.PrivateKey(secret).sign_msg_hash(digest)
    return u(signature.r, 32) + u(signature.s, 32) + u(27 + signature.v, 1)


def address_of(secret: bytes) -> bytes:
    return keys.PrivateKey(secret).public_key.to_canonical_address()
