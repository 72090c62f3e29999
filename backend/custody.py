"""Keys that the platform keeps for others. Law: each use is noted before its signature leaves.

A key is known by its id, a customer's or a hold's. It is read from its encrypted file when it is
first used, stays in memory from then on, and is never handed out.
"""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

from backend.keys import SCRYPT_N_DEVELOPMENT, KeyStore
from backend.protocol.eip712 import Domain
from backend.protocol.order_records import SignedOrder
from backend.protocol.orders import Order
from backend.protocol.signing import PrivateKey
from backend.protocol.types import Address
from backend.records.registers.customers import KeyUses


class Custody:
    """The keys of one store, and the audit trail of their use."""

    def __init__(
        self, store: KeyStore, uses: KeyUses, domain: Domain, clock_ms: Callable[[], int]
    ) -> None:
        self._store = store
        self._uses = uses
        self._domain = domain
        self._clock_ms = clock_ms
        self._keys: dict[str, PrivateKey] = {}
        self._opening = asyncio.Lock()  # two makers of one key would lose one of the two

    def __repr__(self) -> str:
        return f"Custody({len(self._keys)} keys in use)"

    async def create(self, key_id: str) -> Address:
        """Return the address of a key, made the first time. The file is durable by then."""
        return (await self._key(key_id, self._store.load_or_create)).address

    async def sign(self, key_id: str, order: Order, purpose: str, actor: str) -> SignedOrder:
        """Return the order with the signature of its payer, whose key it must be.

        `purpose` is what it is for (payment, withdrawal, group, hold, schedule), `actor` who asked:
        the id of an API key, or what acts by itself. Raises FileNotFoundError for an id without a
        key, KeyUnreadable, and ValueError for an order of another payer.
        """
        key = await self._key(key_id, self._store.load)
        if key.address != order.payer:
            raise ValueError(f"{key_id} is not the payer")
        digest = order.digest(self._domain)
        ts_ms = self._clock_ms()
        await asyncio.to_thread(self._uses.note, key_id, purpose, digest, actor, ts_ms)
        return SignedOrder(order, key.sign_digest(digest))

    async def _key(self, key_id: str, read: Callable[[str], PrivateKey]) -> PrivateKey:
        if key_id not in self._keys:
            async with self._opening:
                if key_id not in self._keys:
                    self._keys[key_id] = await asyncio.to_thread(read, key_id)
        return self._keys[key_id]


def custody_store(folder: Path, passphrase: str, domain: Domain, scrypt_n: int) -> KeyStore:
    """Return the store of kept keys, whose files' passphrase is the stretched one, in hexadecimal.

    The passphrase is stretched once, with the contract as salt, and not for each key: holds come
    by the hundred, and 256 bits that nobody can guess need no stretching of their own.
    """
    salt = domain.chain_id.to_bytes(32) + domain.contract
    stretched = hashlib.scrypt(
        passphrase.encode(), salt=salt, n=scrypt_n, r=8, p=1, maxmem=2**30, dklen=32
    )
    return KeyStore(folder, stretched.hex(), SCRYPT_N_DEVELOPMENT)
