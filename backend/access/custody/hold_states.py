"""Where a hold stands. Law: the ledger says it, by what is final; no status is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from starlette.concurrency import run_in_threadpool

from backend.access.services import Services
from backend.protocol.types import Address
from backend.records.registers.holds import Hold
from backend.records.registers.kept_orders import KeptOrder

Status = Literal["created", "authorised", "captured", "released", "expired"]


@dataclass(frozen=True, slots=True)
class HoldState:
    """A hold in the ledger; amounts are minor units.

    `is_over` says that its money is to go back, `is_pending` that an order of it waits for its
    block, `done` are its orders that were executed.
    """

    status: Status
    held_minor: int
    captured_minor: int
    returned_minor: int
    nonce: int
    is_over: bool
    is_pending: bool
    done: Sequence[KeptOrder] = ()


async def state_of(services: Services, hold: Hold) -> HoldState:
    """Return where a hold stands. Raises BackPressure while the records lag behind."""
    account = services.node.account(Address(hold.account), hold.asset_id)
    done = [] if account is None or account.nonce == 0 else await _executed(services, hold)
    captured_minor = sum(one.paid_minor for one in done)
    held_minor = 0 if account is None else account.balance_minor
    is_late = services.needs.clock_ms() // 1000 > hold.expires_ts_s
    is_over = bool(done) or hold.released_ts_ms is not None or is_late
    return HoldState(
        status=_status(hold, held_minor, captured_minor, bool(done), is_over),
        held_minor=held_minor,
        captured_minor=captured_minor,
        returned_minor=sum(one.returned_minor for one in done),
        nonce=0 if account is None else account.nonce,
        is_over=is_over,
        is_pending=account is not None and account.nonce_next > account.nonce,
        done=done,
    )


def _status(
    hold: Hold, held_minor: int, captured_minor: int, has_moved: bool, is_over: bool
) -> Status:
    if captured_minor:
        return "captured"
    if has_moved or (is_over and held_minor < hold.total_minor):
        return "expired" if hold.released_ts_ms is None else "released"
    return "authorised" if held_minor >= hold.total_minor else "created"


async def _executed(services: Services, hold: Hold) -> list[KeptOrder]:
    """Return the orders of a hold's account that are final."""
    register = services.needs.registers.custody.kept_orders
    kept = await run_in_threadpool(register.of_owner, hold.id)
    return await services.sender.executed(kept)
