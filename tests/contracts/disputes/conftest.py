"""The rollup's world, and in it a ledger of few people.

Asset 1 takes a fee, asset 2 none. Person i has the account 2 + i of asset 1 (i < 4), and
some money there if i < 2; the account 10 + i of asset 2 is his, too (i < 2). Two more deposits
wait in the queue: of person 2, and of person 0.
"""

from dataclasses import replace

import pytest

from backend.protocol.operations import Deposit, OpenAccount, Payment
from backend.protocol.types import address_text, fee_account_id
from tests.contracts.core import WINDOWS, deploy_core
from tests.contracts.disputes.book import FEE_OWNER, PEOPLE, Book, person
from tests.contracts.disputes.evidence import Desk
from tests.contracts.rollup.conftest import (  # noqa: F401 - fixtures
    attacker,
    blob_carrier,
    committee,
    deposit,
    errors_by_their_bytes,
    exits,
    kzg,
    operator,
    pass_window,
    payer,
    rollup,
)
from tests.contracts.rollup.operator import Operator, addresses_of, member_keys

# ruff: noqa: F811 - fixtures are named as they are imported

# What no test changes but on its chain, which goes back after it, is made once for each module.


@pytest.fixture(scope="module", autouse=True)
def _made_before_them(reverts, with_high_s, gas_snapshot):
    """Have what lasts longer made first: ape would make the chain anew for what comes late."""


@pytest.fixture(scope="module")
def lister(accounts):
    return accounts[0]


@pytest.fixture(scope="module")
def keys():
    return member_keys(4)


@pytest.fixture(scope="module")
def core(chain, project, lister, keys):
    gate = lister.deploy(project.SwitchGate)
    core = deploy_core(project, lister, gate, addresses_of(keys))
    # Below the floor, where it stays as long as no block is half full: bonds are all alike.
    base_fee_wei = WINDOWS.gas_price_floor_wei // 10
    chain.provider.make_request("anvil_setNextBlockBaseFeePerGas", [base_fee_wei])
    chain.mine()
    return core


@pytest.fixture(scope="module")
def tokens(project, core, lister):
    """Two listed tokens; the first takes a fee."""
    fee_owners = (address_text(FEE_OWNER.address), address_text(bytes(20)))
    tokens = []
    for unit, fee_owner in zip((1, 10), fee_owners, strict=True):
        token = lister.deploy(project.ReturnBoolToken, "Test Dollar", "TUSD", 6)
        core.rollup.listAsset(token, unit, fee_owner, sender=lister)
        tokens.append(token)
    return tokens


@pytest.fixture(scope="module")
def first_book(chain, core, tokens, lister, keys):
    """A book whose first chunk has set up the ledger; nothing is posted."""
    tokens[0].mint(lister, 4000, sender=lister)
    tokens[0].approve(core.rollup, 4000, sender=lister)
    for i in (0, 1, 2, 0):
        core.rollup.deposit(1, person(i), 1000, b"", sender=lister)
    openings = [OpenAccount(2 + i, 1, PEOPLE[i].address) for i in range(4)]
    openings += [OpenAccount(10 + i, 2, PEOPLE[i].address) for i in range(2)]
    openings.append(OpenAccount(fee_account_id(1), 1, FEE_OWNER.address))
    book = Book(core.rollup, Operator(core.rollup, lister, chain.provider, keys))
    return book.honest(*openings, Deposit(2, 1000), Deposit(3, 1000), Payment(2, 3, 1, 10))


@pytest.fixture
def book(first_book, operator):
    return replace(
        first_book,
        operator=operator,
        befores=[*first_book.befores],
        chunks=[*first_book.chunks],
    )


@pytest.fixture
def desk(challenges, book, tokens):
    return Desk(challenges, book, tokens)


@pytest.fixture
def disputes(core):
    return core.disputes


@pytest.fixture
def challenges(core):
    return core.challenges


@pytest.fixture
def prover(accounts):
    return accounts[4]


@pytest.fixture
def harness(project, lister):
    return lister.deploy(project.DisputesHarness)
