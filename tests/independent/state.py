"""Accounts, listings, the state tree and its proofs (section 1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.independent.codec import ZERO_ADDRESS, ZERO_HASH, Invalid, keccak, require, u
from tests.independent.records import Root

BRIDGE = 0
REGISTRY = 1
FEE_PARTITION = 255
DEPTH = 32
BALANCE_MAX = 2**64 - 1
NONCE_MAX = 2**64 - 1


@dataclass(frozen=True)
class Leaf:
    owner: bytes
    asset_id: int
    nonce: int
    balance_minor: int

    def encoded(self) -> bytes:
        parts = u(self.asset_id, 2) + u(self.nonce, 8) + u(self.balance_minor, 8)
        return self.owner + parts

    def hash(self) -> bytes:
        return ZERO_HASH if self.owner == ZERO_ADDRESS else keccak(self.encoded())


EMPTY = Leaf(ZERO_ADDRESS, 0, 0, 0)
GENESIS_BRIDGE = Leaf(u(1, 20), 0, 0, 0)


@dataclass(frozen=True)
class Asset:
    asset_id: int
    token: bytes
    unit: int
    fee_owner: bytes


def node(left: bytes, right: bytes) -> bytes:
    return ZERO_HASH if left == right == ZERO_HASH else keccak(left, right)


def fee_account_of(asset_id: int) -> int:
    return FEE_PARTITION << 24 | asset_id


def partition_of(owner: bytes) -> int:
    return keccak(owner)[-1] % 255


@dataclass
class State:
    """All leaves, listings, roots of orders, and exiting accounts in the order of their exits.

    The tree's nodes are kept by (height, index).
    """

    leaves: dict[int, Leaf] = field(default_factory=lambda: {BRIDGE: GENESIS_BRIDGE})
    assets: dict[int, Asset] = field(default_factory=dict)
    ids: dict[tuple[bytes, int], int] = field(default_factory=dict)
    roots: set[Root] = field(default_factory=set)
    exiting: list[int] = field(default_factory=list)
    _nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    _stale: set[int] = field(default_factory=lambda: {BRIDGE})

    def leaf(self, account_id: int) -> Leaf:
        return self.leaves.get(account_id, EMPTY)

    def put(self, account_id: int, leaf: Leaf) -> None:
        if account_id not in self.leaves:
            self.ids[leaf.owner, leaf.asset_id] = account_id
        self.leaves[account_id] = leaf
        self._stale.add(account_id)

    def list_asset(self, asset: Asset) -> None:
        require(asset.asset_id >= 1 and asset.unit >= 1, "an asset and its unit count from 1")
        require(asset.asset_id not in self.assets, "a listing never changes")
        require(asset.token != ZERO_ADDRESS, "token 0 is no token")
        tokens = {known.token for known in self.assets.values()}
        require(asset.token not in tokens, "a token is listed once")
        self.assets[asset.asset_id] = asset

    def authorise(self, root: Root) -> None:
        require(root.owner != ZERO_ADDRESS, "owner 0 authorises nothing")
        require(root not in self.roots, "the root came before")
        self.roots.add(root)

    def asset_of_token(self, token: bytes) -> Asset:
        for asset in self.assets.values():
            if asset.token == token:
                return asset
        raise Invalid("the asset isn't listed")

    def free_id(self, owner: bytes, also_taken: set[int]) -> int:
        """The id that the committee gives the next account of `owner`."""
        first = partition_of(owner)
        for step in range(255):
            partition = (first + step) % 255
            for index in range(2 if partition == 0 else 0, 1 << 24):
                account_id = partition << 24 | index
                if account_id not in self.leaves and account_id not in also_taken:
                    return account_id
        raise Invalid("every id is taken")

    def root(self) -> bytes:
        level = self._stale
        for account_id in level:
            self._nodes[0, account_id] = self.leaf(account_id).hash()
        for height in range(DEPTH):
            level = {index >> 1 for index in level}
            for index in level:
                left, right = self._node(height, 2 * index), self._node(height, 2 * index + 1)
                self._nodes[height + 1, index] = node(left, right)
        self._stale = set()
        return self._node(DEPTH, 0)

    def path(self, account_id: int) -> list[bytes]:
        """The siblings from the leaf up."""
        self.root()
        return [self._node(height, account_id >> height ^ 1) for height in range(DEPTH)]

    def multiproof(self, account_ids: Sequence[int]) -> list[bytes]:
        self.root()
        return self._multiproof(DEPTH, 0, sorted(set(account_ids)))

    def _multiproof(self, height: int, index: int, below: list[int]) -> list[bytes]:
        if not below:
            return [self._node(height, index)]
        if height == 0:
            return []
        left = [account_id for account_id in below if not account_id >> (height - 1) & 1]
        right = below[len(left) :]
        first = self._multiproof(height - 1, 2 * index, left)
        return first + self._multiproof(height - 1, 2 * index + 1, right)

    def _node(self, height: int, index: int) -> bytes:
        return self._nodes.get((height, index), ZERO_HASH)


def root_of_path(account_id: int, leaf_hash: bytes, siblings: Sequence[bytes]) -> bytes:
    require(len(siblings) == DEPTH, "a path has 32 siblings")
    hashed = leaf_hash
    for height, sibling in enumerate(siblings):
        is_right = account_id >> height & 1
        hashed = node(sibling, hashed) if is_right else node(hashed, sibling)
    return hashed


def root_of_multiproof(leaf_hashes: Mapping[int, bytes], siblings: Sequence[bytes]) -> bytes:
    """A walk from the root, left before right, takes the next sibling where no leaf is below."""
    left_over = iter(siblings)

    def hash_of(height: int, below: list[int]) -> bytes:
        if not below:
            sibling = next(left_over, None)
            require(sibling is not None, "a sibling is missing")
            return sibling
        if height == 0:
            return leaf_hashes[below[0]]
        left = [account_id for account_id in below if not account_id >> (height - 1) & 1]
        right = below[len(left) :]
        return node(hash_of(height - 1, left), hash_of(height - 1, right))

    root = hash_of(DEPTH, sorted(leaf_hashes))
    require(next(left_over, None) is None, "there is a sibling too many")
    return root
