"""What clients send to leave. Amounts are minor units."""

from backend.access.schemas import AssetName, Body
from backend.access.texts import AddressIn, Amount, SignatureIn, U64In


class ExitIn(Body):
    """An exit to be prepared."""

    owner: AddressIn
    asset: AssetName


class SignedAdvanceIn(Body):
    """The owner's signature, the time it names, and who pays him and claims later."""

    valid_until: U64In
    signature: SignatureIn
    provider: AddressIn


class AdvanceIn(Body):
    """An instant exit to be prepared. Without `signed` it is shown what the owner has to sign."""

    fee: Amount
    signed: SignedAdvanceIn | None = None
