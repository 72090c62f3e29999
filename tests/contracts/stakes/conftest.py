"""The rollup's world, whose members are accounts that can send."""

import pytest

from backend.protocol.signing import PrivateKey
from tests.contracts.core import stake_for
from tests.contracts.exits.conftest import (  # noqa: F401 - fixtures
    ZERO_ADDRESS,
    attacker,
    committee,
    core,
    errors_by_their_bytes,
    gate,
    judge,
    ledger,
    lister,
    operator,
    payer,
    rollup,
    room,
)
from tests.contracts.rollup.operator import addresses_of, member_keys

OTHERS = member_keys(4, seed=1)

# ruff: noqa: F811 - fixtures are named as they are imported


@pytest.fixture
def prover(accounts):
    return accounts[5]


@pytest.fixture
def validators(accounts):
    """The members of the first epoch, as accounts that can send."""
    return sorted(list(accounts)[6:10], key=lambda account: account.address.lower())


@pytest.fixture
def keys(validators):
    return [PrivateKey(bytes.fromhex(each.private_key[2:])) for each in validators]


@pytest.fixture
def members(keys):
    return addresses_of(keys)


@pytest.fixture
def burnt(chain, attacker):
    """Return what was burnt since the test began, in wei. Nobody but he earns tips meanwhile."""
    chain.provider.make_request("anvil_setCoinbase", [attacker.address])
    before = chain.provider.get_balance(ZERO_ADDRESS)
    yield lambda: chain.provider.get_balance(ZERO_ADDRESS) - before
    chain.provider.make_request("anvil_setCoinbase", [ZERO_ADDRESS])


@pytest.fixture
def end_epoch(committee, lister):
    """Begin an epoch with other members, who have whole stakes; return its receipt."""

    def _end():
        others = addresses_of(OTHERS)
        receipt = committee.beginEpoch(others, sender=lister)
        stake_for(others, committee, lister)
        return receipt

    return _end


def stakes_of(committee, members):
    return [committee.stakeOf(member) for member in members]


def waiting(committee, index):
    """Return how much of a reward waits, in wei."""
    return committee.rewards(index).amountWei
