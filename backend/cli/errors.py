"""Errors as the command line shows them: a code, a message, and what to do next."""

import re
from typing import Final

from pydantic import ValidationError

from backend.console.errors import ActionError
from backend.protocol.errors import ChainUnavailable, PaymentError

# By code: the command that helps. Messages of the platform itself know nothing of commands.
_ADVICE: Final = {
    "ACCOUNT_NOT_FOUND": "Nothing was ever credited there: see `causeway account show`.",
    "ACCOUNT_UNKNOWN": "`causeway deposit NAME AMOUNT ASSET` brings money in, or somebody's "
    "`causeway pay`.",
    "GROUP_OVERTAKEN": "`causeway group rebuild ID` builds it anew.",
    "API_KEY_INVALID": "See CAUSEWAY_API_KEY, or the file api-key among the data.",
    "ASSET_UNKNOWN": "`causeway status` lists the assets.",
    "CHAIN_UNAVAILABLE": "`causeway status` shows what runs, `causeway up` starts it.",
    "KYC_EXPIRED": "`causeway kyc apply NAME` has the customer verified again.",
    "KYC_REQUIRED": "`causeway kyc apply NAME` does that.",
    "PROOF_NOT_AVAILABLE": "`causeway withdraw show ID` tells; until it is settled, "
    "`causeway batch post --wait` posts and settles what is waiting.",
    "NOT_ELIGIBLE": "`causeway kyc apply NAME`, then `causeway kyc record NAME` does that.",
    "OWN_PROPOSAL": "`causeway api-key create approver` makes a key for somebody else: hand it "
    "over by CAUSEWAY_API_KEY.",
    "PATH_UNKNOWN": "What runs may be older than this command: `causeway down`, then "
    "`causeway up`.",
    "PAYOUT_SHORT_OF_FUNDS": "`causeway pay NAME ADDRESS AMOUNT ASSET` pays the owner.",
    "NO_CONNECTION": "`causeway up` starts the platform, `causeway status` shows what runs.",
    "FEE_MISMATCH": "Allow a higher one with --fee-max.",
}

# Told apart by name, so that a command loads no more than it uses.
_EXPECTED: Final = frozenset(
    {
        "AnvilFailed",
        "CompilationFailed",
        "DataMissing",
        "DeploymentFailed",
        "DeploymentOutdated",
        "HistoryIncomplete",
        "KeyUnreadable",
        "NoNode",
        "NoRollup",
        "NotDeployed",
        "RpcError",
        "StartFailed",
        "TransactionRefused",
    }
)


def explain(error: Exception) -> tuple[str, str] | None:
    """Return the code and the message of an expected error; None for a mistake of ours."""
    found = _code_and_message(error)
    if found is None:
        return None
    code, message = found
    advice = _ADVICE.get(code, "")
    return code, f"{message} {advice}".strip()


def _code_and_message(error: Exception) -> tuple[str, str] | None:
    from causeway import ApiConnectionError, ApiStatusError, OrderMismatch

    match error:
        case ChainUnavailable():
            return error.code, "No node answers."
        case ActionError() | PaymentError():
            return error.code, str(error)
        case ApiStatusError(code="UNKNOWN"):
            answer = f"What answers is no Causeway platform (status {error.status_code})."
            return "NO_CONNECTION", answer
        case ApiStatusError():
            return error.code, error.message
        case ApiConnectionError():
            return "NO_CONNECTION", "The platform does not answer."
        case OrderMismatch(field="fee"):
            return "FEE_MISMATCH", f"The fee is {error.actual} base units, {error.expected} wanted."
        case OrderMismatch():
            return "ORDER_MISMATCH", f"{error}. Nothing was signed."
        case ValidationError(errors=errors):
            parts = [f"CAUSEWAY_{'_'.join(map(str, e['loc']))}".upper() for e in errors()]
            return "SETTINGS_INVALID", f"Correct {', '.join(parts)}: {errors()[0]['msg']}."
    name = next((one.__name__ for one in type(error).__mro__ if one.__name__ in _EXPECTED), None)
    return None if name is None else (re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper(), str(error))
