"""Challenges against a model of them, both driven by the same random steps.

Law: a step succeeds in both or in neither; the contract holds exactly the open bonds and what it
owes, and counts what is open.
"""

import random
from dataclasses import dataclass, field
from unittest.mock import patch

import pytest
from ape.exceptions import ContractLogicError
from ape_ethereum.trace import Trace

from backend.protocol.operations import Payment
from tests.contracts.core import CHALLENGE_WINDOW_S, WINDOWS

FIRST, SLOTS = 64, range(64, 67)  # payments of person 0 to person 1
PEOPLE = range(2)
STEPS = 16


@dataclass
class Model:
    """What should be. People are numbers; times are seconds."""

    accepted_ts_s: int
    opened: dict[int, tuple[int, int, int]] = field(default_factory=dict)  # when, who, bond
    closed: set[int] = field(default_factory=set)
    owed_wei: list[int] = field(default_factory=lambda: [0 for _ in PEOPLE])
    fate: str = "stands"

    def is_open(self, slot_number):
        return slot_number in self.opened and slot_number not in self.closed

    def is_late(self, slot_number, now):
        return now >= self.opened[slot_number][0] + WINDOWS.answer_s

    def close(self, slot_number, receiver):
        self.closed.add(slot_number)
        self.owed_wei[receiver] += self.opened[slot_number][2]

    def challenge(self, person, slot_number, bond_wei, now):
        is_in_time = now < self.accepted_ts_s + CHALLENGE_WINDOW_S
        if self.fate != "stands" or not is_in_time or slot_number in self.opened:
            return False
        self.opened[slot_number] = (now, person, bond_wei)
        return True

    def answer(self, person, slot_numbers, now):
        waiting = [each for each in slot_numbers if each not in self.closed]
        if self.fate != "stands" or any(
            each not in self.opened or self.is_late(each, now) for each in waiting
        ):
            return False
        for each in waiting:
            self.close(each, person)
        return True

    def expire(self, slot_number, now):
        is_due = self.is_open(slot_number) and self.is_late(slot_number, now)
        if self.fate != "stands" or not is_due:
            return False
        self.close(slot_number, self.opened[slot_number][1])
        self.fate = "removed"
        return True

    def release(self, slot_number):
        if self.fate != "removed" or not self.is_open(slot_number):
            return False
        self.close(slot_number, self.opened[slot_number][1])
        return True

    def draw(self, person):
        had_wei, self.owed_wei[person] = self.owed_wei[person], 0
        return had_wei > 0

    def settle(self, now):
        is_due = now >= self.accepted_ts_s + CHALLENGE_WINDOW_S
        if self.fate != "stands" or not is_due or any(map(self.is_open, SLOTS)):
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
                bond_wei = desk.bond() + random_.randrange(9)
                sent = _sent(lambda: desk.challenge(slot_number, sender, value=bond_wei))
                return sent, model.challenge(person, slot_number, bond_wei, now)
            case "answer":
                slot_numbers = random_.sample(SLOTS, random_.randint(1, 3))
                answers = [
                    desk.signed(each, desk.payment(0, 1, 1, nonce=1 + each - FIRST))
                    for each in slot_numbers
                ]
                sent = _sent(lambda: desk.answer(answers, [2, 3], sender))
                return sent, model.answer(person, slot_numbers, now)
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
            open_now = [each for each in SLOTS if model.is_open(each)]
            assert challenges.openCount(book.header_hash) == len(open_now)
            for person in PEOPLE:
                assert challenges.owedWei(people[person]) == model.owed_wei[person]
            bonds_wei = sum(model.opened[each][2] for each in open_now)
            assert challenges.balance == bonds_wei + sum(model.owed_wei)
        return model

    return _play_all


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("case_count", [12, pytest.param(400, marks=pytest.mark.long)])
def test_challenges__random_steps__holds(chain, book, play, case_count):
    book.honest(*[Payment(2, 3, 1)] * len(SLOTS)).post()

    fates = set()
    for seed in range(case_count):
        with chain.isolate():
            fates.add(play(seed).fate)

    assert fates == {"stands", "removed", "settled"}
