"""What the platform prepared for the chain, before a key of ours signs it. Law: each call is made
once, however often it was prepared.
"""

from collections.abc import Sequence
from typing import Any

from backend.console.errors import PreparedWrong
from backend.protocol.types import address_from_text


def check_sequence(transactions: Sequence[dict[str, Any]], token: bytes) -> None:
    """Check that there is one call, and before it one approval of the token at most.

    What they say is the caller's to check. Raises PreparedWrong.
    """
    are_approvals = [address_from_text(one["to"]) == token for one in transactions]
    if are_approvals not in ([False], [True, False]):
        raise PreparedWrong(f"{len(transactions)} transactions, not one call")
