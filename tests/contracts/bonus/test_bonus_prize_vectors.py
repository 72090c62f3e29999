"""The contract agrees with the golden vectors of prizes.

- each entry of each tree is paid by its proof, once; ids are the contract's
"""

import pytest

from tests.contracts.bonus.terms import UNIT
from tests.vectors.generate import load

VECTORS = load("prizes")


@pytest.fixture
def placed(chain, project, prizes):
    """The contract with the address that the vectors speak of."""
    chain.provider.set_code(VECTORS["prizes"], chain.provider.get_code(prizes.address))
    return project.Prizes.at(VECTORS["prizes"])


@pytest.mark.parametrize("vector", VECTORS["trees"], ids=lambda tree: len(tree["entries"]))
def test_claim__vectors__holds(
    chain, accounts, placed, token, give, asset_id, deadline, anyone, vector
):
    sponsor = accounts[VECTORS["sponsor"]]
    sponsor.balance = "1 ether"
    entries = [(one, int(one["amount_minor"])) for one in vector["entries"]]
    total_minor = sum(amount_minor for _, amount_minor in entries)
    give(token, sponsor, placed, total_minor)

    words = (asset_id, 0, vector["root"], total_minor, deadline, bytes(32), vector["salt"], b"")
    placed.createPrize(*words, sender=sponsor)

    assert chain.chain_id == VECTORS["chain_id"]
    assert bytes(placed.prizeIdOf(sponsor, vector["salt"])) == bytes.fromhex(vector["id"][2:])
    for one, amount_minor in entries:
        shown = (one["index"], one["person"], amount_minor, one["proof"])
        placed.claim(vector["id"], *shown, sender=anyone)
        assert token.balanceOf(one["person"]) == amount_minor * UNIT
    assert placed.prizeOf(vector["id"]).remainingMinor == 0
