"""Many accounts, some of whose keys are at hand, and payments that they signed."""

from collections.abc import Iterator
from typing import Any, Final

import coincurve
import numpy as np
from numpy.typing import NDArray

from backend.engine.ledger import Ledger
from backend.engine.vector.index import (
    ADDRESS_BYTES,
    KEY_BYTES,
    Numbers,
    addresses_in,
    keys_of,
)
from backend.engine.vector.leaves import FlatLedger, LeafColumns
from backend.engine.vector.libsecp import addresses_of
from backend.engine.vector.loops import Bytes
from backend.engine.vector.orders import digests_of, read_orders
from backend.engine.vector.tree import ENDING, LEAF, Changes, FlatTree
from backend.protocol.eip712 import ledger_domain
from backend.protocol.hashing import keccak
from backend.protocol.order_records import RecordKind
from backend.protocol.signing import PrivateKey
from backend.protocol.types import (
    BRIDGE,
    BRIDGE_OWNER,
    FEE_PARTITION,
    Address,
    Asset,
    fee_account_id,
)

DOMAIN: Final = ledger_domain(31337, Address(b"\x05" * ADDRESS_BYTES))
ASSET: Final = Asset(1, Address(b"\x07" * ADDRESS_BYTES), 1, Address(b"\x09" * ADDRESS_BYTES))
BALANCE_MINOR: Final = 10**12
NEW_PAYEES: Final = 0.01
"""Which part of all payments opens an account."""

_PART: Final = 1 << 20
_FIRST_INDEX: Final = 2
RECORD: Final = np.dtype(
    [
        ("kind", np.uint8),
        ("payer", np.uint8, ADDRESS_BYTES),
        ("payee", np.uint8, ADDRESS_BYTES),
        ("asset", np.uint8, ADDRESS_BYTES),
        ("_amount", np.uint8, 24),
        ("amount", ">u8"),
        ("_fee", np.uint8, 24),
        ("fee", ">u8"),
        ("nonce", ">u8"),
        ("valid_until", ">u8"),
        ("memo", np.uint8, 32),
        ("link", np.uint8, 32),
        ("signature", np.uint8, 65),
    ]
)
"""The record of a payment whose amounts are small."""


class Population:
    """Accounts of one asset, spread evenly over the partitions. The first ones have keys."""

    def __init__(self, count: int, payer_count: int, chance: np.random.Generator) -> None:
        self._chance = chance
        self._secrets = [
            PrivateKey(keccak(b"population" + place.to_bytes(4))) for place in range(payer_count)
        ]
        self._owners: Bytes = chance.integers(0, 256, (count, ADDRESS_BYTES), np.uint8)
        points = [_point(place) for place in range(payer_count)]
        keys = np.frombuffer(b"".join(points), np.uint8).reshape(-1, 64)
        self._owners[:payer_count] = addresses_of(keys)
        self._nonces = np.zeros(payer_count, np.int64)
        places = np.arange(count, dtype=np.uint32)
        self.ids = places % FEE_PARTITION << 24 | places // FEE_PARTITION + _FIRST_INDEX

    def __len__(self) -> int:
        return len(self._owners)

    def ledger(self) -> FlatLedger:
        """Return a ledger with all accounts and the fee account."""
        keys = np.zeros((len(self) + 1, KEY_BYTES), np.uint8)
        keys[:-1, :ADDRESS_BYTES] = self._owners
        keys[-1, :ADDRESS_BYTES] = list(ASSET.fee_owner)
        keys[:, -1] = ASSET.asset_id
        ids = np.append(self.ids, np.uint32(fee_account_id(ASSET.asset_id)))
        balances = np.full(len(ids), BALANCE_MINOR, np.uint64)
        turn = np.argsort(ids)
        columns = LeafColumns(
            ids[turn], keys_of(keys[turn].reshape(-1)), np.zeros(len(ids), np.uint64), balances
        )
        ledger = FlatLedger.of(Ledger(assets={ASSET.asset_id: ASSET}))
        ledger.asset_ids[ASSET.token] = ASSET.asset_id
        ledger.supply_minor[ASSET.asset_id] = BALANCE_MINOR * len(ids)
        ledger.next_index[:] = [_FIRST_INDEX + -(-len(self) // FEE_PARTITION)] * FEE_PARTITION
        ledger.leaves.update(columns)
        return ledger

    def tree(self, ledger: FlatLedger) -> FlatTree:
        """Return the tree of a ledger's accounts."""
        tree, accounts = FlatTree(), ledger.accounts
        leaves = np.zeros(accounts.count + 1, LEAF)
        leaves["owner"][1:] = addresses_in(accounts.table.keys[: accounts.count])
        leaves["owner"][0] = list(BRIDGE_OWNER)
        leaves["asset_id"][1:] = ASSET.asset_id
        leaves["balance_minor"][1:] = accounts.balances[: accounts.count]
        leaves["ending"] = ENDING
        ids = np.append(np.uint32(BRIDGE), accounts.ids[: accounts.count])
        turn = np.argsort(ids)
        for start in range(0, len(turn), _PART):
            part = turn[start : start + _PART]
            tree.put(Changes(ids[part], leaves[part]), np.zeros(len(part), np.uint32), 1)
        return tree

    def payments(self, group: int) -> Iterator[bytes]:
        """Yield groups of signed payments, one of each payer with a key, in random order."""
        turn = self._chance.permutation(len(self._secrets))
        for start in range(0, len(turn) - group + 1, group):
            yield self._signed(turn[start : start + group])

    def _signed(self, payers: Numbers) -> bytes:
        chance, count = self._chance, len(payers)
        records: NDArray[Any] = np.zeros(count, RECORD)
        records["kind"] = RecordKind.PAYMENT
        records["payer"] = self._owners[payers]
        others = payers + chance.integers(1, len(self), count)
        records["payee"] = self._owners[others % len(self)]
        is_new = chance.random(count) < NEW_PAYEES
        records["payee"][is_new] = chance.integers(0, 256, (is_new.sum(), ADDRESS_BYTES), np.uint8)
        records["asset"] = list(ASSET.token)
        records["amount"] = chance.integers(1, 1_000, count)
        records["fee"] = 1
        records["nonce"] = self._nonces[payers]
        records["valid_until"] = 2**40
        records["memo"] = chance.integers(0, 256, (count, 32), np.uint8)
        self._nonces[payers] += 1
        digests = digests_of(DOMAIN, read_orders(records.tobytes()))
        for place, payer in enumerate(payers.tolist()):
            signature = self._secrets[payer].sign_digest(digests[place].tobytes())
            records["signature"][place] = np.frombuffer(signature, np.uint8)
        return records.tobytes()


def _point(place: int) -> bytes:
    secret = coincurve.PrivateKey(keccak(b"population" + place.to_bytes(4)))
    return secret.public_key.format(compressed=False)[1:]
