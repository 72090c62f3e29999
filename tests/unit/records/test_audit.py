"""What the projections say of accounts, read for a check.

- balances, nonces, and the sums of their entries, as of the last block
- nothing is changed by reading; an empty database says that it has nothing
"""

import pytest

from backend.protocol.types import BRIDGE, fee_account_id
from backend.records.audit import projected_accounts
from backend.records.database import open_database
from backend.records.projections import Projections
from tests.unit.records.journal import DOMAIN, key, sample


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'projections.sqlite'}"


def test_projected_accounts__sample__sums_are_balances_succeeds(url):
    projections = Projections(open_database("projections", url), DOMAIN)
    for block in sample().blocks:
        projections.apply_final_block(block)

    found = projected_accounts(url)

    assert found.block_number == 5
    by_owner = {leaf.owner: leaf for leaf in found.leaves.values()}
    payer = by_owner[key("payer").address]
    assert (payer.asset_id, payer.nonce) == (1, 3)
    assert found.leaves[fee_account_id(1)].balance_minor == 11
    assert BRIDGE not in found.leaves
    for account_id, leaf in found.leaves.items():
        assert found.sums_minor[account_id] == leaf.balance_minor
    assert projected_accounts(url) == found


def test_projected_accounts__nothing_yet__is_empty_holds(url):
    open_database("projections", url).dispose()

    found = projected_accounts(url)

    assert (found.block_number, found.leaves, found.sums_minor) == (0, {}, {})
