"""Reading who is to be paid.

- CSV: decimals, columns in any order, memo and reference, a byte-order mark, empty lines
- objects: minor units
- the same lines are the same payout; another owner, asset, order or line is another
- wrong lines: named with number and reason, a thousand at most, nothing taken
- a first line that names no columns; nobody; more than 100,000 lines
"""

import pytest

from backend.access.payouts.lines import (
    FAULTS_SHOWN_MAX,
    LINES_MAX,
    Parties,
    PayoutLine,
    payout_id,
    read_csv,
    read_objects,
)
from backend.protocol.errors import MalformedRequest, PayoutLinesInvalid, PayoutTooLarge
from backend.protocol.hashing import ZERO_DIGEST, keccak
from backend.protocol.types import address_text
from tests.unit.engine.committee import TOKEN, key

OWNER, RETURNS = key("owner").address, key("returns").address
PARTIES = Parties(OWNER, RETURNS)
ALICE, BOB = key("alice").address, key("bob").address
ALICE_TEXT, BOB_TEXT = address_text(ALICE), address_text(BOB)
HASH = "0x" + "8f" * 32


def read(text, decimals=6, unit=1):
    return read_csv(text, PARTIES, decimals, unit)


def test_read_csv__all_columns__succeeds():
    text = f"amount,payee,reference,memo,follows\n12.5,{ALICE_TEXT},A-1,First prize,{HASH}\n"

    (line,) = read(text)

    assert (line.payee, line.amount_minor) == (ALICE, 12_500_000)
    assert (line.reference, line.memo, line.follows.hex()) == ("A-1", "First prize", HASH[2:])
    assert line.memo_hash == keccak(b"First prize")
    assert line.number == 2


def test_read_csv__byte_order_mark_and_crlf__succeeds():
    lines = read(f"\ufeffpayee,amount\r\n{ALICE_TEXT},1\r\n\r\n{BOB_TEXT},2\r\n")

    assert [(line.number, line.amount_minor) for line in lines] == [(2, 10**6), (4, 2 * 10**6)]
    assert lines[0].memo_hash == ZERO_DIGEST


def test_read_csv__eighteen_decimals__succeeds():
    (line,) = read(f"payee,amount\n{ALICE_TEXT},0.000001\n", 18, 10**12)

    assert line.amount_minor == 1


def test_read_csv__quoted_memo_over_two_lines__rejects():
    with pytest.raises(PayoutLinesInvalid) as refused:
        read(f'payee,amount,memo\n{ALICE_TEXT},1,"two\nlines"\n{BOB_TEXT},1,good\n')

    assert refused.value.count == 1
    assert refused.value.lines.startswith("line 3: ")


def test_read_objects__minor_units__succeeds():
    (line,) = read_objects([{"payee": ALICE_TEXT, "amount": "7", "memo": ""}], PARTIES)

    assert line == PayoutLine(1, ALICE, 7)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ("0x12,1", "payee: an address is 0x and 40 hexadecimal digits"),
        (f"{ALICE_TEXT[:-1]}x,1", "40 hexadecimal digits"),
        (f"{ALICE_TEXT.swapcase().replace('0X', '0x')},1", "checksum"),
        (f"0x{'00' * 20},1", "can't be paid"),
        (f"{address_text(OWNER)},1", "same account"),
        (f"{address_text(RETURNS)},1", "returned"),
        (f"{ALICE_TEXT},0", "amount is zero"),
        (f"{ALICE_TEXT},-1", "-1"),
        (f"{ALICE_TEXT},1e3", "1e3"),
        (f"{ALICE_TEXT},1.0000001", "amount: 1.0000001 is no decimal like 12.34, with at most 6"),
        (f"{ALICE_TEXT},281474976.710656", "is above"),
        (f"{ALICE_TEXT},1,2", "3 values for 2 columns"),
        (f"{ALICE_TEXT}", "1 values for 2 columns"),
        (f'{ALICE_TEXT},"1', "no CSV"),
    ],
)
def test_read_csv__wrong_line__rejects(values, reason):
    with pytest.raises(PayoutLinesInvalid) as refused:
        read(f"payee,amount\n{BOB_TEXT},1\n{values}\n")

    assert refused.value.count == 1
    assert refused.value.lines.startswith("line 3: ")
    assert reason in refused.value.lines
    assert "Correct it" not in refused.value.lines


@pytest.mark.parametrize(
    ("field", "value"),
    [("memo", "x" * 1_001), ("memo", "bell\x07"), ("memo", "\ud800"), ("reference", "x" * 101)]
    + [("follows", "0x12"), ("memo", "0x" + "zz" * 32)],
)
def test_read_objects__wrong_text__rejects(field, value):
    row = {"payee": ALICE_TEXT, "amount": "1", field: value}

    with pytest.raises(PayoutLinesInvalid, match=field):
        read_objects([row], PARTIES)


def test_read_csv__many_wrong_lines__names_them_all_rejects():
    good, bad = f"{ALICE_TEXT},1,{{}}\n", "nobody,1,x\n"
    rows = "".join(bad if number % 3 else good.format(number) for number in range(300))

    with pytest.raises(PayoutLinesInvalid) as refused:
        read("payee,amount,reference\n" + rows)

    assert refused.value.count == 200
    assert refused.value.lines.count("line ") == 200
    assert "line 301: " in refused.value.lines


def test_read_csv__payee_and_reference_twice__rejects():
    twice = f"{ALICE_TEXT},1,A\n{ALICE_TEXT},1,B\n{ALICE_TEXT},2,A\n"

    with pytest.raises(PayoutLinesInvalid, match="line 4: payee and reference are those of line 2"):
        read(f"payee,amount,reference\n{twice}")


@pytest.mark.parametrize(
    "first", ["", "payee", "payee,sum", "payee,amount,amount", 'payee,"amount', f"{ALICE_TEXT},1"]
)
def test_read_csv__no_columns__rejects(first):
    with pytest.raises(MalformedRequest):
        read(f"{first}\n")


def test_read_csv__nobody__rejects():
    with pytest.raises(MalformedRequest, match="nobody"):
        read("payee,amount\n")


def test_read_csv__more_lines_than_are_taken__rejects():
    rows = "".join(f"{ALICE_TEXT},1,{number}\n" for number in range(LINES_MAX + 1))

    with pytest.raises(PayoutTooLarge) as refused:
        read("payee,amount,reference\n" + rows)

    assert refused.value.values == {"lines_max": LINES_MAX, "lines": LINES_MAX + 1}


def test_payout_id__same_lines__holds():
    first = read(f"payee,amount\n{ALICE_TEXT},1\n{BOB_TEXT},2\n")
    again = read(f"\ufeffamount,payee,memo\n\n1.0,{ALICE_TEXT.lower()},\n 2 , {BOB_TEXT} ,\n")

    assert payout_id(OWNER, TOKEN, first) == payout_id(OWNER, TOKEN, again)


def test_payout_id__something_else__is_another_holds():
    lines = read(f"payee,amount\n{ALICE_TEXT},1\n{BOB_TEXT},2\n")
    others = [
        (OWNER, TOKEN, lines[::-1]),
        (OWNER, TOKEN, lines[:1]),
        (RETURNS, TOKEN, lines),
        (OWNER, RETURNS, lines),
        (OWNER, TOKEN, [lines[0], PayoutLine(3, BOB, 2 * 10**6, follows=keccak(b"first"))]),
        (OWNER, TOKEN, [lines[0], PayoutLine(3, BOB, 2 * 10**6, reference="A")]),
        (OWNER, TOKEN, [lines[0], PayoutLine(3, BOB, 2 * 10**6, memo="A")]),
    ]

    ids = {payout_id(*other) for other in others}

    assert len(ids | {payout_id(OWNER, TOKEN, lines)}) == len(others) + 1


def test_read_csv__every_line_of_many_wrong__names_a_thousand_rejects():
    text = "payee,amount\n" + f"{ALICE_TEXT},1e3\n" * (FAULTS_SHOWN_MAX + 5)

    with pytest.raises(PayoutLinesInvalid, match=f"{FAULTS_SHOWN_MAX + 5} lines") as refused:
        read(text)

    assert str(refused.value).count("1e3") == FAULTS_SHOWN_MAX
