"""Groups: payments that people sign one after the other and that are made as one, or not at all.

Law: a signature counts for the legs that its signer saw, since he signs their link; a group goes to
the node once all have signed, and again after a crash, under the same id.
"""

from collections.abc import Sequence
from dataclasses import replace

from starlette.concurrency import run_in_threadpool

from backend.access.building import (
    amount_minor_of,
    check_parties,
    fee_minor_of,
    nonce_next,
    payment_order,
    valid_until_of,
)
from backend.access.collecting.fates import Fate, fate_of
from backend.access.collecting.memos import check_memos
from backend.access.collecting.schemas import GroupIn, LegIn, SignedGroupIn
from backend.access.errors import is_transient
from backend.access.services import Services
from backend.access.texts import memo_of
from backend.protocol.errors import (
    GroupInvalid,
    GroupNotFound,
    GroupOpen,
    GroupOvertaken,
    IdempotencyKeyReused,
    NotAuthorised,
    OrderExpired,
    PaymentError,
)
from backend.protocol.hashing import Digest
from backend.protocol.money import to_base
from backend.protocol.order_records import LEGS_MAX, LEGS_MIN, OrderGroup, SignedOrder
from backend.protocol.orders import PaymentOrder, linked
from backend.protocol.signing import SIGNATURE_BYTES
from backend.protocol.types import Address, address_text, digest_text
from backend.records.registers.groups import Group, Leg

_UNSIGNED = bytes(SIGNATURE_BYTES)
_CODES = {"overtaken": GroupOvertaken.code, "expired": OrderExpired.code}


def order_of_leg(leg: Leg) -> PaymentOrder:
    """Return what the leg's payer signs."""
    return PaymentOrder.decode(leg.order_fields)


def order_at(group: Group, leg: int) -> PaymentOrder:
    """Return what the payer of a leg, counted from 0, signs. Raises GroupInvalid."""
    if leg >= len(group.legs):
        raise GroupInvalid(f"it has no leg {leg}, its {len(group.legs)} legs are counted from 0")
    return order_of_leg(group.legs[leg])


def orders_of(group: Group) -> list[PaymentOrder]:
    """Return the orders of a group's legs."""
    return [order_of_leg(leg) for leg in group.legs]


async def create_group(services: Services, wish: GroupIn, scope: str) -> Group:
    """Build a group for people to sign; a repeat of the scope returns the first.

    Raises GroupInvalid, or what building an order raises.
    """
    known = await run_in_threadpool(services.needs.registers.collecting.groups.of_scope, scope)
    if known is not None:
        await _check_same(services, wish, known)
        return known
    if not LEGS_MIN <= len(wish.legs) <= LEGS_MAX:
        raise GroupInvalid(f"it has {len(wish.legs)} legs, {LEGS_MIN} to {LEGS_MAX} are needed")
    life_s = services.settings.group_life_s
    valid_until = valid_until_of(services, wish.valid_until, life_s)
    nonces: dict[tuple[bytes, int], int] = {}
    orders = [await _order(services, leg, valid_until, nonces) for leg in wish.legs]
    return await _keep(services, linked(orders), scope)


async def _check_same(services: Services, wish: GroupIn, known: Group) -> None:
    """Check that a repeat asks for the same legs. Raises IdempotencyKeyReused."""
    wished = []
    for leg in wish.legs:
        asset = (await services.assets.find(leg.asset)).asset
        wished.append((leg.payer, leg.payee, asset.token, to_base(leg.amount, asset.unit)))
    if wished != [(one.payer, one.payee, one.asset, one.amount) for one in orders_of(known)]:
        raise IdempotencyKeyReused("legs")


async def _order(
    services: Services, wish: LegIn, valid_until: int, nonces: dict[tuple[bytes, int], int]
) -> PaymentOrder:
    """Build a leg; `nonces` are those that the legs before it leave to each payer and asset."""
    named = await services.assets.find(wish.asset)
    payer, payee = Address(wish.payer), Address(wish.payee)
    check_parties(payer, payee)
    amount_minor = amount_minor_of(wish.amount)
    fee_minor = fee_minor_of(services, named, amount_minor, wish.fee)
    account = (payer, named.asset_id)
    nonce = nonces[account] if account in nonces else nonce_next(services, payer, named)
    nonces[account] = nonce + 1
    memo = memo_of(wish.memo)
    return payment_order(
        named.asset, payer, payee, amount_minor, fee_minor, nonce, valid_until, memo
    )


async def _keep(services: Services, orders: Sequence[PaymentOrder], scope: str) -> Group:
    """Keep a group that nobody has signed. Raises GroupInvalid or RefundMismatch."""
    record = OrderGroup(tuple(SignedOrder(order, _UNSIGNED) for order in orders))
    record.check()
    await check_memos(services, record)
    domain = services.settings.domain
    legs = [Leg(order.digest(domain), order.payer, order.encode()) for order in orders]
    valid_until = min(order.valid_until for order in orders)
    ts_ms = services.needs.clock_ms()
    group = Group(record.link, scope, valid_until, "signing", None, ts_ms, tuple(legs))
    return await run_in_threadpool(services.needs.registers.collecting.groups.add, group)


async def rebuild_group(services: Services, group_id: Digest, scope: str) -> Group:
    """Build a group anew, with the payers' next nonces, that can't be executed any more.

    A repeat of the scope returns the first. Raises GroupNotFound, GroupOpen, or what building a
    group raises.
    """
    known = await run_in_threadpool(services.needs.registers.collecting.groups.of_scope, scope)
    if known is not None:
        return known
    old = await find_group(services, group_id)
    fate = await group_fate(services, old)
    if not fate.is_over:
        raise GroupOpen("signing" if fate.kind == "open" else fate.kind)
    legs = []
    await services.assets.refresh()
    for order in orders_of(old):
        named = await services.assets.find(address_text(order.asset))
        unit = named.asset.unit
        legs.append(
            {
                "payer": address_text(order.payer),
                "payee": address_text(order.payee),
                "asset": address_text(order.asset),
                "amount": str(order.amount // unit),
                "fee": str(order.fee // unit),
                "memo": digest_text(order.memo),
            }
        )
    return await create_group(services, GroupIn.model_validate({"legs": legs}), scope)


async def submit_group(services: Services, wish: SignedGroupIn) -> Group:
    """Have a group accepted that all have signed; its link is its idempotency key.

    It is kept once the node has taken it; until then the ledger alone tells of it. Raises
    GroupInvalid, RefundMismatch, or what the node refuses with.
    """
    legs = [SignedOrder(leg.order.order(), leg.signature) for leg in wish.legs]
    record = OrderGroup(tuple(legs))
    record.check()
    await _submit(services, record)
    register = services.needs.registers.collecting.groups
    group = await run_in_threadpool(register.add, _group_of(services, record, legs))
    for index, leg in enumerate(legs):
        group = await _keep_signature(services, group, index, leg.signature)
    await run_in_threadpool(register.mark, group.id, "accepted")
    return replace(group, state="accepted")


def _group_of(services: Services, record: OrderGroup, legs: Sequence[SignedOrder]) -> Group:
    """Return a group that the node took, as it is kept."""
    domain = services.settings.domain
    kept = tuple(
        Leg(leg.digest(domain), leg.order.payer, leg.order.encode(), leg.signature) for leg in legs
    )
    valid_until = min(leg.order.valid_until for leg in legs)
    scope, ts_ms = f"signed/{record.link.hex()}", services.needs.clock_ms()
    return Group(record.link, scope, valid_until, "accepted", None, ts_ms, kept)


async def sign_leg(services: Services, group_id: Digest, leg: int, signature: bytes) -> Group:
    """Keep the signature of a leg, and have the group accepted with the last one.

    A repeat changes nothing. Raises GroupNotFound, GroupInvalid (no such leg), SignatureInvalid,
    SignatureHighS, NotAuthorised, GroupOvertaken, OrderExpired, or what the node refuses with;
    then all signatures stay, and the next one that comes, a repeat too, tries again.
    """
    group = await find_group(services, group_id)
    check_signature(services, order_at(group, leg), signature)
    fate = await group_fate(services, group)
    if fate.kind in ("accepted", "executed", "rejected"):
        return group
    check_open(services, group, fate)
    signed = await _keep_signature(services, group, leg, signature)
    return await _send(services, signed) if signed.state == "complete" else signed


async def _keep_signature(services: Services, group: Group, leg: int, signature: bytes) -> Group:
    register = services.needs.registers.collecting.groups
    signed = await run_in_threadpool(register.sign, group.id, leg, signature)
    return group if signed is None else signed


def check_signature(services: Services, order: PaymentOrder, signature: bytes) -> None:
    """Check that the payer signed. Raises SignatureInvalid, SignatureHighS or NotAuthorised."""
    if SignedOrder(order, signature).signer(services.settings.domain) != order.payer:
        raise NotAuthorised(address_text(order.payer))


def check_open(services: Services, group: Group, fate: Fate) -> None:
    """Check that a group can be executed still. Raises GroupOvertaken or OrderExpired."""
    if fate.kind == "overtaken":
        nonce = order_of_leg(group.legs[fate.leg]).nonce
        raise GroupOvertaken(fate.leg, fate.nonce_next, nonce)
    now_ts_s = services.needs.clock_ms() // 1000
    if group.valid_until < now_ts_s:
        raise OrderExpired(group.valid_until, now_ts_s)


async def _send(services: Services, group: Group) -> Group:
    """Have a complete group accepted. A repeat changes nothing. Raises PaymentError.

    What is refused for good reasons is sent again only when somebody asks for it.
    """
    register = services.needs.registers.collecting.groups
    legs = [SignedOrder(order_of_leg(leg), leg.signature or _UNSIGNED) for leg in group.legs]
    try:
        await _submit(services, OrderGroup(tuple(legs)))
    except PaymentError as error:
        if not is_transient(error):
            await run_in_threadpool(register.reopen, group.id)
        raise
    await run_in_threadpool(register.mark, group.id, "accepted")
    return replace(group, state="accepted")


async def _submit(services: Services, record: OrderGroup) -> None:
    await check_memos(services, record)
    await services.node.submit(record)
    ts_ms = services.needs.clock_ms()
    for leg in record.legs:
        services.accepted.add(leg.digest(services.settings.domain), leg, ts_ms)


async def send_complete(services: Services, group: Group) -> None:
    """Send a group that was complete when the process ended, or give it up for good."""
    fate = await group_fate(services, group)
    if fate.is_over:
        return
    check_open(services, group, fate)
    await _send(services, group)


async def group_fate(services: Services, group: Group) -> Fate:
    """Return what became of a group, and note what is for good."""
    fate = await fate_of(services, Digest(group.id), orders_of(group))
    register = services.needs.registers.collecting.groups
    if fate.is_over and group.state != "dead":
        code = fate.code or _CODES[fate.kind]
        await run_in_threadpool(register.mark, group.id, "dead", code)
    return fate


async def find_group(services: Services, group_id: Digest) -> Group:
    """Return a group that was built here, or that a block holds. Raises GroupNotFound."""
    register = services.needs.registers.collecting.groups
    found = await run_in_threadpool(register.get, group_id)
    if found is not None:
        return found
    legs = await run_in_threadpool(services.reader.legs, group_id)
    if not legs:
        raise GroupNotFound(digest_text(group_id))
    listings = services.node.assets()
    kept = []
    for placed in legs:
        row = placed.order
        order = payment_order(
            listings[row.asset_id],
            row.payer,
            row.payee,
            row.amount_minor,
            row.fee_minor,
            row.nonce,
            row.valid_until,
            row.memo,
        )
        order = replace(order, link=row.link)
        kept.append(Leg(row.id, row.payer, order.encode(), row.signature))
    valid_until = min(placed.order.valid_until for placed in legs)
    ts_ms = legs[0].block.ts_ms
    return Group(group_id, "", valid_until, "accepted", None, ts_ms, tuple(kept))
