"""The orders of a hold's own key: to the payee, back to the payer, or both in one group."""

from collections.abc import Sequence
from typing import Final

from starlette.concurrency import run_in_threadpool

from backend.access.building import payment_order
from backend.access.custody.hold_states import HoldState, state_of
from backend.access.custody.sending import Made
from backend.access.custody.shares import Part, capture_of, whole_of
from backend.access.services import Services
from backend.access.settings import FeePolicy
from backend.protocol.errors import AssetUnknown
from backend.protocol.money import AMOUNT_MINOR_MAX
from backend.protocol.order_records import OrderGroup, SignedOrder, decode_record
from backend.protocol.orders import PaymentOrder, linked
from backend.protocol.types import Asset
from backend.records.registers.holds import Hold
from backend.records.registers.kept_orders import KeptOrder

RETURN_LIFE_S: Final = 365 * 24 * 3600  # from the hold's end on; nobody gains by a later return


class HoldOrders:
    """Builds, signs and sends what moves the money of holds."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def both_ends(self, hold: Hold, actor: str) -> list[KeptOrder]:
        """Return the orders that are signed when a hold is made: captured or returned in full.

        They bear one nonce, so one of them at most is ever executed.
        """
        capture = Part(hold.amount_minor, hold.reserve_minor)
        order = self._order(hold, hold.payee, capture, 0, hold.expires_ts_s)
        made = Made(await self._signed(hold, order, actor), capture.amount_minor)
        kept = [self._services.sender.kept_of(_capture_task(hold), hold.id, made)]
        back = whole_of(self._policy(hold), hold.total_minor)
        if back is not None:
            made = await self._return(hold, back, 0, actor)
            kept.append(self._services.sender.kept_of(_return_task(hold, back, 0), hold.id, made))
        return kept

    async def capture(self, hold: Hold, state: HoldState, amount_minor: int, actor: str) -> Made:
        """Return the record that pays the payee and gives back the rest, to the unit.

        Raises FeeTooLow if fees have risen beyond what the hold reserved.
        """
        policy = self._policy(hold)
        captures = [one for one in await self._kept(hold) if one.paid_minor]
        is_all = amount_minor == hold.amount_minor and state.held_minor == hold.total_minor
        part, rest = Part(amount_minor, hold.reserve_minor), None
        if is_all and hold.reserve_minor >= policy.needed_minor_up(amount_minor):
            standing = await self._services.sender.standing(captures[0])
            if standing.status != "rejected":
                return Made(decode_record(captures[0].record), amount_minor)
        else:
            part, rest = capture_of(policy, state.held_minor, amount_minor)
        # What was rejected is so for ever: each order has a second of its own.
        valid_until = hold.expires_ts_s - (len(captures) - 1)
        order = self._order(hold, hold.payee, part, state.nonce, valid_until)
        if rest is None:
            return Made(await self._signed(hold, order, actor), amount_minor)
        back = self._order(hold, hold.payer, rest, state.nonce + 1, valid_until)
        legs = [await self._signed(hold, leg, actor) for leg in linked([order, back])]
        return Made(OrderGroup(tuple(legs)), amount_minor, rest.amount_minor)

    async def give_back(self, hold: Hold, actor: str, wait_ms: int) -> HoldState:
        """Send all that a hold's account has back to the payer; return where the hold stands then.

        What is less than the fee of its own return stays. A repeat changes nothing.
        """
        state = await state_of(self._services, hold)
        balance_minor = min(state.held_minor, AMOUNT_MINOR_MAX)
        part = whole_of(self._policy(hold), balance_minor)
        if part is None or state.is_pending:
            return state

        async def make() -> Made:
            return await self._return(hold, part, state.nonce, actor)

        task = _return_task(hold, part, state.nonce)
        await self._services.sender.send(task, hold.id, make, wait_ms=wait_ms, renews_rejected=True)
        return await state_of(self._services, hold)

    def is_empty(self, hold: Hold, state: HoldState) -> bool:
        """Return whether nothing is left that could be given back."""
        return whole_of(self._policy(hold), state.held_minor) is None

    async def _return(self, hold: Hold, part: Part, nonce: int, actor: str) -> Made:
        now_ts_s = self._services.needs.clock_ms() // 1000
        returns = [one for one in await self._kept(hold) if not one.paid_minor]
        valid_until = max(hold.expires_ts_s, now_ts_s) + RETURN_LIFE_S + len(returns)
        order = self._order(hold, hold.payer, part, nonce, valid_until)
        return Made(await self._signed(hold, order, actor), 0, part.amount_minor)

    async def _signed(self, hold: Hold, order: PaymentOrder, actor: str) -> SignedOrder:
        return await self._services.needs.custody.sign(hold.id, order, "hold", actor)

    async def _kept(self, hold: Hold) -> Sequence[KeptOrder]:
        """Return all orders of a hold's key; the first is its capture in full."""
        register = self._services.needs.registers.custody.kept_orders
        return await run_in_threadpool(register.of_owner, hold.id)

    def _order(
        self, hold: Hold, payee: bytes, part: Part, nonce: int, valid_until: int
    ) -> PaymentOrder:
        return payment_order(
            self._asset(hold),
            hold.account,
            payee,
            part.amount_minor,
            part.fee_minor,
            nonce,
            valid_until,
            hold.memo,
        )

    def _policy(self, hold: Hold) -> FeePolicy:
        asset = self._asset(hold)
        return self._services.settings.fee_policy(asset.asset_id, asset.takes_fee)

    def _asset(self, hold: Hold) -> Asset:
        asset = self._services.node.assets().get(hold.asset_id)
        if asset is None:
            raise AssetUnknown(str(hold.asset_id))
        return asset


def _capture_task(hold: Hold) -> str:
    return f"{hold.id}/capture"


def _return_task(hold: Hold, part: Part, nonce: int) -> str:
    return f"{hold.id}/return/{nonce}/{part.amount_minor}+{part.fee_minor}"
