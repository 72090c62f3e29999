"""Orders: digests, links of groups, proofs of authorised roots (section 4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.independent.codec import ZERO_ADDRESS, ZERO_HASH, Reader, keccak, require, u
from tests.independent.typed import PAYMENT_ORDER, WITHDRAWAL_ORDER, Domain, struct_hash

PROOF_MAX = 32


@dataclass(frozen=True)
class Order:
    """A withdrawal has no payee, memo or link: all three are 0."""

    kind: str
    payer: bytes
    asset: bytes
    amount: int
    fee: int
    nonce: int
    valid_until: int
    payee: bytes = ZERO_ADDRESS
    memo: bytes = ZERO_HASH
    link: bytes = ZERO_HASH

    def struct_hash(self) -> bytes:
        sums = (self.asset, self.amount, self.fee, self.nonce, self.valid_until)
        if self.kind == "withdrawal":
            return struct_hash(WITHDRAWAL_ORDER, self.payer, *sums)
        return struct_hash(PAYMENT_ORDER, self.payer, self.payee, *sums, self.memo, self.link)

    def digest(self, domain: Domain) -> bytes:
        return domain.of_struct(self.struct_hash())

    def leg_hash(self) -> bytes:
        return replace(self, link=ZERO_HASH).struct_hash()

    def is_alive(self, ts_s: int) -> bool:
        return self.valid_until >= ts_s and self.valid_until != 0

    def fields(self) -> bytes:
        """As they stand in a record: 204 bytes of a payment, 120 of a withdrawal."""
        sums = self.asset + u(self.amount, 32) + u(self.fee, 32)
        sums += u(self.nonce, 8) + u(self.valid_until, 8)
        if self.kind == "withdrawal":
            return self.payer + sums
        return self.payer + self.payee + sums + self.memo + self.link


def read_payment(reader: Reader) -> Order:
    payer, payee, asset = reader.take(20), reader.take(20), reader.take(20)
    sums = [reader.number(size_bytes) for size_bytes in (32, 32, 8, 8)]
    return Order("payment", payer, asset, *sums, payee, reader.take(32), reader.take(32))


def read_withdrawal(reader: Reader) -> Order:
    payer, asset = reader.take(20), reader.take(20)
    sums = [reader.number(size_bytes) for size_bytes in (32, 32, 8, 8)]
    return Order("withdrawal", payer, asset, *sums)


def link_of(legs: Sequence[Order]) -> bytes:
    return keccak(*(leg.leg_hash() for leg in legs))


def _ascending(one: bytes, other: bytes) -> bytes:
    return keccak(min(one, other), max(one, other))


def root_of_proof(digest: bytes, proof: Sequence[bytes]) -> bytes:
    require(len(proof) <= PROOF_MAX, "the proof is too long")
    for sibling in proof:
        digest = _ascending(digest, sibling)
    return digest
