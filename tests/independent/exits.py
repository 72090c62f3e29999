"""Exit requests, the sweeps of a block, and how long an exit authorises them (sections 5 and 8)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.independent.codec import Reader, u
from tests.independent.operations import AMOUNT_MAX, BRIDGE, Operation
from tests.independent.orders import Order
from tests.independent.state import State

# By account and owner, the last timestamp (s) of a batch in which sweeps of his are authorised;
# None while the exit is not served.
Requests = Mapping[tuple[int, bytes], int | None]


@dataclass(frozen=True)
class Exit:
    """An owner asked L1 for all money of his account."""

    account_id: int
    owner: bytes

    def encoded(self) -> bytes:
        return u(self.account_id, 4) + self.owner


def read_exit(reader: Reader) -> Exit:
    return Exit(reader.number(4), reader.take(20))


def exiting_accounts(state: State, exits: Iterable[Exit]) -> list[int]:
    """Those that a block with these exits sweeps, by the state at its start, in order."""
    found = dict.fromkeys(state.exiting)
    for one in exits:
        if state.leaf(one.account_id).owner == one.owner:
            found.setdefault(one.account_id)
    return [account_id for account_id in found if state.leaf(account_id).balance_minor > 0]


def left_exiting(state: State, exits: Iterable[Exit]) -> list[int]:
    """Those that the block's sweeps can't empty."""
    swept = exiting_accounts(state, exits)
    return [one for one in swept if state.leaf(one).balance_minor > AMOUNT_MAX]


def sweep_of(state: State, account_id: int) -> Operation:
    amount_minor = min(state.leaf(account_id).balance_minor, AMOUNT_MAX)
    return Operation("withdrawal", account_id, BRIDGE, amount_minor, is_sweep=True)


def order_of_sweep(state: State, account_id: int) -> Order:
    """The withdrawal that the sweep equals; nobody signs it."""
    leaf = state.leaf(account_id)
    asset = state.assets[leaf.asset_id]
    amount = sweep_of(state, account_id).amount_minor * asset.unit
    return Order("withdrawal", leaf.owner, asset.token, amount, 0, leaf.nonce, 0)


def sweep_orders(state: State, exits: Iterable[Exit]) -> list[Order]:
    return [order_of_sweep(state, one) for one in exiting_accounts(state, exits)]
