"""The ledger between blocks.

- advance: another block's changes; money made
- accounts: ids, partitions, the next when one is full
"""

from dataclasses import replace

import pytest

from backend.engine.ledger import (
    Ledger,
    execute,
)
from backend.protocol.blocks import Body
from backend.protocol.errors import (
    InvariantViolated,
)
from backend.protocol.types import (
    AccountId,
    Asset,
    fee_account_id,
    partition_of,
)
from tests.property.world import (
    ASSETS,
    TS_S,
    WIDE,
    World,
    address,
    deposit,
    world,
)


def test_advance__other_block__rejects():
    made = world(alice=100)
    execution = execute(made.ledger, Body(0), TS_S)
    made.ledger.advance(execution.changes)

    with pytest.raises(InvariantViolated):
        made.ledger.advance(execution.changes)


def test_check_conservation__money_made__rejects():
    made = world(alice=100)
    account_id = made.ledger.account_ids[address("alice"), 1]
    leaf = made.ledger.leaves[account_id]
    made.ledger.leaves[account_id] = replace(leaf, balance_minor=101)

    with pytest.raises(InvariantViolated):
        made.ledger.check_conservation()


def test_accounts__of_one_owner__are_one_for_each_asset_holds():
    made = World()
    made.block(listings=ASSETS)
    made.block(deposits=[deposit("alice", 1), deposit("alice", 1, WIDE), deposit("alice", 1)])
    partition = partition_of(address("alice"))

    ids = [made.ledger.account_ids[address("alice"), n] for n in (1, 2)]

    assert ids == [partition << 24, (partition << 24) + 1]
    assert made.ledger.account(address("alice"), 3) is None
    assert made.balance("alice") == 2


def test_accounts__partition_0__begins_at_2_holds():
    owner = next(f"owner {n}" for n in range(10_000) if partition_of(address(f"owner {n}")) == 0)
    made = world()

    made.block(deposits=[deposit(owner, 1)])

    assert made.ledger.account_ids[address(owner), 1] == 2


def test_accounts__full_partition__passes_on_to_the_next_holds():
    ledger = Ledger()
    partition = partition_of(address("alice"))
    ledger.next_index[partition] = 2**24 - 1
    next_index: dict[int, int] = {}

    ids = [ledger.free_account_id(address("alice"), next_index) for _ in range(3)]

    following = (partition + 1) % 255
    assert ids == [(partition + 1 << 24) - 1, following << 24, (following << 24) + 1]


def test_assets__unknown_token__is_none_holds():
    ledger = world().ledger

    assert ledger.asset_of(WIDE.token) == Asset(2, WIDE.token, WIDE.unit, WIDE.fee_owner)
    assert ledger.asset_of(address("unlisted")) is None
    assert ledger.account(address("stable's fee owner"), 1) == (
        fee_account_id(1),
        ledger.leaves[AccountId(0xFF000001)],
    )
