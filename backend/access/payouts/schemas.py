"""What clients send about payouts."""

from typing import Annotated

from pydantic import StringConstraints

from backend.access.proposals.schemas import SignerIn
from backend.access.schemas import AssetName, Body
from backend.access.texts import AddressIn

_Text = Annotated[str, StringConstraints(max_length=2_000)]


class PayoutLineIn(Body):
    """Who is paid how many minor units."""

    payee: _Text
    amount: _Text
    memo: _Text = ""
    reference: _Text = ""
    follows: _Text = ""


class PayoutIn(Body):
    """A payout: a CSV file's text, whose amounts are decimals, or lines in minor units.

    The treasury pays unless another `owner` is named, such as a Safe, who then makes the payout's
    call himself. `proposer` is one of the treasury's signers.
    """

    asset: AssetName
    csv: str | None = None
    lines: list[PayoutLineIn] | None = None
    owner: AddressIn | None = None
    proposer: SignerIn | None = None
