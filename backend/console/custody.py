"""Customers whose keys the platform keeps, their schedules, and holds: for the command line and
the console alike. Amounts come and go as decimal text.
"""

import time

from backend.console.actions import Actions, Paid
from backend.console.amounts import amount_minor, amount_text, fee_max_minor, readable
from backend.console.errors import CustomerUnknown, OrderRejected, PersonUnknown
from backend.console.people import Person, Who
from backend.protocol.types import Address, address_from_text
from causeway import Asset, Customer, Hold, Key, NotFound, Schedule


class CustodyActions:
    """What the platform signs for others, asked for by name."""

    def __init__(self, actions: Actions) -> None:
        self._actions = actions
        self._client = actions.client

    # Customers

    def add(self, name: str) -> Customer:
        """Return the customer of this name, made the first time."""
        return self._client.customers.create(name)

    def find(self, name: str) -> Customer:
        """Return a customer by his name or id. Raises CustomerUnknown."""
        try:
            if name.startswith("cus_"):
                return self._client.customers.get(name)
        except NotFound:
            raise CustomerUnknown(name) from None
        found = (one for one in self._client.customers.list() if one.external_id == name)
        customer = next(found, None)
        if customer is None:
            raise CustomerUnknown(name)
        return customer

    def address_of(self, who: Who) -> Address:
        """Return the address of a local name, an address, or a customer. Raises PersonUnknown."""
        person = self._local(who)
        if person is not None:
            return person.address
        return address_from_text(self._customer(who).address)

    def pay(
        self, name: str, payee: Who, text: str, asset_name: str, *, memo: str | None = None
    ) -> Paid:
        """Have the platform pay for a customer, and wait until it is final.

        Raises OrderRejected, or what the API refuses with.
        """
        customer, asset = self.find(name), self._actions.asset(asset_name)
        amount, to = amount_minor(asset, text), self.address_of(payee)
        started = time.perf_counter_ns()
        with readable(name, asset):
            payment = self._client.customers.pay(
                customer.id,
                payee=to,
                asset=asset.code,
                amount=amount,
                memo=memo,
                wait_final=True,
            )
        if payment.status == "rejected":
            raise OrderRejected(payment.code, payment.id)
        return Paid(payment, (time.perf_counter_ns() - started) // 1_000_000)

    def balances(self, customer: Customer) -> list[tuple[Asset, str]]:
        """Return what a customer has of each asset, as decimals."""
        found = self._client.accounts.list(owner=customer.address)
        pairs = [(self._actions.asset(one.asset), one.balance) for one in found]
        return [(asset, amount_text(asset, balance)) for asset, balance in pairs]

    # Schedules

    def schedule(
        self,
        name: str,
        payee: Who,
        text: str,
        asset_name: str,
        *,
        first_at: int | None = None,
        every: str = "once",
        count: int = 1,
        memo: str | None = None,
    ) -> Schedule:
        """Have a customer pay at `first_at` (seconds, by default now), then again and again."""
        customer, asset = self.find(name), self._actions.asset(asset_name)
        return self._client.schedules.create(
            customer_id=customer.id,
            payee=self.address_of(payee),
            asset=asset.code,
            amount=amount_minor(asset, text),
            first_at=int(time.time()) if first_at is None else first_at,
            every=every,
            count=count,
            memo=memo,
        )

    # Holds

    def hold(
        self,
        payer: Who,
        payee: Who,
        text: str,
        asset_name: str,
        life_s: int,
        *,
        memo: str | None = None,
        fee_max: str | None = None,
    ) -> Hold:
        """Set money of a local person or of a customer aside for a payee."""
        asset = self._actions.asset(asset_name)
        source = self._payer(payer)
        with readable(str(payer), asset):
            return self._client.holds.create(
                payer=source,
                payee=self.address_of(payee),
                asset=asset.code,
                amount=amount_minor(asset, text),
                expires_at=int(time.time()) + life_s,
                memo=memo,
                fee_max=fee_max_minor(asset, fee_max),
            )

    def _local(self, who: Who) -> Person | None:
        try:
            return self._actions.people.find(who)
        except PersonUnknown:
            return None

    def _customer(self, who: Who) -> Customer:
        try:
            return self.find(str(who))
        except CustomerUnknown:
            raise PersonUnknown(str(who)) from None

    def _payer(self, who: Who) -> Key | str:
        person = self._local(who)
        return self._customer(who).id if person is None else person.order_key

    def capture(self, hold_id: str, text: str | None = None) -> Hold:
        """Pay the payee all of a hold or a part of it; the rest goes back."""
        found = self._client.holds.get(hold_id)
        asset = self._actions.asset(found.asset)
        amount = None if text is None else amount_minor(asset, text)
        with readable(found.payer, asset):
            return self._client.holds.capture(hold_id, amount)

    def shown(self, hold: Hold) -> str:
        """Return a hold as a sentence."""
        asset = self._actions.asset(hold.asset)
        amount, captured = amount_text(asset, hold.amount), amount_text(asset, hold.captured)
        end = f", {captured} captured" if hold.captured else ""
        payee = self._actions.people.name(hold.payee)
        return f"{amount} {hold.asset} for {payee}: {hold.status}{end}"
