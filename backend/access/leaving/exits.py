"""Prepares what an owner sends to L1 to leave with all that is his.

Law: nothing is sent here and nobody is asked; L1 alone decides about an exit.
"""

from typing import Any, Final

from starlette.concurrency import run_in_threadpool

from backend.access import l1_calls
from backend.access.assets import NamedAsset
from backend.access.leaving.views import exit_view
from backend.access.ports import AccountProof
from backend.access.services import Services
from backend.access.texts import time_text
from backend.access.views import Json
from backend.protocol.errors import (
    AccountNotFound,
    BatchNotFound,
    ExitOpen,
    ProofNotAvailable,
)
from backend.protocol.types import AccountId, Address, address_text
from backend.records.leaving_reader import ExitView
from backend.records.paging import Page

# The base fee may rise before the request is mined; what is too much goes to who serves the exit.
_BOUNTY_MARGIN: Final = 2


async def prepare_exit(services: Services, owner: Address, named: NamedAsset) -> Json:
    """Return the transaction that asks for an exit.

    Raises AccountNotFound, ExitOpen, ProofNotAvailable (the account has no balance under a posted
    batch), ChainUnavailable.
    """
    account = services.node.account(owner, named.asset_id)
    if account is None:
        raise AccountNotFound(f"of {address_text(owner)} in {named.code}")
    await _require_none_open(services, owner, account.account_id)
    row, proof = await _shown(services, AccountId(account.account_id))
    bounty_wei = await services.needs.chain.exit_bounty_wei() * _BOUNTY_MARGIN
    settings = services.settings
    data = l1_calls.request_exit(row, proof)
    chain_id = settings.domain.chain_id
    return {
        "object": "prepared_exit",
        "owner": address_text(owner),
        "asset": named.code,
        "account_id": str(account.account_id),
        "batch": str(row.number),
        "bounty_wei": str(bounty_wei),
        "transaction": l1_calls.transaction(
            "exit", chain_id, owner, settings.exits, data, bounty_wei
        ),
    }


async def _require_none_open(services: Services, owner: Address, account_id: int) -> None:
    """Raise ExitOpen unless the last exit, if any, is shown under a settled batch."""
    reader = services.reader
    found, _ = await run_in_threadpool(reader.exits, owner, account_id, Page(1))
    for last in found:
        batch = None
        if last.is_served:
            batch = await run_in_threadpool(reader.batch, last.row.served_batch_number)
        if batch is None or batch.status != "settled":
            raise ExitOpen(last.row.exit_index)


async def _shown(services: Services, account_id: AccountId) -> tuple[Any, AccountProof]:
    """Return a batch under which the account has a balance: a settled one stands for ever."""
    for status in ("settled", "posted"):
        newest = await run_in_threadpool(services.reader.batches, status, Page(1))
        for row in newest.rows:
            try:
                proof = await run_in_threadpool(
                    services.needs.proofs.account_proof, row.number, account_id
                )
            except (BatchNotFound, ProofNotAvailable):
                continue
            if proof.leaf.balance_minor:
                return row, proof
    raise ProofNotAvailable("the account has no balance under a batch on the chain")


async def exit_with_deadline(services: Services, view: ExitView, code: str | None) -> Json:
    """Show an exit and, while it waits, from when on anybody may freeze the rollup for it.

    Raises ChainUnavailable.
    """
    row, freeze_ts_ms = view.row, None
    since_ts_s = None
    if not view.is_served:
        since_ts_s = await services.needs.chain.exit_waiting_since_ts_s(row.account_id, row.owner)
    if since_ts_s is not None:
        freeze_ts_ms = since_ts_s * 1000 + services.settings.exit_deadline_ms
    return exit_view(view, code) | {"may_freeze_at": time_text(freeze_ts_ms)}
