"""Attestors sign turnover, and a bonus waits for it.

- attest: 2 of 3, anyone sends, again with more → recorded
- needed: of the deposit, of the bonus, rounded up: exactly → released | one less → skipped
- signatures: one short, one too many, twice the same, descending, of another's, of another grant,
  amount, time, contract, chain, high s, malformed → reverts
- numbers: below, not newer, of the second of the grant, from the future → reverts
- grant unknown, closed; campaign that asks for none → reverts
"""

import pytest
from eth_account import Account
from eth_utils import keccak

from tests.contracts.bonus.terms import DAY_S, DOLLAR, TURNOVER, Skip, State, TurnoverBase


@pytest.fixture
def attestors():
    """Three keys, in ascending order of their addresses."""
    keys = [Account.from_key(keccak(text=f"attestor {i}")) for i in range(3)]
    return sorted(keys, key=lambda key: int(key.address, 16))


@pytest.fixture
def attacker():
    return Account.from_key(keccak(text="attacker"))


@pytest.fixture
def turnover_terms(terms, attestors):
    """Twice the deposit, attested by two of three."""
    return terms._replace(
        turnover_bps=20_000,
        attestations_needed=2,
        attestors=tuple(key.address for key in attestors),
    )


@pytest.fixture
def granted(bonus, create, turnover_terms, deposit):
    deposit(create(turnover_terms), 20 * DOLLAR)
    return bonus.grantOf(1)


@pytest.fixture
def sign(bonus, sign_typed):
    def _sign(keys, *values, contract=bonus):
        parts = [sign_typed(key, contract, "Causeway Bonus", TURNOVER, values) for key in keys]
        return b"".join(r + s + bytes([v]) for v, r, s in parts)

    return _sign


@pytest.fixture
def attest(chain, bonus, sign, attestors, anyone):
    """Attest a turnover a minute ago by the first two, unless other keys are given."""

    def _attest(turnover_minor, up_to=None, keys=None, grant_id=1):
        if up_to is None:
            up_to = chain.blocks.head.timestamp + 60
            chain.mine(timestamp=up_to)
        signatures = sign(keys or attestors[:2], grant_id, turnover_minor, up_to)
        return bonus.attestTurnover(grant_id, turnover_minor, up_to, signatures, sender=anyone)

    return _attest


@pytest.fixture
def up_to(chain, granted):
    chain.mine(timestamp=granted.grantedTsS + 60)
    return granted.grantedTsS + 60


def test_attest_turnover__two_of_three__succeeds(bonus, granted, attest, attestors, events):
    receipts = [attest(7), attest(7, keys=[attestors[0], attestors[2]])]
    receipts.append(attest(8, keys=attestors[1:]))

    first, second, third = (events(receipt, "TurnoverAttested")[0] for receipt in receipts)
    assert (first.grantId, first.turnoverMinor) == (1, 7)
    assert first.upTo < second.upTo < third.upTo
    grant = bonus.grantOf(1)
    assert (grant.turnoverMinor, grant.turnoverUpToTsS) == (8, third.upTo)


@pytest.mark.parametrize(
    ("base", "bps", "needed_minor"),
    [
        (TurnoverBase.DEPOSIT, 20_000, 40 * DOLLAR),
        (TurnoverBase.BONUS, 30_000, 30 * DOLLAR),
        (TurnoverBase.DEPOSIT, 1, 2_000),
        (TurnoverBase.DEPOSIT, 2**32 - 1, (20 * DOLLAR * (2**32 - 1) + 9_999) // 10_000),
    ],
)
def test_release__turnover__holds(
    chain, bonus, create, turnover_terms, deposit, attest, anyone, base, bps, needed_minor
):
    terms = turnover_terms._replace(turnover_base=base, turnover_bps=bps)
    deposit(create(terms), 20 * DOLLAR)
    chain.mine(timestamp=bonus.grantOf(1).depositTsS + DAY_S)

    attest(needed_minor - 1)
    bonus.release([1], sender=anyone)
    status = bonus.grantStatus(1)
    assert status.obstacle == Skip.TURNOVER_TOO_LOW
    assert tuple(status.turnover) == (needed_minor, needed_minor - 1, False)
    attest(needed_minor)
    bonus.release([1], sender=anyone)

    assert bonus.grantOf(1).state == State.RELEASED


def test_release__turnover_rounded_up__holds(bonus, create, turnover_terms, deposit):
    terms = turnover_terms._replace(turnover_bps=1)

    deposit(create(terms), 20 * DOLLAR + 1)

    assert bonus.grantStatus(1).turnover.needed == 2_001


def test_attest_turnover__signature_count__reverts(
    bonus, granted, sign, attestors, up_to, anyone, reverts
):
    for count in (0, 1, 3):
        signatures = sign(attestors[:count], 1, 7, up_to)
        values = {"expectedBytes": 130, "actualBytes": 65 * count}
        with reverts(bonus, "SignatureBytesMismatch", **values):
            bonus.attestTurnover(1, 7, up_to, signatures, sender=anyone)


def test_attest_turnover__signers_not_ascending__reverts(
    bonus, granted, attest, up_to, attestors, reverts
):
    first, second, _ = attestors
    for keys in ([first, first], [second, first]):
        values = {"previous": keys[0].address, "actual": first.address}
        with reverts(bonus, "SignersNotAscending", **values):
            attest(7, up_to, keys=keys)


def test_attest_turnover__another_signer__reverts(
    bonus, granted, attest, up_to, attestors, attacker, reverts
):
    keys = sorted([attestors[0], attacker], key=lambda key: int(key.address, 16))

    with reverts(bonus, "SignerNotAttestor", signer=attacker.address):
        attest(7, up_to, keys=keys)


def test_attest_turnover__attestor_of_another_campaign__reverts(
    bonus, create, turnover_terms, granted, deposit, attest, up_to, attacker, other, reverts
):
    theirs = turnover_terms._replace(attestations_needed=1, attestors=(attacker.address,))
    deposit(create(theirs), by=other)

    attest(7, keys=[attacker], grant_id=2)
    with reverts(bonus, "SignatureBytesMismatch", expectedBytes=130, actualBytes=65):
        attest(7, keys=[attacker], grant_id=1)

    assert bonus.grantOf(1).turnoverMinor == 0


@pytest.mark.parametrize("name", ["grant", "amount", "time", "contract", "chain"])
def test_attest_turnover__signed_for_another__reverts(
    chain, bonus, rollup, create, turnover_terms, deposit, sign, attestors, anyone, reverts, name
):
    terms = turnover_terms._replace(attestations_needed=1)
    deposit(create(terms))
    up_to = bonus.grantOf(1).grantedTsS + 60
    chain.mine(timestamp=up_to)
    changed = {"grant": (2, 7, up_to), "amount": (1, 8, up_to), "time": (1, 7, up_to - 1)}
    contract = rollup if name == "contract" else bonus
    key = attestors[0]
    if name == "chain":
        signed = Account.sign_typed_data(
            key.key,
            {
                "name": "Causeway Bonus",
                "version": "1",
                "chainId": chain.chain_id + 1,
                "verifyingContract": bonus.address,
            },
            {
                "Turnover": [
                    {"name": "grantId", "type": "uint256"},
                    {"name": "turnoverMinor", "type": "uint256"},
                    {"name": "upTo", "type": "uint64"},
                ]
            },
            {"grantId": 1, "turnoverMinor": 7, "upTo": up_to},
        )
        signature = bytes(signed.signature)
    else:
        signature = sign([key], *changed.get(name, (1, 7, up_to)), contract=contract)

    with reverts(bonus, "SignerNotAttestor", signer=...):
        bonus.attestTurnover(1, 7, up_to, signature, sender=anyone)

    bonus.attestTurnover(1, 7, up_to, sign([key], 1, 7, up_to), sender=anyone)


def test_attest_turnover__high_s__reverts(
    bonus, granted, sign_typed, with_high_s, attestors, up_to, anyone, reverts
):
    parts = [
        with_high_s(*sign_typed(key, bonus, "Causeway Bonus", TURNOVER, (1, 7, up_to)))
        for key in attestors[:2]
    ]
    signatures = b"".join(r + s + bytes([v]) for v, r, s in parts)

    with reverts(bonus, "ECDSAInvalidSignatureS", s=...):
        bonus.attestTurnover(1, 7, up_to, signatures, sender=anyone)


def test_attest_turnover__malformed__reverts(bonus, granted, up_to, anyone, reverts):
    with reverts(bonus, "ECDSAInvalidSignature"):
        bonus.attestTurnover(1, 7, up_to, bytes(130), sender=anyone)


def test_attest_turnover__fell__reverts(bonus, granted, attest, up_to, reverts):
    attest(8, up_to)

    with reverts(bonus, "TurnoverFell", before=8, actual=7):
        attest(7)


def test_attest_turnover__not_newer__reverts(bonus, granted, attest, up_to, reverts):
    with reverts(bonus, "TurnoverTooOld", newest=granted.grantedTsS, actual=granted.grantedTsS):
        attest(8, granted.grantedTsS)
    attest(8, up_to)

    with reverts(bonus, "TurnoverTooOld", newest=up_to, actual=up_to):
        attest(9, up_to)


def test_attest_turnover__from_the_future__reverts(
    chain, bonus, granted, sign, attestors, anyone, reverts
):
    now = granted.grantedTsS + 100
    for offset_s in (1, 0):
        signatures = sign(attestors[:2], 1, 7, now + offset_s)
        chain.pending_timestamp = now
        arguments = (1, 7, now + offset_s, signatures)
        if offset_s:
            with reverts(bonus, "TurnoverFromFuture", latest=now, actual=now + 1):
                bonus.attestTurnover(*arguments, sender=anyone, gas_limit=500_000)
            now += 10
        else:
            bonus.attestTurnover(*arguments, sender=anyone, gas_limit=500_000)

    assert bonus.grantOf(1).turnoverUpToTsS == now


def test_attest_turnover__grant_not_open__reverts(
    chain, bonus, granted, attest, up_to, anyone, reverts
):
    with reverts(bonus, "GrantNotOpen", grantId=9, state=State.NONE):
        attest(7, up_to, grant_id=9)
    chain.mine(timestamp=granted.grantedTsS + 10 * DAY_S + 1)
    bonus.forfeit([1], sender=anyone)

    with reverts(bonus, "GrantNotOpen", grantId=1, state=State.FORFEITED):
        attest(7, up_to)


def test_attest_turnover__not_asked__reverts(bonus, campaign_id, deposit, chain, anyone, reverts):
    deposit(campaign_id)

    with reverts(bonus, "TurnoverNotAsked", campaignId=campaign_id):
        bonus.attestTurnover(1, 7, chain.pending_timestamp, b"", sender=anyone)


def test_turnover_digest__independent_signer__holds(bonus, sign_typed, attestors):
    v, r, s = sign_typed(attestors[0], bonus, "Causeway Bonus", TURNOVER, (1, 7, 9))

    digest = bonus.turnoverDigest(1, 7, 9)

    assert Account._recover_hash(digest, vrs=(v, r, s)) == attestors[0].address
