"""People with keys, and random bodies of blocks for them: bad ones among the good."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from tests.independent import typed
from tests.independent.blocks import Body
from tests.independent.codec import ZERO_ADDRESS, ZERO_HASH, keccak
from tests.independent.deposits import Deposit
from tests.independent.exits import Exit, sweep_orders
from tests.independent.orders import Order, link_of, root_of_proof
from tests.independent.records import Group, Record, Root, RootedOrder, SignedOrder
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
    proof: str

    @property
    def purse(self) -> tuple[int, int]:
        return self.payer, self.asset.asset_id

    @property
    def is_plain(self) -> bool:
        """Whether it can be executed while there is money."""
        is_plain = not self.flaw and self.ahead == 0 and 0 < self.amount_minor < 40
        is_plain = is_plain and self.proof != "forged" and self.fee_minor < 32
        is_plain = is_plain and self.payee != PEOPLE[self.payer]
        return is_plain and (self.fee_minor == 0 or self.asset.fee_owner != ZERO_ADDRESS)

    def order(self, nonce: int) -> Order:
        unit = self.asset.unit
        return Order(
            "withdrawal" if self.payee is None else "payment",
            PEOPLE[self.payer],
            keccak(b"unlisted")[12:] if self.flaw == "asset" else self.asset.token,
            self.amount_minor * unit + (self.flaw == "unit"),
            self.fee_minor * unit,
            nonce,
            TS_S - 1 if self.flaw == "late" else TS_S,
            self.payee or ZERO_ADDRESS,
            link=keccak(b"link") if self.flaw == "link" and self.payee else ZERO_HASH,
        )

    def record(self, order: Order) -> SignedOrder | RootedOrder:
        digest = order.digest(DOMAIN)
        if self.proof == "signed":
            return SignedOrder(order, typed.sign(SECRETS[self.payer], digest))
        if self.proof == "forged":
            return SignedOrder(order, typed.sign(SECRETS[self.payer - 1], digest))
        nodes = (keccak(b"beside"), keccak(b"above"))[: self.amount_minor % 3]
        return RootedOrder(order, root_of_proof(digest, nodes), nodes)


@dataclass(frozen=True)
class GroupWish:
    """A group of its legs; `flaw` spoils it."""

    legs: tuple[Wish, ...]
    flaw: str

    @property
    def is_plain(self) -> bool:
        fee_assets = {leg.asset for leg in self.legs if leg.fee_minor > 0}
        return not self.flaw and len(fee_assets) <= 4 and all(leg.is_plain for leg in self.legs)

    def record(self, nonces: list[int]) -> Record:
        made = [leg.order(nonce) for leg, nonce in zip(self.legs, nonces, strict=True)]
        made = [replace(order, link=ZERO_HASH) for order in made]
        linked = [replace(order, link=link_of(made)) for order in made]
        pairs = list(zip(self.legs, linked, strict=True))
        if self.flaw == "turned":
            pairs.reverse()
        elif self.flaw == "altered":
            pairs[0] = (pairs[0][0], replace(linked[0], amount=linked[0].amount + 1))
        records = tuple(leg.record(order) for leg, order in pairs)
        return records[0] if self.flaw == "alone" else Group(records)


AnyWish = Wish | GroupWish

_proofs = st.sampled_from(["signed"] * 12 + ["rooted"] * 4 + ["forged"])
wishes = st.builds(
    Wish,
    payer=st.integers(0, len(PEOPLE) - 1),
    payee=st.sampled_from([*PEOPLE, *STRANGERS, None, None]),
    asset=st.sampled_from(ASSETS),
    amount_minor=st.sampled_from([1, 1, 1, 2, 3, 5] * 5 + [40, 0]),
    fee_minor=st.sampled_from([1, 1, 1, 2, 0, 0] * 5 + [33]),
    ahead=st.sampled_from([0] * 40 + [-1, 1]),
    flaw=st.sampled_from([""] * 60 + ["asset", "unit", "late", "link"]),
    proof=_proofs,
)
_legs = st.builds(
    Wish,
    payer=st.integers(0, len(PEOPLE) - 1),
    payee=st.sampled_from([*PEOPLE, *STRANGERS]),
    asset=st.sampled_from(ASSETS),
    amount_minor=st.sampled_from([1, 1, 2, 5] * 10 + [25, 40]),
    fee_minor=st.sampled_from([1, 0, 0, 0]),
    ahead=st.sampled_from([0] * 60 + [-1, 1, 2]),
    flaw=st.sampled_from([""] * 80 + ["asset", "unit", "late"]),
    proof=_proofs,
)
groups = st.builds(
    GroupWish,
    st.lists(_legs, min_size=2, max_size=8).map(tuple),
    st.sampled_from([""] * 30 + ["turned", "altered", "alone"]),
)
any_wishes = st.one_of(wishes, wishes, groups)
deposits = st.builds(
    deposit,
    st.sampled_from([*PEOPLE, *STRANGERS]),
    st.sampled_from(ASSETS),
    st.sampled_from([1, 2, 30] * 5 + [2**48 - 1, 0]),
)


@dataclass(frozen=True)
class ExitWish:
    """A person who leaves, or another in his name."""

    person: int
    asset: Asset
    is_anothers: bool = False

    def exit(self, state: State) -> Exit:
        owner = PEOPLE[self.person]
        account_id = state.ids.get((owner, self.asset.asset_id), 0xFE000000)
        return Exit(account_id, PEOPLE[self.person - self.is_anothers])


exit_wishes = st.builds(
    ExitWish,
    st.integers(0, len(PEOPLE) - 1),
    st.sampled_from(ASSETS),
    st.sampled_from([False] * 4 + [True]),
)
turns = st.tuples(
    st.lists(deposits, max_size=4),
    st.lists(any_wishes, min_size=6, max_size=25),
    st.one_of(st.just([]), st.lists(exit_wishes, max_size=5)),
)


class Nonces:
    """The next nonce of each account, counted from a state on."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.next: dict[tuple[int, int], int] = {}

    def record(self, wish: AnyWish, *, is_counted: bool) -> Record:
        """What the person, or the group, sends next; it takes nonces only if it is counted."""
        taken = dict(self.next)
        if isinstance(wish, GroupWish):
            record = wish.record([self._take(leg) for leg in wish.legs])
        else:
            record = wish.record(wish.order(self._take(wish)))
        if not is_counted:
            self.next = taken
        return record

    def _take(self, wish: Wish) -> int:
        account_id = self.state.ids.get((PEOPLE[wish.payer], wish.asset.asset_id), 1)
        nonce = self.next.get(wish.purse, self.state.leaf(account_id).nonce)
        self.next[wish.purse] = nonce + 1
        return max(nonce + wish.ahead, 0)


def records_of(state: State, wished: Iterable[AnyWish]) -> list[Record]:
    """Records as people send them: one that will be refused takes no nonce."""
    nonces = Nonces(state)
    return [nonces.record(wish, is_counted=wish.is_plain) for wish in wished]


def roots_of(records: Iterable[Record]) -> tuple[Root, ...]:
    """The roots that the records need, each once."""
    found = {
        Root(leg.order.payer, leg.root): None
        for record in records
        for leg in (record.legs if isinstance(record, Group) else (record,))
        if isinstance(leg, RootedOrder)
    }
    return tuple(found)


Turn = tuple[list[Deposit], list[AnyWish], list[ExitWish]]


def body_of(state: State, turn: Turn, is_lenient: bool) -> Body:
    """A body; a lenient one leaves out what would have no proper nonce or money, or has a flaw."""
    nonces, (new_deposits, wished, leaving) = Nonces(state), turn
    exits = tuple(wish.exit(state) for wish in leaving)
    swept = {order.payer + order.asset for order in sweep_orders(state, exits)}

    def is_possible(wish: AnyWish) -> bool:
        legs = wish.legs if isinstance(wish, GroupWish) else (wish,)
        paid = {PEOPLE[leg.payer] + leg.asset.token for leg in legs}
        return wish.is_plain and swept.isdisjoint(paid)

    records = [
        nonces.record(wish, is_counted=True)
        for wish in wished
        if is_possible(wish) or not is_lenient
    ]
    good = tuple(one for one in new_deposits if one.amount_minor or not is_lenient)
    return Body(0, (), good, tuple(records), (), exits=exits)
