"""Keys that the platform keeps for others. Law: each use is noted before its signature leaves.

A key is known by its id, a customer's or a hold's. It is read from its encrypted file when it is
first used, stays in memory from then on, and is never handed out.
"""

import asyncio
import threading
from collections.abc import Callable

from backend.keys import KeyStore
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
        self._lock = threading.Lock()  # two makers of one key would lose one of the two

    def __repr__(self) -> str:
        return f"Custody({len(self._keys)} keys in use)"

    async def create(self, key_id: str) -> Address:
        """Return the address of a key, made the first time. The file is durable by then."""
        return (await asyncio.to_thread(self._key, key_id, self._store.load_or_create)).address

    async def sign(self, key_id: str, order: Order, purpose: str, actor: str) -> SignedOrder:
        """Return the order with the signature of its payer, whose key it must be.

        `purpose` is what it is for (payment, withdrawal, group, hold, schedule), `actor` who asked:
        the id of an API key, or what acts by itself. Raises FileNotFoundError for an id without a
        key, KeyUnreadable, and ValueError for an order of another payer.
        """
        return await asyncio.to_thread(self._sign, key_id, order, purpose, actor)

    def _sign(self, key_id: str, order: Order, purpose: str, actor: str) -> SignedOrder:
        key = self._key(key_id, self._store.load)
        if key.address != order.payer:
            raise ValueError(f"{key_id} is not the payer")
        digest = order.digest(self._domain)
        self._uses.note(key_id, purpose, digest, actor, self._clock_ms())
        return SignedOrder(order, key.sign_digest(digest))

    def _key(self, key_id: str, read: Callable[[str], PrivateKey]) -> PrivateKey:
        with self._lock:
            key = self._keys.get(key_id)
            if key is None:
                key = self._keys[key_id] = read(key_id)
            return key
