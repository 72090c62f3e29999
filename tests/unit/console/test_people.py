"""People with keys here.

- new: a key under a name; a repeat gives the same; names that no file should have
- find: by name, address, person, key; unknown names, malformed addresses
- a person without a key can be paid, and signs nothing
- an address whose key is here signs; so does a guest's, from a keystore elsewhere
- a keystore: wrong passphrase, no keystore, no file
- the client's key signs as ours does
"""

import json

import pytest
from eth_account import Account

from backend.console.errors import KeyFileUnreadable, NameInvalid, NoKey, PersonUnknown
from backend.console.people import OrderKey, People, Person, read_key_file
from backend.keys import SCRYPT_N_DEVELOPMENT, KeyStore
from backend.protocol.errors import MalformedRequest
from backend.protocol.hashing import Digest, keccak
from backend.protocol.signing import PrivateKey, recover
from backend.protocol.types import address_text

SECRET = keccak(b"guest")
GUEST = PrivateKey(SECRET)


@pytest.fixture
def people(tmp_path):
    return People(KeyStore(tmp_path, "passphrase", SCRYPT_N_DEVELOPMENT))


def keystore(path, passphrase):
    encrypted = Account.encrypt(SECRET, passphrase, kdf="scrypt", iterations=SCRYPT_N_DEVELOPMENT)
    path.write_text(json.dumps(encrypted))
    return path


def test_new__repeated__changes_nothing(people):
    first = people.new("alice")

    assert people.new("alice") == first
    assert [*people] == [first]
    assert "alice" in people
    assert repr(people) == "People(alice)"


@pytest.mark.parametrize("name", ["", "Alice", "0x12", "a b", "../alice", "ä", "1st", "a" * 33])
def test_new__no_name__rejects(people, name):
    with pytest.raises(NameInvalid):
        people.new(name)


def test_find__each_way__succeeds(people):
    alice = people.new("alice")

    assert people.find("alice") == people["alice"] == people.find(alice) == alice
    assert people.find(address_text(alice.address)) == alice
    assert people.find(GUEST).key is GUEST
    assert str(alice) == "alice"
    assert repr(alice) == f"Person(alice {address_text(alice.address)})"


@pytest.mark.parametrize(
    ("who", "error"), [("bob", PersonUnknown), ("0x12", MalformedRequest), ("", PersonUnknown)]
)
def test_find__nobody__rejects(people, who, error):
    with pytest.raises(error):
        people.find(who)


def test_key__address_of_somebody_else__rejects(people):
    stranger = people.find(address_text(GUEST.address))

    assert str(stranger) == address_text(GUEST.address)
    with pytest.raises(NoKey, match="--key-file"):
        _ = stranger.key


def test_key__of_a_name__signs_succeeds(people):
    alice, digest = people.new("alice"), Digest(keccak(b"order"))

    assert recover(digest, alice.order_key.sign_digest(digest)) == alice.address
    assert alice.order_key.address == alice.address


def test_order_key__any_digest__signs_as_ours_holds():
    digest = Digest(keccak(b"order"))

    assert OrderKey(GUEST).sign_digest(digest) == GUEST.sign_digest(digest)


def test_read_key_file__guest__signs_succeeds(tmp_path):
    guest = read_key_file(keystore(tmp_path / "UTC--guest", "right"), "right")
    people = People(KeyStore(tmp_path / "people", "other", SCRYPT_N_DEVELOPMENT), guest)

    assert guest == Person(GUEST.address)
    assert people.find(address_text(GUEST.address)).key.address == GUEST.address


def test_read_key_file__unreadable__rejects(tmp_path):
    (tmp_path / "text").write_text("no keystore")
    keystore(tmp_path / "key", "right")

    for name in ("text", "key", "missing"):
        with pytest.raises(KeyFileUnreadable):
            read_key_file(tmp_path / name, "wrong")
