"""Amounts as people write them: decimal text outside, whole minor units inside."""

from collections.abc import Iterator
from contextlib import contextmanager

from backend.console.errors import AmountMalformed, AmountTooLarge, InsufficientFunds
from backend.protocol.errors import (
    AmountNotInteger,
    AmountNotMultipleOfUnit,
    AmountZero,
    error_classes,
)
from backend.protocol.errors import AmountTooLarge as TooLarge
from backend.protocol.money import (
    AMOUNT_MINOR_MAX,
    format_decimal,
    parse_decimal,
    to_base,
    to_minor,
)
from causeway import ApiStatusError, Asset


def amount_minor(asset: Asset, text: str) -> int:
    """Return the minor units of a decimal like `12.34`.

    Raises AmountMalformed, AmountTooLarge or AmountZero.
    """
    amount = _minor(asset, text)
    if not amount:
        raise AmountZero()
    return amount


def amount_text(asset: Asset, minor: int) -> str:
    """Return minor units as a decimal; a statement's may be below zero."""
    digits = format_decimal(to_base(abs(minor), asset.unit), asset.decimals)
    return f"-{digits}" if minor < 0 else digits


def fee_max_minor(asset: Asset, text: str | None) -> int | None:
    """Return the minor units of a limit, which may be 0; None if there is none."""
    return None if text is None else _minor(asset, text)


@contextmanager
def readable(payer: object, asset: Asset) -> Iterator[None]:
    """Show amounts in a refusal as people write them."""
    try:
        yield
    except ApiStatusError as error:
        shown = {
            name: f"{amount_text(asset, int(value))} {asset.code}"
            for name, value in error.values.items()
            if name.endswith("_minor")
        }
        if error.code == InsufficientFunds.code:
            funds = shown["available_minor"], shown["needed_minor"]
            raise InsufficientFunds(str(payer), *funds) from error
        known = next((one for one in error_classes() if one.code == error.code), None)
        if shown and known is not None:
            in_decimals = known.message.replace(" minor units", "")
            error.message = in_decimals.format(**error.values | shown)
        raise


def _minor(asset: Asset, text: str) -> int:
    """Return the minor units of a decimal; 0 is allowed."""
    try:
        return to_minor(parse_decimal(text, asset.decimals), asset.unit)
    except (AmountNotInteger, AmountNotMultipleOfUnit) as error:
        decimals = asset.decimals - len(str(asset.unit)) + 1  # units are powers of ten
        raise AmountMalformed(text, asset.code, decimals) from error
    except TooLarge as error:
        raise AmountTooLarge(text, asset.code, amount_text(asset, AMOUNT_MINOR_MAX)) from error
