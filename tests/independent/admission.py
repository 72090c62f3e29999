"""Why a record can't be executed: the codes of rejections (section 5)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from tests.independent.codec import ZERO_ADDRESS, ZERO_HASH, Invalid, byte_of_fee, require
from tests.independent.exits import Exit, sweep_orders
from tests.independent.levels import Moment
from tests.independent.operations import AMOUNT_MAX
from tests.independent.orders import Order
from tests.independent.records import Group, Record
from tests.independent.state import Asset, State

NONCE_GAP = 124

Purse = tuple[bytes, bytes]


def purse_of(order: Order) -> Purse:
    """Owner and token of the account that pays."""
    return order.payer, order.asset


class Pending:
    """Nonces and money that orders take, and whoever comes after them."""

    def __init__(self, state: State, moment: Moment, orders: Iterable[Order] = ()) -> None:
        self.state = state
        self.moment = moment
        self.counts = Counter[Purse]()
        self.debits_minor = Counter[Purse]()
        for order in orders:
            self._take(order)

    def code_of(self, record: Record) -> int | None:
        """The first check that fails; None if the record could be executed after all pending."""
        later = Pending(self.state, self.moment)
        later.counts, later.debits_minor = self.counts.copy(), self.debits_minor.copy()
        for order in record.orders:
            code = later._code_of(order, isinstance(record, Group))
            if code is not None:
                return code
            later._take(order)
        return None

    def _take(self, order: Order) -> None:
        unit = self.state.asset_of_token(order.asset).unit
        self.counts[purse_of(order)] += 1
        self.debits_minor[purse_of(order)] += (order.amount + order.fee) // unit

    def next_nonce(self, order: Order) -> int | None:
        """Of the account that pays; None if there is no account."""
        asset_ids = {asset.token: asset.asset_id for asset in self.state.assets.values()}
        account_id = self.state.ids.get((order.payer, asset_ids.get(order.asset, 0)))
        if account_id is None:
            return None
        return self.state.leaves[account_id].nonce + self.counts[purse_of(order)]

    def _code_of(self, order: Order, is_leg: bool) -> int | None:
        assets = {asset.token: asset for asset in self.state.assets.values()}
        if order.asset not in assets:
            return 120
        asset = assets[order.asset]
        return _code_of_terms(order, asset, is_leg) or self._code_of_state(order, asset)

    def _code_of_state(self, order: Order, asset: Asset) -> int | None:
        if not order.is_alive(self.moment.ts_s):
            return 126
        nonce = self.next_nonce(order)
        if nonce is None:
            return 121
        if order.nonce != nonce:
            return 123 if order.nonce < nonce else NONCE_GAP
        needed_minor = (order.amount + order.fee) // asset.unit + self.debits_minor[purse_of(order)]
        leaf = self.state.leaves[self.state.ids[order.payer, asset.asset_id]]
        if needed_minor > leaf.balance_minor:
            return 125
        return None if self.moment.is_eligible(order) else 130


def _code_of_terms(order: Order, asset: Asset, is_leg: bool) -> int | None:
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
    return 127 if order.link != ZERO_HASH and not is_leg else None


def check_rejections(
    state: State,
    exits: Iterable[Exit],
    executed: Mapping[bytes, Record],
    rejections: Iterable[tuple[bytes, int]],
    accepted: Mapping[bytes, Record],
    moment: Moment,
) -> None:
    """`state` is the block's start, `accepted` all that was accepted and not decided before."""
    orders = sweep_orders(state, exits)
    orders += [order for record in executed.values() for order in record.orders]
    pending, seen = Pending(state, moment, orders), set(executed)
    rejected = {record_id for record_id, _ in rejections}
    left = defaultdict[Purse, list[int]](list)
    for record_id, record in accepted.items():
        if record_id not in executed and record_id not in rejected:
            for order in record.orders:
                left[purse_of(order)].append(order.nonce)
    for record_id, code in rejections:
        require(record_id in accepted, "a rejection of what wasn't accepted")
        require(record_id not in seen, "the block has decided the record already")
        seen.add(record_id)
        record = accepted[record_id]
        require(pending.code_of(record) == code, "the rejection has another code")
        for order in record.orders if code == NONCE_GAP else ():
            first = pending.next_nonce(order)
            between = range(order.nonce if first is None else first, order.nonce)
            may_come = any(nonce in between for nonce in left[purse_of(order)])
            require(not may_come, "an order that could come before is left out")
