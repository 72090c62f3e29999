"""Operations that a dishonest committee may put into a batch, and states that follow from none."""

from dataclasses import replace
from typing import Final

from backend.protocol.batches import CHUNK_SLOTS
from backend.protocol.evidence import Evidence
from backend.protocol.money import AMOUNT_MINOR_MAX, BalanceMinor
from backend.protocol.operations import NO_OP_SLOT, SLOT_BYTES, OpenAccount, encode, slot
from backend.protocol.order_records import SignedOrder
from backend.protocol.orders import Order, PaymentOrder, WithdrawalOrder
from backend.protocol.types import (
    BRIDGE,
    FEE_PARTITION,
    REGISTRY,
    AccountId,
    Leaf,
    fee_account_id,
)
from tests.property.disputes.candidates import Signing, changed
from tests.property.disputes.drafts import FEE_ASSETS, KEYS, person

_ODD_BYTES: Final = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFE, 0xFF)


def a_byte(signing: Signing) -> None:
    slots, start = signing.any_slot()
    slots[start + signing.random.randrange(SLOT_BYTES)] = signing.random.choice(_ODD_BYTES)


def a_bit(signing: Signing) -> None:
    slots, start = signing.any_slot()
    slots[start + signing.random.randrange(SLOT_BYTES)] ^= 1 << signing.random.randrange(8)


def a_field_of_another(signing: Signing) -> None:
    (slots, start), (others, other) = signing.any_slot(), signing.any_slot()
    low, high = signing.random.choice([(0, 4), (4, 8), (8, 14), (14, 15)])
    slots[start + low : start + high] = others[other + low : other + high]


def an_amount(signing: Signing) -> None:
    slots, start = signing.any_slot()
    amount = int.from_bytes(slots[start + 8 : start + 14])
    other = signing.random.choice([amount + 1, amount - 1, amount * 2, 0, -1])
    slots[start + 8 : start + 14] = (other % 2**48).to_bytes(6)


def a_fee(signing: Signing) -> None:
    slots, start = signing.any_slot()
    slots[start + 14] = signing.random.randrange(256)


def an_account(signing: Signing) -> None:
    """Another payer or payee, who exists."""
    slots, start = signing.any_slot()
    low = signing.random.choice([0, 4])
    slots[start + low : start + low + 4] = signing.any_account().to_bytes(4)


def two_places(signing: Signing) -> None:
    """Swap two slots, mostly with their evidence."""
    (slots, start), (others, other) = signing.any_slot(), signing.any_slot()
    one, two = slots[start : start + SLOT_BYTES], others[other : other + SLOT_BYTES]
    slots[start : start + SLOT_BYTES], others[other : other + SLOT_BYTES] = two, one
    if signing.random.random() < 0.7:
        places = signing.number_of(slots, start), signing.number_of(others, other)
        found = [signing.evidence.pop(place, None) for place in places]
        for place, evidence in zip(places, reversed(found), strict=True):
            if evidence is not None:
                signing.evidence[place] = evidence


def a_slot_left_out(signing: Signing) -> None:
    slots, start = signing.any_slot()
    slots[start : start + SLOT_BYTES] = NO_OP_SLOT


def a_slot_twice(signing: Signing) -> None:
    slots, start = signing.any_slot()
    others = signing.random.choice(signing.slots)
    other = signing.random.randrange(CHUNK_SLOTS) * SLOT_BYTES
    others[other : other + SLOT_BYTES] = slots[start : start + SLOT_BYTES]
    found = signing.evidence.get(signing.number_of(slots, start))
    if found is not None:
        signing.evidence[signing.number_of(others, other)] = found


def a_theft(signing: Signing) -> None:
    """Pay or withdraw what the owner didn't order; mostly a thief signed in his place."""
    random = signing.random
    slots = random.choice(signing.slots)
    start = random.randrange(CHUNK_SLOTS) * SLOT_BYTES
    payer, payee = signing.any_account(), random.choice([signing.any_account(), BRIDGE])
    amount_minor = random.randrange(1, 9)
    slots[start : start + SLOT_BYTES] = slot(payer, payee, amount_minor, 0)
    leaf = signing.scene.leaves[payer]
    asset = signing.scene.assets.get(leaf.asset_id)
    if asset is None or random.random() < 0.3:
        return
    thief = random.choice(list(KEYS.values()))
    common = {
        "payer": thief.address,
        "asset": asset.token,
        "amount": amount_minor * asset.unit,
        "fee": 0,
        "nonce": leaf.nonce,
        "valid_until": signing.scene.ts_s + 600,
    }
    order: Order = WithdrawalOrder(**common)
    if payee != BRIDGE:
        order = PaymentOrder(payee=signing.scene.leaves[payee].owner, **common)
    signature = thief.sign_digest(order.digest(signing.scene.domain))
    place = signing.number_of(slots, start)
    signing.evidence[place] = Evidence(SignedOrder(order, signature), 0)


def a_false_sweep(signing: Signing) -> None:
    """Withdraw all of an account, or too often, as if its owner had asked for an exit."""
    random, scene = signing.random, signing.scene
    slots = random.choice(signing.slots)
    account_id = random.choice([*scene.leaving, signing.any_account()])
    balance_minor = scene.leaves[account_id].balance_minor
    parts = random.choice([[balance_minor], [1, balance_minor - 1], [AMOUNT_MINOR_MAX]])
    starts = range(0, len(slots), SLOT_BYTES)
    free = [start for start in starts if not any(slots[start : start + SLOT_BYTES])]
    for start, part in zip(free, parts, strict=False):
        taken = slot(account_id, BRIDGE, part % 2**48, 0)
        slots[start : start + SLOT_BYTES] = taken
        signing.evidence[signing.number_of(slots, start)] = Evidence(None, 0)


def fees_of_many_assets(signing: Signing) -> None:
    """Withdraw, with fees to four accounts or to five."""
    slots = signing.random.choice(signing.slots)
    starts = range(0, len(slots), SLOT_BYTES)
    free = [start for start in starts if not any(slots[start : start + SLOT_BYTES])]
    payers = [
        place
        for place, leaf in signing.scene.leaves.items()
        if leaf.owner == person(0).address and leaf.asset_id < FEE_ASSETS
    ]
    for start, payer in zip(free, payers[: signing.random.choice([4, 5])], strict=False):
        slots[start : start + SLOT_BYTES] = slot(payer, BRIDGE, 1, 8)


def a_deposit(signing: Signing) -> None:
    """Credit a deposit to somebody else, or another amount, or one more."""
    random, scene = signing.random, signing.scene
    slots = random.choice(signing.slots)
    starts = range(0, len(slots), SLOT_BYTES)
    own = [s for s in starts if not any(slots[s : s + 4]) and any(slots[s : s + SLOT_BYTES])]
    free = [start for start in starts if not any(slots[start : start + SLOT_BYTES])]
    amount_minor = scene.queue[scene.leaves[BRIDGE].nonce].amount_minor
    if not free or (own and random.random() < 0.5):
        free = own or list(starts)
        amount_minor = int.from_bytes(slots[free[0] + 8 : free[0] + 14])
    wrong_minor = amount_minor + random.choice([0, 0, 1])
    payee = signing.any_account()
    slots[free[0] : free[0] + SLOT_BYTES] = slot(BRIDGE, payee, wrong_minor % 2**48, 0)


def an_opening(signing: Signing) -> None:
    """Open an account where one mustn't, or for somebody who has one."""
    random = signing.random
    slots = random.choice(signing.slots)
    start = random.randrange(CHUNK_SLOTS) * SLOT_BYTES
    account_id = random.choice(
        [
            random.randrange(2**32),
            signing.any_account(),
            fee_account_id(random.randrange(1, FEE_ASSETS + 3)),
            random.randrange(2),
        ]
    )
    owners = [*KEYS, *(asset.fee_owner for asset in signing.scene.assets.values())]
    opening = OpenAccount(AccountId(account_id), random.randrange(10), random.choice(owners))
    written = encode(opening)[: len(slots) - start]
    slots[start : start + len(written)] = written


def a_second_account(signing: Signing) -> None:
    """Open one for somebody who has one of this asset, in the slots of two no-ops."""
    slots = signing.random.choice(signing.slots)
    pairs = range(0, len(slots) - SLOT_BYTES, SLOT_BYTES)
    free = [start for start in pairs if not any(slots[start : start + 2 * SLOT_BYTES])]
    leaf = signing.scene.leaves[signing.any_account()]
    if free and leaf.asset_id:
        start = signing.random.choice(free)
        account_id = AccountId(signing.random.randrange(2, FEE_PARTITION << 24))
        opening = encode(OpenAccount(account_id, leaf.asset_id, leaf.owner))
        slots[start : start + 2 * SLOT_BYTES] = opening


def a_covered_slot(signing: Signing) -> None:
    """Let a slot become the second half of an opening."""
    slots, start = signing.any_slot()
    if start:
        head = signing.random.randbytes(7)
        slots[start - SLOT_BYTES : start] = REGISTRY.to_bytes(4) + bytes([0]) + head + b"\0\1\5"


def chunks_in_another_order(signing: Signing) -> None:
    signing.random.shuffle(signing.slots)


def a_chunk_more_or_less(signing: Signing) -> None:
    if len(signing.slots) > 1 and signing.random.random() < 0.5:
        signing.slots.pop(signing.random.randrange(len(signing.slots)))
    else:
        signing.slots.append(bytearray(CHUNK_SLOTS * SLOT_BYTES))


def a_leaf(signing: Signing) -> None:
    """Change an account by no operation at all."""
    random, account_id = signing.random, signing.any_account()
    key = random.choice(list(KEYS))

    def edit(leaves: dict[AccountId, Leaf]) -> None:
        leaf = leaves[account_id]
        leaves[account_id] = random.choice(
            [
                changed(leaf, balance_minor=1),
                changed(leaf, nonce=1),
                changed(leaf, nonce=-1),
                replace(leaf, owner=key),
                replace(leaf, asset_id=leaf.asset_id + 1),
            ]
        )

    signing.edits[random.randrange(len(signing.slots))] = edit


def a_new_leaf(signing: Signing) -> None:
    account_id = AccountId(signing.random.randrange(2, 2**32))
    leaf = Leaf(signing.random.choice(list(KEYS)), 1, 0, BalanceMinor(5))
    index = signing.random.randrange(len(signing.slots))
    signing.edits[index] = lambda leaves: leaves.update({account_id: leaf})


WRONG_SLOTS: Final = [
    a_byte,
    a_bit,
    a_field_of_another,
    an_amount,
    a_fee,
    an_account,
    two_places,
    a_slot_left_out,
    a_slot_twice,
    a_theft,
    a_false_sweep,
    fees_of_many_assets,
    a_deposit,
    an_opening,
    a_second_account,
    a_covered_slot,
    chunks_in_another_order,
    a_chunk_more_or_less,
]
WRONG_STATES: Final = [a_leaf, a_new_leaf]
