"""How a committee stands, without a chain; on one: tests/e2e/test_roll_back_story.py."""

from backend.committees import CommitteeState, Member
from backend.protocol.types import Address


def test_state__stakes__count_when_they_are_whole_holds():
    stakes_wei = (10, 9, 0, 11)
    members = tuple(Member(Address(bytes([n]) * 20), wei) for n, wei in enumerate(stakes_wei, 1))

    assert CommitteeState(2, 10, members).whole_count == 2
