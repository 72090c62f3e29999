"""Actors and contracts of the tests of bonuses and prizes: a rollup behind the KYC registry."""

import pytest
from ape.managers.compilers import CompilerManager

from tests.contracts.bonus.prize_tree import SALT, TERMS_HASH, WALLET, Tree
from tests.contracts.bonus.terms import DAY_S, DOLLAR, UNIT, Terms
from tests.contracts.core import deploy_core


@pytest.fixture(autouse=True)
def errors_by_their_bytes(monkeypatch):
    """Keep ape from looking for the names of errors in traces: `reverts` reads the bytes."""
    monkeypatch.setattr(CompilerManager, "get_custom_error", lambda *_: None)


@pytest.fixture
def admin(accounts):
    return accounts[0]


@pytest.fixture
def sponsor(accounts):
    return accounts[1]


@pytest.fixture
def person(accounts):
    return accounts[2]


@pytest.fixture
def other(accounts):
    return accounts[3]


@pytest.fixture
def anyone(accounts):
    return accounts[4]


@pytest.fixture
def kyc_attestor(accounts):
    return accounts[5]


@pytest.fixture
def registry(project, admin, kyc_attestor):
    registry = admin.deploy(project.KycRegistry, admin, 1)
    registry.appointAttestor(kyc_attestor, sender=admin)
    registry.grantRole(registry.GUARDIAN_ROLE(), admin, sender=admin)
    return registry


@pytest.fixture
def set_level(chain, registry, kyc_attestor):
    """Give people a KYC level for a year, from the next block on."""

    def _set(level, *people):
        for person in people:
            issued = max(chain.pending_timestamp, registry.statusOf(person).issued + 1)
            chain.pending_timestamp = issued
            attestation = (person, level, issued + 365 * DAY_S, issued)
            registry.attest(attestation, b"", sender=kyc_attestor)

    return _set


@pytest.fixture
def rollup(project, admin, registry, set_level, person, other):
    set_level(2, person, other)
    return deploy_core(project, admin, registry, [admin.address]).rollup


@pytest.fixture
def list_asset(rollup, admin):
    """List a token and return its asset id."""

    def _list(token, unit=UNIT):
        rollup.listAsset(token, unit, "0x" + "00" * 20, sender=admin)
        return rollup.assetIdOf(token)

    return _list


@pytest.fixture
def token(project, admin):
    return admin.deploy(project.ReturnBoolToken, "Test Dollar", "TUSD", 8)


@pytest.fixture
def asset_id(list_asset, token):
    return list_asset(token)


@pytest.fixture
def bonus(project, admin, rollup, registry):
    return admin.deploy(project.BonusCampaigns, rollup, registry)


@pytest.fixture
def give():
    """Mint a token for somebody, who approves a contract for it; amounts in minor units."""

    def _give(token, holder, spender, amount_minor):
        token.mint(holder, amount_minor * UNIT, sender=holder)
        token.approve(spender, amount_minor * UNIT, sender=holder)

    return _give


@pytest.fixture
def terms(chain, asset_id, bonus):
    """Terms whose window is the ten days from now."""
    now = chain.blocks.head.timestamp
    return Terms(asset_id, now, now + 10 * DAY_S)


@pytest.fixture
def create(bonus, give, token, sponsor):
    """Create a campaign of the sponsor and return its id."""

    def _create(terms, budget_minor=100 * DOLLAR, token=token):
        give(token, sponsor, bonus, budget_minor)
        bonus.createCampaign(terms.encoded(), budget_minor, sender=sponsor)
        return bonus.campaignCount()

    return _create


@pytest.fixture
def campaign_id(create, terms):
    return create(terms)


@pytest.fixture
def deposit(bonus, give, token, person):
    """Deposit by a campaign, for the person or another, and return the receipt."""

    def _deposit(campaign_id, amount_minor=20 * DOLLAR, by=person, evidence=b"", token=token):
        give(token, by, bonus, amount_minor)
        return bonus.deposit(campaign_id, amount_minor, evidence, sender=by)

    return _deposit


@pytest.fixture
def deposit_plainly(rollup, give, token, person):
    """Deposit at the rollup and return the record of it."""

    def _deposit(amount_minor=20 * DOLLAR, by=person, token=token, owner=None):
        give(token, by, rollup, amount_minor)
        asset_id, owner = rollup.assetIdOf(token), owner or by
        receipt = rollup.deposit(asset_id, owner, amount_minor * UNIT, b"", sender=by)
        event = receipt.decode_logs(rollup.DepositQueued)[0]
        return event.index, event.owner, event.amountMinor, event.tsS

    return _deposit


@pytest.fixture
def events(bonus):
    """`events(receipt, "GrantReleased")` lists events of that name, decoded."""

    def _events(receipt, name):
        return receipt.decode_logs(getattr(bonus, name))

    return _events


@pytest.fixture
def escrow_minor(bonus, token):
    """What the contract holds, less what it owes to campaigns and their grants."""

    def _escrow():
        campaigns = range(1, bonus.campaignCount() + 1)
        grants = [bonus.grantOf(i) for i in range(1, bonus.grantCount() + 1)]
        owed = sum(bonus.campaignOf(i).budgetMinor for i in campaigns)
        owed += sum(grant.bonusMinor for grant in grants if grant.state in (1, 2))
        return token.balanceOf(bonus) // UNIT - owed

    return _escrow


@pytest.fixture
def prizes(project, admin, rollup):
    return admin.deploy(project.Prizes, rollup)


@pytest.fixture
def deadline(chain, asset_id):
    return chain.blocks.head.timestamp + 10 * DAY_S


@pytest.fixture
def prize_id(prizes, sponsor):
    return bytes(prizes.prizeIdOf(sponsor, SALT))


@pytest.fixture
def tree(prize_id, person, other, anyone):
    people = [person, other, anyone]
    return Tree(prize_id, [(i, who.address, (i + 1) * DOLLAR) for i, who in enumerate(people)])


@pytest.fixture
def create_prize(prizes, give, token, sponsor, asset_id, deadline):
    """Create a prize of 6 dollars, all that the tree's entries need, by the sponsor."""

    def _create(root, payout=WALLET, total_minor=6 * DOLLAR, token=token, **changes):
        give(token, sponsor, prizes, total_minor)
        values = {
            "asset_id": asset_id,
            "payout": payout,
            "root": root,
            "total_minor": total_minor,
            "deadline": deadline,
            "terms_hash": TERMS_HASH,
            "salt": SALT,
            "evidence": b"",
        } | changes
        return prizes.createPrize(*values.values(), sender=sponsor)

    return _create
