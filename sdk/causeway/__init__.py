"""Client for the Causeway payment platform: sign orders, send payments, follow them."""

from causeway.approvals import Payout, PayoutLine, PayoutReport, Proposal
from causeway.async_client import AsyncClient
from causeway.bonuses import Campaign, Grant, PreparedCalls
from causeway.client import Client
from causeway.collecting_flows import Leg
from causeway.collecting_models import Group, PaymentRequest, Refund
from causeway.customers import Customer, KeyUse
from causeway.errors import (
    ApiConnectionError,
    ApiStatusError,
    BadRequest,
    CausewayError,
    Conflict,
    NotFound,
    OrderMismatch,
    PermissionDenied,
    RateLimited,
    ServerError,
    TooLarge,
    Unauthorised,
    Unprocessable,
)
from causeway.holds import Hold
from causeway.leaving import Exit, PreparedAdvance, PreparedExit
from causeway.models import (
    Account,
    ApiKey,
    Applicant,
    Asset,
    Batch,
    BulkLine,
    Claim,
    Deposit,
    Event,
    FeeQuote,
    Page,
    Payment,
    Posting,
    PreparedDeposit,
    StatementEntry,
    Withdrawal,
)
from causeway.prizes import PreparedPrize, Prize, PrizeEntry
from causeway.schedules import Occurrence, Schedule
from causeway.signing import Domain, Key, PaymentOrder, SignedOrder, WithdrawalOrder, sign

__all__ = [
    "Account",
    "ApiConnectionError",
    "ApiKey",
    "ApiStatusError",
    "Applicant",
    "Asset",
    "AsyncClient",
    "BadRequest",
    "Batch",
    "BulkLine",
    "Campaign",
    "CausewayError",
    "Claim",
    "Client",
    "Conflict",
    "Customer",
    "Deposit",
    "Domain",
    "Event",
    "Exit",
    "FeeQuote",
    "Grant",
    "Group",
    "Hold",
    "Key",
    "KeyUse",
    "Leg",
    "NotFound",
    "Occurrence",
    "OrderMismatch",
    "Page",
    "Payment",
    "PaymentOrder",
    "PaymentRequest",
    "Payout",
    "PayoutLine",
    "PayoutReport",
    "PermissionDenied",
    "Posting",
    "PreparedAdvance",
    "PreparedCalls",
    "PreparedDeposit",
    "PreparedExit",
    "PreparedPrize",
    "Prize",
    "PrizeEntry",
    "Proposal",
    "RateLimited",
    "Refund",
    "Schedule",
    "ServerError",
    "SignedOrder",
    "StatementEntry",
    "TooLarge",
    "Unauthorised",
    "Unprocessable",
    "Withdrawal",
    "WithdrawalOrder",
    "sign",
]
