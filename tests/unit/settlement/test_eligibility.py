"""Who may hold a regulated asset, at each L1 block and time.

- an asset that is not regulated; nobody attested; too low a level, the level
- at each block: before and with the attestation, a newer one, a revocation, an attestation after it
- expiry: with its second, after it; a newer one that has expired hides an older one
- dismissal of the newest attestor, before and with its block, twice; of another
- other events mean nothing; nothing is kept where nothing is regulated
"""

import pytest

from backend.protocol.hashing import keccak
from backend.protocol.types import Address, Asset
from backend.settlement.chain import L1Point
from backend.settlement.eligibility import Eligibility
from backend.settlement.events import (
    AssetListed,
    AttestorDismissed,
    PersonAttested,
    PersonRevoked,
    Place,
)

TOKEN, FREE, PERSON, OTHER, ATTESTOR, THIEF = (
    Address(keccak(word)[12:])
    for word in (b"token", b"free", b"person", b"other", b"attestor", b"thief")
)
EXPIRY_S = 2_000_000_000
NOW_S = 1_900_000_000


def at(number):
    return Place(L1Point(number, keccak(number.to_bytes(8))), keccak(b"tx"), 0)


def attested(l1_block, level=2, expiry=EXPIRY_S, person=PERSON, attestor=ATTESTOR):
    return PersonAttested(at(l1_block), person, attestor, level, expiry, NOW_S)


def revoked(l1_block, person=PERSON):
    return PersonRevoked(at(l1_block), person, ATTESTOR, NOW_S)


def dismissed(l1_block, attestor=ATTESTOR):
    return AttestorDismissed(at(l1_block), attestor)


def knowing(*events, levels_needed=None):
    eligibility = Eligibility({TOKEN: 2} if levels_needed is None else levels_needed)
    for event in events:
        eligibility.note(event)
    return eligibility


def may_hold_at(eligibility, *l1_blocks, ts_s=NOW_S, token=TOKEN, owner=PERSON):
    return [eligibility.may_hold(token, owner, to_l1_block=b, ts_s=ts_s) for b in l1_blocks]


def test_may_hold__asset_not_regulated__succeeds():
    assert may_hold_at(knowing(revoked(1)), 0, 1, token=FREE) == [True, True]


def test_may_hold__nobody_attested__rejects():
    assert may_hold_at(knowing(attested(1, person=OTHER)), 0, 9) == [False, False]


@pytest.mark.parametrize(("level", "may_hold"), [(1, False), (2, True), (3, True)])
def test_may_hold__levels__succeeds(level, may_hold):
    assert may_hold_at(knowing(attested(5, level)), 5) == [may_hold]


# Events, and whether the person may hold the token at L1 blocks 4 to 9.
HISTORIES = {
    "attested": ([attested(5)], [0, 1, 1, 1, 1, 1]),
    "revoked": ([attested(5), revoked(7)], [0, 1, 1, 0, 0, 0]),
    "revoked in the same block": ([attested(5), revoked(5)], [0, 0, 0, 0, 0, 0]),
    "revoked before": ([revoked(4), attested(6)], [0, 0, 1, 1, 1, 1]),
    "revoked, and attested anew": ([attested(4), revoked(6), attested(8)], [1, 1, 0, 0, 1, 1]),
    "another revoked": ([attested(5), revoked(6, OTHER)], [0, 1, 1, 1, 1, 1]),
    "a lower level later": ([attested(5), attested(7, level=1)], [0, 1, 1, 0, 0, 0]),
    "a higher level later": ([attested(5, level=1), attested(7)], [0, 0, 0, 1, 1, 1]),
    "a newer one that has expired": (
        [attested(5), attested(7, expiry=NOW_S - 1)],
        [0, 1, 1, 0, 0, 0],
    ),
    "attestor dismissed": ([attested(5), dismissed(7)], [0, 1, 1, 0, 0, 0]),
    "attestor dismissed in the same block": ([attested(5), dismissed(5)], [0, 0, 0, 0, 0, 0]),
    "attestor dismissed before": ([dismissed(4), attested(6)], [0, 0, 0, 0, 0, 0]),
    "dismissed twice": ([attested(5), dismissed(7), dismissed(9)], [0, 1, 1, 0, 0, 0]),
    "another attestor dismissed": ([attested(5), dismissed(7, THIEF)], [0, 1, 1, 1, 1, 1]),
    "a thief's attestation over an honest one": (
        [attested(5), attested(6, level=3, attestor=THIEF), dismissed(8, THIEF)],
        [0, 1, 1, 1, 0, 0],
    ),
    "dismissed, and attested by another": (
        [attested(5, attestor=THIEF), dismissed(6, THIEF), attested(8)],
        [0, 1, 0, 0, 1, 1],
    ),
}


@pytest.mark.parametrize(("events", "expected"), HISTORIES.values(), ids=HISTORIES)
def test_may_hold__at_each_block__succeeds(events, expected):
    assert may_hold_at(knowing(*events), *range(4, 10)) == [bool(one) for one in expected]


@pytest.mark.parametrize(("events", "expected"), HISTORIES.values(), ids=HISTORIES)
def test_may_hold__asked_before_later_events__never_changes_holds(events, expected):
    """A validator that has read on answers as one that has not."""
    eligibility = Eligibility({TOKEN: 2})
    waiting = list(events)
    for l1_block, may_hold in zip(range(4, 10), expected, strict=True):
        while waiting and waiting[0].place.block.number <= l1_block:
            eligibility.note(waiting.pop(0))

        assert may_hold_at(eligibility, l1_block) == [bool(may_hold)]


@pytest.mark.parametrize(("ts_s", "may_hold"), [(0, True), (EXPIRY_S, True), (EXPIRY_S + 1, False)])
def test_may_hold__expiry__succeeds(ts_s, may_hold):
    assert may_hold_at(knowing(attested(5)), 5, ts_s=ts_s) == [may_hold]


def test_note__other_event__changes_nothing():
    listed = AssetListed(at(6), Asset(1, TOKEN, 1, OTHER))

    assert may_hold_at(knowing(attested(5), listed), 5, 6) == [True, True]


def test_note__nothing_regulated__keeps_nothing_holds():
    eligibility = knowing(attested(5), revoked(6), dismissed(7), levels_needed={})

    assert may_hold_at(eligibility, 9) == [True]
    assert (eligibility._standings, eligibility._dismissed) == ({}, {})
