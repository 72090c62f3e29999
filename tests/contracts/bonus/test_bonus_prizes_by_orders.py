"""Prizes that the ledger pays, by orders under an authorised root.

- create: purse known to the gate, or by evidence → in the ledger, root authorised | unknown purse
  → reverts
- another sponsor's root spends from its own purse alone
- claim, rest → reverts | the purse obeys nobody but the contract that made it
"""

from eth_abi import encode
from eth_utils import keccak

from tests.contracts.bonus.prize_tree import ORDERS, SALT
from tests.contracts.bonus.terms import DAY_S, DOLLAR


def test_create_prize__by_orders__succeeds(
    prizes, rollup, token, create_prize, tree, prize_id, set_level
):
    purse = prizes.purseOf(prize_id)
    set_level(1, purse)

    receipt = create_prize(tree.root, ORDERS)

    queued = receipt.decode_logs(rollup.DepositQueued)[0]
    assert (queued.owner, queued.amountMinor) == (purse, 6 * DOLLAR)
    assert rollup.isAuthorised(purse, tree.root)
    assert receipt.decode_logs(prizes.PrizeCreated)[0].purse == purse
    assert token.balanceOf(prizes) == prizes.prizeOf(prize_id).remainingMinor == 0


def test_create_prize__by_orders_evidence__succeeds(
    chain, project, prizes, rollup, registry, admin, create_prize, tree, prize_id
):
    purse = prizes.purseOf(prize_id)
    contract = admin.deploy(project.ContractAttestor, b"password")
    registry.appointAttestor(contract, sender=admin)
    issued = chain.blocks.head.timestamp
    attestation = (purse, 1, issued + DAY_S, issued)
    contract.approve(registry.attestationDigest(attestation), sender=admin)
    signature = bytes.fromhex(contract.address[2:]) + b"password"

    create_prize(
        tree.root,
        ORDERS,
        evidence=encode(["(address,uint8,uint64,uint64)", "bytes"], [attestation, signature]),
    )

    assert rollup.isAuthorised(purse, tree.root)


def test_create_prize__by_orders_purse_unknown__reverts(
    prizes, registry, create_prize, tree, prize_id, reverts
):
    purse = prizes.purseOf(prize_id)

    with reverts(registry, "KycRequired", person=purse, levelNeeded=1, level=0):
        create_prize(tree.root, ORDERS)


def test_prize_by_orders__claim_or_rest__reverts(
    chain, prizes, create_prize, tree, prize_id, set_level, sponsor, deadline, reverts
):
    set_level(1, prizes.purseOf(prize_id))
    create_prize(tree.root, ORDERS)

    with reverts(prizes, "PaidByOrders", prizeId=prize_id):
        prizes.claim(prize_id, *tree.claim(0), sender=sponsor)
    chain.mine(timestamp=deadline + 1)
    with reverts(prizes, "PaidByOrders", prizeId=prize_id):
        prizes.withdrawRest(prize_id, sender=sponsor)


def test_prize_by_orders__another_sponsors_root__spends_its_own_alone_holds(
    prizes, rollup, create_prize, tree, prize_id, sponsor, set_level
):
    salt = keccak(text="another")
    purses = [prizes.purseOf(prizes.prizeIdOf(sponsor, each)) for each in (SALT, salt)]
    set_level(1, *purses)
    greedy = keccak(text="orders that spend all of everybody's")

    create_prize(tree.root, ORDERS)
    create_prize(greedy, ORDERS, total_minor=1, salt=salt)

    assert purses[0] != purses[1]
    assert not rollup.isAuthorised(purses[0], greedy)
    assert not rollup.isAuthorised(prizes, greedy)


def test_purse__another_sender__reverts(
    project, prizes, rollup, create_prize, tree, prize_id, set_level, sponsor, reverts
):
    set_level(1, prizes.purseOf(prize_id))
    create_prize(tree.root, ORDERS)
    purse = project.PrizePurse.at(prizes.purseOf(prize_id))

    assert purse.prizes() == prizes
    with reverts(purse, "SenderNotPrizes", expected=prizes, actual=sponsor):
        purse.authorizeOrders(rollup, keccak(text="more"), sender=sponsor)
