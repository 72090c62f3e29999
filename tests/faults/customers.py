"""Customers who pay and withdraw through REST, and the book of what they know.

They pay alone and in groups; some pay as contracts do, by orders under a root. An order without an
answer is *unknown*: its customer sends the same again until he knows.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random

from backend.protocol.authorised import AuthorisedTree
from backend.protocol.hashing import Digest
from causeway import ApiConnectionError, AsyncClient, PaymentOrder, SignedOrder, sign
from causeway.collecting_flows import group_link
from causeway.errors import ApiStatusError
from causeway.models import Asset
from causeway.signing import Domain, Order, WithdrawalOrder, to_bytes
from causeway.transport import Request
from scripts.demo.money_in import Sum
from scripts.demo.people import Person

_LIFE_S = 10**6
_ENDED = ("final", "posted", "settled", "claimed", "rejected")
_POLL_S = 0.05
_PAUSE_S_MAX = 0.1


@dataclass(frozen=True)
class Rooted:
    """An order under a root, as a record has it."""

    order: PaymentOrder
    id: bytes
    authority: bytes

    is_withdrawal = False

    def record(self) -> bytes:
        return b"\x03" + self.order.record()[1:] + self.authority


@dataclass
class Sent:
    """An order that left its customer, and the last that he heard of it."""

    signed: SignedOrder | Rooted
    asset: Asset
    status: str = "unknown"

    @property
    def id(self) -> bytes:
        return self.signed.id

    @property
    def amount_minor(self) -> int:
        return self.signed.order.amount // self.asset.unit

    @property
    def fee_minor(self) -> int:
        return self.signed.order.fee // self.asset.unit


@dataclass
class Book:
    """What was brought in and asked for: the model that the platform is compared with."""

    deposits: list[Sum] = field(default_factory=list)
    sent: dict[bytes, Sent] = field(default_factory=dict)
    groups: dict[bytes, list[bytes]] = field(default_factory=dict)
    """The ids of legs, by link."""
    claimed: set[bytes] = field(default_factory=set)

    @property
    def answered(self) -> set[bytes]:
        """The ids of all orders that were answered 2xx."""
        return {id_ for id_, one in self.sent.items() if one.status != "unknown"}

    def balances(
        self, deposit_count: int, executed: Iterable[bytes], fee_owner: bytes
    ) -> dict[tuple[bytes, int], int]:
        """Return what each (owner, asset id) must have, in minor units, after the first deposits
        and these orders."""
        balances: dict[tuple[bytes, int], int] = defaultdict(int)
        for one in self.deposits[:deposit_count]:
            balances[one.person.key.address, one.asset.asset_id] += one.amount_minor
        for id_ in executed:
            sent, order = self.sent[id_], self.sent[id_].signed.order
            asset_id = sent.asset.asset_id
            balances[order.payer, asset_id] -= sent.amount_minor + sent.fee_minor
            balances[fee_owner, asset_id] += sent.fee_minor
            if isinstance(order, PaymentOrder):
                balances[order.payee, asset_id] += sent.amount_minor
        return dict(balances)

    def withdrawn(self, executed: Iterable[bytes]) -> list[Sent]:
        """Return those of the orders that are withdrawals and have not been claimed."""
        open_ = (self.sent[id_] for id_ in executed if id_ not in self.claimed)
        return [one for one in open_ if isinstance(one.signed.order, WithdrawalOrder)]


class Customer:
    """One account's owner: sends one order after the other, or some in one piece."""

    def __init__(
        self, person: Person, asset: Asset, book: Book, domain: Domain, nonce: int = 0
    ) -> None:
        self._person, self._asset, self._book, self._domain = person, asset, book, domain
        self._nonce = nonce
        self._open: list[Sent] = []
        self._record = b""
        """What the open ones are sent as, if it is no JSON: a group, or an order under a root."""
        self._last: Sent | None = None

    async def trade(
        self,
        client: AsyncClient,
        random: Random,
        payees: Sequence[bytes],
        times_max: int | None = None,
    ) -> None:
        """Send orders until the platform answers no more, or some times, then return."""
        try:
            for _ in count() if times_max is None else range(times_max):
                if not self._open:
                    self._open = self._orders(random, payees)
                await self._send(client, is_patient=random.randrange(3) == 0)
                await asyncio.sleep(random.uniform(0, _PAUSE_S_MAX))
        except ApiConnectionError:
            return

    async def try_one(self, client: AsyncClient, random: Random) -> tuple[int, str]:
        """Send one order, the same until it has an answer; return how it was refused."""
        self._open = self._open or [self._order(0, random, random.randbytes(20), _LIFE_S)]
        try:
            body = self._open[0].signed.to_json()
            answer = await client.send(Request("POST", "/v1/payments", body=body))
        except ApiStatusError as error:
            return error.status_code, error.code
        await self._take(client, self._open[0], answer["status"])
        return 200, answer["status"]

    async def know_all(self, client: AsyncClient) -> None:
        """Send again what had no answer, until it has one. Raises ApiConnectionError."""
        while self._open:
            await self._send(client, is_patient=False)

    async def await_the_end(self, client: AsyncClient) -> None:
        """Wait until the last order is final; those before it then have ended, too."""
        if self._last is not None and self._last.status == "accepted":
            self._last.status = await self._ended(client, self._last)

    async def _send(self, client: AsyncClient, *, is_patient: bool) -> None:
        """Send the open orders until each has an answer."""
        if self._record:
            await self._send_record(client)
            return
        if len(self._open) > 1:
            lines = await client.payments.create_many([one.signed for one in self._open])
            for one, line in zip(list(self._open), lines, strict=True):
                if line.status is not None:
                    await self._take(client, one, line.status)
                else:
                    assert (line.error or {}).get("retryable"), line
            return
        (one,) = self._open
        kind = "withdrawals" if one.signed.is_withdrawal else "payments"
        headers = {"Prefer": "wait=final"} if is_patient else {}
        body = one.signed.to_json()
        try:
            answer = await client.send(Request("POST", f"/v1/{kind}", body=body, headers=headers))
        except ApiStatusError as error:
            if error.status_code >= 500 or error.status_code == 429:
                await asyncio.sleep(_POLL_S)  # unknown: ask again
                return
            self._refuse(one, error.code)
        else:
            await self._take(client, one, answer["status"])

    async def _send_record(self, client: AsyncClient) -> None:
        """Send the open record until it has an answer, which is that of all its orders."""
        binary = {"body": self._record, "content_type": "application/x-causeway-orders"}
        answer = json.loads(await client.send(Request("POST", "/v1/payments/bulk", **binary)))
        error = answer.get("error")
        if error is not None and (error["retryable"] or error["code"] == "ROOT_UNKNOWN"):
            await asyncio.sleep(_POLL_S)
            return
        self._record = b""
        for one in list(self._open):
            if error is not None:
                self._refuse(one, error["code"])
            else:
                await self._take(client, one, answer["status"])

    def _refuse(self, one: Sent, code: str) -> None:
        """Forget an order that was refused: that may happen to one that was in no answer."""
        assert code == "ORDER_EXPIRED", f"{one.id.hex()}: {code}"
        assert one.status == "unknown", f"{one.id.hex()} was {one.status}, now {code}"
        del self._book.sent[one.id]
        self._open.remove(one)

    async def _take(self, client: AsyncClient, one: Sent, status: str) -> None:
        """Take a good answer in."""
        one.status = status
        if one.signed.order.valid_until < time.time() + _LIFE_S // 2 and status == "accepted":
            one.status = await self._ended(client, one)
        if one.status != "rejected":
            self._nonce = max(self._nonce, one.signed.order.nonce + 1)
            self._last = one
        self._open.remove(one)

    async def _ended(self, client: AsyncClient, one: Sent) -> str:
        kind = "withdrawals" if one.signed.is_withdrawal else "payments"
        while True:
            answer = await client.send(Request("GET", f"/v1/{kind}/0x{one.id.hex()}"))
            if answer["status"] in _ENDED:
                return str(answer["status"])
            await asyncio.sleep(_POLL_S)

    def _orders(self, random: Random, payees: Sequence[bytes]) -> list[Sent]:
        """Return the next order: a payment, a withdrawal, one that may expire, some at once, or a
        group, which may expire, too."""
        choice = random.randrange(14)
        if choice == 0:
            return [self._order(0, random, None, _LIFE_S)]
        if choice == 1:
            return [self._order(0, random, random.choice(payees), 1)]
        if choice > 11:
            return self._group(random, payees, _LIFE_S if choice == 12 else 1)
        together = 3 if choice == 2 else 1
        return [
            self._order(index, random, random.choice(payees), _LIFE_S) for index in range(together)
        ]

    def _group(self, random: Random, payees: Sequence[bytes], life_s: int) -> list[Sent]:
        """Return the legs of a group, all of this customer's."""
        legs = [
            self._unsigned(ahead, random, random.choice(payees), life_s)
            for ahead in range(random.randrange(2, 5))
        ]
        link = group_link(legs)
        signed = [sign(replace(leg, link=link), self._person.key, self._domain) for leg in legs]
        self._record = bytes([5, len(legs)]) + b"".join(one.record() for one in signed)
        self._book.groups[link] = [one.id for one in signed]
        return [self._sent(one) for one in signed]

    def _order(self, ahead: int, random: Random, payee: bytes | None, life_s: int) -> Sent:
        order = self._unsigned(ahead, random, payee, life_s)
        return self._sent(sign(order, self._person.key, self._domain))

    def _sent(self, signed: SignedOrder | Rooted) -> Sent:
        sent = Sent(signed, self._asset)
        self._book.sent[sent.id] = sent
        return sent

    def _unsigned(self, ahead: int, random: Random, payee: bytes | None, life_s: int) -> Order:
        unit, payer = self._asset.unit, self._person.key.address
        if payee == payer:
            payee = random.randbytes(20)
        common = {
            "payer": payer,
            "asset": to_bytes(self._asset.token, 20),
            "amount": random.randrange(1, 1_000) * unit,
            "fee": random.choice([0, 3, 20]) * unit,
            "nonce": self._nonce + ahead,
            "valid_until": int(time.time()) + life_s,
        }
        return WithdrawalOrder(**common) if payee is None else PaymentOrder(payee=payee, **common)


class RootedCustomer(Customer):
    """A customer who pays as a contract does: some hundred orders stand under one root, which is
    his to authorise on L1. When they are used up he signs."""

    def prepare(self, random: Random, payees: Sequence[bytes], order_count: int) -> bytes:
        """Make the orders, and return their root."""
        orders = [
            self._unsigned(nonce, random, random.choice(payees), _LIFE_S)
            for nonce in range(order_count)
        ]
        ids = [Digest(self._domain.digest(order.struct_hash())) for order in orders]
        tree = AuthorisedTree(ids)
        self._prepared = []
        for index, (order, id_) in enumerate(zip(orders, ids, strict=True)):
            proof = tree.proof(index)
            authority = tree.root + bytes([len(proof)]) + b"".join(proof)
            self._prepared.append(Rooted(order, id_, authority))
        return tree.root

    def _orders(self, random: Random, payees: Sequence[bytes]) -> list[Sent]:
        if self._nonce >= len(self._prepared):
            return super()._orders(random, payees)
        rooted = self._prepared[self._nonce]
        self._record = rooted.record()
        return [self._sent(rooted)]
