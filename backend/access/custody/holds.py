"""Holds: money set aside in an account of its own until it is captured, released or expired.

Law: an order of the hold's key is kept before it is sent, and two that exclude each other bear one
nonce; so the money goes to the payee or back, once, whatever comes in between.
"""

from dataclasses import replace
from typing import Final

from starlette.concurrency import run_in_threadpool

from backend.access.building import (
    amount_minor_of,
    check_parties,
    nonce_next,
    payment_order,
)
from backend.access.collecting.memos import check_memos
from backend.access.custody.customers import payer_of, scope_id
from backend.access.custody.hold_orders import HoldOrders
from backend.access.custody.hold_states import HoldState, state_of
from backend.access.custody.schemas import HoldIn
from backend.access.custody.sending import Made, Sent, busy
from backend.access.custody.shares import reserve_of
from backend.access.errors import is_transient
from backend.access.services import Services
from backend.access.settings import WAIT_FINAL_MS_MAX
from backend.access.texts import memo_of, ts_s_of
from backend.protocol import errors
from backend.protocol.money import AMOUNT_MINOR_MAX
from backend.protocol.order_records import SignedOrder
from backend.protocol.orders import PaymentOrder
from backend.protocol.types import Address
from backend.records.registers.api_keys import ApiKey
from backend.records.registers.customers import Customer
from backend.records.registers.holds import Hold

LIFE_S_MAX: Final = 365 * 24 * 3600


class HoldDesk:
    """Everything that clients do to a hold."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._register = services.needs.registers.custody.holds
        self._orders = HoldOrders(services)

    async def get(self, hold_id: str) -> Hold:
        """Return a hold; the order that its payer signs has a nonce that is not used.

        Raises HoldNotFound.
        """
        found = await run_in_threadpool(self._register.get, hold_id)
        if found is None:
            raise errors.HoldNotFound(hold_id)
        return await self._with_fresh_nonce(found)

    async def create(self, wish: HoldIn, scope: str, caller: ApiKey) -> Hold:
        """Make a hold. A customer of ours pays into it at once; anybody else signs its order.

        `scope` is the request's key: a repeat returns the same hold. Raises PaymentError; a hold
        that its customer can't pay for is released.
        """
        hold_id = f"hold_{scope_id(scope)}"
        payer, customer = await payer_of(self._services, wish.payer, caller)
        async with self._services.sender.locks.take(f"hold {hold_id}"):
            hold = await run_in_threadpool(self._register.get, hold_id)
            if hold is None:
                hold = await self._make(hold_id, wish, Address(payer), customer, caller.id)
            if customer is not None:
                hold = await self._pay_in(hold, customer, caller.id)
        return hold

    async def authorize(self, hold_id: str, signature: bytes) -> Hold:
        """Pay the hold's money in by its payer's signature. A repeat changes nothing.

        Raises HoldNotFound, HoldEnded, HoldExpired, and what the node refuses with.
        """
        async with self._services.sender.locks.take(f"hold {hold_id}"):
            hold = await self.get(hold_id)
            state = await state_of(self._services, hold)
            if state.status == "authorised" and not state.is_over:
                return hold
            self._check_open(hold, state)
            signed = SignedOrder(funding_of(hold), signature)
            await check_memos(self._services, signed)
            accepted = await self._services.node.submit(signed)
            now_ms = self._services.needs.clock_ms()
            self._services.accepted.add(accepted.payment_id, signed, now_ms)
            await self._services.node.wait_final(accepted.payment_id, WAIT_FINAL_MS_MAX)
            return hold

    async def capture(
        self, hold_id: str, amount_minor: int | None, scope: str, caller: ApiKey
    ) -> tuple[Hold, Sent]:
        """Pay the payee all of the hold or a part of it; what is left goes back in the same group.

        A repeat of the request captures once. Raises HoldNotFound, HoldNotAuthorised, HoldEnded,
        HoldExpired, AmountZero, CaptureTooLarge, FeeTooLow, HoldOrderRejected, BackPressure.
        """
        hold = await self.get(hold_id)
        if amount_minor == 0:
            raise errors.AmountZero()
        wanted_minor = hold.amount_minor if amount_minor is None else amount_minor

        async def make() -> Made:
            state = await state_of(self._services, hold)
            self._check_open(hold, state)
            if state.status != "authorised":
                raise errors.HoldNotAuthorised(hold.id, state.held_minor, hold.total_minor)
            if wanted_minor > hold.amount_minor:
                raise errors.CaptureTooLarge(hold.amount_minor, wanted_minor)
            return await self._orders.capture(hold, state, wanted_minor, caller.id)

        task = f"{hold.id}/capture/{scope_id(scope)}"
        async with self._services.sender.locks.take(f"hold {hold_id}"):
            hold = await self.get(hold_id)
            state = await state_of(self._services, hold)
            if hold.released_ts_ms is not None and not state.captured_minor:
                raise errors.HoldEnded(hold.id, "released")
            try:
                sent = await self._services.sender.send(
                    task, hold.id, make, wait_ms=WAIT_FINAL_MS_MAX
                )
            except errors.OrderExpired as error:
                raise errors.HoldExpired(hold.expires_ts_s, error.ts_s) from error
        if sent.standing.status == "rejected":
            raise errors.HoldOrderRejected(hold.id, sent.standing.code or "")
        return hold, sent

    async def release(self, hold_id: str, caller: ApiKey) -> Hold:
        """Give the money back before the hold's end. A repeat changes nothing.

        Raises HoldNotFound, HoldEnded, and BackPressure while a capture waits for its block.
        """
        async with self._services.sender.locks.take(f"hold {hold_id}"):
            hold = await self.get(hold_id)
            state = await state_of(self._services, hold)
            if state.status in ("captured", "expired"):
                raise errors.HoldEnded(hold.id, state.status)
            if state.is_pending and hold.released_ts_ms is None:
                raise busy()
            await run_in_threadpool(
                self._register.release, hold.id, self._services.needs.clock_ms()
            )
            hold = await self.get(hold_id)
            await self._orders.give_back(hold, caller.id, WAIT_FINAL_MS_MAX)
        return hold

    def _check_open(self, hold: Hold, state: HoldState) -> None:
        if state.status in ("captured", "released", "expired") and state.done:
            raise errors.HoldEnded(hold.id, state.status)
        if hold.released_ts_ms is not None:
            raise errors.HoldEnded(hold.id, "released")
        now_ts_s = self._services.needs.clock_ms() // 1000
        if now_ts_s > hold.expires_ts_s:
            raise errors.HoldExpired(hold.expires_ts_s, now_ts_s)
        if state.is_pending:
            raise busy()

    async def _make(
        self, hold_id: str, wish: HoldIn, payer: Address, customer: Customer | None, actor: str
    ) -> Hold:
        services = self._services
        expires_ts_s = ts_s_of(wish.expires_at, "expires_at")
        now_ms = services.needs.clock_ms()
        if not now_ms // 1000 < expires_ts_s <= now_ms // 1000 + LIFE_S_MAX:
            latest_ts_s = now_ms // 1000 + LIFE_S_MAX
            raise errors.ExpiryInvalid(expires_ts_s, now_ms // 1000, latest_ts_s)
        named = await services.assets.find(wish.asset)
        amount_minor = amount_minor_of(wish.amount)
        check_parties(payer, wish.payee)
        policy = services.settings.fee_policy(named.asset_id, named.asset.takes_fee)
        reserve_minor = reserve_of(policy, amount_minor)
        if amount_minor + reserve_minor > AMOUNT_MINOR_MAX:
            raise errors.AmountTooLarge(AMOUNT_MINOR_MAX - reserve_minor, amount_minor)
        nonce = nonce_next(services, payer, named)
        memo = memo_of(wish.memo)
        account = await services.needs.custody.create(hold_id)
        total_minor = amount_minor + reserve_minor
        fee_minor = policy.fee_minor_up(total_minor)
        funding = payment_order(
            named.asset, payer, account, total_minor, fee_minor, nonce, expires_ts_s, memo
        )
        hold = Hold(
            0,
            hold_id,
            account,
            payer,
            wish.payee,
            named.asset_id,
            amount_minor,
            reserve_minor,
            memo,
            expires_ts_s,
            funding.encode(),
            now_ms,
            None if customer is None else customer.id,
        )
        kept = await self._orders.both_ends(hold, actor)
        return await run_in_threadpool(self._register.add, hold, kept)

    async def _pay_in(self, hold: Hold, customer: Customer, actor: str) -> Hold:
        """Have a customer of ours pay into his hold, once."""
        services = self._services
        if hold.released_ts_ms is not None:
            raise errors.HoldEnded(hold.id, "released")

        async def make() -> Made:
            fresh = await self._with_fresh_nonce(hold, always=True)
            order = funding_of(fresh)
            signed = await services.needs.custody.sign(customer.id, order, "hold", actor)
            await check_memos(services, signed)
            return Made(signed, hold.total_minor)

        task = f"{hold.id}/authorization"
        try:
            sent = await services.sender.send(
                task, customer.id, make, wait_ms=WAIT_FINAL_MS_MAX, renews_rejected=True
            )
        except errors.PaymentError as error:
            if not is_transient(error):
                await run_in_threadpool(self._register.release, hold.id, services.needs.clock_ms())
            raise
        if sent.standing.status == "rejected":
            await run_in_threadpool(self._register.release, hold.id, services.needs.clock_ms())
            raise errors.HoldOrderRejected(hold.id, sent.standing.code or "")
        return await self.get(hold.id)

    async def _with_fresh_nonce(self, hold: Hold, *, always: bool = False) -> Hold:
        """Return the hold with an order that its payer can sign, if he has not paid in yet."""
        order = funding_of(hold)
        services = self._services
        payer = services.node.account(Address(hold.payer), hold.asset_id)
        account = services.node.account(Address(hold.account), hold.asset_id)
        is_paid = account is not None and (
            account.nonce > 0 or account.balance_minor >= hold.total_minor
        )
        if payer is None or is_paid or hold.released_ts_ms is not None:
            return hold
        if payer.nonce <= order.nonce and not always:
            return hold
        order = replace(order, nonce=payer.nonce_next)
        await run_in_threadpool(self._register.set_funding, hold.id, order.encode())
        found = await run_in_threadpool(self._register.get, hold.id)
        return hold if found is None else found


def funding_of(hold: Hold) -> PaymentOrder:
    """Return the order by which the payer pays into the hold."""
    return PaymentOrder.decode(hold.funding)
