"""Refusals of payment requests, refunds and groups that are being signed."""

from backend.protocol.errors.base import PaymentError


class PaymentRequestNotFound(PaymentError, number=180):
    message = "There is no payment request {request_id}. Check the id."
    request_id: str


class MemoTaken(PaymentError, number=181):
    message = (
        "The payment request {request_id} of this payee and asset has this memo already, so one"
        " payment would pay both. Take another memo, or none."
    )
    request_id: str


class RefundExceeded(PaymentError, number=182):
    message = (
        "{available_minor} minor units of this payment can be refunded, {asked_minor} are asked."
        " What is refunded or prepared already is counted. Refund less."
    )
    available_minor: int
    asked_minor: int


class RefundNotAllowed(PaymentError, number=183):
    message = "This can't be refunded: {reason}."
    reason: str


class PaymentNotFinal(PaymentError, number=184):
    message = "The payment is {status}. Only what is final can be refunded: wait until it is."
    status: str


class RefundMismatch(PaymentError, number=185):
    message = (
        "The memo is that of a refund of {payment_id}, but the order is not the one prepared for"
        " it, or no longer. Sign the prepared order, or prepare another."
    )
    payment_id: str


class GroupNotFound(PaymentError, number=186):
    message = "There is no group {group_id}. Check the id: it is the link of its legs."
    group_id: str


class GroupOvertaken(PaymentError, number=187):
    message = (
        "The payer of leg {leg} has used the nonce {actual} elsewhere; the next one is {expected}."
        " Build the group anew and have all sign again."
    )
    leg: int
    expected: int
    actual: int


class GroupOpen(PaymentError, number=188):
    message = "The group is {status}. Only one that can't be executed any more is built anew."
    status: str
