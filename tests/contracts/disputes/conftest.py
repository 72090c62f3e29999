"""The rollup's world, and in it a ledger of few people.

Asset 1 takes a fee, asset 2 none. Person i has the account 2 + i of asset 1 (i < 4), and
some money there if i < 2; the account 10 + i of asset 2 is his, too (i < 2). Two more deposits
wait in the queue: of person 2, and of person 0.
"""

import pytest
import rlp
from eth_utils import keccak, to_bytes, to_checksum_address

from backend.protocol.operations import Deposit, OpenAccount, Payment
from backend.protocol.types import address_text, fee_account_id
from tests.contracts.disputes.book import FEE_OWNER, PEOPLE, Book, person
from tests.contracts.disputes.evidence import Desk
from tests.contracts.rollup.conftest import (  # noqa: F401 - fixtures
    asset_id,
    attacker,
    blob_carrier,
    deposit,
    errors_by_their_bytes,
    gate,
    keys,
    kzg,
    list_asset,
    lister,
    operator,
    pass_window,
    payer,
    token,
)
from tests.contracts.rollup.operator import addresses_of

CHALLENGE_WINDOW_S, ANSWER_WINDOW_S = 60, 100

# ruff: noqa: F811 - fixtures are named as they are imported


STAKE_WEI = 10**18
WINDOWS = (CHALLENGE_WINDOW_S, ANSWER_WINDOW_S, 600, 600, 7 * 86_400, 30 * 86_400, 10**9)


@pytest.fixture
def contracts(chain, project, lister, gate, keys):
    """Committee, rollup, exits, disputes, challenges: each knows the others by their addresses."""
    nonce = chain.provider.get_nonce(lister.address)
    addresses = [
        to_checksum_address(keccak(rlp.encode([to_bytes(hexstr=lister.address), nonce + i]))[12:])
        for i in range(5)
    ]
    committee, rollup, exits, disputes, challenges = addresses
    parts = (committee, gate, lister, exits, disputes, challenges)
    deployed = [
        lister.deploy(project.Committee, lister, rollup, addresses_of(keys), STAKE_WEI),
        lister.deploy(project.Rollup, parts, WINDOWS),
        lister.deploy(project.Exits, rollup),
        lister.deploy(project.Disputes, rollup),
        lister.deploy(project.Challenges, rollup),
    ]
    for key in keys:
        deployed[0].stake(address_text(key.address), sender=lister, value=STAKE_WEI)
    return deployed


@pytest.fixture
def committee(contracts):
    return contracts[0]


@pytest.fixture
def rollup(contracts):
    return contracts[1]


@pytest.fixture
def exits(contracts):
    return contracts[2]


@pytest.fixture
def disputes(contracts):
    return contracts[3]


@pytest.fixture
def challenges(contracts):
    return contracts[4]


@pytest.fixture
def harness(project, lister):
    return lister.deploy(project.DisputesHarness)


@pytest.fixture
def prover(accounts):
    return accounts[4]


@pytest.fixture
def tokens(project, lister, token, list_asset):
    """Two listed tokens; the first takes a fee."""
    other = lister.deploy(project.ReturnBoolToken, "Other Dollar", "OUSD", 6)
    list_asset(token, 1, address_text(FEE_OWNER.address))
    list_asset(other, 10)
    return [token, other]


@pytest.fixture
def desk(challenges, book, tokens):
    return Desk(challenges, book, tokens)


@pytest.fixture
def book(rollup, operator, tokens, deposit):
    """A book whose first chunk has set up the ledger; nothing is posted."""
    for i in (0, 1, 2, 0):
        deposit(tokens[0], 1000, person(i))
    openings = [OpenAccount(2 + i, 1, PEOPLE[i].address) for i in range(4)]
    openings += [OpenAccount(10 + i, 2, PEOPLE[i].address) for i in range(2)]
    openings.append(OpenAccount(fee_account_id(1), 1, FEE_OWNER.address))
    book = Book(rollup, operator)
    return book.honest(*openings, Deposit(2, 1000), Deposit(3, 1000), Payment(2, 3, 1, 10))
