"""Hands signed orders to the node and tells how they stand."""

from starlette.concurrency import run_in_threadpool

from backend.access.accepted import AcceptedOrder
from backend.access.collecting.memos import check_memos
from backend.access.schemas import DomainIn
from backend.access.services import Services
from backend.access.settings import WAIT_FINAL_MS_MAX, ApiSettings
from backend.access.views import Json, OrderViews, rejection_code
from backend.protocol.errors import PaymentNotFound, WithdrawalNotFound, WrongDomain
from backend.protocol.hashing import Digest
from backend.protocol.order_records import SignedOrder
from backend.protocol.orders import WithdrawalOrder
from backend.protocol.types import address_text, digest_text


def check_domain(domain: DomainIn | None, settings: ApiSettings) -> None:
    """Check what the client says he signed for; that the signature agrees is the node's matter.

    Raises WrongDomain.
    """
    if domain is None:
        return
    ours = settings.domain
    expected = _domain_text(ours.name, "1", ours.chain_id, ours.contract)
    actual = _domain_text(
        domain.name[:40], domain.version[:8], domain.chain_id, domain.verifying_contract
    )
    if actual != expected:
        raise WrongDomain(expected, actual)


def _domain_text(name: str, version: str, chain_id: int, contract: bytes) -> str:
    return f"{name} {version}, chain {chain_id}, contract {address_text(contract)}"


def waits_for_final(prefer: str | None) -> bool:
    """Return whether a `Prefer` header asks to wait (RFC 7240; other wishes are passed over)."""
    wishes = (wish.strip().replace('"', "") for wish in (prefer or "").split(","))
    return "wait=final" in wishes


async def submit(
    services: Services, signed: SignedOrder, domain: DomainIn | None, prefer: str | None
) -> tuple[int, Json]:
    """Have an order accepted; return the HTTP status and the order as it stands.

    A repeat changes nothing and shows how far the order has come. Raises PaymentError.
    """
    check_domain(domain, services.settings)
    await check_memos(services, signed)
    accepted = await services.node.submit(signed)
    order_id = accepted.payment_id
    kept = services.accepted.add(order_id, signed, services.needs.clock_ms())
    await services.assets.refresh()
    timeout_ms = WAIT_FINAL_MS_MAX if waits_for_final(prefer) else 0
    shown = await _outcome(services, order_id, kept, timeout_ms)
    if shown is None:
        shown = OrderViews(services.settings, services.assets).waiting(order_id, kept)
    return (202 if shown["status"] == "accepted" else 200), shown


async def _outcome(
    services: Services, order_id: Digest, kept: AcceptedOrder | None, timeout_ms: int
) -> Json | None:
    outcome = await services.node.wait_final(order_id, timeout_ms)
    if outcome is None:
        return None
    views = OrderViews(services.settings, services.assets)
    if not outcome.is_final:
        return views.rejected(order_id, kept, outcome.code or "", outcome.block_number)
    if kept is None or outcome.block_number is None:
        return None
    return views.just_final(order_id, kept, outcome.block_number)


async def find(services: Services, order_id: Digest, *, is_withdrawal: bool) -> Json:
    """Return an order wherever it is on its way.

    Raises PaymentNotFound or WithdrawalNotFound. A rejected order is known by its id alone once
    this process has forgotten it, so either resource shows it.
    """
    await services.assets.refresh()
    views = OrderViews(services.settings, services.assets)
    reader = services.reader
    ask = reader.withdrawal if is_withdrawal else reader.payment
    placed = await run_in_threadpool(ask, order_id)
    if placed is not None:
        return views.placed(placed)
    kept = _kept(services, order_id)
    if kept is not None and isinstance(kept.authorised.order, WithdrawalOrder) != is_withdrawal:
        raise not_found(order_id, is_withdrawal=is_withdrawal)
    shown = await _outcome(services, order_id, kept, 0)
    if shown is not None:
        return shown
    rejection = await run_in_threadpool(reader.rejection, order_id)
    if rejection is not None:
        code = rejection_code(rejection.code)
        return views.rejected(order_id, kept, code, rejection.block_number)
    if kept is not None:
        return views.waiting(order_id, kept)
    raise not_found(order_id, is_withdrawal=is_withdrawal)


def _kept(services: Services, order_id: Digest) -> AcceptedOrder | None:
    """Return an accepted order; after a restart the node still knows those that wait."""
    kept = services.accepted.get(order_id)
    pending = services.node.order(order_id) if kept is None else None
    if pending is None:
        return kept
    return services.accepted.add(order_id, pending.authorised, pending.accepted_ts_ms)


def not_found(order_id: Digest, *, is_withdrawal: bool) -> PaymentNotFound | WithdrawalNotFound:
    """Return the error of an id that nobody knows."""
    kind = WithdrawalNotFound if is_withdrawal else PaymentNotFound
    return kind(digest_text(order_id))
