"""Refusals about leaving: numbers 250 to 269."""

from backend.protocol.errors.base import PaymentError


class Frozen(PaymentError, number=250):
    message = (
        "The rollup was frozen at {frozen_ts_s}: nothing changes here any more. Take your money out"
        " on the chain: GET /v1/exit-kit/ADDRESS shows what to send, and so does"
        " `causeway exit-kit --owner ADDRESS`, which asks the chain alone."
    )
    frozen_ts_s: int


class ExitNotFound(PaymentError, number=251):
    message = "There is no exit {exit_index} yet."
    exit_index: int


class ExitOpen(PaymentError, number=252):
    message = (
        "Exit {exit_index} of this account is under way. Ask for the next one when the batch under "
        "which it is shown as served is settled."
    )
    exit_index: int


class AdvanceRefused(PaymentError, number=253):
    message = "The withdrawal can't be advanced: {reason}."
    reason: str
