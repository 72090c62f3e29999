"""Objects as the API shows them. Amounts are minor units in strings, times RFC 3339 in UTC."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.access.accepted import AcceptedOrder
from backend.access.assets import AssetCatalog, NamedAsset
from backend.access.ports import AccountView
from backend.access.settings import ApiSettings, FeePolicy
from backend.access.texts import time_text
from backend.protocol.batches import BatchHeader
from backend.protocol.errors import error_class
from backend.protocol.hashing import ZERO_DIGEST, Digest
from backend.protocol.order_records import AuthorisedOrder
from backend.protocol.orders import WithdrawalOrder
from backend.protocol.types import ZERO_ADDRESS, address_text, digest_text
from backend.records.event_stream import Event
from backend.records.paging import Part
from backend.records.reader import DepositView, Placed, PlacedPart

Json = dict[str, Any]


def list_of(items: Iterable[Json], has_more: bool, cursor_of: Callable[[Json], str]) -> Json:
    """Return a page; `cursor_of` names its last object for the next request's `after`."""
    data = list(items)
    next_cursor = cursor_of(data[-1]) if data and has_more else None
    return {"object": "list", "data": data, "has_more": has_more, "next_cursor": next_cursor}


def page_view(part: Part, shown: Iterable[Json], cursor: str = "number") -> Json:
    """Return a page whose cursors are a column of its rows, which the objects don't show."""
    last = str(getattr(part.rows[-1], cursor)) if part.rows else ""
    return list_of(shown, part.has_more, lambda _: last)


def asset_view(named: NamedAsset, policy: FeePolicy, level_needed: int) -> Json:
    asset = named.asset
    return {
        "object": "asset",
        "asset_id": asset.asset_id,
        "code": named.code,
        "token": address_text(asset.token),
        "decimals": named.decimals,
        "minor_decimals": named.minor_decimals,
        "unit": str(asset.unit),
        "base_per_minor": str(asset.unit),
        "takes_fee": asset.takes_fee,
        "fee_owner": address_text(asset.fee_owner) if asset.fee_owner != ZERO_ADDRESS else None,
        "fee_minimum": str(policy.minimum_minor),
        "fee_bps": policy.bps,
        "level_needed": level_needed,
    }


def account_view(owner: bytes, code: str, account: AccountView) -> Json:
    return {
        "object": "account",
        "account_id": str(account.account_id),
        "owner": address_text(owner),
        "asset": code,
        "balance": str(account.balance_minor),
        "available": str(account.available_minor),
        "nonce": str(account.nonce),
        "nonce_next": str(account.nonce_next),
    }


def entry_view(row: Any, code: str) -> Json:
    is_deposit = row.kind == "deposit"
    subject = str(int.from_bytes(row.subject)) if is_deposit else digest_text(row.subject)
    return {
        "object": "statement_entry",
        "id": str(row.sequence),
        "kind": row.kind,
        "amount": str(row.amount_minor),
        "balance_after": str(row.balance_after_minor),
        "asset": code,
        "subject": subject,
        "counterparty": None if row.counterparty is None else address_text(row.counterparty),
        "block": str(row.block_number),
        "created_at": time_text(row.ts_ms),
    }


@dataclass(frozen=True, slots=True)
class OrderViews:
    """Shows payments and withdrawals, wherever they are on their way."""

    settings: ApiSettings
    assets: AssetCatalog

    def page(self, part: PlacedPart) -> Json:
        """Show a page of executed orders."""
        shown = [self.placed(placed) for placed in part.rows]
        last = str(part.rows[-1].order.sequence) if part.rows else ""
        return list_of(shown, part.has_more, lambda _: last)

    def waiting(self, order_id: Digest, accepted: AcceptedOrder) -> Json:
        """Show an order that is accepted and not yet final."""
        final_ts_ms = accepted.accepted_ts_ms + self.settings.block_interval_ms
        return self._order(order_id, accepted.authorised) | {
            "status": "accepted",
            "code": None,
            "accepted_at": time_text(accepted.accepted_ts_ms),
            "final_at": None,
            "block": None,
            "batch": None,
            "next": {"status": "final", "earliest_at": time_text(final_ts_ms)},
        }

    def just_final(self, order_id: Digest, accepted: AcceptedOrder, block_number: int) -> Json:
        """Show an order that became final this instant; its place is read a little later."""
        shown = self.waiting(order_id, accepted)
        posted_ts_ms = accepted.accepted_ts_ms + self.settings.batch_interval_ms
        return shown | {
            "status": "final",
            "block": {"number": str(block_number), "slot": None, "hash": None},
            "next": {"status": "posted", "earliest_at": time_text(posted_ts_ms)},
        }

    def rejected(
        self,
        order_id: Digest,
        accepted: AcceptedOrder | None,
        code: str,
        block_number: int | None,
    ) -> Json:
        """Show an order that was accepted and then rejected: final for this id."""
        unknown = dict.fromkeys(("payer", "asset", "amount", "fee", "nonce", "order"))
        order = (
            {"object": "payment", "id": digest_text(order_id), **unknown}
            if accepted is None
            else self._order(order_id, accepted.authorised)
        )
        number = None if block_number is None else str(block_number)
        return order | {
            "status": "rejected",
            "code": code,
            "accepted_at": None if accepted is None else time_text(accepted.accepted_ts_ms),
            "final_at": None,
            "block": {"number": number, "slot": None, "hash": None},
            "batch": None,
            "next": None,
        }

    def placed(self, placed: Placed) -> Json:
        """Show an executed order."""
        row, block, batch = placed.order, placed.block, placed.batch
        is_withdrawal = "claim_key" in row._mapping
        shown: Json = {
            "object": "withdrawal" if is_withdrawal else "payment",
            "id": digest_text(row.id),
            "status": "final" if batch is None else batch.status,
            "code": None,
            "payer": address_text(row.payer),
        }
        if not is_withdrawal:
            shown["payee"] = address_text(row.payee)
        shown |= {
            "asset": self.assets.code_of(row.asset_id),
            "amount": str(row.amount_minor),
            "fee": str(row.fee_minor),
            "nonce": str(row.nonce),
            "valid_until": time_text(row.valid_until * 1000),
        }
        if is_withdrawal:
            shown |= {"kind": _withdrawal_kind(row.valid_until)}
        else:
            shown |= {"memo": digest_text(row.memo), "group_id": _group_of(row.link)}
        shown |= {
            "final_at": time_text(block.ts_ms),
            "block": {
                "number": str(block.number),
                "slot": row.slot,
                "hash": digest_text(block.block_hash),
            },
            "batch": None if batch is None else _place_view(placed),
            "next": self._next(placed, is_withdrawal),
        }
        if placed.advance is not None:
            shown["advance"] = {
                "provider": address_text(placed.advance.provider),
                "tx_hash": digest_text(placed.advance.tx_hash),
            }
        if placed.claim is not None:
            shown["status"] = "claimed"
            shown["claim"] = {"tx_hash": digest_text(placed.claim.tx_hash)}
        return shown

    def _next(self, placed: Placed, is_withdrawal: bool) -> Json | None:
        if placed.claim is not None:
            return None
        if placed.batch is None:
            earliest = placed.block.ts_ms + self.settings.batch_interval_ms
            return {"status": "posted", "earliest_at": time_text(earliest)}
        settled_ts_ms = placed.batch.accepted_ts_s * 1000 + self.settings.challenge_window_ms
        if placed.batch.status == "posted":
            return {"status": "settled", "earliest_at": time_text(settled_ts_ms)}
        if is_withdrawal:
            return {"status": "claimed", "earliest_at": time_text(settled_ts_ms)}
        return None

    def _order(self, order_id: Digest, authorised: AuthorisedOrder) -> Json:
        order = authorised.order
        named = self.assets.of_token(order.asset)
        unit = 1 if named is None else named.asset.unit
        is_withdrawal = isinstance(order, WithdrawalOrder)
        shown: Json = {
            "object": "withdrawal" if is_withdrawal else "payment",
            "id": digest_text(order_id),
            "payer": address_text(order.payer),
            "asset": address_text(order.asset) if named is None else named.code,
            "amount": str(order.amount // unit),
            "fee": str(order.fee // unit),
            "nonce": str(order.nonce),
            "valid_until": time_text(order.valid_until * 1000),
        }
        if isinstance(order, WithdrawalOrder):
            shown["kind"] = _withdrawal_kind(order.valid_until)
        else:
            shown["payee"] = address_text(order.payee)
            shown |= {"memo": digest_text(order.memo), "group_id": _group_of(order.link)}
        return shown


def _group_of(link: bytes) -> str | None:
    """Return the id of the group that a payment is a leg of."""
    return None if link == ZERO_DIGEST else digest_text(link)


def _withdrawal_kind(valid_until: int) -> str:
    """Return whether an order or an exit took the money out: a sweep's order was never alive."""
    return "order" if valid_until else "exit"


def _place_view(placed: Placed) -> Json:
    batch = placed.batch
    assert batch is not None
    return {
        "number": str(batch.number),
        "status": batch.status,
        "chunk": placed.chunk,
        "slot": placed.slot,
        "posted_at": time_text(batch.accepted_ts_s * 1000),
        "tx_hash": digest_text(batch.tx_hash),
    }


def rejection_code(number: int) -> str:
    """Return the code that a block's rejection stands for."""
    return error_class(number).code


def deposit_view(view: DepositView, code: str, settings: ApiSettings) -> Json:
    row = view.seen if view.seen is not None else view.credit
    assert row is not None
    status, following = "seen", "confirmed"
    refund_tx_hash = None if view.seen is None else view.seen.refunded_tx_hash
    if refund_tx_hash is not None:
        status, following = "refunded", ""
    elif view.credit is not None:
        status, following = "credited", ""
    elif view.seen is not None and view.seen.confirmed_l1_block_number is not None:
        status, following = "confirmed", "credited"
    earliest = time_text(row.l1_ts_s * 1000 + settings.block_interval_ms)
    return {
        "object": "deposit",
        "id": str(view.deposit_index),
        "status": status,
        "owner": address_text(row.owner),
        "asset": code,
        "amount": str(row.amount_minor),
        "tx_hash": None if view.seen is None else digest_text(view.seen.tx_hash),
        "l1_block": None if view.seen is None else str(view.seen.l1_block_number),
        "seen_at": time_text(row.l1_ts_s * 1000),
        "credited_at": time_text(view.credit_ts_ms),
        "block": None if view.credit is None else str(view.credit.block_number),
        "refund": None if refund_tx_hash is None else {"tx_hash": digest_text(refund_tx_hash)},
        "next": {"status": following, "earliest_at": earliest} if following else None,
    }


def block_view(row: Any) -> Json:
    return {
        "object": "block",
        "number": str(row.number),
        "hash": digest_text(row.block_hash),
        "parent_hash": digest_text(row.parent_hash),
        "epoch": row.epoch,
        "round": row.round,
        "created_at": time_text(row.ts_ms),
        "operation_count": row.operation_count,
        "order_count": row.order_count,
        "deposit_count": row.deposit_count,
        "rejection_count": row.rejection_count,
        "l1_block": str(row.l1_block_number),
    }


def batch_view(row: Any, settings: ApiSettings) -> Json:
    settles_ts_ms = row.accepted_ts_s * 1000 + settings.challenge_window_ms
    is_posted = row.status == "posted"
    return {
        "object": "batch",
        "number": str(row.number),
        "status": row.status,
        "hash": digest_text(row.header_hash),
        "header": header_view(header_of(row)),
        "accepted_at": time_text(row.accepted_ts_s * 1000),
        "accepted_ts_s": str(row.accepted_ts_s),
        "signers": digest_text(row.signers),
        "tx_hash": digest_text(row.tx_hash),
        "l1_block": str(row.l1_block_number),
        "next": {"status": "settled", "earliest_at": time_text(settles_ts_ms)}
        if is_posted
        else None,
    }


def built_batch_view(header: BatchHeader, settings: ApiSettings) -> Json:
    """Show a batch that the committee has signed and the chain doesn't have yet."""
    later = ("accepted_at", "accepted_ts_s", "signers", "tx_hash", "l1_block")
    return {
        "object": "batch",
        "number": str(header.number),
        "status": "built",
        "hash": digest_text(header.digest(settings.domain)),
        "header": header_view(header),
        **dict.fromkeys(later),
        "next": {"status": "posted", "earliest_at": None},
        "challenges": [],
    }


def header_view(header: BatchHeader) -> Json:
    """Show a batch's header with the names of its EIP-712 type."""
    return {
        "number": str(header.number),
        "epoch": header.epoch,
        "parentHash": digest_text(header.parent_hash),
        "preRoot": digest_text(header.pre_root),
        "postRoot": digest_text(header.post_root),
        "chunksRoot": digest_text(header.chunks_root),
        "chunkCount": header.chunk_count,
        "dataHash": digest_text(header.data_hash),
        "depositCursor": str(header.deposit_cursor),
        "l1BlockNumber": str(header.l1_block_number),
        "l1BlockHash": digest_text(header.l1_block_hash),
        "lastBlockNumber": str(header.last_block_number),
        "lastBlockHash": digest_text(header.last_block_hash),
        "timestamp": str(header.timestamp),
    }


def header_of(row: Any) -> BatchHeader:
    """Return the header in a batch's row."""
    return BatchHeader(
        row.number,
        row.epoch,
        row.parent_hash,
        row.pre_root,
        row.post_root,
        row.chunks_root,
        row.chunk_count,
        row.data_hash,
        row.deposit_cursor,
        row.pin_number,
        row.pin_hash,
        row.last_block_number,
        row.last_block_hash,
        row.timestamp,
    )


def event_view(event: Event, names: Mapping[str, str] | None = None) -> Json:
    row = event.row
    return {
        "object": "event",
        "id": str(event.position),
        "type": row.type,
        "subject": (names or {}).get(row.subject, row.subject),
        "owner": None if row.owner is None else address_text(row.owner),
        "counterparty": None if row.counterparty is None else address_text(row.counterparty),
        "code": row.code,
        "block": str(row.position) if row.source == "block" else None,
        "l1_block": str(row.position) if row.source == "chain" else None,
        "created_at": time_text(row.ts_ms),
    }


def hashes_view(hashes: Sequence[bytes]) -> list[str]:
    """Show a path of a tree."""
    return [digest_text(one) for one in hashes]
