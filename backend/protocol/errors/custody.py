"""Refusals about custodial customers, holds and schedules: numbers 160 to 179."""

from backend.protocol.errors.base import PaymentError


class CustomerNotFound(PaymentError, number=160):
    message = "There is no customer {customer_id}. Check the id."
    customer_id: str


class HoldNotFound(PaymentError, number=161):
    message = "There is no hold {hold_id}. Check the id."
    hold_id: str


class ScheduleNotFound(PaymentError, number=162):
    message = "There is no schedule {schedule_id}. Check the id."
    schedule_id: str


class HoldNotAuthorised(PaymentError, number=163):
    message = (
        "The hold {hold_id} has {held_minor} of {needed_minor} minor units. Have its payer sign and"
        " send its order first."
    )
    hold_id: str
    held_minor: int
    needed_minor: int


class HoldEnded(PaymentError, number=164):
    message = "The hold {hold_id} is {status}: its money has moved on. Make a new one."
    hold_id: str
    status: str


class HoldExpired(PaymentError, number=165):
    message = (
        "The hold expired at {expires_ts_s}, now it is {ts_s}. Its money goes back; make a new one."
    )
    expires_ts_s: int
    ts_s: int


class CaptureTooLarge(PaymentError, number=166):
    message = "{actual_minor} minor units are above the hold's {held_minor}. Capture less."
    held_minor: int
    actual_minor: int


class ExpiryInvalid(PaymentError, number=167):
    message = (
        "A hold can't expire at {expires_ts_s}. Choose a time after {ts_s}, and by {latest_ts_s}."
    )
    expires_ts_s: int
    ts_s: int
    latest_ts_s: int


class HoldOrderRejected(PaymentError, number=168):
    message = (
        "The ledger rejected the order of the hold {hold_id}: {reason}. Nothing moved. Ask anew,"
        " under another key, once the reason is gone."
    )
    hold_id: str
    reason: str


class FirstTimeInvalid(PaymentError, number=169):
    message = (
        "A schedule made at {ts_s} can't begin at {first_ts_s}. Choose a time that is at most an"
        " hour ago, and by {latest_ts_s}."
    )
    first_ts_s: int
    ts_s: int
    latest_ts_s: int
