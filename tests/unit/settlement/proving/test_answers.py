"""Whether evidence answers for an operation, as L1 judges it, and what an answer shows.

- an order alone, by signature or root; a withdrawal; a leg of a group; a sweep by exit
- each field that may not fit, and each way not to be authorised
- the accounts of all legs, and none but those
- a group is shown once, be several of its legs challenged, and no leg of it without authorisation
- every answer can be sent, be all of a chunk challenged
"""

from dataclasses import replace
from random import Random

import pytest

from backend.protocol.authorised import AuthorisedTree
from backend.protocol.errors import InvariantViolated
from backend.protocol.evidence import Evidence
from backend.protocol.hashing import ZERO_DIGEST, keccak
from backend.protocol.money import AMOUNT_MINOR_MAX
from backend.protocol.order_records import OrderGroup, RootedOrder, SignedOrder
from backend.protocol.types import BRIDGE, ZERO_ADDRESS
from backend.settlement.artifacts import artifact
from backend.settlement.batch_data import AcceptedBatch
from backend.settlement.proving.answers import (
    Authority,
    answer,
    answers,
    challenge,
    objection,
    unanswerable,
)
from backend.settlement.proving.proofs import chunk_proof, multiproof
from backend.settlement.proving.replay import LedgerState, replay
from backend.settlement.transactions import TRANSACTION_SIZE_BYTES_MAX
from tests.property.disputes.candidates import Signing
from tests.property.disputes.drafts import KEYS, LEAVER, TS_S, Drafter, person, scene_on_paper
from tests.property.disputes.law import header_of, posted

PAYMENT, WITHDRAWAL, BY_ROOT, FIRST_LEG, OPENING = 0, 1, 2, 3, 6
SIGNED_S_LAST = 63


def account(scene, owner, asset_id):
    [place] = [
        place
        for place, leaf in scene.leaves.items()
        if (leaf.owner, leaf.asset_id) == (person(owner).address, asset_id)
    ]
    return place


class Story:
    """A batch of two chunks: a payment, a withdrawal, a payment by root, a group of three, an
    opening; and, in the second chunk, sweeps."""

    def __init__(self):
        self.scene = scene = scene_on_paper()
        self.alice, self.bob, self.carol = (account(scene, owner, 1) for owner in range(3))
        self.leaver = account(scene, LEAVER, 2)
        self.rich_leaver = account(scene, LEAVER, 1)
        drafter = Drafter(Random(1), scene)
        # The same random would pay by root now and then: this one never does by itself.
        drafter.random.random = lambda: 1.0
        drafter.pay(self.alice, self.bob, 5, 8)
        drafter.pay(self.alice, BRIDGE, 6, 0)
        drafter.random.random = lambda: 0.0
        drafter.pay(self.bob, self.alice, 7, 0)
        drafter.group(
            [
                (self.alice, self.bob, 1, 8),
                (self.bob, self.carol, 2, 0),
                (self.alice, self.carol, 3, 0),
            ]
        )
        drafter.open(person(4).address, 1)
        drafter.close()
        drafter.sweep(self.leaver)
        drafter.sweep(self.rich_leaver)
        drafter.close()
        self.draft = drafter.finish()
        self.evidence = self.draft.evidence
        self.roots = self.draft.roots
        self.exits = {self.leaver, self.rich_leaver}
        self.replay()

    def replay(self):
        candidate = Signing(Random(0), self.scene, self.draft).candidate()
        accepted = AcceptedBatch(header_of(self.scene, candidate), TS_S, 7)
        known = LedgerState.of(self.scene.leaves), self.scene.assets
        queue = dict(enumerate(self.scene.queue))
        self.batch = replay(posted(candidate, accepted), [], *known, queue)

    @property
    def authority(self):
        return Authority(
            self.scene.domain,
            self.scene.assets,
            lambda owner, root: (owner, root) in self.roots,
            lambda place, owner, ts_s: place in self.exits and ts_s == self.scene.ts_s,
        )

    def objection(self, slot, evidence=None):
        return objection(self.batch, slot, evidence or self.evidence[slot], self.authority)

    def signed(self, slot, **changes):
        """Return evidence of another order than the slot's, which its payer signed all the same."""
        order = replace(self.evidence[slot].order, **changes)
        digest = order.digest(self.scene.domain)
        return Evidence(SignedOrder(order, KEYS[order.payer].sign_digest(digest)), 0)

    def shown(self, arguments):
        return [leaf[0] for leaf in arguments[2][0]]


@pytest.fixture
def story():
    return Story()


def test_objection__true_evidence__has_none_succeeds(story):
    assert sorted(story.evidence) == [0, 1, 2, 3, 4, 5, 64, 65]
    assert not [slot for slot in story.evidence if story.objection(slot)]
    assert not list(unanswerable(story.batch, story.evidence, story.authority))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("asset", person(0).address),
        ("amount", 6),
        ("fee", 2),
        ("nonce", 1),
        ("valid_until", TS_S - 1),
        ("payee", person(3).address),
        ("link", keccak(b"link")),
    ],
)
def test_objection__payer_signed_another_order__names_the_field_succeeds(story, field, value):
    evidence = story.signed(PAYMENT, **{field: value})

    assert story.objection(PAYMENT, evidence) == field


def test_objection__memo_or_later_validity__has_none_succeeds(story):
    evidence = story.signed(PAYMENT, memo=keccak(b"memo"), valid_until=2**64 - 1)

    assert story.objection(PAYMENT, evidence) is None


def test_objection__order_of_another_payer__rejects(story):
    order = replace(story.evidence[PAYMENT].order, payer=person(1).address)
    signature = person(1).sign_digest(order.digest(story.scene.domain))

    assert story.objection(PAYMENT, Evidence(SignedOrder(order, signature), 0)) == "payer"


def test_objection__payment_for_a_withdrawal__rejects(story):
    payment, withdrawal = story.evidence[PAYMENT].order, story.evidence[WITHDRAWAL].order
    shared = {name: getattr(withdrawal, name) for name in ("amount", "fee", "nonce")}
    order = replace(payment, payee=ZERO_ADDRESS, memo=ZERO_DIGEST, **shared)
    signature = person(0).sign_digest(order.digest(story.scene.domain))

    assert story.objection(WITHDRAWAL, Evidence(SignedOrder(order, signature), 0)) == "payee"


@pytest.mark.parametrize("place", [0, 31, 32, SIGNED_S_LAST, 64])
def test_objection__signature_changed__rejects(story, place):
    signed = story.evidence[PAYMENT].record
    signature = bytearray(signed.signature)
    signature[place] ^= 0x81

    changed = replace(signed, signature=bytes(signature))

    assert story.objection(PAYMENT, Evidence(changed, 0)) == "authorisation"


def test_objection__root_unknown_or_of_another__rejects(story):
    [(owner, root)] = story.roots

    for known in (set(), {(person(0).address, root)}):
        story.roots = known
        assert story.objection(BY_ROOT) == "authorisation"
    story.roots = {(owner, root)}
    assert story.objection(BY_ROOT) is None


def test_objection__proof_leads_elsewhere__rejects(story):
    record = story.evidence[BY_ROOT].record
    longer = replace(record, proof=(*record.proof, keccak(b"node")))

    assert story.objection(BY_ROOT, Evidence(longer, 0)) == "authorisation"


def test_objection__signature_of_an_order_by_root__has_none_succeeds(story):
    assert story.objection(BY_ROOT, story.signed(BY_ROOT)) is None


def test_objection__root_over_a_signed_order__has_none_succeeds(story):
    order = story.evidence[PAYMENT].order
    tree = AuthorisedTree([keccak(b"other"), order.digest(story.scene.domain)])
    story.roots.add((order.payer, tree.root))

    assert (
        story.objection(PAYMENT, Evidence(RootedOrder(order, tree.root, tree.proof(1)), 0)) is None
    )


@pytest.mark.parametrize(
    ("legs", "leg", "reason"),
    [
        ([0, 1, 2], 1, None),
        ([0, 1, 2], 0, "payer"),
        ([0, 1, 2], 2, "payer"),
        ([0, 1], 1, "group"),
        ([1, 0, 2], 1, "group"),
        ([0, 1, 1], 1, "group"),
        ([0, 1, 2], 3, "leg"),
        ([0, 1, 2], -1, "leg"),
    ],
)
def test_objection__legs_of_a_group__holds(story, legs, leg, reason):
    whole = story.evidence[FIRST_LEG].record.legs
    group = OrderGroup(tuple(whole[index] for index in legs))

    assert story.objection(FIRST_LEG + 1, Evidence(group, leg)) == reason


def test_objection__leg_alone__rejects(story):
    leg = story.evidence[FIRST_LEG].record.legs[0]

    assert story.objection(FIRST_LEG, Evidence(leg, 0)) == "link"


def test_objection__a_leg_without_authorisation__rejects(story):
    legs = list(story.evidence[FIRST_LEG].record.legs)
    legs[1] = replace(legs[1], signature=bytes(65))

    for leg in range(3):
        evidence = Evidence(OrderGroup(tuple(legs)), leg)
        assert story.objection(FIRST_LEG + leg, evidence) == "authorisation"


@pytest.mark.parametrize("slot", [OPENING, OPENING + 1, OPENING + 2, 63])
def test_objection__no_order_in_the_slot__rejects(story, slot):
    assert story.objection(slot, story.evidence[PAYMENT]) == "slot"
    assert story.objection(slot, Evidence(None, 0)) == "slot"


def test_objection__exit_unknown_or_over__rejects(story):
    story.exits = set()

    assert story.objection(64) == "exit"


def test_objection__ordered_withdrawal_as_a_sweep__rejects(story):
    story.exits.add(story.alice)

    assert story.objection(WITHDRAWAL, Evidence(None, 0)) == "another operation"
    assert story.objection(PAYMENT, Evidence(None, 0)) == "slot"


@pytest.mark.parametrize(
    ("amount_minor", "fee_byte", "reason"),
    [(1, 0, "amount"), (AMOUNT_MINOR_MAX, 0, None), (AMOUNT_MINOR_MAX, 7, "fee")],
)
def test_objection__sweep_of_a_part__holds(story, amount_minor, fee_byte, reason):
    drafter = Drafter(Random(0), story.scene)
    drafter.pay(story.rich_leaver, BRIDGE, amount_minor, fee_byte)
    drafter.close()
    story.draft = drafter.finish()
    story.replay()

    assert story.objection(0, Evidence(None, 0)) == reason


def test_unanswerable__evidence_missing_or_wrong__names_the_slots_succeeds(story):
    evidence = dict(story.evidence)
    del evidence[WITHDRAWAL]
    evidence[BY_ROOT] = story.signed(BY_ROOT, amount=8)
    story.exits = {story.leaver}

    found = list(unanswerable(story.batch, evidence, story.authority))

    assert found == [(WITHDRAWAL, "nothing is known of it"), (BY_ROOT, "amount"), (65, "exit")]


def test_challenge__slots_of_the_second_chunk__succeeds(story):
    batch, chunk, positions = challenge(story.batch, [65, 64, 127])

    assert batch == story.batch.posted.accepted.arguments()
    assert chunk == chunk_proof(story.batch.chunks[1], story.batch.posted.chunk_hashes, 1)
    assert positions == 1 | 2 | 1 << 63


def test_challenge__slots_of_two_chunks__rejects(story):
    with pytest.raises(InvariantViolated):
        challenge(story.batch, [63, 64])


def test_answer__several_slots_of_a_chunk__shows_their_accounts_once_succeeds(story):
    slots = PAYMENT, WITHDRAWAL, BY_ROOT
    evidence = {slot: story.evidence[slot] for slot in slots}

    arguments = answer(story.batch, PAYMENT, evidence)

    assert arguments[0] == story.batch.posted.accepted.arguments()
    assert arguments[1] == chunk_proof(story.batch.chunks[0], story.batch.posted.chunk_hashes, 0)
    assert arguments[2] == multiproof(story.batch.trees[0], [story.alice, story.bob])
    assert arguments[3] == PAYMENT
    payment, withdrawal, by_root = arguments[4]
    signed = story.evidence[PAYMENT].record
    authorisation = signed.signature, ZERO_DIGEST, []
    assert payment == (PAYMENT, [_fields(signed.order)], [authorisation])
    [leg] = withdrawal[1]
    assert (leg[0], leg[1], leg[7:]) == (person(0).address, ZERO_ADDRESS, (ZERO_DIGEST,) * 2)
    rooted = story.evidence[BY_ROOT].record
    authorisation = b"", rooted.root, list(rooted.proof)
    assert by_root == (BY_ROOT, [_fields(rooted.order)], [authorisation])


@pytest.mark.parametrize("challenged", [(1,), (0, 2), (0, 1, 2)])
def test_answer__legs_of_a_group__shows_it_once_succeeds(story, challenged):
    slots = [FIRST_LEG + leg for leg in challenged]
    evidence = {slot: story.evidence[slot] for slot in slots}

    arguments = answer(story.batch, slots[0], evidence)

    assert story.shown(arguments) == sorted([story.alice, story.bob, story.carol])
    assert arguments[3] == slots[0]
    [(slot, legs, authorisations)] = arguments[4]
    group = story.evidence[FIRST_LEG].record
    assert slot == FIRST_LEG
    assert legs == [_fields(order) for order in group.orders]
    assert [each[0] for each in authorisations] == [leg.signature for leg in group.legs]


def test_answer__sweeps__show_no_order_succeeds(story):
    arguments = answer(story.batch, 64, {slot: story.evidence[slot] for slot in (64, 65)})

    assert story.shown(arguments) == sorted([story.leaver, story.rich_leaver])
    assert arguments[4] == [(slot, [], []) for slot in (64, 65)]


def test_answer__slots_of_two_chunks__rejects(story):
    for challenged, slots in ((PAYMENT, (PAYMENT, 64)), (64, (PAYMENT,))):
        with pytest.raises(InvariantViolated):
            answer(story.batch, challenged, {slot: story.evidence[slot] for slot in slots})


def test_answers__every_leg_of_a_chunk_challenged__each_can_be_sent_succeeds(story):
    """Eight groups of eight in one transaction would be above what nodes take."""
    drafter = Drafter(Random(0), story.scene)
    for _ in range(8):
        drafter.group([(story.alice, story.bob, 1, 0)] * 8)
    drafter.close()
    story.draft = drafter.finish()
    story.replay()
    dearest = dict(reversed(story.draft.evidence.items()))
    for slot, evidence in dearest.items():
        legs = (
            RootedOrder(one.order, keccak(b""), (keccak(b""),) * 32) for one in evidence.record.legs
        )
        dearest[slot] = Evidence(OrderGroup(tuple(legs)), evidence.leg)

    sent = list(answers(story.batch, 0, dearest))

    abi = artifact("Challenges").abi
    sizes = [len(abi.call_data("answer", *arguments)) for arguments in sent]
    assert max(sizes) < TRANSACTION_SIZE_BYTES_MAX // 2
    assert [[one[0] for one in arguments[4]] for arguments in sent] == [
        [first, first + 8] for first in range(0, 64, 16)
    ]


def test_answers__slots_of_groups__each_group_is_shown_once_succeeds(story):
    slots = [PAYMENT, FIRST_LEG, FIRST_LEG + 2]

    [sent] = answers(story.batch, PAYMENT, {slot: story.evidence[slot] for slot in slots})

    assert [one[0] for one in sent[4]] == [PAYMENT, FIRST_LEG]
    assert not list(answers(story.batch, PAYMENT, {}))


def _fields(order):
    return (
        *(order.payer, order.payee, order.asset, order.amount, order.fee),
        *(order.nonce, order.valid_until, order.memo, order.link),
    )
