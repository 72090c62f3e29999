"""Refusals of requests, amounts, orders and signatures, and of what is not there."""

from backend.protocol.errors.base import PaymentError

# Requests


class MalformedRequest(PaymentError, number=1):
    message = "The field {field} is malformed: {reason}. Correct it and send again."
    field: str
    reason: str


class ApiKeyInvalid(PaymentError, number=2):
    message = (
        "The API key is missing, unknown or revoked. Send a valid one: `Authorization: Bearer KEY`."
    )


class PermissionDenied(PaymentError, number=3):
    message = "The API key lacks the scope {needed}. Use a key that has it."
    needed: str


class RateLimited(PaymentError, number=4):
    message = "Too many requests. Send again in {retry_after_ms} ms."
    retry_after_ms: int


class RequestInProgress(PaymentError, number=5):
    message = "A request of this idempotency key is still in progress. Send it again shortly."


class IdempotencyKeyReused(PaymentError, number=6):
    message = (
        "This idempotency key was used with another {field}. Take a new key for a new request."
    )
    field: str


class BodyTooLarge(PaymentError, number=7):
    message = "The body has {size_bytes} bytes, at most {size_bytes_max} are taken. Split it."
    size_bytes_max: int
    size_bytes: int


# People


class KycRequired(PaymentError, number=20):
    message = "The owner has not been verified. Have the customer verified first."


class KycExpired(PaymentError, number=21):
    message = "The owner's verification expired at {expired_ts_s}. Have it renewed."
    expired_ts_s: int


class KycRevoked(PaymentError, number=22):
    message = "The owner's verification was revoked. Ask the operator."


# What is not there


class AccountNotFound(PaymentError, number=40):
    message = "There is no account {account}. It is opened by its first deposit or payment."
    account: str


class PaymentNotFound(PaymentError, number=41):
    message = "There is no payment {payment_id}. Check the id: it is the digest of the order."
    payment_id: str


class BatchNotFound(PaymentError, number=42):
    message = "There is no batch {batch_number} yet."
    batch_number: int


class BlockNotFound(PaymentError, number=43):
    message = "There is no block {block_number} yet."
    block_number: int


class DepositNotFound(PaymentError, number=44):
    message = "There is no deposit {deposit_index} yet."
    deposit_index: int


class ProofNotAvailable(PaymentError, number=45):
    message = "The proof can't be made: {reason}."
    reason: str


class ApplicantNotFound(PaymentError, number=46):
    message = "There is no applicant {applicant_id}."
    applicant_id: str


class WithdrawalNotFound(PaymentError, number=47):
    message = "There is no withdrawal {withdrawal_id}. Check the id: it is the digest of the order."
    withdrawal_id: str


class ApiKeyNotFound(PaymentError, number=48):
    message = "There is no API key {key_id}."
    key_id: str


# Service


class BackPressure(PaymentError, number=60):
    message = "Too much is waiting. Send the same order again in {retry_after_ms} ms."
    retry_after_ms: int


class NoQuorum(PaymentError, number=61):
    message = "Only {actual} of {needed} validators answer. Nothing is lost; ask again."
    needed: int
    actual: int


class ChainUnavailable(PaymentError, number=62):
    message = "The chain doesn't answer. Nothing is lost; ask again."


class DiskFull(PaymentError, number=63):
    message = "The disk is full: nothing more is accepted until the operator makes room."


class CertificateInvalid(PaymentError, number=64):
    message = "The certificate proves nothing: {reason}."
    reason: str


# Amounts


class AmountNotInteger(PaymentError, number=100):
    message = "{text} is no amount. Send whole units, as decimal digits."
    text: str


class AmountZero(PaymentError, number=101):
    message = "The amount is zero. Send at least one minor unit."


class AmountTooLarge(PaymentError, number=102):
    message = "The amount {actual} is above {maximum}. Split it."
    maximum: int
    actual: int


class AmountNotMultipleOfUnit(PaymentError, number=103):
    message = "The amount {actual} is no multiple of {unit} base units. Round it."
    unit: int
    actual: int


class FeeNotRepresentable(PaymentError, number=104):
    message = (
        "A fee of {fee_minor} minor units can't be encoded. The nearest are {below_minor} and"
        " {above_minor}."
    )
    fee_minor: int
    below_minor: int
    above_minor: int


class FeeTooLow(PaymentError, number=105):
    message = "The fee is {actual_minor} minor units, at least {needed_minor} are asked. Sign anew."
    needed_minor: int
    actual_minor: int


class FeeNotAllowed(PaymentError, number=106):
    message = "This asset takes no fee. Sign an order of fee 0."


class BalanceTooLarge(PaymentError, number=107):
    message = "The payment would take {account} past the largest balance. Send less."
    account: str


# Orders


class AssetUnknown(PaymentError, number=120):
    message = "The asset {asset} is not listed."
    asset: str


class AccountUnknown(PaymentError, number=121):
    message = "{owner} has no account of this asset. Deposit first."
    owner: str


class SameAccount(PaymentError, number=122):
    message = "Payer and payee are the same account."


class NonceTooLow(PaymentError, number=123):
    message = "The nonce {actual} is used; the next one is {expected}. Sign anew."
    expected: int
    actual: int


class NonceGap(PaymentError, number=124):
    message = "The nonce {actual} is ahead of the next one, {expected}. Send that one first."
    expected: int
    actual: int


class InsufficientFunds(PaymentError, number=125):
    message = "{available_minor} minor units are available, {needed_minor} are needed with the fee."
    available_minor: int
    needed_minor: int


class OrderExpired(PaymentError, number=126):
    message = "The order was valid until {valid_until_ts_s}, now it is {ts_s}. Sign anew."
    valid_until_ts_s: int
    ts_s: int


class OrderInGroup(PaymentError, number=127):
    message = "The order is a leg of an atomic group. Send all its legs together."


class GroupInvalid(PaymentError, number=128):
    message = "These orders are no atomic group: {reason}."
    reason: str


class PayeeInvalid(PaymentError, number=129):
    message = "{payee} can't be paid. Check the payee's address."
    payee: str


class NotEligible(PaymentError, number=130):
    message = "{owner} may not hold this asset. Have the owner verified for it first."
    owner: str


# Signatures


class SignatureInvalid(PaymentError, number=140):
    message = (
        "The signature is invalid: {reason}. Sign the order's typed data with the payer's key."
    )
    reason: str


class SignatureHighS(PaymentError, number=141):
    message = "The signature's s is in the upper half. Use the lower one (n - s, other v)."


class WrongDomain(PaymentError, number=142):
    message = "The order is signed for the domain {actual}, ours is {expected}. Sign anew."
    expected: str
    actual: str


class NotAuthorised(PaymentError, number=143):
    message = "{payer} did not sign this order. Sign it with the payer's key."
    payer: str


class RootUnknown(PaymentError, number=144):
    message = (
        "{payer} has not authorised the root {root}, or the chain has not confirmed it yet. Send"
        " the order again when it has."
    )
    payer: str
    root: str
