"""Builds what payers sign from friendly words: the least fee, ten minutes, the next nonce."""

from backend.access.assets import NamedAsset
from backend.access.schemas import OrderIn
from backend.access.services import Services
from backend.access.texts import memo_of, ts_s_of
from backend.protocol import errors
from backend.protocol.hashing import Digest
from backend.protocol.money import AMOUNT_MINOR_MAX, fee_byte, to_base
from backend.protocol.orders import Order, PaymentOrder, WithdrawalOrder
from backend.protocol.types import ZERO_ADDRESS, Address, Asset, address_text


def amount_minor_of(amount_minor: int) -> int:
    """Return an amount that an operation can carry. Raises AmountZero or AmountTooLarge."""
    if amount_minor == 0:
        raise errors.AmountZero()
    if amount_minor > AMOUNT_MINOR_MAX:
        raise errors.AmountTooLarge(AMOUNT_MINOR_MAX, amount_minor)
    return amount_minor


async def order_of(services: Services, wish: OrderIn) -> Order:
    """Return the order that `wish` describes; nothing is sent. Raises PaymentError."""
    named = await services.assets.find(wish.asset)
    amount_minor = amount_minor_of(wish.amount)
    fee_minor = fee_minor_of(services, named, amount_minor, wish.fee)
    valid_until = valid_until_of(services, wish.valid_until, services.settings.order_life_s)
    nonce = wish.nonce
    if nonce is None:
        nonce = nonce_next(services, Address(wish.payer), named)
    return _order(wish, named, amount_minor, fee_minor, nonce, valid_until)


def nonce_next(services: Services, payer: Address, named: NamedAsset) -> int:
    """Return the payer's next nonce, his pending orders counted. Raises AccountUnknown."""
    account = services.node.account(payer, named.asset_id)
    if account is None:
        raise errors.AccountUnknown(address_text(payer))
    return account.nonce_next


def valid_until_of(services: Services, text: str | None, life_s: int) -> int:
    """Return until when an order is valid, in seconds; `life_s` from now without a text.

    Raises MalformedRequest, and OrderExpired for the past.
    """
    now_ts_s = services.needs.clock_ms() // 1000
    if text is None:
        return now_ts_s + life_s
    valid_until = ts_s_of(text)
    if valid_until < now_ts_s:
        raise errors.OrderExpired(valid_until, now_ts_s)
    return valid_until


def fee_minor_of(
    services: Services, named: NamedAsset, amount_minor: int, asked_minor: int | None
) -> int:
    """Return the fee of an order: the one asked for, or the least.

    Raises FeeNotRepresentable, FeeNotAllowed or FeeTooLow.
    """
    policy = services.settings.fee_policy(named.asset_id, named.asset.takes_fee)
    if asked_minor is None:
        return policy.fee_minor_up(amount_minor)
    needed_minor = policy.needed_minor_up(amount_minor)
    fee_byte(asked_minor)
    if asked_minor and not named.asset.takes_fee:
        raise errors.FeeNotAllowed()
    if asked_minor < needed_minor:
        raise errors.FeeTooLow(needed_minor, asked_minor)
    return asked_minor


def check_parties(payer: bytes, payee: bytes) -> None:
    """Check that a payment can have these parties. Raises PayeeInvalid or SameAccount."""
    if payee == ZERO_ADDRESS:
        raise errors.PayeeInvalid(address_text(payee))
    if payee == payer:
        raise errors.SameAccount()


def payment_order(
    asset: Asset,
    payer: bytes,
    payee: bytes,
    amount_minor: int,
    fee_minor: int,
    nonce: int,
    valid_until: int,
    memo: bytes,
) -> PaymentOrder:
    """Return an order in base units, as it is signed."""
    return PaymentOrder(
        Address(payer),
        Address(payee),
        asset.token,
        to_base(amount_minor, asset.unit),
        to_base(fee_minor, asset.unit),
        nonce,
        valid_until,
        Digest(memo),
    )


def _order(
    wish: OrderIn,
    named: NamedAsset,
    amount_minor: int,
    fee_minor: int,
    nonce: int,
    valid_until: int,
) -> Order:
    asset = named.asset
    payer = Address(wish.payer)
    if wish.kind == "withdrawal":
        if wish.payee is not None or wish.memo is not None:
            raise errors.MalformedRequest("payee", "a withdrawal has neither payee nor memo")
        amount, fee = to_base(amount_minor, asset.unit), to_base(fee_minor, asset.unit)
        return WithdrawalOrder(payer, asset.token, amount, fee, nonce, valid_until)
    if wish.payee is None:
        raise errors.MalformedRequest("payee", "a payment has a payee")
    payee = Address(wish.payee)
    if payee == payer:
        raise errors.SameAccount()
    memo = memo_of(wish.memo)
    return payment_order(asset, payer, payee, amount_minor, fee_minor, nonce, valid_until, memo)
