"""Leaves in columns, against dictionaries.

- leaves taken in one by one and in columns, of new accounts and known ones
- a ledger: equal, forked, its holdings; an account that would change its owner, or go
"""

from random import Random

import numpy as np
import pytest

from backend.engine.ledger import GENESIS_LEAF, Ledger
from backend.engine.vector.accounts import Accounts
from backend.engine.vector.index import NO_ROW, key_of, keys_of
from backend.engine.vector.leaves import FlatLeaves, FlatLedger, LeafColumns
from backend.protocol.errors import InvariantViolated
from backend.protocol.money import BalanceMinor
from backend.protocol.types import BRIDGE, AccountId, Address, Leaf


def random_leaf(random_: Random, owner: bytes | None = None) -> Leaf:
    nonce, balance = random_.choice([0, 5, 2**64 - 1]), random_.choice([0, 7, 2**64 - 1])
    owner = owner or random_.randbytes(20)
    return Leaf(Address(owner), random_.randint(1, 2**16 - 1), nonce, BalanceMinor(balance))


def random_leaves(random_: Random, count: int) -> dict[AccountId, Leaf]:
    ids = random_.sample(range(2, 2**32), count)
    return {BRIDGE: GENESIS_LEAF} | {AccountId(one): random_leaf(random_) for one in ids}


def test_update__one_by_one_and_in_columns__as_a_dictionary_holds():
    random_ = Random(3)
    expected = random_leaves(random_, 1_500)
    leaves = FlatLeaves(expected)
    for turn in range(6):
        known = random_.sample(sorted(expected)[1:], 40)
        changes = {
            one: Leaf(expected[one].owner, expected[one].asset_id, turn, BalanceMinor(turn))
            for one in known
        } | {AccountId(random_.randrange(2, 2**32)): random_leaf(random_) for _ in range(40)}
        expected |= changes
        if turn % 2:
            leaves.update(LeafColumns.of(changes))
        else:
            for account_id, leaf in changes.items():
                leaves[account_id] = leaf

    assert leaves == expected
    assert len(leaves) == len(expected)
    assert (AccountId(1) in leaves, "no id" in leaves) == (False, False)
    assert leaves.get(AccountId(1)) is None


def test_columns__leaves__are_found_by_id_holds():
    expected = random_leaves(Random(4), 30)
    columns = LeafColumns.of(expected)
    del expected[BRIDGE]

    assert dict(columns) == expected
    assert list(columns) == sorted(expected)
    assert AccountId(1) not in columns
    assert AccountId(2**32 - 1) not in columns


def test_ledger__forked__goes_its_own_way_holds():
    flat = FlatLedger.of(Ledger(leaves=random_leaves(Random(5), 50)))
    account_id, leaf = next(iter(list(flat.leaves.items())[1:]))
    fork = flat.fork()

    fork.leaves[account_id] = Leaf(leaf.owner, leaf.asset_id, 9, BalanceMinor(9))

    assert flat.leaves[account_id] == leaf
    assert fork != flat
    assert fork.account_ids == flat.account_ids
    assert fork.account_ids[leaf.owner, leaf.asset_id] == account_id
    assert fork.account_ids.get((leaf.owner, 0)) is None


@pytest.mark.parametrize("change", [{"owner": Address(bytes(19) + b"\1")}, {"asset_id": 9}])
def test_update__another_owner_or_asset__rejects(change):
    leaf = Leaf(Address(b"\2" * 20), 1, 0, BalanceMinor(0))
    leaves = FlatLeaves({AccountId(2): leaf})
    fields = {"owner": leaf.owner, "asset_id": 1, "nonce": 0, "balance_minor": 0} | change

    with pytest.raises(InvariantViolated, match="another owner or asset"):
        leaves[AccountId(2)] = Leaf(**fields)


def test_delete__account__rejects():
    leaves = FlatLeaves({AccountId(2): random_leaf(Random(1))})

    with pytest.raises(TypeError, match="stays"):
        del leaves[AccountId(2)]


def test_open__id_twice__rejects():
    accounts = Accounts()
    owners = [bytes(19) + bytes([n]) for n in (1, 2)]
    keys = keys_of(np.frombuffer(b"".join(key_of(Address(o), 1) for o in owners), np.uint8))
    accounts.open(np.array([5], np.uint32), keys[:1])

    with pytest.raises(InvariantViolated, match="an id stands twice"):
        accounts.open(np.array([5], np.uint32), keys[1:])


def test_rows_of__known_and_unknown__holds():
    accounts = FlatLeaves(random_leaves(Random(6), 200)).accounts
    ids = np.append(accounts.ids[: accounts.count], np.uint32(1))

    assert accounts.rows_of(ids).tolist() == [*range(accounts.count), NO_ROW]
