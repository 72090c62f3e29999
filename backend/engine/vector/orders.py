"""Records of orders in columns, as many as their bytes hold. Law: what order_records.py reads, and
each digest is what orders.py says.

No object is made for an order. Numbers of 256 bits are four words, addresses three, the highest
bits first.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.engine.vector import keccak
from backend.engine.vector.loops import Bytes, Number, Rows, Words, compiled, word_at
from backend.protocol.authorised import PROOF_NODES_MAX
from backend.protocol.codec import Reader
from backend.protocol.eip712 import Domain, type_hash
from backend.protocol.errors import MalformedBytes, check_invariant
from backend.protocol.log_entries import OrderEntry
from backend.protocol.order_records import (
    LEGS_MAX,
    LEGS_MIN,
    RECORD_BYTES_MIN,
    RecordKind,
    read_record,
)
from backend.protocol.orders import (
    PAYMENT_BYTES,
    PAYMENT_FIELDS,
    WITHDRAWAL_BYTES,
    WITHDRAWAL_FIELDS,
)
from backend.protocol.signing import SIGNATURE_BYTES

Places = NDArray[np.int64]
"""Where something begins in the bytes."""
Flags = NDArray[np.bool_]

PAYMENT: Final = int(RecordKind.PAYMENT)
WITHDRAWAL: Final = int(RecordKind.WITHDRAWAL)
PAYMENT_BY_ROOT: Final = int(RecordKind.PAYMENT_BY_ROOT)
WITHDRAWAL_BY_ROOT: Final = int(RecordKind.WITHDRAWAL_BY_ROOT)
_GROUP: Final = int(RecordKind.GROUP)

MEMO_AT: Final = PAYMENT_BYTES - 64
"""Where a payment's memo stands in its fields: only the link comes after it."""

_DIGEST_BYTES: Final = 32
_WORD_BYTES: Final = 32  # of EIP-712
_SMALL_BYTES: Final = 8
_ADDRESS_BYTES: Final = 20
_TOO_SHORT: Final = -1


class Orders(NamedTuple):
    """n orders of m records, in the order of their bytes.

    `starts` is uint32[m + 1]: the first order of each record, and n. A group has several orders.
    """

    data: Bytes
    """uint8: all records"""
    starts: Rows
    ends: Places
    """int64[m]: where each record ends in `data`"""
    kinds: Bytes
    """uint8[n]: the kind of record that each order stands in, by itself or as a leg"""
    places: Places
    """int64[n]: where the fields of each begin in `data`"""
    payers: Words
    """uint64[n, 3]; the last word holds four bytes, as its upper half"""
    payees: Words
    """uint64[n, 3]; zeros of a withdrawal"""
    tokens: Words
    """uint64[n, 3]"""
    amounts: Words
    """uint64[n, 4]: base units"""
    fees: Words
    """uint64[n, 4]: base units"""
    nonces: Words
    """uint64[n]"""
    valid_untils: Words
    """uint64[n]: seconds"""
    is_linked: Bytes
    """uint8[n]: 1 if there is a link"""

    @property
    def order_count(self) -> int:
        """How many orders there are."""
        return len(self.kinds)

    @property
    def record_count(self) -> int:
        """How many records there are."""
        return len(self.ends)


def read_orders(data: bytes) -> Orders:
    """Return the orders of records that stand one after the other. Raises MalformedBytes."""
    octets = np.frombuffer(data, np.uint8)
    room = len(octets) // RECORD_BYTES_MIN + 1
    starts, ends = np.zeros(room + 1, np.uint32), np.zeros(room, np.int64)
    kinds, places = np.zeros(room, np.uint8), np.zeros(room, np.int64)
    record_count, order_count = _scan(octets, room, starts, ends, kinds, places)
    if record_count < 0:
        end = int(ends[~record_count - 1])  # of the good ones, 0 without any
        read_record(Reader(data, end))  # it says what is wrong
        check_invariant(False, "bytes that only one of two readers refuses")
        raise MalformedBytes("not reached")
    n = order_count
    orders = Orders(
        octets,
        starts[: record_count + 1],
        ends[:record_count],
        kinds[:n],
        places[:n],
        payers=np.zeros((n, 3), np.uint64),
        payees=np.zeros((n, 3), np.uint64),
        tokens=np.zeros((n, 3), np.uint64),
        amounts=np.zeros((n, 4), np.uint64),
        fees=np.zeros((n, 4), np.uint64),
        nonces=np.zeros(n, np.uint64),
        valid_untils=np.zeros(n, np.uint64),
        is_linked=np.zeros(n, np.uint8),
    )
    _read_fields(orders)
    return orders


def order_entries(orders: Orders, stamp_ms: int) -> bytes:
    """Return the records as entries of the log, each after its size, as they stand in a frame."""
    head = OrderEntry.KIND.to_bytes(1) + stamp_ms.to_bytes(8)
    frame = np.empty(len(orders.data) + orders.record_count * (4 + len(head)), np.uint8)
    _write_entries(orders.data, orders.ends, np.frombuffer(head, np.uint8), frame)
    return frame.tobytes()


def is_payment(kinds: Bytes) -> Flags:
    """Return which kinds of records hold a payment; the others hold a withdrawal."""
    return np.isin(kinds, (PAYMENT, PAYMENT_BY_ROOT))


def is_signed(kinds: Bytes) -> Flags:
    """Return which kinds of records bear a signature; the others bear a root and a proof."""
    return np.isin(kinds, (PAYMENT, WITHDRAWAL))


def scan(data: memoryview, record_count: int) -> int | None:
    """Return how many bytes the first records take; None if there are no such records."""
    octets, room = np.frombuffer(data, np.uint8), record_count * LEGS_MAX
    starts, ends = np.zeros(record_count + 1, np.uint32), np.zeros(record_count + 1, np.int64)
    kinds, places = np.zeros(room, np.uint8), np.zeros(room, np.int64)
    found, _ = _scan(octets, record_count, starts, ends, kinds, places)
    return int(ends[found - 1]) if found == record_count else None  # ends[-1] is 0


def digests_of(domain: Domain, orders: Orders) -> Bytes:
    """Return the digest of each order, uint8[n, 32]."""
    pays = is_payment(orders.kinds)
    hashes = np.zeros((orders.order_count, _DIGEST_BYTES), np.uint8)
    for which, fields, name in (
        (pays, PAYMENT_FIELDS, "PaymentOrder"),
        (~pays, WITHDRAWAL_FIELDS, "WithdrawalOrder"),
    ):
        places = orders.places[which]
        messages = keccak.padding(len(places), _WORD_BYTES * (1 + len(fields)))
        head = np.frombuffer(type_hash(name, fields), np.uint64)
        widths = np.array([_WIDTHS[kind] for kind, _ in fields], np.int64)
        _write_structs(orders.data, places, head, widths, messages.view(np.uint64))
        hashes[which] = keccak.hash_padded(messages, len(places))
    prefix = np.frombuffer(b"\x19\x01" + domain.separator, np.uint8)
    past = len(prefix) + _DIGEST_BYTES
    messages = keccak.padding(orders.order_count, past)
    messages[: orders.order_count, : len(prefix)] = prefix
    messages[: orders.order_count, len(prefix) : past] = hashes
    return keccak.hash_padded(messages, orders.order_count)


def bears_memo(orders: Orders) -> Flags:
    """Return which orders bear a memo."""
    flags = np.zeros(orders.order_count, np.bool_)
    _find_memos(orders.data, orders.kinds, orders.places, flags)
    return flags


def signatures_of(orders: Orders) -> Bytes:
    """Return the signature of each order, uint8[n, 65]; zeros where a root stands instead."""
    signatures = np.zeros((orders.order_count, SIGNATURE_BYTES), np.uint8)
    _copy_signatures(orders, signatures)
    return signatures


_WIDTHS: Final = {
    "address": _ADDRESS_BYTES,
    "uint256": _WORD_BYTES,
    "uint64": _SMALL_BYTES,
    "bytes32": _WORD_BYTES,
}


@compiled
def _scan(
    data: Bytes, record_max: Number, starts: Rows, ends: Places, kinds: Bytes, places: Places
) -> Number:
    """Find records and orders; return how many there are. If a record is malformed, the first
    number is below 0: ~n after n good ones."""
    records = orders = at = 0
    while at < data.size and records < record_max:
        legs: Number = 1
        is_leg = data[at] == _GROUP
        if is_leg:
            if at + 2 > data.size or not LEGS_MIN <= data[at + 1] <= LEGS_MAX:
                return ~records, orders
            legs = np.int64(data[at + 1])
            at += 2
        for _ in range(legs):
            end = _order_end(data, at, is_leg)
            if end == _TOO_SHORT:
                return ~records, orders
            kinds[orders], places[orders] = data[at], at + 1
            orders += 1
            at = end
        ends[records] = at
        records += 1
        starts[records] = orders
    return records, orders


@compiled
def _order_end(data: Bytes, at: Number, is_leg: Number) -> int:
    """Return where an order and what authorises it ends, -1 if there is none."""
    if at >= data.size:
        return _TOO_SHORT
    kind = data[at]
    pays = kind == PAYMENT or kind == PAYMENT_BY_ROOT
    if not pays and (is_leg or not (kind == WITHDRAWAL or kind == WITHDRAWAL_BY_ROOT)):
        return _TOO_SHORT
    end = at + 1 + (PAYMENT_BYTES if pays else WITHDRAWAL_BYTES)
    if kind == PAYMENT or kind == WITHDRAWAL:
        end += SIGNATURE_BYTES
    else:
        end += _DIGEST_BYTES + 1
        if end > data.size or data[end - 1] > PROOF_NODES_MAX:
            return _TOO_SHORT
        end += _DIGEST_BYTES * np.int64(data[end - 1])
    return end if end <= data.size else _TOO_SHORT


@compiled
def _read_fields(orders: Orders) -> None:
    data = orders.data
    for k in range(orders.kinds.size):
        at, kind = orders.places[k], orders.kinds[k]
        pays = kind == PAYMENT or kind == PAYMENT_BY_ROOT
        _read_address(data, at, orders.payers, k)
        at += _ADDRESS_BYTES
        if pays:
            _read_address(data, at, orders.payees, k)
            at += _ADDRESS_BYTES
        _read_address(data, at, orders.tokens, k)
        at += _ADDRESS_BYTES
        for word in range(4):
            orders.amounts[k, word] = word_at(data, at + 8 * word)
            orders.fees[k, word] = word_at(data, at + _WORD_BYTES + 8 * word)
        at += 2 * _WORD_BYTES
        orders.nonces[k] = word_at(data, at)
        orders.valid_untils[k] = word_at(data, at + 8)
        if pays:
            at += 2 * _SMALL_BYTES + _WORD_BYTES
            for word in range(4):
                if word_at(data, at + 8 * word) != 0:
                    orders.is_linked[k] = 1


@compiled
def _find_memos(data: Bytes, kinds: Bytes, places: Places, flags: Flags) -> None:
    for k in range(kinds.size):
        if kinds[k] == PAYMENT or kinds[k] == PAYMENT_BY_ROOT:
            at = places[k] + MEMO_AT
            for word in range(4):
                if word_at(data, at + 8 * word) != 0:
                    flags[k] = True


@compiled
def _read_address(data: Bytes, at: Number, words: Words, k: Number) -> None:
    words[k, 0] = word_at(data, at)
    words[k, 1] = word_at(data, at + 8)
    words[k, 2] = word_at(data, at + 12) << np.uint64(32)


@compiled
def _write_structs(
    data: Bytes, places: Places, head: Words, widths: Places, messages: Words
) -> None:
    """Write what EIP-712 hashes: the type's hash, and each field at its word's end. Words of eight
    bytes are copied as they stand."""
    for k in range(places.size):
        at = places[k]
        for word in range(4):
            messages[k, word] = head[word]
        end = 4
        for width in widths:
            end += 4
            if width == _ADDRESS_BYTES:
                messages[k, end - 3] = _copied(data, at, 4) << np.uint64(32)
                messages[k, end - 2] = _copied(data, at + 4, 8)
                messages[k, end - 1] = _copied(data, at + 12, 8)
            elif width == _SMALL_BYTES:
                messages[k, end - 1] = _copied(data, at, 8)
            else:
                for word in range(4):
                    messages[k, end - 4 + word] = _copied(data, at + 8 * word, 8)
            at += width


@compiled
def _copied(data: Bytes, at: Number, width: Number) -> Number:
    """Return some bytes as they stand, in a word of a host that begins with the lowest."""
    word = np.uint64(0)
    for k in range(width):
        word |= np.uint64(data[at + k]) << np.uint64(8 * k)
    return word


@compiled
def _write_entries(data: Bytes, ends: Places, head: Bytes, frame: Bytes) -> None:
    start = at = 0
    for record in range(ends.size):
        size = head.size + ends[record] - start
        for k in range(4):
            frame[at + k] = size >> (24 - 8 * k) & 0xFF
        at += 4
        frame[at : at + head.size] = head
        at += head.size
        past = at + ends[record] - start
        frame[at:past] = data[start : ends[record]]
        start, at = ends[record], past


@compiled
def _copy_signatures(orders: Orders, signatures: Bytes) -> None:
    for k in range(orders.kinds.size):
        kind = orders.kinds[k]
        if kind == PAYMENT or kind == WITHDRAWAL:
            size = PAYMENT_BYTES if kind == PAYMENT else WITHDRAWAL_BYTES
            at = orders.places[k] + size
            signatures[k] = orders.data[at : at + SIGNATURE_BYTES]
