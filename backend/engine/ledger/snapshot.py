"""A ledger as bytes, for a restart. Law: one ledger has one encoding, and its hash is the last 32.

version u8 = 4 ‖ block u64 ‖ L1 block u64 ‖ listings u32, each as in a block's body ‖ roots u32,
each as there ‖ exits told of u64 ‖ exiting accounts u32, each id u32 ‖ the epoch as in a body ‖
accounts u32, each id u32 ‖ leaf 38, ids ascending ‖ SHA-256 of all before. What else a ledger holds
follows.
"""

from collections.abc import Container
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from backend.engine.ledger.state import FIRST_ACCOUNT, GENESIS_LEAF, Ledger, ledger_of
from backend.protocol.blocks import (
    LISTING_BYTES,
    ROOT_BYTES,
    encode_epoch,
    read_epoch,
    read_listing,
    read_root,
)
from backend.protocol.codec import Reader
from backend.protocol.errors import MalformedBytes
from backend.protocol.hashing import sha256
from backend.protocol.money import BalanceMinor
from backend.protocol.types import (
    BRIDGE,
    AccountId,
    Address,
    Asset,
    AuthorisedRoot,
    Epoch,
    Leaf,
)

SNAPSHOT_VERSION: Final = 4
HASH_BYTES: Final = 32
ACCOUNT_BYTES: Final = 42


def encode_snapshot(ledger: Ledger) -> bytes:
    """Return the ledger's only encoding."""
    parts = [
        SNAPSHOT_VERSION.to_bytes(1),
        ledger.block_number.to_bytes(8),
        ledger.l1_block_number.to_bytes(8),
        len(ledger.assets).to_bytes(4),
    ]
    parts.extend(ledger.assets[asset_id].encode() for asset_id in sorted(ledger.assets))
    parts.append(len(ledger.roots).to_bytes(4))
    parts.extend(root.encode() for root in ledger.roots)
    parts += [ledger.exit_count.to_bytes(8), len(ledger.exiting).to_bytes(4)]
    parts.extend(account_id.to_bytes(4) for account_id in ledger.exiting)
    parts += [encode_epoch(ledger.epoch), len(ledger.leaves).to_bytes(4), ledger.encode_accounts()]
    return b"".join((*parts, sha256(*parts)))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a snapshot says. `accounts` are bytes, as many accounts as were counted."""

    block_number: int
    l1_block_number: int
    assets: tuple[Asset, ...]
    roots: tuple[AuthorisedRoot, ...]
    exit_count: int
    exiting: tuple[AccountId, ...]
    epoch: Epoch | None
    accounts: bytes


def decode_snapshot(data: bytes) -> Ledger:
    """Return the ledger of these bytes.

    Raises MalformedBytes if the hash at the end is wrong, or for what no ledger can hold.
    """
    snapshot = read_snapshot(data)
    reader = Reader(snapshot.accounts)
    leaves = [_account(reader) for _ in range(len(snapshot.accounts) // ACCOUNT_BYTES)]
    _check_accounts(leaves, len(snapshot.assets))
    known = dict(leaves)
    check_exiting(snapshot, known)
    return ledger_of(
        snapshot.block_number,
        snapshot.l1_block_number,
        snapshot.assets,
        snapshot.roots,
        known,
        snapshot.exit_count,
        snapshot.exiting,
        snapshot.epoch,
    )


def read_snapshot(data: bytes) -> Snapshot:
    """Return what a snapshot says; its accounts are for the caller to check. Raises
    MalformedBytes."""
    content = memoryview(data)[:-HASH_BYTES]
    if sha256(content) != data[-HASH_BYTES:]:
        raise MalformedBytes("the snapshot's hash is wrong: bytes of it have changed")
    reader = Reader(bytes(content))
    version = reader.uint(1)
    if version != SNAPSHOT_VERSION:
        raise MalformedBytes(
            f"the snapshot has version {version}, this program reads {SNAPSHOT_VERSION}"
        )
    block_number, l1_block_number = reader.uint(8), reader.uint(8)
    assets = tuple(read_listing(reader) for _ in range(reader.count(LISTING_BYTES)))
    roots = tuple(read_root(reader) for _ in range(reader.count(ROOT_BYTES)))
    exit_count = reader.uint(8)
    exiting = tuple(AccountId(reader.uint(4)) for _ in range(reader.count(4)))
    epoch = read_epoch(reader)
    accounts = reader.take(reader.count(ACCOUNT_BYTES) * ACCOUNT_BYTES)
    reader.finish()
    if [asset.asset_id for asset in assets] != list(range(1, len(assets) + 1)):
        raise MalformedBytes("the listings are not in order")
    if len({asset.token for asset in assets}) < len(assets):
        raise MalformedBytes("a token is listed twice")
    if len(set(roots)) < len(roots):
        raise MalformedBytes("a root stands there twice")
    return Snapshot(
        block_number, l1_block_number, assets, roots, exit_count, exiting, epoch, accounts
    )


def check_exiting(snapshot: Snapshot, known: Container[AccountId]) -> None:
    """Check that accounts leave that are there. Raises MalformedBytes."""
    exiting = snapshot.exiting
    if len(set(exiting)) < len(exiting) or not all(one in known for one in exiting):
        raise MalformedBytes("an account leaves that is not there, or twice")


def _account(reader: Reader) -> tuple[AccountId, Leaf]:
    return AccountId(reader.uint(4)), Leaf(
        owner=Address(reader.take(20)),
        asset_id=reader.uint(2),
        nonce=reader.uint(8),
        balance_minor=BalanceMinor(reader.uint(8)),
    )


def _check_accounts(leaves: list[tuple[AccountId, Leaf]], asset_count: int) -> None:
    if not leaves or leaves[0][0] != BRIDGE:
        raise MalformedBytes("the bridge's leaf is missing")
    bridge = leaves[0][1]
    if (bridge.owner, bridge.asset_id, bridge.balance_minor) != (GENESIS_LEAF.owner, 0, 0):
        raise MalformedBytes("the bridge's leaf is wrong")
    if any(one[0] >= other[0] for one, other in pairwise(leaves)):
        raise MalformedBytes("the accounts are not ascending")
    owned = {(leaf.owner, leaf.asset_id) for _, leaf in leaves}
    if len(owned) < len(leaves):
        raise MalformedBytes("an owner has two accounts of an asset")
    for account_id, leaf in leaves[1:]:
        if account_id < FIRST_ACCOUNT or not 1 <= leaf.asset_id <= asset_count:
            raise MalformedBytes(f"account {account_id} is reserved or of no asset")
        if not any(leaf.owner):
            raise MalformedBytes(f"account {account_id} has no owner")
