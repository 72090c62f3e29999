"""What people collect, pay back and pay as one, for the command line and the console alike.

Law: who signs a leg of a group has been shown all of them, and signs those alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.console.actions import Actions, Paid
from backend.console.amounts import amount_minor, amount_text, fee_max_minor, readable
from backend.console.errors import (
    NothingToSign,
    OrderRejected,
    RequestNotOpen,
    RequestWithoutAmount,
)
from backend.console.people import Person, Who
from backend.protocol.types import address_from_text
from causeway import Group, Leg, Payment, PaymentRequest


@dataclass(frozen=True, slots=True)
class Exchange:
    """What each of two people gives; amounts are decimal text."""

    first: Who
    second: Who
    first_amount: str
    first_asset: str
    second_amount: str
    second_asset: str


class CollectingActions:
    """Payment requests, refunds and groups, with the keys of people who are here."""

    def __init__(self, actions: Actions) -> None:
        self._actions = actions
        self._client = actions.client

    def ask(
        self,
        payee: Who,
        text: str | None,
        asset_name: str,
        *,
        memo: str | None = None,
        expires_at: str | None = None,
    ) -> PaymentRequest:
        """Ask for a payment; without an amount, for any."""
        asset = self._actions.asset(asset_name)
        return self._client.payment_requests.create(
            payee=self._actions.people.find(payee).address,
            asset=asset.code,
            amount=None if text is None else amount_minor(asset, text),
            memo=memo,
            expires_at=expires_at,
        )

    def pay_request(
        self, payer: Who, request_id: str, text: str | None = None, *, fee_max: str | None = None
    ) -> Paid:
        """Pay what a request asks for, or the amount in `text`, and wait until it is final.

        Raises RequestNotOpen, RequestWithoutAmount, and what `Actions.pay` raises.
        """
        found = self._client.payment_requests.get(request_id)
        if found.status != "open":
            raise RequestNotOpen(found.id, found.status)
        if text is None and found.amount is None:
            raise RequestWithoutAmount(found.id)
        asset = self._actions.asset(found.asset)
        shown = amount_text(asset, found.amount) if text is None else text
        return self._actions.pay(
            payer, found.payee, shown, asset.code, memo=found.memo, fee_max=fee_max
        )

    def refund(self, payment_id: str, text: str, *, fee_max: str | None = None) -> Payment:
        """Pay an amount of a payment back with its payee's key, and wait until it is final."""
        payment = self._client.payments.get(payment_id)
        person = self._actions.people.find(payment.payee or "")
        asset = self._actions.asset(payment.asset or "")
        with readable(person, asset):
            made = self._client.payments.refund(
                payment_id,
                amount_minor(asset, text),
                key=person.order_key,
                fee_max=fee_max_minor(asset, fee_max),
                wait_final=True,
            )
        if made.status == "rejected":
            raise OrderRejected(made.code, made.id)
        return made

    def exchange(self, wish: Exchange) -> Group:
        """Build an exchange and sign it for those of the two whose keys are here.

        With both signatures it is final, or not made at all.
        """
        people = self._actions.people
        first, second = people.find(wish.first), people.find(wish.second)
        one, other = self._actions.asset(wish.first_asset), self._actions.asset(wish.second_asset)
        gives = amount_minor(one, wish.first_amount)
        takes = amount_minor(other, wish.second_amount)
        legs = (
            Leg(first.address, second.address, one.code, gives),
            Leg(second.address, first.address, other.code, takes),
        )
        group = self._client.groups.create(legs)
        for person in (first, second):
            if person.load_key is not None:
                group = self._sign(person, group.id, legs)
        return group

    def check_signable(self, who: Who, group: Group) -> None:
        """Raise NothingToSign unless somebody's signature can move a group on.

        One that all have signed and the node refused is tried again by any signature.
        """
        address = self._actions.people.find(who).address
        own = [leg for leg in group.legs if address_from_text(leg["payer"]) == address]
        is_complete = all(leg["is_signed"] for leg in group.legs)
        waits = is_complete or not all(leg["is_signed"] for leg in own)
        if group.status != "signing" or not own or not waits:
            raise NothingToSign(str(who), group.id, group.status)

    def sign(self, who: Who, group: Group) -> Group:
        """Sign somebody's legs of a group that he has been shown: these very legs."""
        return self._sign(self._actions.people.find(who), group.id, self.legs(group))

    def legs(self, group: Group) -> list[Leg]:
        """Return what a group says that it does; amounts and fees are those that are signed."""
        legs = []
        for shown in group.legs:
            asset, message = self._actions.asset(shown["asset"]), shown["typed_data"]["message"]
            amount, fee = (int(message[name]) // asset.unit for name in ("amount", "fee"))
            payer, payee, memo = message["payer"], message["payee"], message["memo"]
            legs.append(Leg(payer, payee, asset.code, amount, fee=fee, memo=memo))
        return legs

    def lines(self, group: Group) -> list[str]:
        """Return a group's legs as people read them."""
        lines = []
        for leg, shown in zip(self.legs(group), group.legs, strict=True):
            asset = self._actions.asset(leg.asset)
            amount, fee = amount_text(asset, leg.amount), amount_text(asset, leg.fee or 0)
            payer, payee = (self._actions.people.name(str(one)) for one in (leg.payer, leg.payee))
            sign = "signed" if shown["is_signed"] else f"to be signed by {payer}"
            lines.append(f"{payer} pays {payee} {amount} {asset.code} (fee {fee}): {sign}")
        return lines

    def _sign(self, person: Person, group_id: str, legs: Sequence[Leg]) -> Group:
        signed = self._client.groups.sign(
            person.order_key, group_id, expected=legs, wait_final=True
        )
        if signed.status == "rejected":
            raise OrderRejected(signed.code, signed.id)
        return signed
