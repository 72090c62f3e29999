"""A prize's entries as a Merkle tree, in plain Python."""

from eth_abi import encode
from eth_utils import keccak

WALLET, ACCOUNT, ORDERS = range(3)  # IPrizes.Payout
TERMS_HASH = keccak(text="who wins what")
SALT = keccak(text="salt")


def node(left, right):
    return keccak(min(left, right) + max(left, right))


class Tree:
    """A tree of entries (index, address, amount_minor); odd nodes move up as they are."""

    def __init__(self, prize_id, entries):
        kinds = ["bytes32", "uint256", "address", "uint48"]
        leaves = [keccak(keccak(encode(kinds, [prize_id, *entry]))) for entry in entries]
        self.entries = entries
        self.levels = [leaves]
        while len(self.levels[-1]) > 1:
            level = self.levels[-1]
            pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
            self.levels.append([node(*pair) if len(pair) == 2 else pair[0] for pair in pairs])
        self.root = self.levels[-1][0]

    def claim(self, i):
        """Return the arguments of a claim after the prize's id."""
        proof, place = [], i
        for level in self.levels[:-1]:
            if place ^ 1 < len(level):
                proof.append(level[place ^ 1])
            place //= 2
        return *self.entries[i], proof
