"""Why an order can't be executed: the codes of rejections (section 5)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from tests.independent.codec import ZERO_ADDRESS, ZERO_HASH, Invalid, byte_of_fee, require
from tests.independent.orders import Order
from tests.independent.state import Asset, State

AMOUNT_MAX = 2**48 - 1
NONCE_GAP = 124


class Pending:
    """Nonces and money that the orders of a block take."""

    def __init__(self, state: State, orders: Iterable[Order]) -> None:
        self.state = state
        self.counts = Counter[tuple[bytes, bytes]]()
        self.debits_minor = Counter[tuple[bytes, bytes]]()
        for order in orders:
            unit = state.asset_of_token(order.asset).unit
            self.counts[order.payer, order.asset] += 1
            self.debits_minor[order.payer, order.asset] += (order.amount + order.fee) // unit

    def code_of(self, order: Order, ts_s: int) -> int | None:
        """The first check that fails; None if the order could be executed after the block's."""
        assets = {asset.token: asset for asset in self.state.assets.values()}
        if order.asset not in assets:
            return 120
        asset = assets[order.asset]
        return _code_of_terms(order, asset) or self._code_of_state(order, asset, ts_s)

    def _code_of_state(self, order: Order, asset: Asset, ts_s: int) -> int | None:
        if not order.is_alive(ts_s):
            return 126
        account_id = self.state.ids.get((order.payer, asset.asset_id))
        if account_id is None:
            return 121
        leaf, purse = self.state.leaves[account_id], (order.payer, order.asset)
        nonce = leaf.nonce + self.counts[purse]
        if order.nonce != nonce:
            return 123 if order.nonce < nonce else NONCE_GAP
        needed_minor = (order.amount + order.fee) // asset.unit + self.debits_minor[purse]
        return 125 if needed_minor > leaf.balance_minor else None


def _code_of_terms(order: Order, asset: Asset) -> int | None:
    """What no state can change."""
    for amount, is_fee in ((order.amount, False), (order.fee, True)):
        if amount % asset.unit:
            return 103
        if amount // asset.unit > AMOUNT_MAX:
            return 102
        if amount == 0 and not is_fee:
            return 101
    try:
        byte_of_fee(order.fee // asset.unit)
    except Invalid:
        return 104
    if order.fee and asset.fee_owner == ZERO_ADDRESS:
        return 106
    if order.kind == "withdrawal":
        return None
    if order.payee == ZERO_ADDRESS:
        return 129
    if order.payee == order.payer:
        return 122
    return 127 if order.link != ZERO_HASH else None


def check_rejections(
    state: State,
    executed: Mapping[bytes, Order],
    rejections: Iterable[tuple[bytes, int]],
    accepted: Mapping[bytes, Order],
    ts_s: int,
) -> None:
    """`state` is the block's start, `accepted` all that was accepted and not decided before."""
    pending, seen = Pending(state, executed.values()), set(executed)
    rejected = {digest for digest, _ in rejections}
    left = defaultdict[tuple[bytes, bytes], list[int]](list)
    for digest, order in accepted.items():
        if digest not in executed and digest not in rejected:
            left[order.payer, order.asset].append(order.nonce)
    for digest, code in rejections:
        require(digest in accepted, "a rejection of what wasn't accepted")
        require(digest not in seen, "the block has decided the order already")
        seen.add(digest)
        order = accepted[digest]
        require(pending.code_of(order, ts_s) == code, "the rejection has another code")
        if code == NONCE_GAP:
            waiting = left[order.payer, order.asset]
            first = _next_nonce(state, order) + pending.counts[order.payer, order.asset]
            can_fill = any(first <= nonce < order.nonce for nonce in waiting)
            require(not can_fill, "an order that could fill the gap is left out")


def _next_nonce(state: State, order: Order) -> int:
    asset_id = state.asset_of_token(order.asset).asset_id
    return state.leaves[state.ids[order.payer, asset_id]].nonce
