"""What a person has to send to L1 to leave with all that is his: calls for any wallet. Pure.

Law: a kit asks nobody. Each call holds its own proofs, so it works with the operator dead and the
batches' data gone. It is made for one last batch: while more of them come, make a new kit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from backend.protocol.money import format_decimal
from backend.protocol.types import (
    BRIDGE,
    AccountId,
    Address,
    Asset,
    DepositRecord,
    Leaf,
    address_text,
)
from backend.settlement.batch_data import NO_BATCH, AcceptedBatch
from backend.settlement.chain import Contract
from backend.settlement.proving.proofs import Arguments, deposit_record, leaf_proof, multiproof
from backend.settlement.proving.replay import LedgerState
from backend.settlement.queries import TokenName

# So that a call stays far below the limits of transactions.
_AT_ONCE_MAX: Final = 50
# The base fee may rise before the request is mined; what is too much goes to who serves the exit.
_BOUNTY_MARGIN: Final = 2
_SYMBOL_LENGTH_MAX: Final = 12  # a token calls itself what it likes

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Unpaid:
    """A withdrawal that L1 has not paid. `payee` is its owner, or who advanced it to him."""

    batch: AcceptedBatch
    owner: Address
    payee: Address
    asset_id: int
    amount_minor: int
    nonce: int
    proof: Arguments  # IRollup.WithdrawalProof


@dataclass(frozen=True, slots=True)
class StateAt:
    """All accounts after an accepted batch."""

    batch: AcceptedBatch
    state: LedgerState

    def leaf(self, account_id: AccountId) -> Leaf | None:
        """Return an account; None if it is not open."""
        return self.state.tree.leaf(account_id)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The rollup's times, in seconds: docs/PROTOCOL.md, section 11."""

    challenge_window_s: int
    exit_deadline_s: int
    deposit_timeout_s: int
    silence_deadline_s: int


@dataclass(frozen=True, slots=True)
class Position:
    """What kits are made from: the ledger after its last batch, and L1 at some block.

    `last` is the last batch whose state is known, `settled` the one at the frontier; None is
    genesis, or unknown. `unsettled` are the batches after the frontier, in order. `exits` says
    since when an exit waits, by account and owner. `bounty_wei` is the least at present.
    """

    chain_id: int
    rollup: Contract
    exits_contract: Contract
    ts_s: int
    block_number: int
    deadlines: Deadlines
    bounty_wei: int
    tip: int
    frontier: int
    frozen_ts_s: int  # 0: it is not frozen
    rolled_back_ts_s: int
    assets: Mapping[int, Asset]
    names: Mapping[int, TokenName]  # of the tokens that tell
    last: StateAt | None
    settled: StateAt | None
    unsettled: tuple[AcceptedBatch, ...]
    unpaid: tuple[Unpaid, ...]
    waiting_deposits: Mapping[int, DepositRecord]
    exits: Mapping[tuple[AccountId, Address], int]
    escaped: frozenset[int]

    @property
    def is_frozen(self) -> bool:
        return self.frozen_ts_s != 0


@dataclass(frozen=True, slots=True)
class Call:
    """A transaction. It succeeds from `not_before_ts_s` (L1 time; 0: at once) on, and after what
    `after` says. `sender` must send it, anybody may if it is None."""

    what: str
    text: str
    to: Address
    data: bytes
    value_wei: int = 0
    not_before_ts_s: int = 0
    after: str = ""
    sender: Address | None = None


@dataclass(frozen=True, slots=True)
class ExitKit:
    """All calls by which one owner, or everybody (None), leaves."""

    owner: Address | None
    position: Position
    accounts: tuple[tuple[AccountId, Leaf], ...]
    calls: tuple[Call, ...]


_LAST_WORD: Final = "the rollup is frozen and all batches are settled"


def exit_kit(position: Position, owner: Address | None) -> ExitKit:
    """Return what an owner has to send, in a good order; of everybody if `owner` is None."""
    maker = _Maker(position, owner)
    return ExitKit(owner, position, tuple(maker.accounts), tuple(maker.calls()))


def amount_text(position: Position, asset_id: int, amount_minor: int) -> str:
    """Return an amount as people write it, or in base units if the token has no name."""
    asset = position.assets[asset_id]
    amount, name = amount_minor * asset.unit, position.names.get(asset_id)
    if name is None:
        return f"{amount} base units of token {address_text(asset.token)}"
    symbol = "".join(each for each in name.symbol if each.isalnum())[:_SYMBOL_LENGTH_MAX]
    return f"{format_decimal(amount, name.decimals)} {symbol}"


class _Maker:
    def __init__(self, position: Position, owner: Address | None) -> None:
        self.position, self.owner = position, owner
        self.accounts = [
            (account_id, leaf)
            for account_id, leaf in _accounts(position.last)
            if self._is_his(leaf.owner) and account_id not in position.escaped
        ]

    def calls(self) -> Iterator[Call]:
        if not self.position.is_frozen:
            yield from self._requests()
            yield from self._freezes()
        yield from self._settlements()
        yield from self._claims()
        yield from self._refunds()
        yield from self._escapes()
        if self.position.is_frozen:
            yield from self._bounties()

    def _requests(self) -> Iterator[Call]:
        """Yield a request for each account without one; only its owner can send it."""
        position = self.position
        for account_id, leaf in self.accounts if self.owner is not None else ():
            shown = self._shown_with_balance(account_id)
            if shown is None or (account_id, leaf.owner) in position.exits:
                continue
            yield self._call(
                "request-exit",
                f"ask for all {self._amount(leaf.asset_id, leaf.balance_minor)} of account "
                f"{account_id}: they come as a withdrawal of a later batch",
                position.exits_contract,
                "requestExit",
                shown.batch.arguments(),
                leaf_proof(shown.state.tree, account_id),
                value_wei=position.bounty_wei * _BOUNTY_MARGIN,
                sender=leaf.owner,
            )

    def _freezes(self) -> Iterator[Call]:
        """Yield what freezes the rollup if the committee misses a deadline from here on."""
        position, deadlines, last = self.position, self.position.deadlines, self.position.last
        if (last.batch.header.number if last is not None else 0) != position.tip:
            return  # the last batch is wrong: it has to be rolled back first
        for account_id, leaf in self.accounts:
            since_ts_s = position.exits.get((account_id, leaf.owner))
            if last is None or since_ts_s is None or not leaf.balance_minor:
                continue
            yield self._rollup_call(
                "freeze",
                f"freeze the rollup: the exit of account {account_id} was not served",
                "freezeForExit",
                last.batch.arguments(),
                leaf_proof(last.state.tree, account_id),
                not_before_ts_s=since_ts_s + deadlines.exit_deadline_s,
            )
        for index, record in self._deposits()[:1]:  # the oldest is the first that may
            since_ts_s = max(record.l1_ts_s, position.rolled_back_ts_s)
            yield self._rollup_call(
                "freeze",
                f"freeze the rollup: deposit {index} was not credited",
                "freezeForDeposit",
                self._last_batch(),
                index,
                deposit_record(record),
                not_before_ts_s=since_ts_s + deadlines.deposit_timeout_s,
            )
        if last is not None:
            since_ts_s = max(last.batch.accepted_ts_s, position.rolled_back_ts_s)
            yield self._rollup_call(
                "freeze",
                "freeze the rollup: no batch has come",
                "freezeForSilence",
                self._last_batch(),
                not_before_ts_s=since_ts_s + deadlines.silence_deadline_s,
            )

    def _settlements(self) -> Iterator[Call]:
        for batches in _in_parts(self.position.unsettled):
            first, last = batches[0].header.number, batches[-1].header.number
            yield self._rollup_call(
                "settle",
                f"settle batches {first} to {last}",
                "settle",
                [batch.arguments() for batch in batches],
                not_before_ts_s=self._settles_at(batches[-1]),
            )

    def _claims(self) -> Iterator[Call]:
        for one in self.position.unpaid:
            if not self._is_his(one.payee):
                continue
            number = one.batch.header.number
            is_settled = number <= self.position.frontier
            yield self._rollup_call(
                "claim",
                f"pay {self._amount(one.asset_id, one.amount_minor)} withdrawn in batch {number} "
                f"to {address_text(one.payee)}",
                "claimWithdrawal",
                one.batch.arguments(),
                one.proof,
                not_before_ts_s=0 if is_settled else self._settles_at(one.batch),
                after="" if is_settled else f"batch {number} is settled",
            )

    def _refunds(self) -> Iterator[Call]:
        for run in _runs([index for index, _ in self._deposits()]):
            yield self._rollup_call(
                "refund",
                f"pay back deposits {run[0]} to {run[-1]}",
                "refund",
                self._last_batch(),
                run[0],
                [deposit_record(self.position.waiting_deposits[index]) for index in run],
                after=_LAST_WORD,
            )

    def _escapes(self) -> Iterator[Call]:
        last = self.position.last
        if last is None:
            return
        rich = [account_id for account_id, leaf in self.accounts if leaf.balance_minor]
        for ids in _in_parts(rich):
            yield self._rollup_call(
                "escape",
                f"pay out all of account{'s' * (len(ids) > 1)} {', '.join(map(str, ids))}",
                "escape",
                last.batch.arguments(),
                multiproof(last.state.tree, ids),
                after=_LAST_WORD,
            )

    def _bounties(self) -> Iterator[Call]:
        """Yield what gives back the bounties of exits that nobody has served."""
        contract = self.position.exits_contract
        mine = [key for key in self.position.exits if self._is_his(key[1])]
        for account_id, owner in mine:
            text = f"have the bounty of account {account_id} credited"
            yield self._call("credit-bounty", text, contract, "creditBounty", account_id, owner)
        if mine and self.owner is not None:
            text = "draw what was credited"
            yield self._call("draw-bounty", text, contract, "withdrawBounties", sender=self.owner)

    def _rollup_call(
        self, what: str, text: str, function: str, *arguments: Any, **limits: Any
    ) -> Call:
        return self._call(what, text, self.position.rollup, function, *arguments, **limits)

    def _call(
        self,
        what: str,
        text: str,
        contract: Contract,
        function: str,
        *arguments: Any,
        **limits: Any,
    ) -> Call:
        data = contract.abi.call_data(function, *arguments)
        return Call(what, text, Address(contract.address), data, **limits)

    def _last_batch(self) -> Arguments:
        last = self.position.last
        return (NO_BATCH if last is None else last.batch).arguments()

    def _is_his(self, owner: Address) -> bool:
        return self.owner is None or owner == self.owner

    def _shown_with_balance(self, account_id: AccountId) -> StateAt | None:
        """Return a batch under which the account has a balance: a settled one stands for ever."""
        for known in (self.position.settled, self.position.last):
            leaf = known.leaf(account_id) if known is not None else None
            if leaf is not None and leaf.balance_minor:
                return known
        return None

    def _deposits(self) -> list[tuple[int, DepositRecord]]:
        waiting = sorted(self.position.waiting_deposits.items())
        return [(index, record) for index, record in waiting if self._is_his(record.owner)]

    def _settles_at(self, batch: AcceptedBatch) -> int:
        return batch.accepted_ts_s + self.position.deadlines.challenge_window_s

    def _amount(self, asset_id: int, amount_minor: int) -> str:
        return amount_text(self.position, asset_id, amount_minor)


def _accounts(known: StateAt | None) -> Iterator[tuple[AccountId, Leaf]]:
    if known is None:
        return
    for account_id in sorted(known.state.account_of.values()):
        leaf = known.leaf(account_id)
        if leaf is not None and account_id != BRIDGE:
            yield account_id, leaf


def _in_parts(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), _AT_ONCE_MAX):
        yield items[start : start + _AT_ONCE_MAX]


def _runs(indices: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield stretches of numbers without a gap, none too long."""
    start = 0
    for place in range(1, len(indices) + 1):
        if place == len(indices) or indices[place] != indices[place - 1] + 1:
            yield from _in_parts(indices[start:place])
            start = place
