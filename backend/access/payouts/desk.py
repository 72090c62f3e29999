"""Takes payouts in. Law: the same file is the same payout, and only one of an owner and asset is
in progress: its nonces are reserved by nothing but this.

Statuses: proposed → paying → done, or failed if its root can't be authorised any more; then, and
only then, the same file begins anew; or it goes on, if the root was authorised all the same.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.concurrency import run_in_threadpool

from backend.access.assets import AssetCatalog, NamedAsset
from backend.access.l1_calls import call_data
from backend.access.payouts.lines import (
    Parties,
    PayoutLine,
    invalid,
    payout_id,
    read_csv,
    read_objects,
)
from backend.access.payouts.orders import PayoutOrders, Terms
from backend.access.payouts.ports import PayeeCheck, PayingNode
from backend.access.ports import Chain
from backend.access.proposals.desk import ProposalDesk, Wish
from backend.access.settings import ApiSettings
from backend.protocol.errors import (
    NotEligible,
    NoTreasury,
    PayeeBlocked,
    PaymentError,
    PayoutInProgress,
    PayoutNotFound,
    PayoutShortOfFunds,
    ProposalClosed,
    SignerUnknown,
)
from backend.protocol.hashing import Digest, keccak
from backend.protocol.proposals import Call, signer_text
from backend.protocol.types import Address, address_text, digest_text
from backend.records.registers.payouts import WAITING, Payouts

ORDER_LIFE_S: Final = 30 * 24 * 3600
PROPOSAL_LIFE_S: Final = 7 * 24 * 3600
_REFUSALS: Final[Mapping[str, type[PaymentError]]] = {
    kind.code: kind for kind in (PayeeBlocked, NotEligible)
}


Priced = tuple[PayoutLine, int]
"""A line and its fee in minor units."""


@dataclass(frozen=True, slots=True)
class PayoutWish:
    """Who is to be paid, by a CSV file or by objects. Without an owner the treasury pays, and a
    signer of it proposes.
    """

    asset: str
    csv: str | None
    lines: Sequence[Mapping[str, str]]
    owner: Address | None
    proposer: bytes | None


class PayoutDesk:
    """All that is done with a payout but the paying."""

    def __init__(
        self,
        register: Payouts,
        proposals: ProposalDesk | None,
        node: PayingNode,
        chain: Chain,
        assets: AssetCatalog,
        payees: PayeeCheck,
        settings: ApiSettings,
        returns: Address,
        clock_ms: Callable[[], int],
    ) -> None:
        self.register = register
        self.proposals = proposals
        self._node, self._chain, self._assets = node, chain, assets
        self._payees, self._settings = payees, settings
        self._returns, self._clock_ms = returns, clock_ms
        self._lock = asyncio.Lock()

    async def create(self, wish: PayoutWish, creator_key: str) -> Any:
        """Take a payout in and propose it; return its row. A repeat returns the one that is there.

        Raises NoTreasury, AssetUnknown, what reading the lines raises, PayoutLinesInvalid for
        payees that are refused, PayoutInProgress, PayoutShortOfFunds, ChainUnavailable.
        """
        named = await self._assets.find(wish.asset)
        treasury = None if self.proposals is None else self.proposals.treasury.address
        owner = wish.owner or treasury
        if owner is None:
            raise NoTreasury()
        parties = Parties(owner, self._returns)
        lines = await run_in_threadpool(read_lines, wish.csv, wish.lines, parties, named)
        asset = named.asset
        found_id = await run_in_threadpool(payout_id, owner, asset.token, lines)
        async with self._lock:
            known = await run_in_threadpool(self.register.get, found_id)
            if known is not None and known.status == "failed" and self._is_alive(known):
                return await self._resume(known)
            if known is None or known.status == "failed":
                proposer = wish.proposer if owner == treasury else None
                await self._check_proposer(proposer)
                pairs = await run_in_threadpool(with_fees, self._settings, named, lines)
                await self._check(named, owner, pairs)
                row = await self._values(found_id, named, parties, pairs, creator_key, proposer)
                attempt = 1 if known is None else known.attempt + 1
                await self._add(row | {"attempt": attempt}, named, parties, pairs)
            return await self.propose(await self.get(found_id))

    def _is_alive(self, row: Any) -> bool:
        """Return whether the ledger takes a payout's orders: given up here or not."""
        return self.has_root(row) and row.valid_until >= self._clock_ms() // 1000

    async def _resume(self, row: Any) -> Any:
        """Go on with what was given up and then authorised all the same: a second attempt beside
        it could be paid, too.
        """
        await self._check_purse(Address(row.owner), row.asset_id)
        await run_in_threadpool(self.register.set_status, row.id, "paying", self._clock_ms())
        return await self.get(row.id)

    async def propose(self, row: Any) -> Any:
        """Propose a payout to the treasury if that is its owner; a repeat changes nothing."""
        if row.proposer is None or row.proposal_id is not None or self.proposals is None:
            return row
        wish = Wish(
            kind="payout",
            proposer=row.proposer,
            calls=(self.call(row),),
            purpose=digest_text(row.id),
            deadline_ts_s=row.deadline_ts_s,
            nonce_key=int.from_bytes(keccak(row.id + row.attempt.to_bytes(4))[:24]),
        )
        proposal = await self.proposals.propose(wish, row.creator_key)
        ts_ms = self._clock_ms()
        await run_in_threadpool(self.register.name_proposal, row.id, proposal.id, ts_ms)
        return await self.get(row.id)

    async def get(self, found_id: bytes) -> Any:
        """Return a payout's row. Raises PayoutNotFound."""
        row = await run_in_threadpool(self.register.get, found_id)
        if row is None:
            raise PayoutNotFound(digest_text(found_id))
        return row

    async def cancel(self, found_id: bytes) -> Any:
        """Give a payout up that nobody has authorised; one of the treasury's by its proposal, and
        a prize's never: its money comes with its root.

        Raises PayoutNotFound, and ProposalClosed once it is too late.
        """
        row = await self.get(found_id)
        if row.status == "failed":
            return row
        is_others = row.proposer is None and row.return_until is None
        if row.status != "proposed" or not is_others or self.has_root(row):
            raise ProposalClosed(row.status)
        await run_in_threadpool(self.register.set_status, row.id, "failed", self._clock_ms())
        return await self.get(found_id)

    def is_treasury(self, owner: bytes | None) -> bool:
        """Return whether a payout of this owner (None: nobody named) is the treasury's."""
        return self.proposals is not None and owner in (None, self.proposals.treasury.address)

    def has_root(self, row: Any) -> bool:
        """Return whether the ledger knows that the payout is authorised."""
        return self._node.has_root(Address(row.owner), Digest(row.root))

    def call(self, row: Any) -> Call:
        """Return the call that the owner makes to authorise a payout."""
        data = call_data("authorizeOrders", ("bytes32",), (row.root,))
        return Call(self._settings.domain.contract, 0, data)

    async def _check_proposer(self, proposer: bytes | None) -> None:
        """Raise SignerUnknown if he could not propose what is about to be written."""
        if self.proposals is None or proposer is None:
            return
        if not await self.proposals.treasury.is_signer(proposer):
            raise SignerUnknown(signer_text(proposer))

    async def _check_purse(self, owner: Address, asset_id: int) -> None:
        open_one = await run_in_threadpool(self.register.open_of, owner, asset_id)
        if open_one is not None:
            raise PayoutInProgress(digest_text(open_one.id))

    async def _check(self, named: NamedAsset, owner: Address, pairs: Sequence[Priced]) -> None:
        asset = named.asset
        await self._check_purse(owner, asset.asset_id)
        await check_payees(self._payees, asset.token, [line for line, _ in pairs])
        needed_minor = sum(line.amount_minor + fee_minor for line, fee_minor in pairs)
        account = self._node.account(owner, asset.asset_id)
        available_minor = 0 if account is None else account.available_minor
        if available_minor < needed_minor:
            raise PayoutShortOfFunds(available_minor, needed_minor)

    async def _values(
        self,
        found_id: bytes,
        named: NamedAsset,
        parties: Parties,
        pairs: Sequence[Priced],
        creator_key: str,
        proposer: bytes | None,
    ) -> dict[str, Any]:
        asset, ts_ms = named.asset, self._clock_ms()
        account = self._node.account(parties.owner, asset.asset_id)
        policy = self._settings.fee_policy(asset.asset_id, asset.takes_fee)
        return {
            "id": found_id,
            "owner": parties.owner,
            "asset_id": asset.asset_id,
            "token": asset.token,
            "unit": asset.unit,
            "returns": parties.returns,
            "status": "proposed",
            "nonce_first": 0 if account is None else account.nonce_next,
            "valid_until": ts_ms // 1000 + ORDER_LIFE_S,
            "deadline_ts_s": await self._chain.latest_ts_s() + PROPOSAL_LIFE_S,
            "skip_fee_minor": policy.fee_minor_up(1),
            "line_count": len(pairs),
            "total_minor": sum(line.amount_minor for line, _ in pairs),
            "fees_minor": sum(fee_minor for _, fee_minor in pairs),
            "proposer": proposer,
            "creator_key": creator_key,
            "created_ts_ms": ts_ms,
            "updated_ts_ms": ts_ms,
        }

    async def _add(
        self,
        values: dict[str, Any],
        named: NamedAsset,
        parties: Parties,
        pairs: Sequence[Priced],
    ) -> None:
        terms = Terms(
            parties,
            named.asset.token,
            named.asset.unit,
            values["nonce_first"],
            values["valid_until"],
            values["skip_fee_minor"],
        )
        orders = await run_in_threadpool(PayoutOrders, terms, pairs, self._settings.domain)
        rows = line_rows(values["id"], pairs)
        await run_in_threadpool(self.register.add, values | {"root": orders.root}, rows)


def orders_of(row: Any, lines: Sequence[Any], settings: ApiSettings) -> PayoutOrders:
    """Return the orders of a payout from its rows: the same ones whenever they are made."""
    terms = Terms(
        Parties(Address(row.owner), Address(row.returns)),
        Address(row.token),
        row.unit,
        row.nonce_first,
        row.valid_until,
        row.skip_fee_minor,
        row.return_until,
    )
    return PayoutOrders(terms, [(_line(line), line.fee_minor) for line in lines], settings.domain)


def _line(row: Any) -> PayoutLine:
    return PayoutLine(
        row.number,
        Address(row.payee),
        row.amount_minor,
        row.memo,
        row.reference,
        Digest(row.follows),
    )


def read_lines(
    csv: str | None, objects: Sequence[Mapping[str, str]], parties: Parties, named: NamedAsset
) -> list[PayoutLine]:
    """Return the lines of a CSV file's text, or else of objects. Raises what reading them does."""
    if csv is None:
        return read_objects(objects, parties)
    decimals = len(str(named.asset.unit)) - 1 if named.decimals is None else named.decimals
    return read_csv(csv, parties, decimals, named.asset.unit)


async def check_payees(payees: PayeeCheck, token: Address, lines: Sequence[PayoutLine]) -> None:
    """Raise PayoutLinesInvalid with all payees who may not have the asset; ChainUnavailable."""
    refused = await payees.refused(token, {line.payee for line in lines})
    faults = [
        (line.number, _reason(refused[line.payee], line.payee))
        for line in lines
        if line.payee in refused
    ]
    if faults:
        raise invalid(faults)


def with_fees(
    settings: ApiSettings, named: NamedAsset, lines: Sequence[PayoutLine]
) -> list[Priced]:
    """Return each line with the least fee that its order can carry, in minor units."""
    policy = settings.fee_policy(named.asset_id, named.asset.takes_fee)
    return [(line, policy.fee_minor_up(line.amount_minor)) for line in lines]


def line_rows(of_payout: bytes, pairs: Sequence[Priced]) -> list[dict[str, Any]]:
    """Return a payout's lines as the register takes them."""
    return [
        {
            "payout_id": of_payout,
            "line_index": index,
            "number": line.number,
            "payee": line.payee,
            "amount_minor": line.amount_minor,
            "fee_minor": fee_minor,
            "memo": line.memo,
            "reference": line.reference,
            "follows": line.follows,
            "status": WAITING,
        }
        for index, (line, fee_minor) in enumerate(pairs)
    ]


def _reason(code: str, payee: Address) -> str:
    return str(_REFUSALS[code](address_text(payee)))
