"""Refusals about the end of a rollup: numbers 250 to 269."""

from backend.protocol.errors.base import PaymentError


class Frozen(PaymentError, number=250):
    message = (
        "The rollup was frozen at {frozen_ts_s}: nothing changes here any more. Take your money out"
        " on the chain: `causeway exit-kit --owner ADDRESS` writes what to send."
    )
    frozen_ts_s: int
