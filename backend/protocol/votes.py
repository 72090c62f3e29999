"""What validators sign, and what a quorum of them proves (docs/PROTOCOL.md, section 6)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from backend.protocol.blocks import BLOCK_BYTES, Block
from backend.protocol.codec import need
from backend.protocol.eip712 import Domain, type_hash
from backend.protocol.errors import (
    CertificateInvalid,
    MalformedBytes,
    SignatureHighS,
    SignatureInvalid,
    check_invariant,
)
from backend.protocol.hashing import Digest, keccak
from backend.protocol.signing import SIGNATURE_BYTES, recover
from backend.protocol.types import Address

MEMBERS_MAX: Final = 256

_ROUND_FIELDS: Final = (("uint64", "number"), ("uint32", "epoch"), ("uint32", "round"))
_NEXT_ROUND_TYPE_HASH: Final = type_hash("NextRound", _ROUND_FIELDS)
_TIMEOUT_TYPE_HASH: Final = type_hash("Timeout", _ROUND_FIELDS)
_PROPOSAL_TYPE_HASH: Final = type_hash("Proposal", (("bytes32", "blockHash"),))
_SEEN_TYPE_HASH: Final = type_hash(
    "Seen", (("uint64", "l1BlockNumber"), ("bytes32", "l1BlockHash"))
)


@dataclass(frozen=True, slots=True)
class NextRound:
    """This round of this height is over for the signer: he will vote for no block of it."""

    number: int
    epoch: int
    round: int

    def digest(self, domain: Domain) -> Digest:
        """Return what is signed."""
        return domain.digest(_round_hash(_NEXT_ROUND_TYPE_HASH, self))


@dataclass(frozen=True, slots=True)
class Timeout:
    """The signer has waited long enough for this round: a hint, never evidence."""

    number: int
    epoch: int
    round: int

    def digest(self, domain: Domain) -> Digest:
        """Return what is signed."""
        return domain.digest(_round_hash(_TIMEOUT_TYPE_HASH, self))


@dataclass(frozen=True, slots=True)
class Proposal:
    """The proposer stands by this block."""

    block_hash: Digest

    def digest(self, domain: Domain) -> Digest:
        """Return what is signed."""
        return domain.digest(keccak(_PROPOSAL_TYPE_HASH + self.block_hash))


@dataclass(frozen=True, slots=True)
class Seen:
    """For the signer this L1 block is deep enough to count."""

    l1_block_number: int
    l1_block_hash: Digest

    def digest(self, domain: Domain) -> Digest:
        """Return what is signed."""
        return domain.digest(
            keccak(_SEEN_TYPE_HASH + self.l1_block_number.to_bytes(32) + self.l1_block_hash)
        )


def _round_hash(kind: Digest, message: NextRound | Timeout) -> Digest:
    return keccak(
        kind + message.number.to_bytes(32) + message.epoch.to_bytes(32) + message.round.to_bytes(32)
    )


def faults_max(member_count: int) -> int:
    """Return f of n = 3f + 1 members: how many may lie."""
    check_invariant(member_count % 3 == 1, "members are not 3f + 1", member_count=member_count)
    return member_count // 3


def quorum(member_count: int) -> int:
    """Return 2f + 1 of n = 3f + 1 members."""
    return 2 * faults_max(member_count) + 1


def quorum_signatures(
    digest: Digest, signatures: Iterable[bytes], members: Sequence[Address]
) -> tuple[bytes, ...] | None:
    """Return 2f + 1 of these signatures as L1 wants them, in ascending order of their signers.

    Signatures that are malformed, repeated or of no member are left out; None if too few are left.
    """
    by_signer = {}
    for signature in signatures:
        try:
            signer = recover(digest, signature)
        except (SignatureInvalid, SignatureHighS):
            continue
        if signer in members:
            by_signer[signer] = signature
    needed = quorum(len(members))
    if len(by_signer) < needed:
        return None
    return tuple(by_signer[signer] for signer in sorted(by_signer)[:needed])


def verify_quorum(digest: Digest, signatures: Sequence[bytes], members: Sequence[Address]) -> int:
    """Return the signers as a bitmap: bit i is the i-th of `members` (which are ascending).

    Raises CertificateInvalid unless exactly 2f + 1 members signed, in ascending order: the rule
    that L1 keeps.
    """
    needed = quorum(len(members))
    if len(signatures) != needed:
        raise CertificateInvalid(f"it has {len(signatures)} signatures, not {needed}")
    signers, previous = 0, -1
    for signature in signatures:
        try:
            signer = recover(digest, signature)
        except (SignatureInvalid, SignatureHighS) as error:
            raise CertificateInvalid("a signature of it is malformed") from error
        if signer not in members:
            raise CertificateInvalid(f"0x{signer.hex()} is no member")
        index = members.index(signer)
        if index <= previous:
            raise CertificateInvalid("the signatures are not in ascending order of their signers")
        signers, previous = signers | 1 << index, index
    return signers


@dataclass(frozen=True, slots=True)
class Certificate:
    """A block and the votes of 2f + 1 members, ascending by signer: the block is final."""

    block: Block
    signatures: tuple[bytes, ...]

    def verify(self, domain: Domain, members: Sequence[Address]) -> int:
        """Return the signers' bitmap. Raises CertificateInvalid."""
        return verify_quorum(self.block.digest(domain), self.signatures, members)

    def encode(self) -> bytes:
        """Return the block's 124 bytes and 65 for each signature."""
        return self.block.encode() + b"".join(self.signatures)

    @staticmethod
    def decode(data: bytes) -> "Certificate":
        """Return the certificate of these bytes, unverified. Raises MalformedBytes."""
        if len(data) < BLOCK_BYTES:
            need(BLOCK_BYTES, data, "a block")
        return Certificate(Block.decode(data[:BLOCK_BYTES]), split_signatures(data[BLOCK_BYTES:]))


def split_signatures(data: bytes) -> tuple[bytes, ...]:
    """Return joined signatures one by one. Raises MalformedBytes."""
    if len(data) % SIGNATURE_BYTES:
        raise MalformedBytes(f"{len(data)} bytes are no whole number of signatures")
    return tuple(data[i : i + SIGNATURE_BYTES] for i in range(0, len(data), SIGNATURE_BYTES))
