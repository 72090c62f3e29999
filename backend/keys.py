"""Private keys on disk: one encrypted file a key (Web3 Secret Storage, scrypt), mode 0600."""

import json
import secrets
from pathlib import Path
from typing import Final

from eth_account import Account

from backend.files import write_atomically
from backend.protocol.signing import PrivateKey
from backend.protocol.types import Address

# scrypt's n. The default passphrase is public, so stretching it would only cost time.
SCRYPT_N_DEVELOPMENT: Final = 2**10
SCRYPT_N_PRODUCTION: Final = 2**18


class KeyUnreadable(Exception):
    """A key file can't be opened: wrong passphrase, or the file is damaged."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} can't be opened: check CAUSEWAY_KEYS_PASSPHRASE")


class KeyStore:
    """The keys of one folder, by name."""

    def __init__(self, folder: Path, passphrase: str, scrypt_n: int) -> None:
        self._folder = folder
        self._passphrase = passphrase
        self._scrypt_n = scrypt_n

    def names(self) -> list[str]:
        """Return the names of all keys, sorted."""
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def address(self, name: str) -> Address:
        """Return a key's address, which needs no passphrase. Raises as `load` does."""
        path = self._path(name)
        try:
            return Address(bytes.fromhex(json.loads(path.read_text())["address"]))
        except (ValueError, KeyError) as error:
            raise KeyUnreadable(path) from error

    def load(self, name: str) -> PrivateKey:
        """Return a key. Raises KeyUnreadable, or FileNotFoundError if there is none."""
        path = self._path(name)
        try:
            return PrivateKey(Account.decrypt(json.loads(path.read_text()), self._passphrase))
        except (ValueError, KeyError, TypeError, NotImplementedError) as error:
            raise KeyUnreadable(path) from error  # what eth_account says of a file of another form

    def load_or_create(self, name: str) -> PrivateKey:
        """Return a key, made from the system's randomness the first time it is asked for."""
        if not self._path(name).exists():
            self._write(name, secrets.token_bytes(32))
        return self.load(name)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _write(self, name: str, secret: bytes) -> None:
        """Write a key file whole or not at all: a torn one would lose the key's money."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        encrypted = Account.encrypt(
            secret, self._passphrase, kdf="scrypt", iterations=self._scrypt_n
        )
        write_atomically(self._path(name), [json.dumps(encrypted).encode()], mode=0o600)
