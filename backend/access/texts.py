"""Values in JSON: what clients send is read strictly, what they get is exact.

Money is decimal digits in a string: a JSON number may have been a float on its way.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema

from backend.protocol.errors import (
    AmountNotInteger,
    AmountTooLarge,
    MalformedRequest,
    SignatureInvalid,
)
from backend.protocol.hashing import ZERO_DIGEST, Digest, keccak
from backend.protocol.money import AMOUNT_BASE_MAX
from backend.protocol.types import address_from_text, digest_from_text

_DIGITS: Final = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_SIGNATURE: Final = re.compile(r"0x[0-9a-fA-F]{130}", re.ASCII)
_AMOUNT_DIGITS_MAX: Final = 78
_U64_MAX: Final = 2**64 - 1


def amount_of(value: Any) -> int:
    """Return an amount. Raises AmountNotInteger (a JSON number, a fraction), AmountTooLarge."""
    if not isinstance(value, str) or not _DIGITS.fullmatch(value):
        raise AmountNotInteger(shown(value))
    if len(value) > _AMOUNT_DIGITS_MAX or int(value) > AMOUNT_BASE_MAX:
        raise AmountTooLarge(AMOUNT_BASE_MAX, AMOUNT_BASE_MAX + 1)
    return int(value)


def shown(value: Any) -> str:
    """Return what an error may repeat of a value: short, and Unicode (a lone surrogate isn't)."""
    return str(value)[:40].encode(errors="replace").decode()


def u64_of(value: Any, field: str) -> int:
    """Return a u64 from digits or a JSON number. Raises MalformedRequest."""
    if isinstance(value, str) and len(value) <= 20 and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _U64_MAX:
        raise MalformedRequest(field, "it is no whole number below 2^64")
    return value


def text_of(value: Any, field: str) -> str:
    """Return a text. Raises MalformedRequest for anything else."""
    if not isinstance(value, str):
        raise MalformedRequest(field, "it is no text")
    return value


def signature_of(value: Any) -> bytes:
    """Return the bytes of a signature. Raises SignatureInvalid."""
    if not isinstance(value, str) or not _SIGNATURE.fullmatch(value):
        raise SignatureInvalid("it is not 0x and 130 hexadecimal digits")
    return bytes.fromhex(value[2:])


def memo_of(text: str | None) -> Digest:
    """Return what binds a memo: 0x and 64 digits as they are, any other text by its hash."""
    if text is None:
        return ZERO_DIGEST
    if text.startswith("0x") and len(text) == 66:
        return digest_from_text(text, "memo")
    return keccak(text.encode())


def ts_s_of(text: str, field: str = "valid_until") -> int:
    """Return a moment, RFC 3339 or seconds, in seconds. Raises MalformedRequest."""
    if _DIGITS.fullmatch(text):
        return u64_of(text, field)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise MalformedRequest(field, "it is no time of RFC 3339") from error
    if moment.tzinfo is None:
        raise MalformedRequest(field, "it has no time zone")
    return u64_of(int(moment.timestamp()), field)


def time_text(ts_ms: int | None) -> str | None:
    """Return a moment as RFC 3339 in UTC; one beyond the calendar as its last."""
    if ts_ms is None:
        return None
    seconds, ms = divmod(min(ts_ms, 253_402_300_799_999), 1000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"


Amount = Annotated[
    int,
    BeforeValidator(amount_of),
    WithJsonSchema({"type": "string", "pattern": "^(0|[1-9][0-9]*)$", "examples": ["1000000"]}),
]
AddressIn = Annotated[
    bytes,
    BeforeValidator(
        lambda value, info: address_from_text(text_of(value, info.field_name), info.field_name)
    ),
    WithJsonSchema({"type": "string", "pattern": "^0x[0-9a-fA-F]{40}$"}),
]
DigestIn = Annotated[
    bytes,
    BeforeValidator(
        lambda value, info: digest_from_text(text_of(value, info.field_name), info.field_name)
    ),
    WithJsonSchema({"type": "string", "pattern": "^0x[0-9a-fA-F]{64}$"}),
]
U64In = Annotated[
    int,
    BeforeValidator(lambda value, info: u64_of(value, info.field_name)),
    WithJsonSchema({"type": "string", "pattern": "^(0|[1-9][0-9]*)$", "examples": ["0"]}),
]
SignatureIn = Annotated[
    bytes,
    BeforeValidator(signature_of),
    WithJsonSchema({"type": "string", "pattern": "^0x[0-9a-fA-F]{130}$"}),
]
