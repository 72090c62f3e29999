"""A bond on a real platform and chain: who may hold it, told by the API and the console.

- shown as regulated; deposited by a checked person whom the chain didn't know
- a check is put on the chain by anybody; again: nothing changes
- paid to a checked person; refused to an unchecked one: nothing moved; taken once he is checked
- delivery versus payment in one group; refused as one if a party isn't checked
- a party's check is revoked: payments and a group that he signed before are refused
- withdrawn and claimed; the claim of whose level ended reverts and pays after a new attestation
- dividends: orders under the issuer's root, refused before he authorised it, pay each holder
"""

import json
import time
from dataclasses import dataclass

import pytest

from backend.console.actions import open_actions
from backend.console.collecting import CollectingActions, Exchange
from backend.console.errors import NotApproved, TransactionFailed
from backend.protocol.authorised import AuthorisedTree
from backend.protocol.eip712 import ledger_domain
from backend.protocol.order_records import RootedOrder
from backend.protocol.orders import PaymentOrder
from backend.protocol.types import address_from_text, digest_text
from causeway import ApiStatusError, Leg, NotFound
from causeway.flows import BULK_CONTENT_TYPE
from causeway.transport import Request
from tests.e2e.commands import Commands

FEE = 10_000  # minor units, of each payment
UNIT = 10**6  # minor units of a bond, and of a dollar; nobody deposits enough for a bonus
ASSETS = ("BOND", "USDX")


@pytest.fixture(scope="module")
def actions(running_platform):
    with open_actions(running_platform.settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def chain_seen(actions):
    """Return what waits until the ledger knows all that is on the chain by now."""
    actions.people.new("bond-clock")
    actions.apply_for_kyc("bond-clock")

    def wait():
        actions.deposit("bond-clock", "1", "USDX")

    return wait


@pytest.fixture(scope="module")
def checked(actions, chain_seen):
    """Return what makes checked people of whom the chain knows, with so many bonds each."""

    def make(*names, bonds=None, dollars=None):
        for name in names:
            actions.people.new(name)
            actions.apply_for_kyc(name)
            for amount, asset in ((bonds, "BOND"), (dollars, "USDX")):
                if amount is not None:
                    actions.deposit(name, str(amount), asset)
            actions.record_attestation(name)
        chain_seen()
        return names

    return make


@dataclass(frozen=True)
class Standing:
    """What a refusal must not change."""

    balance: int
    nonce: int


@pytest.fixture(scope="module")
def standing(actions):
    def of(name, asset="BOND"):
        try:
            account = actions.client.accounts.get(actions.people[name].address, asset)
        except NotFound:
            return Standing(0, 0)
        return Standing(account.balance, account.nonce_next)

    return of


def refused(call) -> str:
    with pytest.raises(ApiStatusError) as caught:
        call()
    return caught.value.code


def test_asset__bond__is_shown_as_regulated_succeeds(actions):
    levels = {asset.code: asset.level_needed for asset in actions.client.assets.list()}

    assert (levels["BOND"], levels["USDX"], levels["EURX"]) == (1, 0, 0)


def test_deposit__checked_person__is_credited_succeeds(actions, standing):
    actions.people.new("bond-first")
    unchecked = refused(lambda: actions.deposit("bond-first", "5", "BOND"))
    actions.apply_for_kyc("bond-first")

    deposit = actions.deposit("bond-first", "5", "BOND")

    assert (unchecked, deposit.status) == ("KYC_REQUIRED", "credited")
    assert standing("bond-first").balance == 5 * UNIT


def test_pay__payee_is_checked_in_the_end__succeeds(actions, checked, standing):
    checked("bond-payer", bonds=10)
    actions.people.new("bond-payee")
    before = standing("bond-payer")

    code = refused(lambda: actions.pay("bond-payer", "bond-payee", "4", "BOND"))

    assert code == "NOT_ELIGIBLE"
    assert standing("bond-payer") == before
    assert standing("bond-payee") == Standing(0, 0)

    checked("bond-payee")
    paid = actions.pay("bond-payer", "bond-payee", "4", "BOND")

    assert paid.payment.is_final
    assert standing("bond-payee").balance == 4 * UNIT
    assert standing("bond-payer").balance == 6 * UNIT - FEE


def test_record_attestation__not_approved__rejects(actions):
    actions.people.new("bond-pending")
    actions.apply_for_kyc("bond-pending", {"family_name": "Considerate"})

    with pytest.raises(NotApproved, match="pending"):
        actions.record_attestation("bond-pending")


def test_kyc_record__by_another_twice__changes_nothing(running_platform):
    causeway = Commands(running_platform.settings)
    for name in ("bond-named", "bond-friend"):
        causeway.run("account", "new", name)
    causeway.run("kyc", "apply", "bond-named")

    told = causeway.run("kyc", "record", "bond-named", "--from", "bond-friend").stderr
    first = causeway.json("kyc", "record", "bond-named", "--from", "bond-friend")
    again = causeway.run("kyc", "record", "bond-named", "--from", "bond-friend")

    assert "once its block is confirmed" in told
    assert first["status"] == "approved"
    assert "the chain knows it already" in again.stderr
    assert causeway.json("kyc", "record", "bond-friend", exit_code=1)["error"]["code"] == (
        "NOT_AN_APPLICANT"
    )


def test_exchange__bond_for_dollars__both_legs_or_none_holds(actions, checked, standing):
    checked("bond-seller", bonds=10)
    checked("bond-buyer", dollars=9)
    actions.people.new("bond-unknown")
    trades = CollectingActions(actions)

    done = trades.exchange(Exchange("bond-seller", "bond-buyer", "2", "BOND", "8", "USDX"))

    assert done.is_final
    assert standing("bond-buyer").balance == 2 * UNIT
    assert standing("bond-buyer", "USDX").balance == UNIT - FEE
    assert standing("bond-seller", "USDX").balance == 8 * UNIT

    actions.pay("bond-seller", "bond-unknown", "5", "USDX")
    before = [standing(who, asset) for who in ("bond-seller", "bond-unknown") for asset in ASSETS]
    sale = Exchange("bond-seller", "bond-unknown", "1", "BOND", "1", "USDX")
    code = refused(lambda: trades.exchange(sale))

    assert code == "NOT_ELIGIBLE"
    after = [standing(who, asset) for who in ("bond-seller", "bond-unknown") for asset in ASSETS]
    assert after == before


def test_pay__check_revoked_meanwhile__rejects(actions, checked, chain_seen, standing):
    checked("bond-old", bonds=10)
    checked("bond-gone", bonds=3, dollars=9)
    trades = CollectingActions(actions)
    seller, buyer = (actions.people[name] for name in ("bond-old", "bond-gone"))
    signed_once = sold(actions, seller, buyer)
    before = [standing(who, asset) for who in ("bond-old", "bond-gone") for asset in ASSETS]

    revoked = actions.revoke_kyc("bond-gone")
    chain_seen()

    assert (revoked.status, signed_once.status) == ("revoked", "signing")
    assert refused(lambda: trades.sign("bond-gone", signed_once)) == "NOT_ELIGIBLE"
    assert refused(lambda: actions.pay("bond-old", "bond-gone", "1", "BOND")) == "NOT_ELIGIBLE"
    assert refused(lambda: actions.pay("bond-gone", "bond-old", "1", "BOND")) == "NOT_ELIGIBLE"
    after = [standing(who, asset) for who in ("bond-old", "bond-gone") for asset in ASSETS]
    assert after == before
    assert actions.client.groups.get(signed_once.id).status == "signing"


def sold(actions, seller, buyer):
    """Return a sale of 2 bonds that the seller has signed and the buyer hasn't."""
    legs = (
        Leg(seller.address, buyer.address, "BOND", 2 * UNIT),
        Leg(buyer.address, seller.address, "USDX", 8 * UNIT),
    )
    group = actions.client.groups.create(legs)
    return actions.client.groups.sign(seller.order_key, group.id, expected=legs)


def test_claim__level_ended_and_came_back__pays_succeeds(actions, checked, chain_seen, standing):
    checked("bond-leaver", bonds=10)
    actions.revoke_kyc("bond-leaver")
    chain_seen()

    withdrawal = actions.withdraw("bond-leaver", "7", "BOND")
    actions.settle()
    with pytest.raises(TransactionFailed, match="ERC7943CannotReceive"):
        actions.claim(withdrawal.id)

    assert actions.client.withdrawals.get(withdrawal.id).status == "settled"
    actions.apply_for_kyc("bond-leaver")
    actions.record_attestation("bond-leaver")
    claimed = actions.claim(withdrawal.id)

    assert claimed.status == "claimed"
    assert wallet(actions, "bond-leaver") == 7 * UNIT
    assert standing("bond-leaver").balance == 3 * UNIT - FEE


def wallet(actions, name) -> int:
    balances = actions.balances(name)
    return next(one.wallet_base for one in balances if one.asset.code == "BOND")


def test_dividend__root_of_the_issuer__pays_each_holder_succeeds(actions, checked, standing):
    checked("bond-issuer", dollars=9)
    checked("bond-small", bonds=1)
    checked("bond-large", bonds=3)
    issuer = actions.people["bond-issuer"]
    holders = [actions.people[name].address for name in ("bond-small", "bond-large")]
    bonds = {
        address_from_text(account.owner): account.balance
        for account in actions.client.accounts.list(asset="BOND")
    }
    records = dividend(actions, issuer, [(holder, bonds[holder] // 2) for holder in holders])

    early = send(actions, records)
    assert [line["error"]["code"] for line in early] == ["ROOT_UNKNOWN", "ROOT_UNKNOWN"]
    assert standing("bond-issuer", "USDX").nonce == 0

    rollup = actions.deployment.rollup
    data = rollup.abi.call_data("authorizeOrders", records[0].root)
    actions.send(issuer, rollup, data, "authorisation")
    lines = until_known(actions, records)

    domain = domain_of(actions)
    ids = [digest_text(record.record_id(domain)) for record in records]
    assert [line["id"] for line in lines] == ids
    assert [final(actions, order_id) for order_id in ids] == ["final", "final"]
    assert standing("bond-small", "USDX").balance == UNIT // 2
    assert standing("bond-large", "USDX").balance == 3 * UNIT // 2
    assert standing("bond-issuer", "USDX").balance == 7 * UNIT - 2 * FEE
    assert [line["id"] for line in send(actions, records)] == ids  # sent twice, paid once
    assert standing("bond-issuer", "USDX").balance == 7 * UNIT - 2 * FEE


def domain_of(actions):
    deployment = actions.deployment
    return ledger_domain(deployment.chain_id, deployment.address("Rollup"))


def dividend(actions, issuer, shares) -> list[RootedOrder]:
    """Return the orders that pay each holder his share of dollars, under one root."""
    token = actions.deployment.token("USDX").address
    valid_until = int(time.time()) + 3600
    orders = [
        PaymentOrder(issuer.address, holder, token, amount, FEE, nonce, valid_until)
        for nonce, (holder, amount) in enumerate(shares)
    ]
    tree = AuthorisedTree([order.digest(domain_of(actions)) for order in orders])
    return [RootedOrder(order, tree.root, tree.proof(at)) for at, order in enumerate(orders)]


def send(actions, records) -> list:
    body = b"".join(record.encode() for record in records)
    request = Request("POST", "/v1/payments/bulk", body=body, content_type=BULK_CONTENT_TYPE)
    return [json.loads(line) for line in actions.client.send(request).splitlines()]


def until_known(actions, records, seconds=60) -> list:
    """Send until the ledger knows the root."""
    deadline = time.monotonic() + seconds
    while True:
        lines = send(actions, records)
        if all("id" in line for line in lines):
            return lines
        assert time.monotonic() < deadline, lines
        time.sleep(0.1)


def final(actions, order_id, seconds=60) -> str:
    deadline = time.monotonic() + seconds
    while actions.client.payments.get(order_id).status == "accepted":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return actions.client.payments.get(order_id).status
