"""Groups as people read them: whose legs, how much, who has still to sign.

What moves money is in tests/e2e/test_collecting.py.
"""

from types import SimpleNamespace

from backend.console.collecting import CollectingActions, Exchange
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


def test_exchange__wish__keeps_the_order_of_words_holds():
    wish = Exchange("alice", "bob", "10", "USDX", "9", "EURX")

    assert (wish.first_asset, wish.second_amount) == ("USDX", "9")
