"""Groups as people read them: whose legs, how much, who has still to sign, and may.

What moves money is in tests/e2e/test_collecting.py.
"""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from backend.console.collecting import CollectingActions, Exchange
from backend.console.errors import NothingToSign
from backend.console.people import People
from backend.keys import KeyStore
from backend.protocol.types import address_text
from causeway import Asset, Group, Leg

SOMEBODY = address_text(b"\x07" * 20)
WIDE = Asset({}, 2, "WIDE", "0x" + "0e" * 20, 18, 10**12, False)


def test_lines__group__name_people_and_amounts_holds(tmp_path):
    people = People(KeyStore(tmp_path, "passphrase", scrypt_n=2))
    alice = people.new("alice")
    actions = SimpleNamespace(client=None, people=people, asset=lambda _: WIDE)
    message = {
        "payer": address_text(alice.address),
        "payee": SOMEBODY,
        "amount": str(1_500_000 * 10**12),
        "fee": "0",
        "memo": "0x" + "00" * 32,
    }
    shown = {"asset": "WIDE", "is_signed": False, "typed_data": {"message": message}}
    group = Group({}, "0x12", "signing", None, "", [shown, shown | {"is_signed": True}])
    collecting = CollectingActions(actions)

    text = f"alice pays {SOMEBODY} 1.5 WIDE (fee 0)"
    assert collecting.lines(group) == [f"{text}: to be signed by alice", f"{text}: signed"]
    leg = Leg(message["payer"], SOMEBODY, "WIDE", 1_500_000, fee=0, memo=message["memo"])
    assert collecting.legs(group) == [leg, leg]


def leg(payer, is_signed):
    return {"payer": address_text(payer), "is_signed": is_signed}


@pytest.mark.parametrize(
    ("status", "signed", "may"),
    [
        ("signing", (False, True), True),
        ("signing", (False, False), True),
        ("signing", (True, False), False),
        ("signing", (True, True), True),  # the node refused it: a signature tries again
        ("final", (True, True), False),
        ("rejected", (False, True), False),
    ],
)
def test_check_signable__group__lets_who_can_move_it_on_holds(tmp_path, status, signed, may):
    people = People(KeyStore(tmp_path, "passphrase", scrypt_n=2))
    payers = people.new("alice").address, b"\x07" * 20
    legs = [leg(payer, is_signed) for payer, is_signed in zip(payers, signed, strict=True)]
    group = Group({}, "0x12", status, None, "", legs)
    collecting = CollectingActions(SimpleNamespace(client=None, people=people))

    with nullcontext() if may else pytest.raises(NothingToSign, match=status):
        collecting.check_signable("alice", group)
    people.new("bob")
    with pytest.raises(NothingToSign):
        collecting.check_signable("bob", group)


def test_exchange__wish__keeps_the_order_of_words_holds():
    wish = Exchange("alice", "bob", "10", "USDX", "9", "EURX")

    assert (wish.first_asset, wish.second_amount) == ("USDX", "9")
