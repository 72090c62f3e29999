"""Instant exits: the owner of a withdrawal signs, a provider pays him at once and claims it later.

Law: nobody is given a transaction to pay for whose signature isn't the owner's over this very
withdrawal. That its batch will stand is the provider's risk, and his to check.
"""

from typing import Final

from backend.access import l1_calls
from backend.access.leaving.schemas import AdvanceIn, SignedAdvanceIn
from backend.access.services import Services
from backend.access.views import Json
from backend.protocol.advances import Advance
from backend.protocol.errors import AdvanceRefused, SignatureInvalid
from backend.protocol.money import to_base
from backend.protocol.signing import recover
from backend.protocol.types import Address, address_text, digest_text
from backend.records.reader import Placed

ADVANCE_LIFE_S: Final = 3600


async def prepare_advance(services: Services, placed: Placed, wish: AdvanceIn) -> Json:
    """Return what the owner signs or, with his signature, what the provider sends, in order.

    Raises AdvanceRefused, SignatureInvalid, SignatureHighS, ChainUnavailable.
    """
    _require_open(placed, wish.fee)
    ts_s = await services.needs.chain.latest_ts_s()
    signed = wish.signed
    valid_until = ts_s + ADVANCE_LIFE_S if signed is None else signed.valid_until
    order = _advance(services, placed, wish.fee, valid_until)
    domain = services.settings.domain
    transactions: list[Json] = []
    if signed is not None:
        if recover(order.digest(domain), signed.signature) != order.owner:
            raise SignatureInvalid("it is not the owner's over this advance")
        if signed.valid_until < ts_s:
            raise SignatureInvalid(f"it was valid until {signed.valid_until}, now it is {ts_s}")
        transactions = await _transactions(services, order, signed)
    return {
        "object": "advance",
        "withdrawal_id": digest_text(placed.order.id),
        "fee": str(wish.fee),
        "paid": str(placed.order.amount_minor - wish.fee),
        "typed_data": order.typed_data(domain),
        "transactions": transactions,
    }


def _require_open(placed: Placed, fee_minor: int) -> None:
    if placed.claim is not None:
        raise AdvanceRefused("it was claimed already")
    if placed.advance is not None:
        raise AdvanceRefused(f"{address_text(placed.advance.provider)} has done it")
    if placed.batch is not None and placed.batch.status == "settled":
        raise AdvanceRefused("it is settled: claim it")
    if fee_minor > placed.order.amount_minor:
        raise AdvanceRefused("the fee is more than the amount")


def _advance(services: Services, placed: Placed, fee_minor: int, valid_until: int) -> Advance:
    row = placed.order
    asset = services.node.assets()[row.asset_id]
    amount, fee = to_base(row.amount_minor, asset.unit), to_base(fee_minor, asset.unit)
    return Advance(row.payer, row.nonce, asset.token, amount, fee, valid_until)


async def _transactions(services: Services, order: Advance, signed: SignedAdvanceIn) -> list[Json]:
    chain_id, exits = services.settings.domain.chain_id, services.settings.exits
    provider, paid = Address(signed.provider), order.amount - order.fee
    allowed = await services.needs.chain.allowance(order.asset, provider, exits)
    approve = l1_calls.approve_if_needed(chain_id, order.asset, provider, exits, paid, allowed)
    data = l1_calls.advance(order, signed.signature)
    return [*approve, l1_calls.transaction("advance", chain_id, provider, exits, data)]
