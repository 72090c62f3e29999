"""Roots of orders: an owner authorises all orders under one.

- authorize_orders: first, next, another owner's, by a contract → kept, counted, event
- repeated → changes nothing
- root zero → reverts
"""

from eth_utils import keccak

ROOT = keccak(text="root")


def test_authorize_orders__first_root__succeeds(rollup, payer):
    receipt = rollup.authorizeOrders(ROOT, sender=payer)

    assert rollup.isAuthorised(payer, ROOT)
    assert rollup.authorisedRootCount() == 1
    assert receipt.events == [rollup.OrdersAuthorised(0, payer, ROOT)]


def test_authorize_orders__root_of_another_owner__succeeds(rollup, payer, payee, attacker):
    rollup.authorizeOrders(ROOT, sender=payer)

    receipt = rollup.authorizeOrders(ROOT, sender=payee)

    assert receipt.events == [rollup.OrdersAuthorised(1, payee, ROOT)]
    assert rollup.authorisedRootCount() == 2
    assert not rollup.isAuthorised(attacker, ROOT)


def test_authorize_orders__by_a_contract__succeeds(project, rollup, payer):
    relay = payer.deploy(project.Relay)

    relay.call(rollup, rollup.authorizeOrders.encode_input(ROOT), sender=payer)

    assert rollup.isAuthorised(relay, ROOT)
    assert not rollup.isAuthorised(payer, ROOT)


def test_authorize_orders__repeated_root__changes_nothing(rollup, payer):
    rollup.authorizeOrders(ROOT, sender=payer)

    receipt = rollup.authorizeOrders(ROOT, sender=payer)

    assert receipt.events == []
    assert rollup.authorisedRootCount() == 1


def test_authorize_orders__root_zero__reverts(rollup, payer, reverts):
    with reverts(rollup, "RootZero"):
        rollup.authorizeOrders(bytes(32), sender=payer)
