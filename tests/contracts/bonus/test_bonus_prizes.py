"""Prizes that are claimed from a root.

- create: for wallets → paid in | root 0, nothing, deadline passed, asset not listed, salt used,
  fee on transfer → reverts
- claim: each entry, by anyone, to wallet or account, in the last second, the only entry → paid |
  second time, one later, altered, of another prize, more than is left, unknown prize, unknown
  person's account, frozen person → reverts
- withdraw rest: after the deadline → to the sponsor | last second, another, twice → reverts
- re-entrancy: from the token, into each function → refused
"""

import pytest
from eth_utils import keccak

from tests.contracts.bonus.prize_tree import ACCOUNT, SALT, TERMS_HASH, WALLET, Tree
from tests.contracts.bonus.terms import DAY_S, DOLLAR, UNIT


def test_create_prize__claimed__succeeds(
    prizes, token, asset_id, create_prize, tree, prize_id, sponsor, deadline
):
    receipt = create_prize(tree.root)

    prize = prizes.prizeOf(prize_id)
    assert (prize.sponsor, prize.assetId, prize.payout) == (sponsor, asset_id, WALLET)
    assert (prize.deadlineTsS, prize.remainingMinor) == (deadline, 6 * DOLLAR)
    assert (bytes(prize.root), bytes(prize.termsHash)) == (tree.root, TERMS_HASH)
    assert token.balanceOf(prizes) == 6 * DOLLAR * UNIT
    created = receipt.decode_logs(prizes.PrizeCreated)[0]
    assert bytes(created.prizeId) == prize_id
    assert (created.totalMinor, int(created.purse, 16)) == (6 * DOLLAR, 0)


@pytest.mark.parametrize(
    ("changes", "error", "values"),
    [
        ({"root": bytes(32)}, "RootZero", {}),
        ({"total_minor": 0}, "AmountZero", {}),
        ({"deadline": 7}, "DeadlinePassed", {"deadlineTsS": 7, "actualTsS": ...}),
        ({"asset_id": 9}, "AssetUnknown", {"assetId": 9}),
    ],
)
def test_create_prize__what_cannot_be__reverts(
    prizes, create_prize, tree, reverts, changes, error, values
):
    with reverts(prizes, error, **values):
        create_prize(**({"root": tree.root} | changes))


def test_create_prize__salt_used__reverts(prizes, create_prize, tree, prize_id, reverts):
    create_prize(tree.root)

    with reverts(prizes, "PrizeExists", prizeId=prize_id):
        create_prize(tree.root)


def test_create_prize__fee_on_transfer__reverts(
    project, prizes, admin, list_asset, create_prize, tree, reverts
):
    taking = admin.deploy(project.FeeOnTransferToken)
    asset_id = list_asset(taking)

    with reverts(prizes, "EscrowBalanceMismatch", expected=100 * UNIT, actual=99 * UNIT):
        create_prize(tree.root, total_minor=100, token=taking, asset_id=asset_id)


def test_claim__to_wallets__succeeds(
    prizes, token, create_prize, tree, prize_id, person, other, anyone
):
    create_prize(tree.root)

    for i in (2, 0, 1):
        receipt = prizes.claim(prize_id, *tree.claim(i), sender=other)
        claimed = receipt.decode_logs(prizes.PrizeClaimed)[0]
        assert (claimed.index, claimed.person) == tree.entries[i][:2]

    balances = [token.balanceOf(who) for who in (person, other, anyone)]
    assert balances == [DOLLAR * UNIT, 2 * DOLLAR * UNIT, 3 * DOLLAR * UNIT]
    assert token.balanceOf(prizes) == prizes.prizeOf(prize_id).remainingMinor == 0
    assert prizes.isClaimed(prize_id, 2)
    assert not prizes.isClaimed(prize_id, 3)


def test_claim__to_accounts__succeeds(
    prizes, rollup, token, create_prize, tree, prize_id, person, anyone
):
    create_prize(tree.root, ACCOUNT)

    receipt = prizes.claim(prize_id, *tree.claim(0), sender=anyone)

    queued = receipt.decode_logs(rollup.DepositQueued)[0]
    assert (queued.owner, queued.amountMinor) == (person, DOLLAR)
    assert token.balanceOf(rollup) == DOLLAR * UNIT
    assert token.balanceOf(prizes) == 5 * DOLLAR * UNIT


def test_claim__to_an_unknown_persons_account__changes_nothing(
    prizes, registry, create_prize, tree, prize_id, set_level, anyone, reverts
):
    create_prize(tree.root, ACCOUNT)

    with reverts(registry, "KycRequired", person=anyone, levelNeeded=1, level=0):
        prizes.claim(prize_id, *tree.claim(2), sender=anyone)
    assert not prizes.isClaimed(prize_id, 2)
    set_level(1, anyone)
    prizes.claim(prize_id, *tree.claim(2), sender=anyone)

    assert prizes.isClaimed(prize_id, 2)


def test_claim__frozen_person__changes_nothing(
    project, prizes, admin, list_asset, create_prize, tree, prize_id, person, other, reverts
):
    freezing = admin.deploy(project.FreezableToken)
    create_prize(tree.root, token=freezing, asset_id=list_asset(freezing))
    freezing.setFrozen(person, True, sender=admin)

    with reverts(freezing, "HolderFrozen", holder=person):
        prizes.claim(prize_id, *tree.claim(0), sender=other)
    prizes.claim(prize_id, *tree.claim(1), sender=other)
    freezing.setFrozen(person, False, sender=admin)
    prizes.claim(prize_id, *tree.claim(0), sender=other)

    assert freezing.balanceOf(person) == DOLLAR * UNIT


def test_claim__only_entry__succeeds(prizes, token, create_prize, prize_id, person):
    tree = Tree(prize_id, [(0, person.address, DOLLAR)])
    create_prize(tree.root)

    prizes.claim(prize_id, *tree.claim(0), sender=person)

    assert token.balanceOf(person) == DOLLAR * UNIT


def test_claim__again__reverts(prizes, create_prize, tree, prize_id, person, reverts):
    create_prize(tree.root)
    prizes.claim(prize_id, *tree.claim(0), sender=person)

    with reverts(prizes, "EntryClaimed", prizeId=prize_id, index=0):
        prizes.claim(prize_id, *tree.claim(0), sender=person)


@pytest.mark.parametrize("offset_s", [0, 1])
def test_claim__deadline__holds(
    chain, prizes, create_prize, tree, prize_id, person, deadline, reverts, offset_s
):
    create_prize(tree.root)
    chain.pending_timestamp = deadline + offset_s

    def claim():
        prizes.claim(prize_id, *tree.claim(0), sender=person, gas_limit=500_000)

    if offset_s == 0:
        claim()
    else:
        with reverts(prizes, "DeadlinePassed", deadlineTsS=deadline, actualTsS=deadline + 1):
            claim()

    assert prizes.isClaimed(prize_id, 0) == (offset_s == 0)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_claim__entry_altered__reverts(prizes, create_prize, tree, prize_id, other, reverts, place):
    create_prize(tree.root)
    entry = list(tree.claim(0))
    entry[place] = [7, other.address, DOLLAR + 1][place]

    with reverts(prizes, "EntryNotInPrize", prizeId=prize_id, index=entry[0]):
        prizes.claim(prize_id, *entry, sender=other)


def test_claim__entry_of_another_prize__reverts(
    prizes, create_prize, tree, sponsor, person, reverts
):
    salt = keccak(text="another")
    create_prize(tree.root, salt=salt)
    another = bytes(prizes.prizeIdOf(sponsor, salt))

    with reverts(prizes, "EntryNotInPrize", prizeId=another, index=0):
        prizes.claim(another, *tree.claim(0), sender=person)


def test_claim__more_than_is_left__reverts(prizes, create_prize, tree, prize_id, person, reverts):
    create_prize(tree.root, total_minor=3 * DOLLAR - 1)
    prizes.claim(prize_id, *tree.claim(0), sender=person)

    values = {"availableMinor": 2 * DOLLAR - 1, "neededMinor": 2 * DOLLAR}
    with reverts(prizes, "PrizeShort", **values):
        prizes.claim(prize_id, *tree.claim(1), sender=person)


def test_claim__short_prize__spares_others_holds(
    prizes, token, create_prize, tree, prize_id, sponsor, person, other, deadline
):
    salt = keccak(text="another")
    another = bytes(prizes.prizeIdOf(sponsor, salt))
    theirs = Tree(another, [(0, person.address, 6 * DOLLAR)])
    create_prize(tree.root, total_minor=DOLLAR)
    create_prize(theirs.root, salt=salt)
    prizes.claim(prize_id, *tree.claim(0), sender=other)

    prizes.claim(another, *theirs.claim(0), sender=other)

    assert token.balanceOf(person) == 7 * DOLLAR * UNIT


def test_prize__unknown__reverts(prizes, tree, prize_id, sponsor, reverts):
    with reverts(prizes, "PrizeUnknown", prizeId=prize_id):
        prizes.claim(prize_id, *tree.claim(0), sender=sponsor)
    with reverts(prizes, "PrizeUnknown", prizeId=prize_id):
        prizes.withdrawRest(prize_id, sender=sponsor)


def test_withdraw_rest__after_the_deadline__succeeds(
    chain, prizes, token, create_prize, tree, prize_id, sponsor, deadline, reverts
):
    create_prize(tree.root)
    prizes.claim(prize_id, *tree.claim(0), sender=sponsor)
    chain.mine(timestamp=deadline + 1)

    prizes.withdrawRest(prize_id, sender=sponsor)

    assert token.balanceOf(sponsor) == 5 * DOLLAR * UNIT
    with reverts(prizes, "AmountZero"):
        prizes.withdrawRest(prize_id, sender=sponsor)


def test_withdraw_rest__last_second__reverts(
    chain, prizes, create_prize, tree, prize_id, sponsor, deadline, reverts
):
    create_prize(tree.root)
    chain.pending_timestamp = deadline

    with reverts(prizes, "DeadlineNotPassed", deadlineTsS=deadline, actualTsS=deadline):
        prizes.withdrawRest(prize_id, sender=sponsor, gas_limit=500_000)


def test_withdraw_rest__another__reverts(
    prizes, create_prize, tree, prize_id, sponsor, anyone, reverts
):
    create_prize(tree.root)

    with reverts(prizes, "SenderNotSponsor", expected=sponsor, actual=anyone):
        prizes.withdrawRest(prize_id, sender=anyone)


@pytest.mark.parametrize("inner", ["createPrize", "claim", "withdrawRest"])
@pytest.mark.parametrize("outer", ["createPrize", "claim", "withdrawRest"])
def test_move_tokens__reentered__reverts(
    chain,
    project,
    prizes,
    admin,
    list_asset,
    create_prize,
    tree,
    prize_id,
    person,
    sponsor,
    deadline,
    outer,
    inner,
):
    token = admin.deploy(project.ReentrantToken)
    asset_id = list_asset(token)
    create_prize(tree.root, token=token, asset_id=asset_id)
    if outer == "withdrawRest":
        chain.mine(timestamp=deadline + 1)
    salt = keccak(text="another")
    outer_calls = {
        "createPrize": lambda: create_prize(tree.root, token=token, asset_id=asset_id, salt=salt),
        "claim": lambda: prizes.claim(prize_id, *tree.claim(1), sender=person),
        "withdrawRest": lambda: prizes.withdrawRest(prize_id, sender=sponsor),
    }
    inner_call = {
        "createPrize": prizes.createPrize.encode_input(
            asset_id, WALLET, tree.root, 1, deadline + DAY_S, TERMS_HASH, SALT, b""
        ),
        "claim": prizes.claim.encode_input(prize_id, *tree.claim(0)),
        "withdrawRest": prizes.withdrawRest.encode_input(prize_id),
    }[inner]
    token.mint(sponsor, 6 * DOLLAR * UNIT, sender=sponsor)
    token.approve(prizes, 6 * DOLLAR * UNIT, sender=sponsor)

    token.arm(prizes, inner_call, False, sender=person)
    outer_calls[outer]()

    assert not token.lastSucceeded()
    assert bytes(token.lastResult()) == keccak(text="ReentrancyGuardReentrantCall()")[:4]
