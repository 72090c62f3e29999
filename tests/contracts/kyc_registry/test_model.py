"""KycRegistry against a model of ten lines, both driven by the same random steps.

Law: a step succeeds, and the level that counts after it is the same, in both. (That `issued` of a
person never falls is forge's to show: tests/forge/KycRegistry.t.sol.)
"""

from dataclasses import dataclass, field
from unittest.mock import patch

import pytest
from ape.exceptions import ContractLogicError
from ape_ethereum.trace import Trace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SERVING = 2**64 - 1


@dataclass
class Model:
    """What the registry should say. Attestors and people are numbers, times are seconds."""

    trusted_until: dict[int, int] = field(default_factory=lambda: {0: SERVING, 1: SERVING})
    # person → (attestor, level, expiry, issued, recorded_at)
    recorded: dict[int, tuple[int, int, int, int, int]] = field(default_factory=dict)
    revoked_at: dict[int, int] = field(default_factory=dict)

    def attest(self, attestor, person, level, expiry, issued, now):
        newest = max(
            self.recorded[person][3] if person in self.recorded else 0,
            self.revoked_at.get(person, 0),
        )
        is_fresh = newest < issued <= now <= expiry
        if is_fresh and level > 0 and self.trusted_until[attestor] == SERVING:
            self.recorded[person] = (attestor, level, expiry, issued, now)
            return True
        return False

    def revoke(self, attestor, person, now):
        if self.trusted_until[attestor] != SERVING:
            return False
        self.revoked_at[person] = now
        return True

    def dismiss(self, attestor, trusted_until, now):
        if not 0 < trusted_until <= min(now, self.trusted_until[attestor] - 1):
            return False
        self.trusted_until[attestor] = trusted_until
        return True

    def level_of(self, person, now):
        if person not in self.recorded:
            return 0
        attestor, level, expiry, issued, recorded_at = self.recorded[person]
        counts = (
            now <= expiry
            and issued > self.revoked_at.get(person, 0)
            and recorded_at < self.trusted_until[attestor]
        )
        return level if counts else 0


_INDEX = st.integers(0, 1)
_PAST_S = st.integers(-2, 6)  # how long ago; below 0 is in the future
_ATTEST = st.tuples(
    st.just("attest"), _INDEX, _INDEX, st.integers(0, 3), st.integers(-1, 9), _PAST_S
)
_STEP = st.one_of(
    _ATTEST,  # more often than the steps that stop an attestor for good
    _ATTEST,
    _ATTEST,
    st.tuples(st.just("revoke"), _INDEX, _INDEX),
    st.tuples(st.just("dismiss"), _INDEX, _PAST_S),
)
_STEPS = st.lists(st.tuples(st.integers(0, 3), _STEP), max_size=8)  # (seconds waited, step)


@pytest.fixture
def attestors(registry, admin, accounts):
    senders = [accounts[4], accounts[5]]
    for sender in senders:
        registry.appointAttestor(sender, sender=admin)
    return senders


def _send(function, *arguments, sender):
    """Send a transaction and say whether it succeeded."""
    try:
        with patch.object(Trace, "show"):  # ape would print each revert
            function(*arguments, sender=sender, gas_limit=500_000)
    except ContractLogicError:
        return False
    return True


def _play(registry, model, admin, attestors, people, step, now):
    """Take one step in the contract and in the model; return the outcomes of both."""
    match step:
        case ("attest", attestor, person, level, life_s, age_s):
            values = (level, now + life_s, now - age_s)
            sent = _send(
                registry.attest, (people[person], *values), b"", sender=attestors[attestor]
            )
            return sent, model.attest(attestor, person, *values, now)
        case ("revoke", attestor, person):
            sent = _send(registry.revoke, people[person], sender=attestors[attestor])
            return sent, model.revoke(attestor, person, now)
        case ("dismiss", attestor, age_s):
            sent = _send(registry.dismissAttestor, attestors[attestor], now - age_s, sender=admin)
            return sent, model.dismiss(attestor, now - age_s, now)


def _play_all(chain, registry, admin, attestors, people, steps):
    """Play the steps in the contract and in a new model, and compare after each."""
    model = Model()
    now = chain.blocks.head.timestamp + 10

    for wait_s, step in steps:
        now += wait_s
        chain.pending_timestamp = now

        sent, expected = _play(registry, model, admin, attestors, people, step, now)

        assert sent == expected, step
        for i, person in enumerate(people):
            assert registry.levelOf(person) == model.level_of(i, now), step
    for i, person in enumerate(people):
        status = registry.statusOf(person)
        assert status.issued == (model.recorded[i][3] if i in model.recorded else 0)
        assert status.revokedAt == model.revoked_at.get(i, 0)


@pytest.fixture
def people(accounts):
    return [accounts[6].address, accounts[7].address]


# The fixtures are the same for all examples; each example undoes its blocks.
_SETTINGS = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@settings(max_examples=30, **_SETTINGS)
@given(steps=_STEPS)
def test_registry__random_steps__holds(chain, registry, admin, attestors, people, steps):
    with chain.isolate():
        _play_all(chain, registry, admin, attestors, people, steps)


@pytest.mark.long
@pytest.mark.timeout(3600)
@settings(max_examples=2_000, **_SETTINGS)
@given(steps=_STEPS)
def test_registry__many_random_steps__holds(chain, registry, admin, attestors, people, steps):
    with chain.isolate():
        _play_all(chain, registry, admin, attestors, people, steps)
