"""A ledger as bytes.

- round trip, with roots, exits and an epoch; one encoding; the exact bytes of a small one
- every wrong byte, and each state that no ledger can have
"""

import pytest

from backend.engine.ledger import Ledger, decode_snapshot, encode_snapshot
from backend.engine.vector.leaves import FlatLedger
from backend.protocol.blocks import Body
from backend.protocol.errors import MalformedBytes
from backend.protocol.hashing import keccak, sha256
from backend.protocol.types import AccountId, AuthorisedRoot, Epoch, ExitRequest
from tests.property.world import STABLE, WIDE, address, pay, world

OWNER, OTHER = address("owner"), address("other")
EPOCH = Epoch(2, (OWNER,))
ROOT = AuthorisedRoot(OWNER, keccak(b"root"))


DECODERS = (decode_snapshot, FlatLedger.decode)

# No exit was told of, no account leaves, and the first epoch goes on.
NOBODY_LEAVES = bytes(8 + 4 + 4)


def sealed(data: bytes) -> bytes:
    return data + sha256(data)


def test_snapshot__round_trip__holds():
    made = world(alice=100, bob=50)
    made.block(pay("alice", "carol", 30, 7))
    made.run(Body(0, roots=(ROOT, AuthorisedRoot(OTHER, ROOT.root))))
    made.run(Body(0, exits=(ExitRequest(AccountId(9), address("carol")),), epoch=EPOCH))

    again = decode_snapshot(encode_snapshot(made.ledger))

    assert again == made.ledger
    assert (again.exit_count, again.epoch) == (1, EPOCH)
    assert list(again.roots) == list(made.ledger.roots)
    assert encode_snapshot(again) == encode_snapshot(made.ledger)
    again.check_conservation()


def test_snapshot__by_a_ledger_in_columns__is_the_same_holds():
    made = world(alice=100, bob=50)
    made.block(pay("alice", "carol", 30, 7), pay("bob", "dora", 1))
    data = encode_snapshot(made.ledger)

    flat = FlatLedger.decode(data)

    assert flat == FlatLedger.of(made.ledger)
    assert encode_snapshot(flat) == data
    flat.check_conservation()


def test_snapshot__genesis__has_these_bytes_holds():
    bridge = bytes(4) + bytes(19) + b"\x01" + bytes(2 + 8 + 8)

    assert encode_snapshot(Ledger()) == sealed(
        b"\x04"
        + bytes(8)
        + bytes(8)
        + bytes(4)
        + bytes(4)
        + NOBODY_LEAVES
        + (1).to_bytes(4)
        + bridge
    )


def test_decode_snapshot__any_changed_byte__rejects():
    data = encode_snapshot(world(alice=100).ledger)

    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(MalformedBytes):
            decode_snapshot(bytes(changed))


def account(account_id: int, owner: bytes, asset_id: int = 1) -> bytes:
    return account_id.to_bytes(4) + owner + asset_id.to_bytes(2) + bytes(8) + bytes(8)


BRIDGE_ACCOUNT = account(0, bytes(19) + b"\x01", 0)
MALFORMED = {
    "another version": (2, [], [BRIDGE_ACCOUNT], "version 2"),
    "no bridge": (4, [], [], "bridge's leaf is missing"),
    "a wrong bridge": (4, [], [account(0, OWNER, 0)], "bridge's leaf is wrong"),
    "listings in disorder": (4, [WIDE], [BRIDGE_ACCOUNT], "listings are not in order"),
    "a token twice": (
        4,
        [STABLE, type(STABLE)(2, STABLE.token, 1, OWNER)],
        [BRIDGE_ACCOUNT],
        "a token is listed twice",
    ),
    "accounts in disorder": (
        4,
        [STABLE],
        [BRIDGE_ACCOUNT, account(3, OWNER), account(2, OTHER)],
        "not ascending",
    ),
    "two accounts of an owner": (
        4,
        [STABLE],
        [BRIDGE_ACCOUNT, account(2, OWNER), account(3, OWNER)],
        "two accounts of an asset",
    ),
    "a reserved account": (4, [STABLE], [BRIDGE_ACCOUNT, account(1, OWNER)], "is reserved"),
    "an unlisted asset": (4, [STABLE], [BRIDGE_ACCOUNT, account(2, OWNER, 2)], "of no asset"),
    "no owner": (4, [STABLE], [BRIDGE_ACCOUNT, account(2, bytes(20))], "has no owner"),
}


@pytest.mark.parametrize(
    ("version", "listings", "leaves", "reason"), MALFORMED.values(), ids=MALFORMED
)
def test_decode_snapshot__no_ledger__rejects(version, listings, leaves, reason):
    data = version.to_bytes(1) + bytes(16)
    data += len(listings).to_bytes(4) + b"".join(listing.encode() for listing in listings)
    data += (0).to_bytes(4) + NOBODY_LEAVES
    data += len(leaves).to_bytes(4) + b"".join(leaves)

    for decode in DECODERS:
        with pytest.raises(MalformedBytes, match=reason):
            decode(sealed(data))


@pytest.mark.parametrize(
    ("roots", "reason"),
    [([ROOT, ROOT], "a root stands there twice"), ([ROOT.encode()[1:]], "bytes")],
    ids=["twice", "cut"],
)
def test_decode_snapshot__wrong_roots__rejects(roots, reason):
    encoded = [one if isinstance(one, bytes) else one.encode() for one in roots]
    data = b"\x04" + bytes(16) + bytes(4) + len(roots).to_bytes(4) + b"".join(encoded)
    data += NOBODY_LEAVES + (1).to_bytes(4) + BRIDGE_ACCOUNT

    with pytest.raises(MalformedBytes, match=reason):
        decode_snapshot(sealed(data))


@pytest.mark.parametrize("exiting", [[2, 2], [3]], ids=["twice", "nobody"])
def test_decode_snapshot__wrong_exits__rejects(exiting):
    data = b"\x04" + bytes(16) + (1).to_bytes(4) + STABLE.encode() + bytes(4)
    data += bytes(8) + len(exiting).to_bytes(4) + b"".join(i.to_bytes(4) for i in exiting)
    data += bytes(4) + (2).to_bytes(4) + BRIDGE_ACCOUNT + account(2, OWNER)

    for decode in DECODERS:
        with pytest.raises(MalformedBytes, match="an account leaves that is not there, or twice"):
            decode(sealed(data))


@pytest.mark.parametrize("data", [b"", bytes(31), sealed(b""), sealed(b"\x04")])
def test_decode_snapshot__too_short__rejects(data):
    with pytest.raises(MalformedBytes):
        decode_snapshot(data)
