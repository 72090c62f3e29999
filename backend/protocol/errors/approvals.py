"""Refusals about proposals, approvals and payouts: numbers 200 to 229."""

from backend.protocol.errors.base import PaymentError

# Proposals


class ProposalNotFound(PaymentError, number=200):
    message = "There is no proposal {proposal_id}. Its id is the digest that its approvers sign."
    proposal_id: str


class ProposalClosed(PaymentError, number=201):
    message = "The proposal is {status}: nothing more can be done with it. Make a new one."
    status: str


class ProposalExpired(PaymentError, number=202):
    message = "The proposal expired at {deadline_ts_s}. Make a new one."
    deadline_ts_s: int


class ProposalNotApproved(PaymentError, number=203):
    message = "The approvals weigh {weight}, {weight_needed} are needed. Have it approved first."
    weight: int
    weight_needed: int


class ProposalRefused(PaymentError, number=204):
    message = "The treasury refuses the proposal as things stand: {reason}."
    reason: str


class ProposalTimelocked(PaymentError, number=205):
    message = "The proposal is approved and can be executed from {ready_ts_s} on."
    ready_ts_s: int


class SignerUnknown(PaymentError, number=206):
    message = "{signer} is no signer of the treasury now. Have one of its signers approve."
    signer: str


class ApprovalGiven(PaymentError, number=207):
    message = "{signer} has approved already. It counts once."
    signer: str


class ApprovalInvalid(PaymentError, number=208):
    message = "The signature is not {signer}'s for this proposal. Sign its typed data."
    signer: str


class OwnProposal(PaymentError, number=209):
    message = "{who} made this proposal, and nobody approves his own. Have somebody else approve."
    who: str


class NoTreasury(PaymentError, number=210):
    message = "The platform has no treasury. Name its signers and deploy one."


# Payouts


class PayoutNotFound(PaymentError, number=215):
    message = "There is no payout {payout_id}. Check the id."
    payout_id: str


class PayoutTooLarge(PaymentError, number=216):
    message = "The payout has {lines} lines, at most {lines_max} are taken. Split it."
    lines_max: int
    lines: int


class PayoutLinesInvalid(PaymentError, number=217):
    message = "{count} lines are wrong, and nothing was taken: {lines}. Correct them all."
    count: int
    lines: str


class PayoutInProgress(PaymentError, number=218):
    message = "The payout {payout_id} of this owner and asset is in progress. Wait until it ends."
    payout_id: str


class PayoutShortOfFunds(PaymentError, number=219):
    message = (
        "{available_minor} minor units are available, {needed_minor} are needed with the fees."
        " Deposit the rest to the owner first."
    )
    available_minor: int
    needed_minor: int


class PayeeBlocked(PaymentError, number=220):
    message = "The asset's issuer has frozen {payee}. Take the payee out, or have him released."
    payee: str
