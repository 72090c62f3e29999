"""Orders: digests, records, groups and authorised roots (section 4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.independent.codec import ZERO_ADDRESS, ZERO_HASH, Reader, keccak, require, u
from tests.independent.typed import PAYMENT_ORDER, WITHDRAWAL_ORDER, Domain, signer_of, struct_hash

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


@dataclass(frozen=True)
class SignedOrder:
    order: Order
    signature: bytes

    def record(self) -> bytes:
        order = self.order
        sums = order.asset + u(order.amount, 32) + u(order.fee, 32)
        sums += u(order.nonce, 8) + u(order.valid_until, 8)
        if order.kind == "withdrawal":
            return b"\x02" + order.payer + sums + self.signature
        ends = order.memo + order.link + self.signature
        return b"\x01" + order.payer + order.payee + sums + ends

    def check_authorised(self, domain: Domain) -> None:
        signer = signer_of(self.order.digest(domain), self.signature)
        require(signer == self.order.payer, "the payer didn't sign")


def read_order(reader: Reader) -> SignedOrder:
    kind = reader.number(1)
    require(kind in (1, 2), "no record of an order")
    payer = reader.take(20)
    payee = reader.take(20) if kind == 1 else ZERO_ADDRESS
    asset, amount, fee = reader.take(20), reader.number(32), reader.number(32)
    nonce, valid_until = reader.number(8), reader.number(8)
    name, memo, link = "withdrawal", ZERO_HASH, ZERO_HASH
    if kind == 1:
        name, memo, link = "payment", reader.take(32), reader.take(32)
    order = Order(name, payer, asset, amount, fee, nonce, valid_until, payee, memo, link)
    return SignedOrder(order, reader.take(65))


def link_of(legs: Sequence[Order]) -> bytes:
    return keccak(*(leg.leg_hash() for leg in legs))


def _ascending(one: bytes, other: bytes) -> bytes:
    return keccak(min(one, other), max(one, other))


def root_of_proof(digest: bytes, proof: Sequence[bytes]) -> bytes:
    require(len(proof) <= PROOF_MAX, "the proof is too long")
    for sibling in proof:
        digest = _ascending(digest, sibling)
    return digest
