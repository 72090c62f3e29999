"""Challenges against a model of them, both driven by the same random steps.

Law: a step succeeds in both or in neither; the contract holds exactly what is left of the open
bonds and what it owes, and counts what is open.
"""

import random
from dataclasses import dataclass, field
from unittest.mock import patch

import pytest
from ape.exceptions import ContractLogicError
from ape_ethereum.trace import Trace

from backend.protocol.operations import Payment
from tests.contracts.core import CHALLENGE_WINDOW_S, WINDOWS
from tests.contracts.disputes.evidence import mask, pay_wei

FIRST, SLOTS = 64, range(64, 68)  # payments of person 0 to person 1
PEOPLE = range(2)
STEPS = 16


@dataclass
class Opened:
    """One challenge; it goes by its lowest slot."""

    ts_s: int
    challenger: int
    rest_wei: int
    open: set[int]
    is_answered: bool = False


@dataclass
class Model:
    """What should be. People are numbers; times are seconds."""

    accepted_ts_s: int
    by_slot: dict[int, Opened] = field(default_factory=dict)
    challenged: set[int] = field(default_factory=set)
    owed_wei: list[int] = field(default_factory=lambda: [0 for _ in PEOPLE])
    fate: str = "stands"

    def open_now(self):
        return {slot: each for slot, each in self.by_slot.items() if each.open}

    def close(self, one):
        self.owed_wei[one.challenger] += one.rest_wei
        one.rest_wei, one.open = 0, set()

    def challenge(self, person, slots, bond_wei, now):
        is_in_time = now < self.accepted_ts_s + CHALLENGE_WINDOW_S
        opened = {*slots} - self.challenged
        if self.fate != "stands" or not is_in_time or not opened:
            return False
        self.challenged |= opened
        self.by_slot[min(opened)] = Opened(now, person, bond_wei, opened)
        return True

    def answer(self, person, slot_number, shown, now):
        one = self.open_now().get(slot_number)
        if self.fate != "stands" or one is None or now >= one.ts_s + WINDOWS.answer_s:
            return False
        closed = one.open & {*shown}
        if not closed:
            return False
        earned_wei = pay_wei(len(closed), is_first=not one.is_answered)
        self.owed_wei[person] += earned_wei
        one.rest_wei -= earned_wei
        one.is_answered = True
        one.open -= closed
        if not one.open:
            self.close(one)
        return True

    def expire(self, slot_number, now):
        one = self.open_now().get(slot_number)
        if self.fate != "stands" or one is None or now < one.ts_s + WINDOWS.answer_s:
            return False
        self.close(one)
        self.fate = "removed"
        return True

    def release(self, slot_number):
        one = self.open_now().get(slot_number)
        if self.fate != "removed" or one is None:
            return False
        self.close(one)
        return True

    def draw(self, person):
        had_wei, self.owed_wei[person] = self.owed_wei[person], 0
        return had_wei > 0

    def settle(self, now):
        is_due = now >= self.accepted_ts_s + CHALLENGE_WINDOW_S
        if self.fate != "stands" or not is_due or self.open_now():
            return False
        self.fate = "settled"
        return True


@pytest.fixture
def play(chain, rollup, challenges, book, desk, accounts):
    """Take one step in the contract and in the model; return the outcomes of both."""
    people = accounts[4:6]

    def _sent(send):
        try:
            with patch.object(Trace, "show"):  # ape would print each revert
                send()
        except ContractLogicError:
            return False
        return True

    def _play(model, random_, now):
        name = random_.choice(["challenge"] * 3 + ["answer", "expire", "release", "draw", "settle"])
        person, slot_number = random_.choice(PEOPLE), random_.choice(SLOTS)
        sender = people[person]
        match name:
            case "challenge":
                slots = random_.sample(SLOTS, random_.randint(1, 3))
                bond_wei = desk.bond(len(slots)) + random_.randrange(9)
                sent = _sent(lambda: desk.challenge(slots, sender, value=bond_wei))
                return sent, model.challenge(person, slots, bond_wei, now)
            case "answer":
                shown = random_.sample(SLOTS, random_.randint(1, 4))
                answers = [
                    desk.signed(each, desk.payment(0, 1, 1, nonce=1 + each - FIRST))
                    for each in shown
                ]
                sent = _sent(lambda: desk.answer(answers, [2, 3], sender, challenged=slot_number))
                return sent, model.answer(person, slot_number, shown, now)
            case "expire":
                expire = challenges.expire
                sent = _sent(lambda: expire(book.batch, slot_number, sender=sender))
                return sent, model.expire(slot_number, now)
            case "release":
                release = challenges.releaseBond
                sent = _sent(lambda: release(book.header_hash, slot_number, sender=sender))
                return sent, model.release(slot_number)
            case "draw":
                return _sent(lambda: challenges.withdrawBonds(sender=sender)), model.draw(person)
            case "settle":
                sent = _sent(lambda: rollup.settle([book.batch], sender=sender))
                return sent, model.settle(now)

    def _play_all(seed):
        random_ = random.Random(seed)
        model = Model(book.batch.accepted_ts_s)
        now = chain.blocks.head.timestamp + 1
        for _ in range(STEPS):
            now += random_.choice([1, 1, 1, 7, WINDOWS.answer_s])
            chain.pending_timestamp = now
            sent, expected = _play(model, random_, now)
            assert sent == expected, (seed, model)
            assert challenges.openCount(book.header_hash) == len(model.open_now())
            for slot_number, one in model.by_slot.items():
                kept = challenges.challengeOf(book.header_hash, slot_number)
                assert (kept.openPositions, kept.bondWei) == (mask(*one.open), one.rest_wei)
            for person in PEOPLE:
                assert challenges.owedWei(people[person]) == model.owed_wei[person]
            bonds_wei = sum(each.rest_wei for each in model.open_now().values())
            assert challenges.balance == bonds_wei + sum(model.owed_wei)
        return model

    return _play_all


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("case_count", [12, pytest.param(400, marks=pytest.mark.long)])
def test_challenges__random_steps__holds(chain, book, play, case_count):
    book.honest(*[Payment(2, 3, 1)] * len(SLOTS)).post()

    fates, ends = set(), set()
    for seed in range(case_count):
        with chain.isolate():
            model = play(seed)
            fates.add(model.fate)
            ends |= {(each.is_answered, bool(each.open)) for each in model.by_slot.values()}

    assert fates == {"stands", "removed", "settled"}
    assert ends == {(is_answered, is_open) for is_answered in (0, 1) for is_open in (0, 1)}
