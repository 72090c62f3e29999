"""The rollup's world, and in it a ledger of few people.

Asset 1 takes a fee, asset 2 none. Person i has the account 2 + i of asset 1 (i < 4), and
some money there if i < 2; the account 10 + i of asset 2 is his, too (i < 2). Two more deposits
wait in the queue: of person 2, and of person 0.
"""

import pytest

from backend.protocol.operations import Deposit, OpenAccount, Payment
from backend.protocol.types import address_text, fee_account_id
from tests.contracts.disputes.book import FEE_OWNER, PEOPLE, Book, person
from tests.contracts.disputes.evidence import Desk
from tests.contracts.rollup.conftest import (  # noqa: F401 - fixtures
    asset_id,
    attacker,
    blob_carrier,
    committee,
    core,
    deposit,
    errors_by_their_bytes,
    exits,
    gate,
    keys,
    kzg,
    list_asset,
    lister,
    operator,
    pass_window,
    payer,
    rollup,
    token,
)

# ruff: noqa: F811 - fixtures are named as they are imported


@pytest.fixture
def disputes(core):
    return core.disputes


@pytest.fixture
def challenges(core):
    return core.challenges


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
