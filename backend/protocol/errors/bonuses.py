"""Refusals about campaigns, grants and prizes: numbers 230 to 249."""

from backend.protocol.errors.base import PaymentError


class CampaignNotFound(PaymentError, number=230):
    message = "There is no campaign {campaign_id}. Check the id."
    campaign_id: int


class GrantNotFound(PaymentError, number=231):
    message = "There is no grant {grant_id}. Check the id."
    grant_id: int


class TermsInvalid(PaymentError, number=232):
    message = "No campaign can have these terms: {reason}. Correct them."
    reason: str


class CampaignNotRunning(PaymentError, number=233):
    message = "The campaign {campaign_id} is {status}. Deposit plainly, or choose another."
    campaign_id: int
    status: str


class GrantedBefore(PaymentError, number=234):
    message = "{person} has his grant of this campaign: {grant_id}. Deposit plainly."
    person: str
    grant_id: int


class BonusRefused(PaymentError, number=235):
    message = "The campaign grants nothing for this deposit: {reason}. Deposit plainly."
    reason: str


class KycLevelTooLow(PaymentError, number=236):
    message = "KYC level {needed} is needed, {actual} is there. Have the person verified first."
    needed: int
    actual: int


class CampaignShortOfBudget(PaymentError, number=237):
    message = (
        "{available_minor} minor units of the budget are left, {needed_minor} are needed. Deposit"
        " less, or plainly, or wait until the sponsor adds to it."
    )
    available_minor: int
    needed_minor: int


class PrizeNotFound(PaymentError, number=240):
    message = "There is no prize {prize_id}. Check the id."
    prize_id: str


class PrizeDeadlineInvalid(PaymentError, number=241):
    message = "A prize ends after {now_ts_s} and by {maximum_ts_s}, in the chain's time."
    now_ts_s: int
    maximum_ts_s: int


class PrizePaidByOrders(PaymentError, number=242):
    message = (
        "The prize {prize_id} is paid in the ledger, where what nobody gets returns by itself."
    )
    prize_id: str


class PrizeNotOver(PaymentError, number=243):
    message = "The prize {prize_id} is {status}. Its rest can be taken once it is over."
    prize_id: str
    status: str
