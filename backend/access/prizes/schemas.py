"""What sponsors send about prizes."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from backend.access.payouts.schemas import PayoutLineIn
from backend.access.schemas import AssetName, Body
from backend.access.texts import AddressIn


class PrizeIn(Body):
    """A prize: a CSV file's text, whose amounts are decimals, or lines in minor units.

    `payout` is where winners get it: a claim pays the wallet or the ledger account, or the platform
    pays all of them in the ledger by orders. `terms_text` is hashed, and not kept.
    """

    sponsor: AddressIn
    asset: AssetName
    payout: Literal["wallet", "account", "orders"]
    ends_at: Annotated[str, StringConstraints(max_length=40)]
    csv: str | None = None
    lines: list[PayoutLineIn] | None = None
    terms_text: Annotated[str, StringConstraints(max_length=10_000)] = ""


class PrizeCallIn(Body):
    """What a sponsor does to his prize."""

    action: Literal["withdraw_rest"]
