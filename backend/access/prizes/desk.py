"""Takes prizes in, answers about them, and prepares what sponsors and winners send to the chain.

Law: what a prepared transaction can bring to the chain is written before anybody sees it. So the
orders of a purse are known here, and are paid, whoever sends the transaction whenever he likes.
"""

from collections.abc import Sequence
from typing import Any, Final

from starlette.concurrency import run_in_threadpool

from backend.access import l1_calls
from backend.access.assets import NamedAsset
from backend.access.payouts.desk import Priced, check_payees, line_rows, read_lines, with_fees
from backend.access.payouts.lines import Parties, PayoutLine
from backend.access.prizes.ports import PrizeNeeds
from backend.access.prizes.schemas import PrizeIn
from backend.access.prizes.state import PrizeStates
from backend.access.prizes.terms import (
    entries_of,
    purse_orders,
    purse_terms,
    salt_of,
    terms_hash,
)
from backend.access.prizes.views import entry_view, prize_view
from backend.access.services import Services
from backend.access.texts import ts_s_of
from backend.access.views import Json
from backend.protocol import errors
from backend.protocol.hashing import ZERO_DIGEST, Digest
from backend.protocol.money import AMOUNT_MINOR_MAX, to_base
from backend.protocol.prizes import PrizePayout, prize_id, prize_tree
from backend.protocol.types import Address, digest_text
from backend.records.paging import Page
from backend.records.registers.applicants import Applicant

LIFE_S_MAX: Final = 10 * 365 * 24 * 3600
_CREATE: Final = ("uint16", "uint8", "bytes32", "uint64", "uint64", "bytes32", "bytes32", "bytes")


class PrizeDesk:
    """The questions and wishes of the API about prizes."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @property
    def needs(self) -> PrizeNeeds:
        """Register and contract. Raises PrizeNotFound in a deployment that has no prizes."""
        needs = self._services.needs.prizes
        if needs is None:
            raise errors.PrizeNotFound(digest_text(ZERO_DIGEST))
        return needs

    @property
    def _states(self) -> PrizeStates:
        return PrizeStates(self._services, self.needs)

    # Looking

    async def get(self, found_id: bytes) -> Any:
        """Return a prize's row. Raises PrizeNotFound."""
        row = await run_in_threadpool(self.needs.register.get, found_id)
        if row is None:
            raise errors.PrizeNotFound(digest_text(found_id))
        return row

    async def show(self, row: Any) -> Json:
        """Show a prize as it stands at L1's time."""
        state = await self._states.of_prize(row)
        purse = None if row.payout_id is None else await self.needs.book.purse_of(Digest(row.id))
        await self._services.assets.refresh()
        return prize_view(row, state, self._services.assets.code_of(row.asset_id), purse)

    async def entries(
        self, row: Any, person: Address | None, page: Page
    ) -> tuple[list[Json], bool]:
        """Return a page of a prize's entries, a person's or everybody's, and if there are more."""
        part = await run_in_threadpool(self.needs.register.entries_page, row.id, person, page)
        states = await self._states.of_entries(row, part.rows)
        shown = [entry_view(one, state) for one, state in zip(part.rows, states, strict=True)]
        return shown, part.has_more

    # Taking in

    async def create(self, wish: PrizeIn, creator_key: str) -> Any:
        """Take a prize in; return its row. The same list of the same sponsor is the same prize,
        and keeps its end, unless nobody created it by then.

        Raises AssetUnknown, what reading the lines raises, PayoutLinesInvalid, AmountTooLarge,
        PrizeDeadlineInvalid, ChainUnavailable; for orders what `_check_sponsor` raises.
        """
        named = await self._services.assets.find(wish.asset)
        sponsor, payout = Address(wish.sponsor), PrizePayout[wish.payout.upper()]
        objects = [line.model_dump() for line in wish.lines or ()]
        parties = Parties(sponsor, sponsor)
        lines = await run_in_threadpool(read_lines, wish.csv, objects, parties, named)
        hashed = await run_in_threadpool(terms_hash, lines, wish.terms_text)
        salt = salt_of(named.asset.token, payout, hashed)
        chain_id = self._services.settings.domain.chain_id
        found_id = prize_id(chain_id, self.needs.book.address, sponsor, salt)
        async with self.needs.lock:
            known = await run_in_threadpool(self.needs.register.get, found_id)
            if known is not None and not await self._states.has_lapsed(known):
                return known
            is_orders = payout == PrizePayout.ORDERS
            if is_orders:
                await self._check_sponsor(sponsor, named.asset_id)
            payees = self._services.needs.approvals.payees
            await check_payees(payees, named.asset.token, lines)
            pairs: list[Priced] = [(line, 0) for line in lines]
            if is_orders:
                settings = self._services.settings
                pairs = await run_in_threadpool(with_fees, settings, named, lines)
            values = {
                "id": found_id,
                "sponsor": sponsor,
                "asset_id": named.asset_id,
                "payout": wish.payout,
                "salt": salt,
                "terms_hash": hashed,
                "deadline_ts_s": await self._deadline(wish.ends_at),
                "creator_key": creator_key,
            }
            await self._add(values, named, pairs)
        return await self.get(found_id)

    async def _deadline(self, text: str) -> int:
        # Orders live by the ledger's time, which may be ahead of L1's.
        l1_ts_s = await self._services.needs.chain.latest_ts_s()
        now_ts_s = max(l1_ts_s, self._services.needs.clock_ms() // 1000)
        deadline_ts_s = ts_s_of(text, "ends_at")
        if not now_ts_s < deadline_ts_s <= now_ts_s + LIFE_S_MAX:
            raise errors.PrizeDeadlineInvalid(now_ts_s, now_ts_s + LIFE_S_MAX)
        return deadline_ts_s

    async def _add(
        self, values: dict[str, Any], named: NamedAsset, pairs: Sequence[Priced]
    ) -> None:
        lines = [line for line, _ in pairs]
        total_minor = sum(line.amount_minor for line in lines)
        fees_minor = sum(fee_minor for _, fee_minor in pairs)
        if total_minor + fees_minor > AMOUNT_MINOR_MAX:
            raise errors.AmountTooLarge(AMOUNT_MINOR_MAX, total_minor + fees_minor)
        values |= {
            "entry_count": len(lines),
            "total_minor": total_minor,
            "fees_minor": fees_minor,
            "created_ts_ms": self._services.needs.clock_ms(),
        }
        if values["payout"] == PrizePayout.ORDERS.word:
            values |= await self._add_payout(values, named, pairs)
        else:
            tree = await run_in_threadpool(prize_tree, values["id"], entries_of(lines))
            values |= {"root": tree.root, "payout_id": None}
        rows = await run_in_threadpool(_entry_rows, values["id"], lines)
        await run_in_threadpool(self.needs.register.add, values, rows)

    async def _add_payout(
        self, values: dict[str, Any], named: NamedAsset, pairs: Sequence[Priced]
    ) -> dict[str, Any]:
        """Write the payout of a purse, which begins to pay once its root is in the ledger."""
        purse = await self.needs.book.purse_of(values["id"])
        asset = named.asset
        deadline_ts_s = values["deadline_ts_s"]
        terms = purse_terms(purse, values["sponsor"], asset.token, asset.unit, deadline_ts_s)
        domain = self._services.settings.domain
        found_id, orders = await run_in_threadpool(purse_orders, terms, pairs, domain)
        register, ts_ms = self._services.approvals.payouts.register, values["created_ts_ms"]
        known = await run_in_threadpool(register.get, found_id)
        if known is not None:  # of a prize that nobody can create any more
            await run_in_threadpool(register.set_status, found_id, "failed", ts_ms)
        row = {
            "id": found_id,
            "owner": purse,
            "asset_id": asset.asset_id,
            "token": asset.token,
            "unit": asset.unit,
            "returns": terms.parties.returns,
            "status": "proposed",
            "root": orders.root,
            "attempt": 1 if known is None else known.attempt + 1,
            "nonce_first": terms.nonce_first,
            "valid_until": terms.valid_until,
            "return_until": terms.return_until,
            "deadline_ts_s": deadline_ts_s,
            "skip_fee_minor": terms.skip_fee_minor,
            "line_count": values["entry_count"],
            "total_minor": values["total_minor"],
            "fees_minor": values["fees_minor"],
            "creator_key": values["creator_key"],
            "created_ts_ms": ts_ms,
            "updated_ts_ms": ts_ms,
        }
        rows = await run_in_threadpool(line_rows, found_id, pairs)
        await run_in_threadpool(register.add, row, rows)
        return {"root": orders.root, "payout_id": found_id}

    # Preparing

    async def prepare(self, row: Any) -> list[Any]:
        """Return the transactions that pay a prize in and create it; none if it is there, or if it
        is too late. Raises what `_check_sponsor` raises.
        """
        state = await self._states.of_prize(row)
        if state.status != "prepared":
            return []
        sponsor, total_minor = Address(row.sponsor), row.total_minor + row.fees_minor
        payout = PrizePayout[row.payout.upper()]
        evidence = b""
        if payout == PrizePayout.ORDERS:
            evidence = await self._purse_evidence(row, sponsor)
        words = (row.asset_id, payout, row.root, total_minor, row.deadline_ts_s)
        values = (*words, row.terms_hash, row.salt, evidence)
        data = l1_calls.call_data("createPrize", _CREATE, values)
        asset = self._services.node.assets()[row.asset_id]
        amount = to_base(total_minor, asset.unit)
        chain_id, book = self._services.settings.domain.chain_id, self.needs.book
        allowed = await book.allowance(asset.token, sponsor)
        calls = l1_calls.approve_if_needed(
            chain_id, asset.token, sponsor, book.address, amount, allowed
        )
        return [*calls, self._transaction("create_prize", sponsor, data)]

    async def prepare_rest(self, row: Any) -> Json:
        """Return the transaction by which the sponsor takes back what nobody claimed in time.

        Raises PrizePaidByOrders, PrizeNotOver (nothing is left of one that has ended).
        """
        if row.payout_id is not None:
            raise errors.PrizePaidByOrders(digest_text(row.id))
        state = await self._states.of_prize(row)
        is_over = await self._services.needs.chain.latest_ts_s() > row.deadline_ts_s
        if not is_over or not state.remaining_minor or state.status == "lapsed":
            raise errors.PrizeNotOver(digest_text(row.id), state.status)
        data = l1_calls.call_data("withdrawRest", ("bytes32",), (row.id,))
        call = self._transaction("withdraw_rest", Address(row.sponsor), data)
        return {
            "object": "prepared_call",
            "prize_id": digest_text(row.id),
            "transactions": [call],
        }

    def _transaction(self, purpose: str, sender: Address, data: bytes) -> Any:
        chain_id = self._services.settings.domain.chain_id
        return l1_calls.transaction(purpose, chain_id, sender, self.needs.book.address, data)

    async def _check_sponsor(self, sponsor: Address, asset_id: int) -> Applicant:
        """Return the sponsor's check, which his purse's stands on: it is no way round the gate.

        Raises KycRequired, KycExpired, KycRevoked, KycLevelTooLow.
        """
        applicant = await self._services.kyc.approved(sponsor)
        needed = self._services.settings.level_needed(asset_id)
        if applicant.level < needed:
            raise errors.KycLevelTooLow(needed, applicant.level)
        return applicant

    async def _purse_evidence(self, row: Any, sponsor: Address) -> bytes:
        """Return what lets the purse's deposit in, as long as the sponsor's own would be."""
        applicant = await self._check_sponsor(sponsor, row.asset_id)
        purse = await self.needs.book.purse_of(Digest(row.id))
        issued_ts_s = await self._services.needs.chain.latest_ts_s()
        attestor = self._services.needs.attestor
        words = (purse, applicant.level, applicant.expiry_ts_s or 0, issued_ts_s)
        signature = await run_in_threadpool(attestor.attest, *words)
        return attestor.evidence(*words, signature)


def _entry_rows(of_prize: bytes, lines: Sequence[PayoutLine]) -> list[dict[str, Any]]:
    return [
        {
            "prize_id": of_prize,
            "entry_index": entry.index,
            "person": entry.person,
            "amount_minor": entry.amount_minor,
        }
        for entry in entries_of(lines)
    ]
