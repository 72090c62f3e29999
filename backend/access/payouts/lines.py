"""Reads who is to be paid. Law: a file is taken whole or not at all, and its faults are told.

A file is CSV in UTF-8 whose first line names the columns: payee, amount, and if need be memo,
reference, follows. Amounts are decimals of the token. `follows` names an earlier payout that
skipped the line: so a second attempt at all of a file is another payout than the first.
"""

import csv
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from backend.access.texts import amount_of, memo_of
from backend.protocol.errors import (
    AmountNotInteger,
    AmountTooLarge,
    AmountZero,
    MalformedRequest,
    PayeeInvalid,
    PaymentError,
    PayoutLinesInvalid,
    PayoutTooLarge,
    SameAccount,
)
from backend.protocol.hashing import ZERO_DIGEST, Digest, keccak
from backend.protocol.money import AMOUNT_MINOR_MAX, parse_decimal, to_minor
from backend.protocol.types import (
    ZERO_ADDRESS,
    Address,
    address_from_text,
    address_text,
    digest_from_text,
)

LINES_MAX: Final = 100_000
FAULTS_SHOWN_MAX: Final = 1_000  # an answer is kept for a week
MEMO_LENGTH_MAX: Final = 1_000
REFERENCE_LENGTH_MAX: Final = 100
COLUMNS: Final = ("payee", "amount", "memo", "reference", "follows")
_COLUMNS_NEEDED: Final = ("payee", "amount")
_NO_TEXT: Final = ("Cc", "Cs")  # control characters, and halves of a character
_BYTE_ORDER_MARK: Final = "\ufeff"

Fault = tuple[int, str]
"""The number of a line in its file, and what is wrong with it."""
AmountReader = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class PayoutLine:
    """One payee and his minor units; `number` is the line's in its file."""

    number: int
    payee: Address
    amount_minor: int
    memo: str = ""
    reference: str = ""
    follows: Digest = ZERO_DIGEST

    @property
    def memo_hash(self) -> Digest:
        """What the order's memo is: zero without a text."""
        return memo_of(self.memo or None)

    def encode(self) -> bytes:
        """Return what the line is, whatever file it stands in: 122 bytes."""
        return b"".join(
            (
                self.payee,
                self.amount_minor.to_bytes(6),
                self.memo_hash,
                keccak(self.reference.encode()),
                self.follows,
            )
        )


@dataclass(frozen=True, slots=True)
class Parties:
    """Who pays, and who gets the least amount of a line that is skipped."""

    owner: Address
    returns: Address


def payout_id(owner: Address, token: Address, lines: Sequence[PayoutLine]) -> Digest:
    """Return the id: the same owner, asset and lines are the same payout, and paid once."""
    return keccak(owner + token + b"".join(line.encode() for line in lines))


def read_csv(text: str, parties: Parties, decimals: int, unit: int) -> list[PayoutLine]:
    """Return the lines of a CSV file, a byte-order mark before it or not.

    Raises MalformedRequest for its first line, PayoutTooLarge, PayoutLinesInvalid.
    """

    def amount(value: str) -> int:
        try:
            return to_minor(parse_decimal(value, decimals), unit)
        except AmountNotInteger as error:
            form = f"{value[:40]} is no decimal like 12.34, with at most {decimals} decimals"
            raise MalformedRequest("amount", form) from error

    return _checked(_csv_rows(text.removeprefix(_BYTE_ORDER_MARK)), parties, amount)


def read_objects(rows: Sequence[Mapping[str, str]], parties: Parties) -> list[PayoutLine]:
    """Return the lines of JSON objects, whose amounts are minor units; the first has number 1.

    Raises PayoutTooLarge, PayoutLinesInvalid.
    """
    return _checked(enumerate(rows, start=1), parties, amount_of)


def invalid(faults: Sequence[Fault]) -> PayoutLinesInvalid:
    """Return the refusal that counts all wrong lines, and names them, a thousand at most."""
    shown = sorted(faults)[:FAULTS_SHOWN_MAX]
    named = "; ".join(f"line {number}: {reason}" for number, reason in shown)
    return PayoutLinesInvalid(len(faults), named)


def _csv_rows(text: str) -> Iterator[tuple[int, Mapping[str, str] | str]]:
    """Yield each line's number with its values by column, or with what is wrong with it."""
    reader = csv.reader(_text_lines(text), strict=True)
    columns = _columns(reader)
    while True:
        try:
            values = next(reader, None)
        except csv.Error as error:
            yield reader.line_num, f"it is no CSV ({error})"
            continue
        if values is None:
            return
        if not values:
            continue
        if len(values) != len(columns):
            yield reader.line_num, f"it has {len(values)} values for {len(columns)} columns"
            continue
        yield reader.line_num, dict(zip(columns, values, strict=True))


def _text_lines(text: str) -> Iterator[str]:
    """Yield the lines as a file would: a million of them are never held at once."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _columns(reader: Iterator[list[str]]) -> list[str]:
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
    except csv.Error as error:
        raise MalformedRequest("csv", f"its first line is no CSV ({error})") from error
    for name in _COLUMNS_NEEDED:
        if name not in columns:
            raise MalformedRequest("csv", f"its first line names no column {name}")
    for name in columns:
        if name not in COLUMNS or columns.count(name) > 1:
            raise MalformedRequest("csv", f"its columns are {', '.join(COLUMNS)}, each once")
    return columns


def _checked(
    rows: Iterable[tuple[int, Mapping[str, str] | str]], parties: Parties, amount: AmountReader
) -> list[PayoutLine]:
    lines: list[PayoutLine] = []
    faults: list[Fault] = []
    seen: dict[tuple[Address, str], int] = {}
    count = 0
    for number, row in rows:
        count += 1
        if count > LINES_MAX:
            continue  # only counted
        if isinstance(row, str):
            faults.append((number, row))
            continue
        try:
            line = _line(number, row, parties, amount)
        except PaymentError as error:
            faults.append((number, _reason(error)))
            continue
        first = seen.setdefault((line.payee, line.reference), number)
        if first != number:
            faults.append((number, f"payee and reference are those of line {first}"))
        lines.append(line)
    if count > LINES_MAX:
        raise PayoutTooLarge(LINES_MAX, count)
    if faults:
        raise invalid(faults)
    if not lines:
        raise MalformedRequest("lines", "nobody is to be paid")
    return lines


def _reason(error: PaymentError) -> str:
    """Return what is wrong. What to do is said once for all lines, not in each."""
    return f"{error.field}: {error.reason}" if isinstance(error, MalformedRequest) else str(error)


def _line(
    number: int, row: Mapping[str, str], parties: Parties, amount: AmountReader
) -> PayoutLine:
    payee = address_from_text(row["payee"].strip(), "payee")
    if payee == ZERO_ADDRESS:
        raise PayeeInvalid(address_text(payee))
    if payee == parties.owner:
        raise SameAccount()
    if payee == parties.returns:
        raise MalformedRequest("payee", "skipped lines are returned to this address")
    amount_minor = amount(row["amount"].strip())
    if not amount_minor:
        raise AmountZero()
    if amount_minor > AMOUNT_MINOR_MAX:
        raise AmountTooLarge(AMOUNT_MINOR_MAX, amount_minor)
    memo = _text("memo", row.get("memo", ""), MEMO_LENGTH_MAX)
    memo_of(memo or None)
    follows = row.get("follows", "").strip()
    return PayoutLine(
        number,
        payee,
        amount_minor,
        memo,
        _text("reference", row.get("reference", ""), REFERENCE_LENGTH_MAX),
        digest_from_text(follows, "follows") if follows else ZERO_DIGEST,
    )


def _text(field: str, value: str, length_max: int) -> str:
    value = value.strip()
    is_text = not any(unicodedata.category(character) in _NO_TEXT for character in value)
    if len(value) > length_max or not is_text:
        raise MalformedRequest(field, f"it is no text of {length_max} characters at most")
    return value
