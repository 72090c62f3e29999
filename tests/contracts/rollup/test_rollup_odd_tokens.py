"""Tokens that misbehave harm themselves alone.

- deposit: standard, without return value, 2 decimals, paused no more → as any
- deposit: returns false, reverts, takes a fee, paused, payer frozen → reverts, no record
- claim: returns false, reverts, paused, payee frozen → reverts, nothing taken; repeated → paid
- claim: a token takes its fee from the payee → the vault loses the amount alone
- re-entrancy: on deposit and on claim, into each function that moves tokens → refused
- one token fails → claims of another are paid
"""

import pytest

from tests.contracts.rollup.ledger import withdrawal_proof

AMOUNT = 1_000
GOOD_TOKENS = ["NoReturnToken", "FreezableToken", "PausableToken", "ReentrantToken"]

# Name of the token, what makes it refuse and then serve again, the error it ends with.
REFUSING_TOKENS = [
    ("ReturnFalseToken", lambda token, who, on: token.setRefusing(on, sender=who)),
    ("RevertingToken", lambda token, who, on: token.setReverting(on, sender=who)),
    ("PausableToken", lambda token, who, on: token.setPaused(on, sender=who)),
    ("FreezableToken", lambda token, who, on: token.setFrozen(who, on, sender=who)),
]
refusing_tokens = pytest.mark.parametrize(
    ("name", "switch"), REFUSING_TOKENS, ids=[name for name, _ in REFUSING_TOKENS]
)


@pytest.fixture
def refusal(project, rollup, reverts, payer):
    """`with refusal(token, name, direction)`: the error that the token's refusal causes."""

    def _refusal(token, name, payer_to_vault=True):
        pair = (payer, rollup) if payer_to_vault else (rollup, payer)
        match name:
            case "ReturnFalseToken":
                return reverts(rollup, "SafeERC20FailedOperation", token=token)
            case "RevertingToken":
                values = dict(zip(("from", "to"), pair, strict=True))
                return reverts(token, "TransferRefused", amount=..., **values)
            case "PausableToken":
                return reverts(token, "TokenPaused")
            case _:
                return reverts(token, "HolderFrozen", holder=payer)

    return _refusal


@pytest.fixture
def deploy(project, lister, payer):
    """Deploy a token in its serving state."""

    def _deploy(name):
        token = lister.deploy(getattr(project, name))
        for switching, switch in REFUSING_TOKENS:
            if switching == name:
                switch(token, payer, False)
        return token

    return _deploy


@pytest.fixture
def withdrawn(rollup, operator, ledger, deposit, list_asset, payer, pass_window):
    """Deposit a token, withdraw it whole, and return the claim's arguments."""

    def _withdrawn(token, account_id=2):
        asset_id = rollup.assetIdOf(token) or list_asset(token)
        deposit(token, AMOUNT)
        ledger.open(account_id, payer.address, asset_id).deposit(account_id, AMOUNT)
        chunk = ledger.withdraw(account_id, AMOUNT).chunk()
        batch = operator.post([chunk])
        pass_window()
        return batch, withdrawal_proof([chunk], 3, account_id)

    return _withdrawn


@pytest.mark.parametrize("name", GOOD_TOKENS)
def test_deposit_and_claim__good_token__succeeds(rollup, deploy, withdrawn, payer, name):
    token = deploy(name)

    rollup.claimWithdrawal(*withdrawn(token), sender=payer)

    assert (token.balanceOf(payer), token.balanceOf(rollup)) == (AMOUNT, 0)


@pytest.mark.parametrize(("decimals", "unit"), [(2, 1), (18, 10**12)])
def test_deposit__decimals__counts_minor_units_holds(
    project, rollup, lister, list_asset, deposit, decimals, unit
):
    token = lister.deploy(project.ReturnBoolToken, "Coin", "COIN", decimals)
    asset_id = list_asset(token, unit)

    deposit(token, 500 * unit)

    assert rollup.assets(asset_id).outstandingMinor == 500


@refusing_tokens
def test_deposit__token_refuses__reverts(rollup, deploy, list_asset, payer, refusal, name, switch):
    token = deploy(name)
    asset_id = list_asset(token)
    token.mint(payer, AMOUNT, sender=payer)
    token.approve(rollup, AMOUNT, sender=payer)
    switch(token, payer, True)

    with refusal(token, name):
        rollup.deposit(asset_id, payer, AMOUNT, b"", sender=payer)
    assert rollup.depositCount() == 0


def test_deposit__fee_on_transfer__reverts(rollup, deploy, list_asset, deposit, reverts):
    token = deploy("FeeOnTransferToken")
    list_asset(token)

    with reverts(rollup, "VaultBalanceMismatch", expected=AMOUNT, actual=AMOUNT - 10):
        deposit(token, AMOUNT)


@refusing_tokens
def test_claim_withdrawal__token_refuses__changes_nothing(
    rollup, deploy, withdrawn, payer, refusal, name, switch
):
    token = deploy(name)
    arguments = withdrawn(token)
    switch(token, payer, True)

    for _ in range(2):
        with refusal(token, name, payer_to_vault=False):
            rollup.claimWithdrawal(*arguments, sender=payer)
    assert rollup.frontier() == 0  # not even settled by it
    switch(token, payer, False)
    rollup.claimWithdrawal(*arguments, sender=payer)

    assert token.balanceOf(payer) == AMOUNT


def test_claim_withdrawal__fee_on_transfer__vault_loses_the_amount_holds(
    rollup, deploy, withdrawn, payer
):
    token = deploy("FeeOnTransferToken")
    token.setFeeBps(0, sender=payer)
    arguments = withdrawn(token)
    token.mint(rollup, 1, sender=payer)
    token.setFeeBps(100, sender=payer)

    rollup.claimWithdrawal(*arguments, sender=payer)

    assert (token.balanceOf(payer), token.balanceOf(rollup)) == (AMOUNT - 10, 1)


def test_claim_withdrawal__other_token_fails__succeeds(
    rollup, deploy, withdrawn, payer, reverts, token, asset_id
):
    paused = deploy("PausableToken")
    stuck = withdrawn(paused)
    paused.setPaused(True, sender=payer)
    good = withdrawn(token, account_id=3)
    with reverts(paused, "TokenPaused"):
        rollup.claimWithdrawal(*stuck, sender=payer)
    rollup.settle([stuck[0]], sender=payer)

    rollup.claimWithdrawal(*good, sender=payer)

    assert token.balanceOf(payer) == AMOUNT


@pytest.fixture
def guarded_calls(rollup, payer):
    """Return calldata of each function that moves tokens, by name."""

    def _calls(asset_id, claim):
        deposit = rollup.deposit.encode_input(asset_id, payer, 1, b"")
        with_permit = rollup.depositWithPermit.encode_input(
            asset_id, payer, 1, b"", 0, 27, bytes(32), bytes(32)
        )
        with_authorization = rollup.depositWithAuthorization.encode_input(
            asset_id, payer, 1, b"", (payer.address, 0, 0, bytes(32), 27, bytes(32), bytes(32))
        )
        return {
            "deposit": deposit,
            "depositWithPermit": with_permit,
            "depositWithAuthorization": with_authorization,
            "claimWithdrawal": rollup.claimWithdrawal.encode_input(*claim),
        }

    return _calls


@pytest.mark.parametrize(
    "inner", ["deposit", "depositWithPermit", "depositWithAuthorization", "claimWithdrawal"]
)
@pytest.mark.parametrize("outer", ["deposit", "claimWithdrawal"])
def test_move_tokens__reentered__reverts(
    rollup, deploy, withdrawn, guarded_calls, payer, reverts, outer, inner
):
    token = deploy("ReentrantToken")
    claim = withdrawn(token)
    asset_id = rollup.assetIdOf(token)
    token.mint(payer, AMOUNT, sender=payer)
    token.approve(rollup, AMOUNT, sender=payer)
    outer_calls = {
        "deposit": lambda: rollup.deposit(asset_id, payer, AMOUNT, b"", sender=payer),
        "claimWithdrawal": lambda: rollup.claimWithdrawal(*claim, sender=payer),
    }
    call = guarded_calls(asset_id, claim)[inner]

    token.arm(rollup, call, True, sender=payer)
    with reverts(rollup, "ReentrancyGuardReentrantCall"):
        outer_calls[outer]()
    token.arm(rollup, call, False, sender=payer)  # the token hides the inner failure
    outer_calls[outer]()

    assert not token.lastSucceeded()
    assert rollup.assets(asset_id).outstandingMinor == token.balanceOf(rollup)


def test_settle__within_a_claim__changes_nothing(rollup, deploy, withdrawn, payer):
    token = deploy("ReentrantToken")
    claim = withdrawn(token)
    token.arm(rollup, rollup.settle.encode_input([claim[0]]), False, sender=payer)

    rollup.claimWithdrawal(*claim, sender=payer)

    assert not token.lastSucceeded()  # settle isn't locked, but the claim has settled already
    assert (token.balanceOf(payer), token.balanceOf(rollup)) == (AMOUNT, 0)
