"""Treasury: what calls need, by tiers, windows, rules and payees.

- tier_of: at and above each tier's amount; many calls are one spending; the most of all needs
- tier_of: the treasury, its policy, no rule, short data, no address, huge sums → governance
- execute: many small payments → the next tier's weight | a second before, at and after the window
  ends | governance → counted in no window
- fixed rules: what they say | native money beside a rule → both
- payees: listed, not listed, struck off, of native money, the target
- set_asset, set_payees, set_rule: events and views | by another, out of range → reverts
"""

import pytest

from tests.contracts.treasury.conftest import DAY_S, DOLLAR, GOVERNANCE_TIMELOCK_S, TIERS
from tests.contracts.treasury.desk import (
    FIXED,
    GOVERNANCE,
    SPENDING,
    TARGET,
    ZERO,
    call,
    fixed_rule,
    pay,
    selector,
    spending_rule,
    token_rules,
)

GOVERNED = (2, GOVERNANCE_TIMELOCK_S)
FIRST, SECOND, THIRD = (1, 0), (2, 0), (2, 3_600)
MAXIMUM = 2**256 - 1


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (0, FIRST),
        (100 * DOLLAR, FIRST),
        (100 * DOLLAR + 1, SECOND),
        (1_000 * DOLLAR, SECOND),
        (1_000 * DOLLAR + 1, THIRD),
        (10_000 * DOLLAR, THIRD),
        (10_000 * DOLLAR + 1, GOVERNED),
        (MAXIMUM, GOVERNED),
    ],
)
def test_tier_of__each_amount__holds(treasury, asset, payee, amount, expected):
    for each in (
        call(asset.transfer, payee, amount),
        call(asset.approve, payee, amount),
        call(asset.mint, payee, amount),
        call(asset.transferFrom, payee, treasury, amount),
    ):
        assert treasury.tierOf([each]) == expected


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ([50 * DOLLAR] * 2, FIRST),
        ([50 * DOLLAR] * 3, SECOND),
        ([1_000 * DOLLAR] * 10, THIRD),
        ([1_000 * DOLLAR] * 11, GOVERNED),
        ([MAXIMUM, 1], GOVERNED),
        ([1, MAXIMUM, MAXIMUM], GOVERNED),
    ],
)
def test_tier_of__many_calls__are_one_spending_holds(treasury, asset, payee, amounts, expected):
    assert treasury.tierOf([call(asset.transfer, payee, each) for each in amounts]) == expected


def test_tier_of__calls_of_the_treasury__are_governance_holds(
    treasury, policy, asset, payee, alice
):
    small = call(asset.transfer, payee, 1)
    calls = [
        call(treasury.changeSigners, [], [], []),
        call(treasury.approve, bytes(32)),
        call(policy.setRule, asset, bytes(4), spending_rule(asset, 0)),
        call(policy.judgeAndCount, [small]),
        (treasury.address, 1, b""),
        (treasury.address, 0, b""),
        (policy.address, 0, b""),
    ]

    for each in calls:
        assert treasury.tierOf([each]) == GOVERNED
        assert treasury.tierOf([small, each]) == GOVERNED
        assert policy.judge([small, each]) == (True, 0, 0)
    assert treasury.tierOf([]) == GOVERNED


def test_tier_of__what_no_rule_describes__is_governance_holds(treasury, asset, payee, attacker):
    target = asset.address
    transfer = asset.transfer.encode_input(payee, 1)
    dirty = transfer[:4] + b"\1" + transfer[5:]
    for data in (b"", b"\xa9", transfer[:4], transfer[:-1], transfer[:36], dirty, bytes(68)):
        assert treasury.tierOf([(target, 0, data)]) == GOVERNED
    assert treasury.tierOf([(attacker.address, 0, transfer)]) == GOVERNED
    assert treasury.tierOf([(target, 0, transfer + bytes(32))]) == FIRST
    assert treasury.tierOf([pay(payee, 1)]) == GOVERNED  # native money is no asset yet
    assert treasury.tierOf([(target, 1, transfer)]) == GOVERNED


# windows


def _pay(desk, asset, payee, amount, members):
    proposal = desk.proposal([call(asset.transfer, payee, amount)], members[0])
    return desk.execute(proposal, desk.sign(proposal, members))


def test_execute__many_small_payments__needs_the_next_tier_reverts(
    treasury, policy, desk, asset, payee, alice, bob, reverts
):
    for _ in range(2):
        _pay(desk, asset, payee, 50 * DOLLAR, [alice])

    with reverts(treasury, "WeightNotReached", needed=2, actual=1):
        _pay(desk, asset, payee, 1, [alice])

    _pay(desk, asset, payee, 1, [alice, bob])
    assert [policy.spentAt(asset, tier) for tier in range(3)] == [100 * DOLLAR, 1, 0]


def test_execute__nonce_key_after_nonce_key__needs_the_next_tier_reverts(
    treasury, desk, asset, payee, alice, reverts
):
    payments = [
        desk.proposal([call(asset.transfer, payee, 60 * DOLLAR)], alice, key=key) for key in (5, 6)
    ]
    desk.execute(payments[0], desk.sign(payments[0], [alice]))

    with reverts(treasury, "WeightNotReached", needed=2, actual=1):
        desk.execute(payments[1], desk.sign(payments[1], [alice]))


def test_execute__second_before_the_window_ends__reverts(
    treasury, desk, asset, payee, alice, reverts
):
    spent_at = _pay(desk, asset, payee, 100 * DOLLAR, [alice]).timestamp
    desk.chain.pending_timestamp = spent_at + DAY_S - 1

    with reverts(treasury, "WeightNotReached", needed=2, actual=1):
        _pay(desk, asset, payee, 1, [alice])


@pytest.mark.parametrize("late_s", [0, 1])
def test_execute__window_over__succeeds(policy, desk, asset, payee, alice, late_s):
    spent_at = _pay(desk, asset, payee, 100 * DOLLAR, [alice]).timestamp
    desk.chain.pending_timestamp = spent_at + DAY_S + late_s

    _pay(desk, asset, payee, 100 * DOLLAR, [alice])

    assert policy.spentAt(asset, 0) == 100 * DOLLAR


def test_execute__first_of_two_payments_left_the_window__succeeds(
    treasury, policy, desk, asset, payee, alice, reverts
):
    first = _pay(desk, asset, payee, 60 * DOLLAR, [alice]).timestamp
    desk.chain.pending_timestamp = first + DAY_S // 2
    _pay(desk, asset, payee, 40 * DOLLAR, [alice])
    desk.chain.pending_timestamp = first + DAY_S

    _pay(desk, asset, payee, 60 * DOLLAR, [alice])

    assert policy.spentAt(asset, 0) == 100 * DOLLAR
    with reverts(treasury, "WeightNotReached", needed=2, actual=1):
        _pay(desk, asset, payee, 1, [alice])


def test_execute__governance__is_counted_in_no_window_succeeds(
    policy, desk, asset, payee, alice, bob
):
    receipt = desk.run([call(asset.transfer, payee, 10_001 * DOLLAR)], [alice, bob])

    assert receipt.decode_logs(policy.AssetSpent) == []
    assert [policy.spentAt(asset, tier) for tier in range(3)] == [0, 0, 0]


def test_execute__failed_call__is_counted_in_no_window_reverts(
    treasury, policy, desk, asset, payee, alice, reverts
):
    proposal = desk.proposal([call(asset.transferFrom, payee, payee, DOLLAR)], alice)

    with reverts(treasury, "CallFailed", index=0, reason=...):
        desk.execute(proposal, desk.sign(proposal, [alice]))

    assert policy.spentAt(asset, 0) == 0


# rules


def test_tier_of__fixed_rule__holds(
    project, treasury, policy, desk, asset, payee, alice, bob, operator
):
    relay = operator.deploy(project.Relay)
    rule = fixed_rule(1, 60)
    desk.run([call(policy.setRule, relay, selector(relay.call), rule)], [alice, bob])
    each = call(relay.call, asset, b"")

    assert treasury.tierOf([each]) == (1, 60)
    assert treasury.tierOf([each, call(asset.transfer, payee, 500 * DOLLAR)]) == (2, 60)
    assert treasury.tierOf([each, call(asset.transfer, payee, 5_000 * DOLLAR)]) == THIRD
    assert treasury.tierOf([(each[0], 1, each[2])]) == GOVERNED


def test_tier_of__native_money_beside_a_rule__needs_both_holds(
    treasury, policy, desk, asset, payee, alice, bob
):
    desk.run([call(policy.setAsset, ZERO, 60, False, [(10, 2, 60)])], [alice, bob])
    target, _, data = call(asset.transfer, payee, 1)

    assert treasury.tierOf([(target, 10, data)]) == (2, 60)
    assert treasury.tierOf([(target, 11, data)]) == GOVERNED
    assert treasury.tierOf([pay(payee, 6), pay(payee, 5)]) == GOVERNED


def test_set_rule__taken_back__is_governance_succeeds(
    treasury, policy, desk, asset, payee, alice, bob
):
    nothing = (GOVERNANCE, ZERO, 0, 0, 0, 0)

    desk.run([call(policy.setRule, asset, selector(asset.approve), nothing)], [alice, bob])

    assert treasury.tierOf([call(asset.approve, payee, 1)]) == GOVERNED
    assert treasury.tierOf([call(asset.transfer, payee, 1)]) == FIRST


# payees


@pytest.fixture
def guarded(desk, policy, token, alice, bob, payee):
    """The token, with a list of payees that has one."""
    desk.run(
        [
            call(policy.setAsset, token, DAY_S, True, TIERS),
            call(policy.setPayees, token, [payee], True),
            *token_rules(policy, token),
        ],
        [alice, bob],
    )
    return token


def test_tier_of__payee_list__holds(treasury, guarded, payee, attacker):
    for method in (guarded.transfer, guarded.approve, guarded.mint):
        assert treasury.tierOf([call(method, payee, 1)]) == FIRST
        assert treasury.tierOf([call(method, attacker, 1)]) == GOVERNED
    assert treasury.tierOf([call(guarded.transferFrom, attacker, payee, 1)]) == FIRST
    assert treasury.tierOf([call(guarded.transferFrom, payee, attacker, 1)]) == GOVERNED
    calls = [call(guarded.transfer, payee, 1), call(guarded.transfer, attacker, 1)]
    assert treasury.tierOf(calls) == GOVERNED


def test_set_payees__struck_off__is_governance_succeeds(
    treasury, policy, desk, guarded, payee, alice, bob
):
    receipt = desk.run([call(policy.setPayees, guarded, [payee], False)], [alice, bob])

    [event] = receipt.decode_logs(policy.PayeesSet)
    assert (event.asset, event.payees, event.isListed) == (guarded, [payee], False)
    assert not policy.isPayee(guarded, payee)
    assert treasury.tierOf([call(guarded.transfer, payee, 1)]) == GOVERNED


def test_tier_of__target_is_the_payee__holds(
    treasury, policy, desk, guarded, payee, attacker, alice, bob
):
    four = b"\1\2\3\4"
    rules = [
        call(policy.setRule, target, four, spending_rule(guarded, 0))
        for target in (payee, attacker)
    ]
    desk.run([*rules, call(policy.setAsset, ZERO, 60, True, [(5, 1, 0)])], [alice, bob])
    data = four + (7).to_bytes(32, "big")

    assert treasury.tierOf([(payee.address, 0, data)]) == FIRST
    assert treasury.tierOf([(attacker.address, 0, data)]) == GOVERNED
    assert treasury.tierOf([pay(payee, 1)]) == GOVERNED  # each asset has its own list
    desk.run([call(policy.setPayees, ZERO, [payee], True)], [alice, bob])
    assert treasury.tierOf([pay(payee, 1)]) == FIRST


# setting


def test_set_asset__by_governance__succeeds(policy, desk, token, alice, bob):
    receipt = desk.run([call(policy.setAsset, token, 60, True, TIERS)], [alice, bob])

    [event] = receipt.decode_logs(policy.AssetSet)
    assert (event.asset, event.windowS, event.isPayeeListNeeded) == (token, 60, True)
    assert [tuple(tier) for tier in event.tiers] == TIERS
    window_s, is_listed, tiers = policy.assetPolicy(token)
    assert (window_s, is_listed, [tuple(tier) for tier in tiers]) == (60, True, TIERS)
    desk.run([call(policy.setAsset, token, 61, False, TIERS[:1])], [alice, bob])
    window_s, is_listed, tiers = policy.assetPolicy(token)
    assert (window_s, is_listed, [tuple(tier) for tier in tiers]) == (61, False, TIERS[:1])


def test_set_rule__by_governance__succeeds(policy, desk, token, alice, bob):
    rule = spending_rule(token, 1, 0)
    four = selector(token.transfer)

    receipt = desk.run([call(policy.setRule, token, four, rule)], [alice, bob])

    [event] = receipt.decode_logs(policy.RuleSet)
    assert (event.target, event.selector) == (token, four)
    stored = policy.ruleOf(token, four)
    assert (stored.kind, stored.asset, stored.amountWord, stored.payeeWord) == (
        SPENDING,
        token,
        1,
        0,
    )
    assert policy.ruleOf(token, bytes(4)).kind == GOVERNANCE
    assert policy.treasury() == desk.treasury
    assert TARGET == 255


def test_policy__by_another__reverts(policy, asset, payee, attacker, reverts):
    for method, arguments in (
        (policy.setAsset, (asset, 1, False, [])),
        (policy.setPayees, (asset, [attacker], True)),
        (policy.setRule, (asset, bytes(4), fixed_rule(1))),
        (policy.judgeAndCount, ([call(asset.transfer, payee, 1)],)),
    ):
        with reverts(policy, "SenderNotTreasury", actual=attacker):
            method(*arguments, sender=attacker)


@pytest.mark.parametrize("weight", [0, 3])
def test_set_asset__weight_out_of_range__reverts(policy, token, refused, weight):
    refused(
        policy.setAsset,
        token,
        60,
        False,
        [(1, weight, 0)],
        error="WeightNeededOutOfRange",
        maximum=2,
        actual=weight,
    )


def test_set_asset__timelock_too_long__reverts(policy, token, refused):
    refused(
        policy.setAsset,
        token,
        60,
        False,
        [(1, 1, GOVERNANCE_TIMELOCK_S + 1)],
        error="TimelockTooLong",
        maximumS=GOVERNANCE_TIMELOCK_S,
        actualS=GOVERNANCE_TIMELOCK_S + 1,
    )


@pytest.mark.parametrize("second", [(10, 2, 60), (9, 2, 60), (11, 1, 60), (11, 2, 59)])
def test_set_asset__tiers_not_ascending__reverts(policy, token, refused, second):
    tiers = [(10, 2, 60), second]

    refused(policy.setAsset, token, 60, False, tiers, error="TiersNotAscending", index=1)


def test_set_asset__window_zero__reverts(policy, token, refused):
    refused(policy.setAsset, token, 0, False, TIERS, error="WindowZero")


def test_set_rule__fixed_out_of_range__reverts(policy, token, refused):
    refused(
        policy.setRule,
        token,
        bytes(4),
        (FIXED, ZERO, 0, 0, 0, 0),
        error="WeightNeededOutOfRange",
        maximum=2,
        actual=0,
    )


@pytest.mark.parametrize("name", ["treasury", "policy"])
def test_set_rule__of_the_treasury__reverts(request, policy, refused, name):
    target = request.getfixturevalue(name)

    refused(
        policy.setRule,
        target,
        b"\1\2\3\4",
        fixed_rule(1),
        error="RuleOfTreasury",
        selector=b"\1\2\3\4",
    )
