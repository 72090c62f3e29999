"""People with keys, and random bodies of blocks for them: bad ones among the good."""

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.independent import typed
from tests.independent.blocks import Body
from tests.independent.codec import ZERO_ADDRESS, keccak
from tests.independent.deposits import Deposit
from tests.independent.orders import Order, SignedOrder
from tests.independent.state import Asset, State

TS_S = 1_800_000_000
DOMAIN = typed.Domain(31337, keccak(b"rollup")[12:])
SECRETS = [keccak(b"person", bytes([index])) for index in range(6)]
PEOPLE = [typed.address_of(secret) for secret in SECRETS]
STRANGERS = [keccak(b"stranger", bytes([index]))[12:] for index in range(3)]
ASSETS = tuple(
    Asset(
        asset_id,
        keccak(b"token", bytes([asset_id]))[12:],
        10**12 if asset_id == 2 else 1,
        ZERO_ADDRESS if asset_id == 7 else PEOPLE[asset_id % 3],
    )
    for asset_id in range(1, 8)
)


def deposit(owner: bytes, asset: Asset, amount_minor: int) -> Deposit:
    return Deposit(asset.token, asset.asset_id, owner, amount_minor, TS_S)


ENDOWMENT = tuple(deposit(owner, asset, 25) for owner in PEOPLE for asset in ASSETS)
FIRST_BODY = Body(0, ASSETS, ENDOWMENT, (), ())


@dataclass(frozen=True)
class Wish:
    """An order but for its nonce, which is the next one and `ahead`; `flaw` spoils it."""

    payer: int
    payee: bytes | None
    asset: Asset
    amount_minor: int
    fee_minor: int
    ahead: int
    flaw: str

    def signed(self, nonce: int) -> SignedOrder:
        unit = self.asset.unit
        order = Order(
            "withdrawal" if self.payee is None else "payment",
            PEOPLE[self.payer],
            keccak(b"unlisted")[12:] if self.flaw == "asset" else self.asset.token,
            self.amount_minor * unit + (self.flaw == "unit"),
            self.fee_minor * unit,
            nonce,
            TS_S - 1 if self.flaw == "late" else TS_S,
            self.payee or ZERO_ADDRESS,
            link=keccak(b"link") if self.flaw == "link" and self.payee else bytes(32),
        )
        return SignedOrder(order, typed.sign(SECRETS[self.payer], order.digest(DOMAIN)))


wishes = st.builds(
    Wish,
    payer=st.integers(0, len(PEOPLE) - 1),
    payee=st.sampled_from([*PEOPLE, *STRANGERS, None, None]),
    asset=st.sampled_from(ASSETS),
    amount_minor=st.sampled_from([1, 1, 1, 2, 3, 5] * 5 + [40, 0]),
    fee_minor=st.sampled_from([1, 1, 1, 2, 0, 0] * 5 + [33]),
    ahead=st.sampled_from([0] * 40 + [-1, 1]),
    flaw=st.sampled_from([""] * 60 + ["asset", "unit", "late", "link"]),
)
deposits = st.builds(
    deposit,
    st.sampled_from([*PEOPLE, *STRANGERS]),
    st.sampled_from(ASSETS),
    st.sampled_from([1, 2, 30] * 5 + [2**48 - 1, 0]),
)
turns = st.tuples(st.lists(deposits, max_size=4), st.lists(wishes, min_size=6, max_size=25))


def orders_of(state: State, wished: list[Wish]) -> list[SignedOrder]:
    """Orders as people send them: one that will be refused takes no nonce."""
    nonces: dict[tuple[int, int], int] = {}
    orders: list[SignedOrder] = []
    for wish in wished:
        key = (wish.payer, wish.asset.asset_id)
        leaf = state.leaf(state.ids.get((PEOPLE[wish.payer], wish.asset.asset_id), 1))
        nonce = nonces.setdefault(key, leaf.nonce)
        orders.append(wish.signed(max(nonce + wish.ahead, 0)))
        if wish.ahead == 0 and not wish.flaw and 0 < wish.amount_minor < 40:
            nonces[key] = nonce + 1
    return orders


def body_of(state: State, turn: tuple[list[Deposit], list[Wish]], is_lenient: bool) -> Body:
    """A body; a lenient one leaves out what would have no proper nonce or has a flaw."""
    nonces: dict[tuple[int, int], int] = {}
    orders: list[SignedOrder] = []
    new_deposits, wished = turn
    for wish in wished:
        key = (wish.payer, wish.asset.asset_id)
        leaf = state.leaf(state.ids.get((PEOPLE[wish.payer], wish.asset.asset_id), 1))
        nonce = nonces.get(key, leaf.nonce)
        is_plain = not wish.flaw and wish.ahead == 0 and 0 < wish.amount_minor < 40
        is_plain = is_plain and wish.payee != PEOPLE[wish.payer] and wish.fee_minor < 32
        is_plain = is_plain and (wish.fee_minor == 0 or wish.asset.fee_owner != ZERO_ADDRESS)
        if is_lenient and not is_plain:
            continue
        nonces[key] = nonce + 1
        orders.append(wish.signed(max(nonce + wish.ahead, 0)))
    good = tuple(one for one in new_deposits if one.amount_minor or not is_lenient)
    return Body(0, (), good, tuple(orders), ())
