"""Who tries to get, or to spoil, what isn't his.

- re-entrancy: from the token, at each step, into each function → refused
- deposit from inside a deposit: the bonus is granted for the outer one
- fee on transfer: deposit → reverts; release → refused, and other assets' are paid
- a token that eats all gas → its own grants alone are refused
- a token that needs more gas than a batch gives → refused in a batch, paid alone
- too little gas: at every gas limit a release of a dear token pays or reverts
- escrow frozen, token paused → refused, and paid later
- a donation to the contract belongs to no campaign
"""

import pytest
from ape.exceptions import VirtualMachineError
from eth_utils import keccak

from tests.contracts.bonus.terms import DAY_S, DOLLAR, UNIT, State

EATER = "0x00000000000000000000000000000000000000FE"
BURNER = "0x00000000000000000000000000000000000000FB"
BURN_130_000_GAS = "0x620300005f2000"  # hashes 196,608 bytes of memory
BURN_380_000_GAS = "0x620600005f2000"  # hashes 393,216 bytes
PAYMENT_GAS_NEEDED = 300_000 * 64 // 63 + 50_000


@pytest.fixture
def odd(project, admin, rollup, list_asset):
    """Deploy and list a token that misbehaves when it is told to."""

    def _odd(name):
        token = admin.deploy(getattr(project, name))
        return token, list_asset(token)

    return _odd


@pytest.fixture
def odd_grant(bonus, terms, create, deposit, odd):
    """A token of that name, with a campaign (1) and an open grant (1) of it."""

    def _grant(name, prepare=lambda token: None):
        token, asset_id = odd(name)
        prepare(token)
        campaign_id = create(terms._replace(asset_id=asset_id), token=token)
        deposit(campaign_id, token=token)
        return token

    return _grant


@pytest.fixture
def wait(chain, bonus):
    """Let the holding period of all grants pass."""

    def _wait():
        chain.mine(timestamp=chain.pending_timestamp + DAY_S)

    return _wait


@pytest.fixture
def guarded_calls(bonus, rollup, terms, person):
    """Calldata of each function that a token could call back, by name."""
    return {
        "createCampaign": bonus.createCampaign.encode_input(terms.encoded(), 0),
        "fund": bonus.fund.encode_input(1, 1),
        "endCampaign": bonus.endCampaign.encode_input(1),
        "withdrawBudget": bonus.withdrawBudget.encode_input(1),
        "deposit": bonus.deposit.encode_input(1, 1, b""),
        "grant": bonus.grant.encode_input(1, (0, person.address, 1, 1)),
        "release": bonus.release.encode_input([1]),
        "forfeit": bonus.forfeit.encode_input([1]),
    }


INNER = ["createCampaign", "fund", "endCampaign", "withdrawBudget", "deposit", "grant"]
INNER += ["release", "forfeit"]


@pytest.mark.parametrize("outer", ["fund", "deposit", "release", "withdrawBudget"])
@pytest.mark.parametrize("inner", INNER)
def test_move_tokens__reentered__reverts(
    bonus, odd_grant, guarded_calls, give, wait, sponsor, other, anyone, reverts, outer, inner
):
    token = odd_grant("ReentrantToken")
    wait()
    if outer == "withdrawBudget":
        bonus.endCampaign(1, sender=sponsor)
    give(token, sponsor, bonus, DOLLAR)
    give(token, other, bonus, 20 * DOLLAR)
    outer_calls = {
        "fund": lambda: bonus.fund(1, DOLLAR, sender=sponsor),
        "deposit": lambda: bonus.deposit(1, 20 * DOLLAR, b"", sender=other),
        "release": lambda: bonus.release([1], sender=anyone),
        "withdrawBudget": lambda: bonus.withdrawBudget(1, sender=sponsor),
    }

    token.arm(bonus, guarded_calls[inner], False, sender=anyone)
    outer_calls[outer]()

    assert not token.lastSucceeded()
    assert bytes(token.lastResult()) == keccak(text="ReentrancyGuardReentrantCall()")[:4]


def test_deposit__another_deposit_inside__grants_for_the_outer_holds(
    bonus, rollup, terms, create, give, odd, anyone, person
):
    token, asset_id = odd("ReentrantToken")
    campaign_id = create(terms._replace(asset_id=asset_id), token=token)
    give(token, person, bonus, 20 * DOLLAR)
    token.mint(token, UNIT, sender=anyone)  # so that the token deposits as itself, for the person
    approve = token.approve.encode_input(rollup, UNIT)
    token.arm(token, approve, True, sender=anyone)
    token.transfer(anyone, 0, sender=anyone)
    token.arm(rollup, rollup.deposit.encode_input(asset_id, person, UNIT, b""), True, sender=anyone)

    bonus.deposit(campaign_id, 20 * DOLLAR, b"", sender=person)

    assert rollup.depositCount() == 2
    grant = bonus.grantOf(1)
    assert (grant.depositIndex, grant.depositMinor) == (1, 20 * DOLLAR)


def test_deposit__fee_on_transfer__reverts(bonus, odd_grant, give, other, anyone, reverts):
    token = odd_grant("FeeOnTransferToken", lambda token: token.setFeeBps(0, sender=anyone))
    token.setFeeBps(100, sender=anyone)
    give(token, other, bonus, 20 * DOLLAR)
    held = token.balanceOf(bonus)

    values = {"expected": held + 20 * DOLLAR * UNIT, "actual": held + 19_800_000 * UNIT}
    with reverts(bonus, "EscrowBalanceMismatch", **values):
        bonus.deposit(1, 20 * DOLLAR, b"", sender=other)


# Name of the token, what makes it refuse payments of the contract and then serve again.
REFUSING = [
    ("FeeOnTransferToken", lambda token, who, on: token.setFeeBps(100 if on else 0, sender=who)),
    ("PausableToken", lambda token, who, on: token.setPaused(on, sender=who)),
    ("RevertingToken", lambda token, who, on: token.setReverting(on, sender=who)),
    ("ReturnFalseToken", lambda token, who, on: token.setRefusing(on, sender=who)),
]


@pytest.mark.parametrize(("name", "switch"), REFUSING, ids=[name for name, _ in REFUSING])
def test_release__token_refuses__others_are_paid_holds(
    bonus, odd_grant, campaign_id, deposit, wait, anyone, name, switch
):
    token = odd_grant(name, lambda token: switch(token, anyone, False))
    deposit(campaign_id)
    wait()
    switch(token, anyone, True)
    held = token.balanceOf(bonus)

    bonus.release([1, 2], sender=anyone)
    assert [bonus.grantOf(i).state for i in (1, 2)] == [State.EARNED, State.RELEASED]
    assert token.balanceOf(bonus) == held
    switch(token, anyone, False)
    bonus.release([1, 2], sender=anyone)

    assert [bonus.grantOf(i).state for i in (1, 2)] == [State.RELEASED] * 2


def test_release__escrow_frozen__paid_later_holds(bonus, odd_grant, wait, anyone):
    token = odd_grant("FreezableToken")
    wait()

    token.setFrozen(bonus, True, sender=anyone)
    bonus.release([1], sender=anyone)
    assert bonus.grantOf(1).state == State.EARNED
    token.setFrozen(bonus, False, sender=anyone)
    bonus.release([1], sender=anyone)

    assert bonus.grantOf(1).state == State.RELEASED


def test_release__token_eats_all_gas__others_are_paid_holds(
    chain, bonus, odd_grant, campaign_id, deposit, wait, anyone
):
    token = odd_grant("ReentrantToken")
    deposit(campaign_id)
    wait()
    chain.provider.set_code(EATER, "0xfe")  # INVALID: takes all that a call was given
    token.arm(EATER, b"", False, sender=anyone)

    receipt = bonus.release([1, 2], sender=anyone, gas_limit=2_000_000)

    assert [bonus.grantOf(i).state for i in (1, 2)] == [State.EARNED, State.RELEASED]
    assert receipt.gas_used < 700_000


def test_release__any_gas__pays_or_reverts_holds(chain, bonus, odd_grant, wait, anyone):
    """A dear token, since a cheap one's refusal leaves too little gas to note it."""
    token = odd_grant("ReentrantToken")
    wait()
    chain.provider.set_code(BURNER, BURN_130_000_GAS)
    token.arm(BURNER, b"", True, sender=anyone)
    outcomes = []
    for gas_limit in range(100_000, 600_000, 10_000):
        with chain.isolate():
            try:
                bonus.release([1], sender=anyone, gas_limit=gas_limit)
            except VirtualMachineError:
                outcomes.append("reverted")
            else:
                outcomes.append(State(bonus.grantOf(1).state))

    assert set(outcomes) == {"reverted", State.RELEASED}
    assert outcomes == sorted(outcomes, key=lambda outcome: outcome == State.RELEASED)


def test_release__dear_token__paid_alone_holds(
    chain, bonus, odd_grant, campaign_id, deposit, wait, anyone
):
    """What needs more gas than a batch gives each payment would be the escrow's for ever."""
    token = odd_grant("ReentrantToken")
    deposit(campaign_id)
    wait()
    chain.provider.set_code(BURNER, BURN_380_000_GAS)
    token.arm(BURNER, b"", True, sender=anyone)

    bonus.release([1, 2], sender=anyone, gas_limit=2_000_000)
    assert [bonus.grantOf(i).state for i in (1, 2)] == [State.EARNED, State.RELEASED]
    bonus.release([1], sender=anyone, gas_limit=2_000_000)

    assert bonus.grantOf(1).state == State.RELEASED


def test_release__too_little_gas__reverts(bonus, campaign_id, deposit, wait, anyone, reverts):
    deposit(campaign_id)
    wait()

    with reverts(bonus, "GasTooLow", needed=PAYMENT_GAS_NEEDED, actual=...):
        bonus.release([1], sender=anyone, gas_limit=370_000)

    assert bonus.grantOf(1).state == State.OPEN


def test_donation__to_the_contract__changes_nothing(bonus, token, campaign_id, sponsor, anyone):
    token.mint(bonus, 5 * UNIT, sender=anyone)

    bonus.endCampaign(campaign_id, sender=sponsor)
    bonus.withdrawBudget(campaign_id, sender=sponsor)

    assert token.balanceOf(sponsor) == 100 * DOLLAR * UNIT
    assert token.balanceOf(bonus) == 5 * UNIT
