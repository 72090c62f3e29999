"""Refusals: each has a code after its name, and a message that is a sentence."""

from pathlib import Path

import pytest

from backend.console import errors
from backend.console.errors import ActionError

ARGUMENTS = {
    "NameInvalid": ("A b",),
    "PersonUnknown": ("bob",),
    "CustomerUnknown": ("tenant-7",),
    "NoKey": ("bob",),
    "KeyFileUnreadable": (Path("key"),),
    "NotAnApplicant": ("bob",),
    "NotApproved": ("bob", "pending"),
    "PreparedWrong": ("the permit",),
    "TransactionFailed": ("claim", "reverted"),
    "TransactionUnknown": ("claim", bytes(32)),
    "StillWaiting": ("the batch", 5),
    "AmountMalformed": ("1,5", "USDX", 6),
    "AmountTooLarge": ("300000000", "USDX", "281474976.710655"),
    "InsufficientFunds": ("bob", "1 USDX", "2 USDX"),
    "NothingToSign": ("bob", "0x12", "final"),
    "OrderRejected": ("ORDER_EXPIRED", "0x12"),
    "RequestNotOpen": ("preq_1", "paid"),
    "RequestWithoutAmount": ("preq_1",),
}
CLASSES = [one for one in vars(errors).values() if one in ActionError.__subclasses__()]


@pytest.mark.parametrize("kind", CLASSES)
def test_action_error__each__has_code_and_sentence_holds(kind):
    error = kind(*ARGUMENTS.get(kind.__name__, ()))

    assert kind.code.replace("_", "") == kind.__name__.upper()
    assert str(error)[0].isupper() or str(error)[0] in "'b0k3"
    assert str(error).endswith(".")
