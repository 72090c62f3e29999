"""Records of orders and of groups: bytes, ids, authorisation (section 4)."""

from collections.abc import Collection
from dataclasses import dataclass

from tests.independent.codec import ZERO_HASH, Reader, require, u
from tests.independent.orders import (
    PROOF_MAX,
    Order,
    link_of,
    read_payment,
    read_withdrawal,
    root_of_proof,
)
from tests.independent.typed import Domain, signer_of

FEE_ASSETS_MAX = 4


@dataclass(frozen=True)
class Root:
    """A root of orders that its owner authorised on L1."""

    owner: bytes
    root: bytes

    def encoded(self) -> bytes:
        return self.owner + self.root


@dataclass(frozen=True)
class SignedOrder:
    order: Order
    signature: bytes

    @property
    def orders(self) -> tuple[Order, ...]:
        return (self.order,)

    def encoded(self) -> bytes:
        kind = b"\x02" if self.order.kind == "withdrawal" else b"\x01"
        return kind + self.order.fields() + self.signature

    def id(self, domain: Domain) -> bytes:
        return self.order.digest(domain)

    def check_authorised(self, domain: Domain, roots: Collection[Root]) -> None:
        signer = signer_of(self.order.digest(domain), self.signature)
        require(signer == self.order.payer, "the payer didn't sign")


@dataclass(frozen=True)
class RootedOrder:
    """`nodes` lead from the order's digest up to the root."""

    order: Order
    root: bytes
    nodes: tuple[bytes, ...]

    @property
    def orders(self) -> tuple[Order, ...]:
        return (self.order,)

    def encoded(self) -> bytes:
        kind = b"\x04" if self.order.kind == "withdrawal" else b"\x03"
        proof = self.root + u(len(self.nodes), 1) + b"".join(self.nodes)
        return kind + self.order.fields() + proof

    def id(self, domain: Domain) -> bytes:
        return self.order.digest(domain)

    def check_authorised(self, domain: Domain, roots: Collection[Root]) -> None:
        found = root_of_proof(self.order.digest(domain), self.nodes)
        require(found == self.root, "the proof doesn't lead to the root")
        require(Root(self.order.payer, self.root) in roots, "no root that the payer authorised")


@dataclass(frozen=True)
class Group:
    """An atomic group: all of its legs are executed, or none."""

    legs: tuple[SignedOrder | RootedOrder, ...]

    @property
    def orders(self) -> tuple[Order, ...]:
        return tuple(leg.order for leg in self.legs)

    def encoded(self) -> bytes:
        return b"\x05" + u(len(self.legs), 1) + b"".join(leg.encoded() for leg in self.legs)

    def id(self, domain: Domain) -> bytes:
        return self.legs[0].order.link

    def check_authorised(self, domain: Domain, roots: Collection[Root]) -> None:
        for leg in self.legs:
            leg.check_authorised(domain, roots)


Record = SignedOrder | RootedOrder | Group


def check_whole(record: Record) -> None:
    """Invalid if the legs make no group, or an order is a leg without its group."""
    if not isinstance(record, Group):
        require(record.order.link == ZERO_HASH, "a leg without its group")
        return
    link = link_of(record.orders)
    require(all(order.link == link for order in record.orders), "a leg has another link")
    fee_assets = {order.asset for order in record.orders if order.fee > 0}
    require(len(fee_assets) <= FEE_ASSETS_MAX, "a fifth asset bears a fee")


def read_root(reader: Reader) -> Root:
    return Root(reader.take(20), reader.take(32))


def read_record(reader: Reader) -> Record:
    kind = reader.number(1)
    if kind != 5:
        return _read_one(kind, reader)
    count = reader.number(1)
    require(2 <= count <= 8, "a group has 2 to 8 legs")
    return Group(tuple(_read_leg(reader) for _ in range(count)))


def _read_leg(reader: Reader) -> SignedOrder | RootedOrder:
    kind = reader.number(1)
    require(kind in (1, 3), "a leg is a payment")
    return _read_one(kind, reader)


def _read_one(kind: int, reader: Reader) -> SignedOrder | RootedOrder:
    require(1 <= kind <= 4, "no record of an order")
    order = read_payment(reader) if kind in (1, 3) else read_withdrawal(reader)
    if kind <= 2:
        return SignedOrder(order, reader.take(65))
    root, count = reader.take(32), reader.number(1)
    require(count <= PROOF_MAX, "the proof is too long")
    return RootedOrder(order, root, tuple(reader.take(32) for _ in range(count)))
