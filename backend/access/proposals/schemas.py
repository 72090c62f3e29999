"""What clients send about proposals."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from backend.access.schemas import Body, MomentText
from backend.access.texts import AddressIn, Amount, text_of
from backend.protocol.errors import MalformedRequest
from backend.protocol.proposals import Approval, Call, signer_of_text

CALLS_MAX = 64
SIGNATURE_BYTES_MAX = 8 * 1024
_BYTES_PATTERN = "^0x([0-9a-fA-F]{2})*$"


def bytes_of(value: Any, field: str, size_max: int) -> bytes:
    """Return bytes of 0x text. Raises MalformedRequest, naming `field`."""
    text = text_of(value, field)
    try:
        data = bytes.fromhex(text[2:]) if text.startswith("0x") and text.isalnum() else None
    except ValueError:
        data = None
    if data is None or len(data) > size_max:
        raise MalformedRequest(field, f"it is not 0x and up to {size_max} bytes in hexadecimal")
    return data


SignerIn = Annotated[
    bytes,
    BeforeValidator(
        lambda value, info: signer_of_text(text_of(value, info.field_name), info.field_name)
    ),
    WithJsonSchema({"type": "string", "pattern": "^0x([0-9a-fA-F]{2}){20,1024}$"}),
]
ProofIn = Annotated[
    bytes,
    BeforeValidator(lambda value, info: bytes_of(value, info.field_name, SIGNATURE_BYTES_MAX)),
    WithJsonSchema({"type": "string", "pattern": _BYTES_PATTERN}),
]
DataIn = Annotated[
    bytes,
    BeforeValidator(lambda value, info: bytes_of(value, info.field_name, 32 * 1024)),
    WithJsonSchema({"type": "string", "pattern": _BYTES_PATTERN}),
]


class CallIn(Body):
    """A call of the treasury. `value` is wei."""

    target: AddressIn
    value: Amount = 0
    data: DataIn = b""

    def call(self) -> Call:
        """Return the call."""
        return Call(self.target, self.value, self.data)  # type: ignore[arg-type]


class ProposalIn(Body):
    """What is proposed. `deadline` is RFC 3339 or seconds, in the chain's time: a week by default.

    `proposer` is a signer of the treasury, who has to approve it, too.
    """

    proposer: SignerIn
    calls: list[CallIn] = Field(min_length=1, max_length=CALLS_MAX)
    purpose: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
    deadline: MomentText | None = None


class ApprovalIn(Body):
    """One signer's signature: of the proposal, or of its cancellation."""

    signer: SignerIn
    signature: ProofIn

    def approval(self) -> Approval:
        """Return the approval."""
        return Approval(self.signer, self.signature)


class CancellationIn(Body):
    """Signatures of a proposal's cancellation; none while too few have approved it."""

    approvals: list[ApprovalIn] = Field(default=[], max_length=100)
