"""The keeper of bonuses, against a real chain.

- a deposit is granted, its turnover attested and its bonus released, by itself
- nothing attested: below what is asked for, or without enough of the attestors' keys
- a payment that is refused costs gas once, and is tried again after an hour
- an expired grant is forfeited; a campaign of a sponsor that isn't served costs nothing
- a bonus earns no bonus; a deposit waits while the chain is away, or a grant's outcome is unknown
- a campaign that is made, and grants, while the keeper looks elsewhere
- served sponsors: everybody's here, the treasury's and the settings' elsewhere
"""

from dataclasses import replace

import pytest

from backend.bonus_keeper import BonusKeeper, served_sponsors
from backend.config import Settings
from backend.protocol.bonuses import GrantState, SkipReason, Terms, Tier, terms_arguments
from backend.protocol.errors import ChainUnavailable
from backend.protocol.hashing import ZERO_DIGEST
from backend.protocol.types import address_text
from backend.settlement.anvil import dev_key, increase_time
from backend.settlement.artifacts import artifact
from backend.settlement.bonuses import Bonuses
from backend.settlement.chain import Contract, RpcError, Unknown
from backend.settlement.watcher import Watcher
from tests.e2e.settlement.chain import DEPLOYER, OPERATOR, OTHER_OWNER, OWNER

SPONSOR = dev_key(7)
ATTESTORS = tuple(sorted(map(dev_key, (8, 9)), key=lambda key: key.address))
DEPOSIT = 100_000_000
BONUS = DEPOSIT // 10


class Turnover:
    """The ledger's answer, as each test wants it."""

    def __init__(self):
        self.minor = 0

    def since_deposit(self, person, asset_id, deposit_index):
        return self.minor


@pytest.fixture
def bonuses(l1):
    return Bonuses(l1.client, l1.deployment, l1.sender(OPERATOR))


@pytest.fixture
def turnover():
    return Turnover()


@pytest.fixture
async def keeper(l1, bonuses, turnover):
    made = BonusKeeper(bonuses, turnover, ATTESTORS, lambda sponsor: sponsor == SPONSOR.address)
    watcher = Watcher(l1.client, l1.deployment)
    watcher.observers.append(made.observe)
    made.watch = watcher.poll  # what a test waits for before the keeper's turn
    return made


async def terms_of(l1, **changes) -> Terms:
    now = (await l1.client.latest()).ts_s
    attestors = tuple(key.address for key in ATTESTORS)
    terms = Terms(
        1,
        1,
        now - 10,
        now + 1_000,
        0,
        100,
        "deposit",
        2,
        5_000,
        10 * BONUS,
        ZERO_DIGEST,
        (Tier(1_000_000, 0, 1_000),),
        attestors,
    )
    return replace(terms, **changes)


async def create(l1, bonuses, sponsor=SPONSOR, budget=10 * BONUS, **changes) -> int:
    token = l1.deployment.token("USDX")
    await l1.call(DEPLOYER, token, "mint", sponsor.address, budget)
    await l1.call(sponsor, token, "approve", bonuses.address, budget)
    terms = terms_arguments(await terms_of(l1, **changes))
    await l1.call(sponsor, bonuses.contract, "createCampaign", terms, budget)
    return await bonuses.campaign_count()


async def deposit(l1, keeper, owner=OWNER):
    await l1.fund(owner, DEPOSIT)
    await l1.deposit(owner, DEPOSIT)
    await l1.mine(2)
    await keeper.watch()


async def test_advance__deposit_and_turnover__releases_succeeds(l1, bonuses, keeper, turnover):
    campaign_id = await create(l1, bonuses)
    await deposit(l1, keeper)

    await keeper.advance()
    granted = await bonuses.grant_of(1)
    waiting = await bonuses.status_of(1)
    await increase_time(l1.client, 2)  # turnover is attested up to a later second
    turnover.minor = DEPOSIT // 2
    await keeper.advance()
    await keeper.advance()

    assert (granted.person, granted.bonus_minor) == (OWNER.address, BONUS)
    assert await bonuses.grant_id_of(campaign_id, OWNER.address) == 1
    assert waiting.obstacle is SkipReason.TURNOVER_TOO_LOW
    assert (await bonuses.status_of(1)).state is GrantState.RELEASED
    assert (await bonuses.grant_of(1)).turnover_minor == DEPOSIT // 2


@pytest.mark.parametrize(("keys", "paid"), [(2, DEPOSIT // 2 - 1), (1, DEPOSIT)])
async def test_advance__too_little_turnover_or_keys__changes_nothing(
    l1, bonuses, turnover, keys, paid
):
    keeper = BonusKeeper(bonuses, turnover, ATTESTORS[:keys], lambda _: True)
    await create(l1, bonuses)
    await l1.fund(OWNER, DEPOSIT)
    await l1.deposit(OWNER, DEPOSIT)
    record = (1, OWNER.address)
    watcher = Watcher(l1.client, l1.deployment)
    watcher.observers.append(keeper.observe)
    await l1.mine(2)
    await watcher.poll()
    await keeper.advance()
    turnover.minor = paid
    await increase_time(l1.client, 2)  # turnover is attested up to a later second

    await keeper.advance()

    assert await bonuses.grant_id_of(*record) == 1
    assert (await bonuses.grant_of(1)).turnover_minor == 0


async def test_advance__expired_grant__forfeits_succeeds(l1, bonuses, keeper):
    await create(l1, bonuses, attestations_needed=0, turnover_bps=0, attestors=(), holding_s=90)
    await deposit(l1, keeper)
    await keeper.advance()
    await increase_time(l1.client, 101)

    await keeper.advance()

    assert (await bonuses.status_of(1)).state is GrantState.FORFEITED
    assert (await bonuses.campaign(1)).budget_minor == 10 * BONUS


async def test_advance__payment_refused__waits_an_hour_succeeds(l1, bonuses, keeper):
    registry = Contract(l1.deployment.address("KycRegistry"), artifact("KycRegistry").abi)
    await create(l1, bonuses, attestations_needed=0, turnover_bps=0, attestors=())
    await deposit(l1, keeper)
    await l1.call(DEPLOYER, registry, "closeDeposits")
    await keeper.advance()
    refused = (await bonuses.status_of(1)).state
    spent = await l1.client.nonce(OPERATOR.address)

    await keeper.advance()
    assert await l1.client.nonce(OPERATOR.address) == spent
    await l1.call(DEPLOYER, registry, "reopenDeposits")
    await increase_time(l1.client, 3_601)
    await keeper.advance()

    assert refused is GrantState.EARNED
    assert (await bonuses.status_of(1)).state is GrantState.RELEASED


async def test_advance__sponsor_not_served__changes_nothing(l1, bonuses, keeper):
    await create(l1, bonuses, sponsor=OTHER_OWNER)
    await create(l1, bonuses, end_ts_s=(await l1.client.latest()).ts_s + 1)
    await increase_time(l1.client, 10)
    await deposit(l1, keeper)

    await keeper.advance()

    assert await bonuses.grant_count() == 0


async def test_advance__bonus_as_a_deposit__earns_nothing_holds(l1, bonuses, keeper):
    free = {"attestations_needed": 0, "turnover_bps": 0, "attestors": ()}
    await create(l1, bonuses, **free)
    await deposit(l1, keeper)
    await keeper.advance()
    await create(l1, bonuses, **free)
    await l1.mine(2)
    await keeper.watch()

    await keeper.advance()

    assert (await bonuses.status_of(1)).state is GrantState.RELEASED
    places, newest = await bonuses.bonus_deposits(0)
    assert places == {1}
    assert newest >= 1
    assert await bonuses.grant_count() == 1


@pytest.mark.parametrize("error", [ChainUnavailable(), RpcError(-32000, "busy")])
async def test_advance__chain_away__keeps_the_deposit_succeeds(
    l1, bonuses, keeper, monkeypatch, error
):
    await create(l1, bonuses)
    await deposit(l1, keeper)

    async def away(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(bonuses, "grant_id_of", away)
        with pytest.raises(type(error)):
            await keeper.advance()
    await keeper.advance()

    assert await bonuses.grant_count() == 1


async def test_advance__outcome_of_a_grant_unknown__asks_again_succeeds(
    l1, bonuses, keeper, monkeypatch
):
    await create(l1, bonuses)
    await deposit(l1, keeper)

    async def lost(*_):
        return Unknown(bytes(32))

    with monkeypatch.context() as patch:
        patch.setattr(bonuses, "grant", lost)
        await keeper.advance()
    await keeper.advance()

    assert await bonuses.grant_count() == 1


async def test_advance__grant_of_a_campaign_made_meanwhile__is_served_succeeds(
    l1, bonuses, keeper, monkeypatch
):
    free = {"attestations_needed": 0, "turnover_bps": 0, "attestors": ()}
    await create(l1, bonuses, tiers=(Tier(DEPOSIT * 2, 0, 1_000),))
    await deposit(l1, keeper)
    (waiting,) = keeper._deposits

    async def meanwhile():
        await create(l1, bonuses, **free)
        await bonuses.grant(2, waiting.index, waiting.record)

    with monkeypatch.context() as patch:
        patch.setattr(keeper, "_grant_deposits", meanwhile)
        await keeper.advance()
    await keeper.advance()

    assert (await bonuses.status_of(1)).state is GrantState.RELEASED


async def test_questions__unknown_and_refused__answers_succeeds(l1, bonuses):
    await create(l1, bonuses)

    assert await bonuses.campaign(9) is None
    assert await bonuses.grant_of(9) is None
    assert await bonuses.bonus_for(1, DEPOSIT) == BONUS
    assert "DepositTooSmall" in await bonuses.bonus_for(1, 1)
    assert await bonuses.refusal_of_terms(await terms_of(l1)) is None
    assert "WindowInvalid" in await bonuses.refusal_of_terms(await terms_of(l1, end_ts_s=1))
    token = l1.deployment.token("USDX").address
    assert await bonuses.allowance(token, SPONSOR.address) == 0


async def test_served_sponsors__local_and_public_chain__holds(l1):
    settings = Settings(bonus_sponsors=address_text(SPONSOR.address))
    public = replace(l1.deployment, chain_id=1)

    local_serves = served_sponsors(settings, l1.deployment)
    serves = served_sponsors(settings, public)

    assert local_serves(OTHER_OWNER.address)
    assert (serves(SPONSOR.address), serves(OTHER_OWNER.address)) == (True, False)
