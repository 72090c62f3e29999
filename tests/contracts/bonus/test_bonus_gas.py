"""What transactions of bonuses and prizes cost, and how large the contracts are.

- each function in its usual cases → as in tests/gas_snapshot.json
- a hundred releases fit one transaction
- runtime code stays below 20,000 bytes
"""

import pytest
from eth_account import Account
from eth_utils import keccak

from tests.contracts.bonus.prize_tree import ACCOUNT, ORDERS, WALLET
from tests.contracts.bonus.terms import DAY_S, DOLLAR, TURNOVER, UNIT, State

RUNTIME_SIZE_BYTES_MAX = 20_000
RELEASE_GAS_MAX = 15_000_000  # a transaction has at most 2^24 (EIP-7825)
PEOPLE_COUNT = 101


@pytest.fixture
def crowd(bonus, rollup, token, asset_id, campaign_id, admin, set_level, sponsor):
    """Grants of a hundred and one people, by plain deposits of the admin for them."""
    people = [f"0x{keccak(text=f'person {i}')[:20].hex()}" for i in range(PEOPLE_COUNT)]
    set_level(2, *people)
    amount = 10 * DOLLAR * UNIT
    token.mint(admin, PEOPLE_COUNT * amount, sender=admin)
    token.approve(rollup, PEOPLE_COUNT * amount, sender=admin)
    token.mint(sponsor, 1_000 * DOLLAR * UNIT, sender=admin)
    token.approve(bonus, 1_000 * DOLLAR * UNIT, sender=sponsor)
    bonus.fund(campaign_id, 1_000 * DOLLAR, sender=sponsor)
    for person in people:
        receipt = rollup.deposit(asset_id, person, amount, b"", sender=admin)
        event = receipt.decode_logs(rollup.DepositQueued)[0]
        record = (event.index, event.owner, event.amountMinor, event.tsS)
        bonus.grant(campaign_id, record, sender=admin)
    return list(range(1, PEOPLE_COUNT + 1))


@pytest.fixture
def wait(chain):
    def _wait(duration_s=DAY_S):
        chain.mine(timestamp=chain.pending_timestamp + duration_s)

    return _wait


def test_deploy__runtime_size__holds(chain, bonus, prizes):
    for contract in (bonus, prizes):
        assert len(chain.provider.get_code(contract.address)) <= RUNTIME_SIZE_BYTES_MAX


def test_campaign__gas__holds(gas_snapshot, bonus, terms, give, token, sponsor):
    give(token, sponsor, bonus, 200 * DOLLAR)

    created = bonus.createCampaign(terms.encoded(), 100 * DOLLAR, sender=sponsor)
    funded = bonus.fund(1, 100 * DOLLAR, sender=sponsor)
    bonus.endCampaign(1, sender=sponsor)
    withdrawn = bonus.withdrawBudget(1, sender=sponsor)

    gas_snapshot("BonusCampaigns.createCampaign: match, funded", created.gas_used)
    gas_snapshot("BonusCampaigns.fund: more", funded.gas_used)
    gas_snapshot("BonusCampaigns.withdrawBudget: all", withdrawn.gas_used)


def test_grant__gas__holds(
    gas_snapshot, bonus, campaign_id, deposit, deposit_plainly, anyone, other
):
    by_deposit = deposit(campaign_id, by=other)
    by_record = bonus.grant(campaign_id, deposit_plainly(), sender=anyone)

    gas_snapshot("BonusCampaigns.deposit: granted", by_deposit.gas_used)
    gas_snapshot("BonusCampaigns.grant: by record", by_record.gas_used)


def test_release_and_forfeit__gas__holds(gas_snapshot, chain, bonus, crowd, wait, anyone):
    with chain.isolate():
        wait()
        one = bonus.release(crowd[:1], sender=anyone)
        most = bonus.release(crowd[1:], sender=anyone, gas_limit=RELEASE_GAS_MAX)
        assert all(bonus.grantOf(i).state == State.RELEASED for i in crowd)
    wait(11 * DAY_S)
    forfeited = bonus.forfeit(crowd[:1], sender=anyone)
    most_forfeited = bonus.forfeit(crowd[1:], sender=anyone)

    gas_snapshot("BonusCampaigns.release: one", one.gas_used)
    gas_snapshot("BonusCampaigns.release: 100", most.gas_used)
    gas_snapshot("BonusCampaigns.forfeit: one", forfeited.gas_used)
    gas_snapshot("BonusCampaigns.forfeit: 100", most_forfeited.gas_used)


def test_attest_turnover__gas__holds(
    gas_snapshot, chain, bonus, terms, create, deposit, sign_typed, anyone
):
    keys = [Account.from_key(keccak(text=f"attestor {i}")) for i in range(3)]
    keys.sort(key=lambda key: int(key.address, 16))
    attestors = tuple(key.address for key in keys)
    deposit(create(terms._replace(turnover_bps=1, attestations_needed=2, attestors=attestors)))
    up_to = bonus.grantOf(1).grantedTsS + 60
    chain.mine(timestamp=up_to)
    parts = [
        sign_typed(key, bonus, "Causeway Bonus", TURNOVER, (1, DOLLAR, up_to)) for key in keys[1:]
    ]
    signatures = b"".join(r + s + bytes([v]) for v, r, s in parts)

    receipt = bonus.attestTurnover(1, DOLLAR, up_to, signatures, sender=anyone)

    gas_snapshot("BonusCampaigns.attestTurnover: 2 of 3", receipt.gas_used)


def test_prize__gas__holds(gas_snapshot, prizes, create_prize, tree, prize_id, anyone):
    created = create_prize(tree.root, WALLET)
    first = prizes.claim(prize_id, *tree.claim(0), sender=anyone)
    second = prizes.claim(prize_id, *tree.claim(1), sender=anyone)

    gas_snapshot("Prizes.createPrize: claimed", created.gas_used)
    gas_snapshot("Prizes.claim: to a wallet, first of 256 entries", first.gas_used)
    gas_snapshot("Prizes.claim: to a wallet", second.gas_used)


def test_claim__to_an_account__gas__holds(
    gas_snapshot, prizes, create_prize, tree, prize_id, anyone
):
    create_prize(tree.root, ACCOUNT)
    prizes.claim(prize_id, *tree.claim(1), sender=anyone)

    receipt = prizes.claim(prize_id, *tree.claim(0), sender=anyone)

    gas_snapshot("Prizes.claim: to an account", receipt.gas_used)


def test_create_prize__by_orders__gas__holds(
    gas_snapshot, prizes, create_prize, tree, prize_id, set_level
):
    set_level(1, prizes.purseOf(prize_id))

    receipt = create_prize(tree.root, ORDERS)

    gas_snapshot("Prizes.createPrize: by orders", receipt.gas_used)
