"""The loops of sequence.py, compiled by numba: chunks read and executed as protocol/transition.py
reads and executes them. Law: a chunk passes all checks here exactly if it passes them there.
"""

from typing import Final, NamedTuple

import numpy as np

from backend.engine.vector.loops import Bytes, Number, Rows, Words, compiled
from backend.protocol.batches import CHUNK_SLOTS, CHUNK_SLOTS_BYTES, FEE_ACCOUNTS_MAX
from backend.protocol.money import BALANCE_MINOR_MAX, fee_minor
from backend.protocol.operations import SLOT_BYTES
from backend.protocol.types import BRIDGE, FEE_PARTITION, NONCE_MAX, REGISTRY

# The columns of an account's values, and what the first one says of an empty leaf.
ASSET, NONCE, BALANCE, CHUNK = range(4)
NO_ASSET: Final = np.uint64(2**64 - 1)

CHANGED_MAX: Final = 2 * CHUNK_SLOTS + FEE_ACCOUNTS_MAX
"""How many accounts a chunk changes at most."""
# A leaf's bytes begin with owner and asset; an opening's owner is all from here to its end.
_OWNER_BYTES: Final = 20
_HOLDING_BYTES: Final = _OWNER_BYTES + 2
_ENDING_AT: Final = 38
_OWNER_AT: Final = 10
_FEES_MINOR: Final = np.array([fee_minor(byte) for byte in range(256)], np.uint64)
_BALANCE_MAX: Final = np.uint64(BALANCE_MINOR_MAX)
_NONCE_MAX: Final = np.uint64(NONCE_MAX)
_ONE: Final = np.uint64(1)


class Operations(NamedTuple):
    """What begins in each slot; all zeros: nothing, be it a no-op or an opening's second half."""

    payers: Rows
    """uint32[n]: ids, later places of `Accounts`"""
    payees: Rows
    """uint32[n]: as the payers"""
    amounts: Words
    """uint64[n]: minor units; of an opening, its asset"""
    fees: Words
    """uint64[n]: minor units"""


class Accounts(NamedTuple):
    """All accounts that some chunks may read, each at a place: BRIDGE at 0, REGISTRY at 1."""

    ids: Rows
    """uint32[n]"""
    leaves: Bytes
    """uint8[n, 40]: as tree.py keeps them, before the chunks; those opened, as they begin"""
    values: Words
    """uint64[n, 4]: asset, nonce, balance, and the chunk that changed them last, counted from 1"""


class Known(NamedTuple):
    """What L1 knows besides the chunks."""

    fee_places: Rows
    """uint32[65536]: the place of each asset's fee account"""
    fee_ids: Rows
    """uint32[m]: the fee accounts of listed assets"""
    fee_leaves: Bytes
    """uint8[m, 40]: as they are opened"""
    deposits: Bytes
    """uint8[k, 40]: records from the next one on, as leaves"""
    deposited: Words
    """uint64[k]: their amounts in minor units"""
    next_deposit: np.uint64
    """their first one's index"""


class Changed(NamedTuple):
    """The accounts that each chunk changes, as they are after it, in the chunks' order."""

    places: Rows
    """uint32[n]"""
    values: Words
    """uint64[n, 2]: nonce, balance"""
    chunks: Rows
    """uint32[n]: which chunk, ascending"""
    counts: Words
    """uint64[2]: how many of these there are, and the chunk in progress, counted from 1"""


@compiled
def read(data: Bytes, operations: Operations) -> int:
    """Read chunks' slots, uint8[n * 15]; return how many chunks have but proper shapes at first."""
    chunk_count = data.size // CHUNK_SLOTS_BYTES
    for chunk in range(chunk_count):
        slot, end = chunk * CHUNK_SLOTS, (chunk + 1) * CHUNK_SLOTS
        while slot < end:
            width = _read_slot(data, slot, slot + 1 == end, operations)
            if width == 0:
                return chunk
            slot += width
    return int(chunk_count)


@compiled
def _read_slot(data: Bytes, slot: Number, is_last: bool, operations: Operations) -> int:
    """Return how many slots the operation takes, 0 if it is none by its shape."""
    at = slot * SLOT_BYTES
    payer, payee = _number(data, at, 4), _number(data, at + 4, 4)
    amount_minor, fee_byte = _number(data, at + 8, 6), data[at + 14]
    operations.payers[slot], operations.payees[slot] = payer, payee
    if payer == REGISTRY:
        asset_id = _number(data, at + 8, 2)
        operations.amounts[slot] = asset_id
        if is_last or payee <= REGISTRY or asset_id == 0:
            return 0
        has_owner = data[at + _OWNER_AT : at + _OWNER_AT + _OWNER_BYTES].any()
        return 2 if has_owner else 0
    operations.amounts[slot], operations.fees[slot] = amount_minor, _FEES_MINOR[fee_byte]
    if payer | payee | amount_minor == 0 and fee_byte == 0:
        return 1
    if payee == REGISTRY or payer == payee or amount_minor == 0:
        return 0
    return 0 if payer == BRIDGE and fee_byte != 0 else 1


@compiled
def _number(data: Bytes, at: Number, size: Number) -> Number:
    number = np.uint64(0)
    for k in range(size):
        number = number << np.uint64(8) | np.uint64(data[at + k])
    return number


@compiled
def execute(
    data: Bytes, operations: Operations, accounts: Accounts, known: Known, changed: Changed
) -> int:
    """Execute whole chunks; return how many are valid before the first that isn't."""
    chunk_count = operations.payers.size // CHUNK_SLOTS
    counts = changed.counts
    for chunk in range(chunk_count):
        first = counts[0]
        counts[1] = chunk + 1
        if not _execute_chunk(data, chunk, operations, accounts, known, changed):
            counts[0] = first
            return chunk
        for k in range(first, counts[0]):
            place = changed.places[k]
            changed.chunks[k] = chunk
            changed.values[k, 0] = accounts.values[place, NONCE]
            changed.values[k, 1] = accounts.values[place, BALANCE]
    return int(chunk_count)


@compiled
def _execute_chunk(
    data: Bytes,
    chunk: Number,
    operations: Operations,
    accounts: Accounts,
    known: Known,
    changed: Changed,
) -> bool:
    """Execute a chunk up to its first invalid operation; return whether there is none."""
    payers, payees, amounts, fees = operations
    fee_places = np.zeros(FEE_ACCOUNTS_MAX, np.uint32)
    fee_count = 0
    for slot in range(chunk * CHUNK_SLOTS, (chunk + 1) * CHUNK_SLOTS):
        payer, payee, amount_minor = payers[slot], payees[slot], amounts[slot]
        if payer == payee:  # nothing begins here: shapes were checked
            continue
        if payer == REGISTRY:
            if not _open(data, slot, payee, amount_minor, accounts, known, changed):
                return False
            continue
        if payer == BRIDGE:
            if not _deposit(payee, amount_minor, accounts, known, changed):
                return False
            continue
        asset_id = accounts.values[payer, ASSET]
        if not _debit(payer, amount_minor + fees[slot], accounts, changed):
            return False
        if payee != BRIDGE and not _credit(payee, asset_id, amount_minor, accounts, changed):
            return False
        if fees[slot] != 0:
            fee_place = known.fee_places[asset_id]
            fee_count = _counted(fee_place, fee_places, fee_count)
            if fee_count > FEE_ACCOUNTS_MAX:
                return False
            if not _credit(fee_place, asset_id, fees[slot], accounts, changed):
                return False
    return True


@compiled
def _counted(fee_place: Number, fee_places: Rows, count: Number) -> int:
    """Return how many fee accounts there are with this one; only so many are noted as may be."""
    for k in range(count):
        if fee_places[k] == fee_place:
            return int(count)
    if count < FEE_ACCOUNTS_MAX:
        fee_places[count] = fee_place
    return int(count + 1)


@compiled
def _debit(payer: Number, debit_minor: Number, accounts: Accounts, changed: Changed) -> bool:
    values = accounts.values[payer]
    if values[ASSET] == NO_ASSET or values[BALANCE] < debit_minor or values[NONCE] == _NONCE_MAX:
        return False
    values[BALANCE] -= debit_minor
    values[NONCE] += _ONE
    _note(payer, values, changed)
    return True


@compiled
def _credit(
    place: Number, asset_id: Number, credit_minor: Number, accounts: Accounts, changed: Changed
) -> bool:
    # A payer's asset is one, so an empty leaf has another.
    values = accounts.values[place]
    if values[ASSET] != asset_id or values[BALANCE] > _BALANCE_MAX - credit_minor:
        return False
    values[BALANCE] += credit_minor
    _note(place, values, changed)
    return True


@compiled
def _deposit(
    payee: Number, amount_minor: Number, accounts: Accounts, known: Known, changed: Changed
) -> bool:
    bridge = accounts.values[BRIDGE]
    index = bridge[NONCE] - known.next_deposit
    if bridge[ASSET] == NO_ASSET or index >= known.deposited.size:
        return False
    if amount_minor != known.deposited[index]:
        return False
    bridge[NONCE] += _ONE
    _note(BRIDGE, bridge, changed)
    asset_id = accounts.values[payee, ASSET]
    for k in range(_HOLDING_BYTES):
        if accounts.leaves[payee, k] != known.deposits[index, k]:
            return False
    return asset_id != NO_ASSET and _credit(payee, asset_id, amount_minor, accounts, changed)


@compiled
def _open(
    data: Bytes,
    slot: Number,
    place: Number,
    asset_id: Number,
    accounts: Accounts,
    known: Known,
    changed: Changed,
) -> bool:
    values, leaf = accounts.values[place], accounts.leaves[place]
    if values[ASSET] != NO_ASSET:
        return False
    at = slot * SLOT_BYTES + _OWNER_AT
    leaf[:_OWNER_BYTES] = data[at : at + _OWNER_BYTES]
    leaf[_OWNER_BYTES] = asset_id >> np.uint64(8)
    leaf[_OWNER_BYTES + 1] = asset_id & np.uint64(255)
    leaf[_ENDING_AT] = 1
    if accounts.ids[place] >> 24 == FEE_PARTITION and not _is_listed(
        accounts.ids[place], leaf, known
    ):
        return False
    values[ASSET] = asset_id
    _note(place, values, changed)
    return True


@compiled
def _is_listed(account_id: Number, leaf: Bytes, known: Known) -> bool:
    """Return whether a fee account is one of those that L1's listings name."""
    for k in range(known.fee_ids.size):
        if known.fee_ids[k] == account_id:
            return bool((known.fee_leaves[k] == leaf).all())
    return False


@compiled
def _note(place: Number, values: Words, changed: Changed) -> None:
    """Note that the chunk in progress changes an account."""
    if values[CHUNK] != changed.counts[1]:
        values[CHUNK] = changed.counts[1]
        changed.places[changed.counts[0]] = place
        changed.counts[0] += _ONE
