"""People with keys on this machine, by name. Law: a key signs in here and is never shown."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from eth_account import Account

from backend.console.errors import KeyFileUnreadable, NameInvalid, NoKey, PersonUnknown
from backend.keys import KeyStore
from backend.protocol.hashing import Digest
from backend.protocol.signing import PrivateKey
from backend.protocol.types import Address, address_from_text, address_text
from causeway import Key

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)


class OrderKey(Key):
    """A key of ours as the client takes it: it signs orders, and shows no more than ours does."""

    __slots__ = ("_private",)

    def __init__(self, private: PrivateKey) -> None:
        self._private = private
        self.address: bytes = private.address

    def sign_digest(self, digest: bytes) -> bytes:
        """Return r 32, s 32, v 1 bytes, low s."""
        return self._private.sign_digest(Digest(digest))


@dataclass(frozen=True, slots=True)
class Person:
    """An address, with a name and a key if they are here."""

    address: Address
    name: str | None = None
    load_key: Callable[[], PrivateKey] | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return self.name or address_text(self.address)

    def __repr__(self) -> str:
        return f"Person({self.name or ''} {address_text(self.address)})".replace("( ", "(")

    @property
    def key(self) -> PrivateKey:
        """What signs this person's transactions. Raises NoKey, KeyUnreadable."""
        if self.load_key is None:
            raise NoKey(str(self))
        return self.load_key()

    @property
    def order_key(self) -> Key:
        """What signs this person's orders. Raises NoKey, KeyUnreadable."""
        return OrderKey(self.key)


Who: TypeAlias = str | Person | PrivateKey
"""A local name, an address (0x…), a person, or a key."""


class People:
    """All who have a key in the store, and one more whose key comes from elsewhere."""

    def __init__(self, store: KeyStore, guest: Person | None = None) -> None:
        self._store = store
        self._guest = guest

    def __getitem__(self, who: Who) -> Person:
        return self.find(who)

    def __iter__(self) -> Iterator[Person]:
        return iter([self._named(name) for name in self._store.names()])

    def __contains__(self, name: object) -> bool:
        return name in self._store.names()

    def __repr__(self) -> str:
        names = ", ".join(self._store.names())
        return f"People({names or 'nobody yet'})"

    def new(self, name: str) -> Person:
        """Return the person of this name, with a new key the first time. Raises NameInvalid."""
        if not _NAME.fullmatch(name):
            raise NameInvalid(name)
        self._store.load_or_create(name)
        return self._named(name)

    def find(self, who: Who) -> Person:
        """Return a person. Raises PersonUnknown, or MalformedRequest for half an address."""
        if isinstance(who, Person):
            return who
        if isinstance(who, PrivateKey):
            return Person(who.address, None, lambda: who)
        if who.lower().startswith("0x"):
            return self.of_address(address_from_text(who))
        if who not in self._store.names():
            raise PersonUnknown(who)
        return self._named(who)

    def of_address(self, address: Address) -> Person:
        """Return who has an address, with his key if it is here."""
        if self._guest is not None and self._guest.address == address:
            return self._guest
        known = (person for person in self if person.address == address)
        return next(known, Person(address))

    def name(self, address: str) -> str:
        """Return the local name of an address, or the address."""
        return str(self.of_address(address_from_text(address)))

    def _named(self, name: str) -> Person:
        return Person(self._store.address(name), name, lambda: self._store.load(name))


def read_key_file(path: Path, passphrase: str) -> Person:
    """Return whose keystore (Web3 Secret Storage) a file is. Raises KeyFileUnreadable."""
    try:
        key = PrivateKey(bytes(Account.decrypt(json.loads(path.read_text()), passphrase)))
    except (OSError, ValueError, TypeError, KeyError, NotImplementedError) as error:
        raise KeyFileUnreadable(path) from error
    return Person(key.address, None, lambda: key)
