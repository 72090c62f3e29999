"""Prizes on a real chain, as the platform asks about them.

- created: the prize, its total, its purse; unknown; a claim and its refusals: wrong proof, second,
  deadline, a frozen person whose token says so
- claims that a reorganisation takes back are forgotten; what is older stays
- the chain doesn't answer
"""

import pytest

from backend.protocol.errors import ChainUnavailable
from backend.protocol.hashing import ZERO_DIGEST, Digest, keccak
from backend.protocol.prizes import Prize, PrizeEntry, PrizePayout, prize_id, prize_tree
from backend.protocol.types import Address
from backend.settlement import prizes as prizes_module
from backend.settlement.anvil import dev_key
from backend.settlement.client import ChainClient
from backend.settlement.prizes import Prizes
from tests.e2e.settlement.chain import DEPLOYER, OPERATOR, OTHER_OWNER, OWNER

SPONSOR = dev_key(7)
SALT = Digest(keccak(b"salt"))
ENTRIES = [PrizeEntry(0, OWNER.address, 70), PrizeEntry(1, OTHER_OWNER.address, 30)]


@pytest.fixture
def prizes(l1):
    return Prizes(l1.client, l1.deployment)


@pytest.fixture
async def created(l1, prizes):
    """A prize of 100 minor units to wallets, its tree and its end."""
    found_id = prize_id(l1.deployment.chain_id, prizes.address, SPONSOR.address, SALT)
    tree = prize_tree(found_id, ENTRIES)
    end_ts_s = (await l1.client.latest()).ts_s + 1_000
    token = l1.deployment.token("USDX")
    await l1.call(DEPLOYER, token, "mint", SPONSOR.address, 100)
    await l1.call(SPONSOR, token, "approve", prizes.address, 100)
    words = (1, PrizePayout.WALLET, tree.root, 100, end_ts_s, ZERO_DIGEST, SALT, b"")
    await l1.call(SPONSOR, prizes.contract, "createPrize", *words)
    return found_id, tree, end_ts_s


def claim(l1, prizes, found_id, tree, entry):
    words = (entry.index, entry.person, entry.amount_minor, list(tree.proof(entry.index)))
    return l1.call(OPERATOR, prizes.contract, "claim", found_id, *words)


async def test_prize__created__is_told_succeeds(l1, prizes, created):
    found_id, tree, end_ts_s = created

    found = await prizes.prize(found_id)

    expected = (SPONSOR.address, 1, PrizePayout.WALLET, end_ts_s, 100, tree.root, ZERO_DIGEST)
    assert found == Prize(*expected)
    assert await prizes.total_minor(found_id) == 100
    assert await prizes.claimed(found_id) == frozenset()
    assert len(await prizes.purse_of(found_id)) == 20
    token = Address(l1.deployment.token("USDX").address)
    assert await prizes.allowance(token, SPONSOR.address) == 0


async def test_prize__unknown__succeeds(prizes, created):
    other = Digest(keccak(b"other"))

    assert await prizes.prize(other) is None
    assert await prizes.total_minor(other) is None
    assert await prizes.claimed(other) == frozenset()


async def test_refusal_of_claim__each_reason__succeeds(l1, prizes, created):
    found_id, tree, _ = created
    mine, other = ENTRIES
    token = l1.deployment.token("USDX")

    async def refusal(entry, proof):
        return (await prizes.refusal_of_claim(found_id, entry, proof) or "").partition("(")[0]

    assert await refusal(mine, tree.proof(0)) == ""
    assert await refusal(mine, []) == "EntryNotInPrize"
    await claim(l1, prizes, found_id, tree, mine)
    assert await refusal(mine, tree.proof(0)) == "EntryClaimed"
    await l1.call(DEPLOYER, token, "freeze", other.person)
    assert await refusal(other, tree.proof(1))
    await l1.call(DEPLOYER, token, "unfreeze", other.person)
    await l1.pass_time(2_000)
    await l1.mine()
    assert await refusal(other, tree.proof(1)) == "DeadlinePassed"


async def test_claimed__reorganisation__is_forgotten_succeeds(l1, prizes, created):
    found_id, tree, _ = created
    await claim(l1, prizes, found_id, tree, ENTRIES[0])
    await l1.mine(3)
    await claim(l1, prizes, found_id, tree, ENTRIES[1])
    both = await prizes.claimed(found_id)

    await l1.reorganise(2)
    await l1.mine(2)

    prize = await prizes.prize(found_id)
    assert both == frozenset({0, 1})
    assert prize is not None
    assert prize.remaining_minor == 30
    assert await prizes.claimed(found_id) == frozenset({0})


async def test_claimed__older_than_is_read_again__stays_holds(l1, prizes, created, monkeypatch):
    monkeypatch.setattr(prizes_module, "_REREAD_BLOCKS", 2)
    found_id, tree, _ = created
    await claim(l1, prizes, found_id, tree, ENTRIES[0])
    assert await prizes.claimed(found_id) == frozenset({0})

    await l1.mine(9)
    await claim(l1, prizes, found_id, tree, ENTRIES[1])

    assert await prizes.claimed(found_id) == frozenset({0, 1})
    assert await Prizes(l1.client, l1.deployment).claimed(found_id) == frozenset({0, 1})
    assert await prizes.total_minor(found_id) == 100


async def test_prize__chain_away__rejects(l1):
    client = ChainClient("http://127.0.0.1:9")

    with pytest.raises(ChainUnavailable):
        await Prizes(client, l1.deployment).claimed(ZERO_DIGEST)
    await client.close()
