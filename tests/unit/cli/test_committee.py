"""How `causeway committee` shows a committee; what it does: tests/e2e/test_roll_back_story.py."""

from backend.cli import committee
from backend.committees import CommitteeState, Member
from backend.protocol.types import Address, address_text


def test_view__committee__has_text_for_money_holds():
    member = Member(Address(b"\x0a" * 20), 2**60)

    assert committee._view(CommitteeState(3, 2**61, (member,))) == {
        "object": "committee",
        "epoch": 3,
        "stake_wei": str(2**61),
        "members": [{"address": address_text(member.address), "stake_wei": str(2**60)}],
    }
