"""The same log read by both: the same records are accepted, the same blocks refused.

Branches:
- acceptance: signatures, roots that a block has brought or not, groups that are none, lone legs
- facts of L1: left out, too many, not attested; exits and epochs that L1 doesn't have
- rejections: by the proposer's own choice, and spoilt; what has waited for 10 s
- records of a block: never accepted, accepted by another proof, of people who may not hold an asset
- levels: by the registry's events, at each L1 block
"""

from dataclasses import replace
from functools import partial
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.engine import ledger as engine
from backend.engine.accepted import AcceptedOrders
from backend.engine.judgement import judge, next_epoch
from backend.engine.replica import Replica
from backend.engine.rounds import Committee, Proposed, Rounds
from backend.engine.sequencer import CHOSEN_ORDERS_MAX
from backend.protocol import blocks as their_blocks
from backend.protocol import eip712
from backend.protocol.log_entries import Entry
from backend.settlement import events
from backend.settlement.chain import L1Point
from backend.settlement.eligibility import Eligibility
from tests.independent import blocks, levels, log, room, worlds
from tests.independent.codec import ZERO_ADDRESS
from tests.independent.exits import Exit
from tests.independent.facts import Facts
from tests.independent.records import Group, Record, Root, RootedOrder
from tests.independent.state import Asset
from tests.independent.worlds import DOMAIN
from tests.unit.engine.committee import FakeL1

THEIR_DOMAIN = eip712.ledger_domain(DOMAIN.chain_id, DOMAIN.contract)
FEW = settings(max_examples=40, deadline=None)
MANY = settings(max_examples=150, deadline=None)


class Both:
    """A room, and the replica of a validator that reads the same log and the same chain."""

    def __init__(self) -> None:
        self.l1 = FakeL1()
        self.room = room.Room(Facts([], [], [], [], []), self._may_hold)
        members = room.COMMITTEE.members
        committee = Committee(THEIR_DOMAIN, 1, members, room.COMMITTEE.sequencers)
        accepted = AcceptedOrders(THEIR_DOMAIN)
        self.replica = Replica(Rounds(committee), engine.Ledger(), accepted)
        self.read = 0
        self._keep_up()
        self.happen(worlds.FIRST_BODY)
        assert self.offer(replace(worlds.FIRST_BODY, l1_block_number=self.l1.number)) == ""

    def _may_hold(self, token: bytes, owner: bytes, l1_block_number: int, ts_s: int) -> bool:
        return self.l1.may_hold(token, owner, to_l1_block=l1_block_number, ts_s=ts_s)

    def happen(self, body: blocks.Body) -> None:
        """L1 has the facts of a body now, and all members have seen it."""
        theirs, facts = their_blocks.Body.decode(body.encoded()), self.room.facts
        self.l1.number += 1
        at = self.l1.number
        facts.listings.extend((at, one) for one in body.listings)
        facts.deposits.extend((at, one) for one in body.deposits)
        facts.roots.extend((at, one) for one in body.roots)
        facts.exits.extend((at, one) for one in body.exits)
        facts.epochs.extend((at, one) for one in [body.epoch] if one)
        self.l1.assets += [(at, one) for one in theirs.listings]
        self.l1.queue += [(at, one) for one in theirs.deposits]
        self.l1.authorised += [(at, one) for one in theirs.roots]
        self.l1.leaving += [(at, one) for one in theirs.exits]
        self.l1.epochs += [(at, one) for one in [theirs.epoch] if one]
        self.room.attest(at)
        self._keep_up()

    def say(self, *payloads: log.Payload) -> None:
        self.room.say(*payloads)
        self._keep_up()
        assert list(self.room.run.accepted) == list(self.replica.accepted.undecided)

    def _keep_up(self) -> None:
        while self.read < len(self.room.written):
            self.replica.consume(self.read, Entry.decode(self.room.written[self.read]))
            self.read += 1

    def offer(self, body: blocks.Body, ahead_ms: int = 0) -> str:
        """Propose; certify what is valid for both. Return what is wrong with it."""
        theirs, slots = their_blocks.Body.decode(body.encoded()), b""
        ts_s = (self.room.now_ms + ahead_ms) // 1000
        try:
            slots = engine.execute(self.replica.ledger, theirs, ts_s).slots
        except engine.InvalidBlock:
            pass
        proposed = self.room.proposed(body, slots, ahead_ms)
        problem, their_problem = self.room.problem(proposed), self._their_problem(proposed)
        assert bool(problem) == bool(their_problem), (problem, their_problem)
        if not problem:
            self.say(proposed, *self.room.votes(proposed.block))
            assert len(self.room.run.finals) == self.replica.rounds.tip.number
        return problem

    def _their_problem(self, proposed: log.ProposedBlock) -> str:
        block = their_blocks.Block.decode(proposed.block.encoded())
        attested = self.replica.rounds.l1_attested
        digest, now_ms = block.digest(THEIR_DOMAIN), self.room.now_ms
        position = len(self.room.written)
        shown = Proposed(position, block, proposed.body, digest, now_ms, attested)
        try:
            judge(self.replica, shown, self.l1)
        except engine.InvalidBlock as error:
            return f"{type(error).__name__}: {error}"
        return ""

    def honest(self, size: int) -> blocks.Body:
        """What an honest proposer would make of the waiting records, with all of L1's facts."""
        ledger, now_s, at = self.replica.ledger, self.room.now_ms // 1000, self.l1.number
        waiting = self.replica.accepted.before(len(self.room.written))

        def may_hold(token: bytes, owner: bytes) -> bool:
            return self._may_hold(token, owner, at, now_s)

        exits = tuple(self.l1.exits(ledger.exit_count, at))
        chosen = engine.select(ledger, waiting, now_s, size, may_hold, exits)
        facts = (
            self.l1.listings(len(ledger.assets), at),
            self.l1.deposits(ledger.deposit_count, at),
            self.l1.roots(len(ledger.roots), at),
        )
        orders = (tuple(chosen.executable.values()), chosen.rejections)
        epoch = next_epoch(self.replica, self.l1, at)
        body = their_blocks.Body(at, *map(tuple, facts), *orders, exits, epoch)
        return blocks.read_body(body.encode())


@st.composite
def _spoilt(
    draw: st.DrawFn, body: blocks.Body, others: list[Record], exits: list[Exit]
) -> blocks.Body:
    """The body with one or two things wrong, or what may look so."""
    for flaw in draw(st.lists(st.sampled_from(_FLAWS), min_size=1, max_size=2)):
        records, rejections = list(body.records), list(body.rejections)
        at = draw(st.integers(0, max(len(records) - 1, 0)))
        if flaw == "dropped":
            del records[at:]
        elif flaw == "without" and records:
            del records[at]
        elif flaw == "added":
            records.insert(at, draw(st.sampled_from(others)))
        elif flaw == "first" and records:
            records.insert(0, records.pop(at))
        elif flaw == "parted" and records and isinstance(records[at], Group):
            records[at : at + 1] = records[at].legs
        elif flaw == "forged" and records:
            records[at] = _forged(records[at])
        elif flaw == "code" and rejections:
            code = draw(st.sampled_from([120, 121, 123, 124, 125, 126, 127, 130]))
            rejections[0] = (rejections[0][0], code)
        elif flaw == "unsaid" and rejections:
            rejections.pop()
        elif flaw == "refused":
            record_id = draw(st.sampled_from(others)).id(DOMAIN)
            rejections.append((record_id, draw(st.sampled_from([124, 125, 127, 130]))))
        elif flaw == "no roots":
            body = replace(body, roots=())
        elif flaw == "no facts":
            body = replace(body, roots=(), deposits=(), listings=(), exits=(), epoch=None)
        elif flaw == "no exits":
            body = replace(body, exits=body.exits[1:])
        elif flaw == "own exit":
            body = replace(body, exits=(*body.exits, draw(st.sampled_from(exits))))
        elif flaw == "no epoch":
            body = replace(body, epoch=None)
        elif flaw == "own epoch":
            number = body.epoch.number if body.epoch else 1
            later, members = draw(st.integers(0, 1)), draw(st.sampled_from(_COMMITTEES))
            body = replace(body, epoch=blocks.Epoch(number + later, members))
        elif flaw == "early":
            body = replace(body, l1_block_number=body.l1_block_number - 1)
        elif flaw == "unseen":
            body = replace(body, l1_block_number=body.l1_block_number + 1)
        body = replace(body, records=tuple(records), rejections=tuple(rejections))
    return body


_FLAWS = (
    *("dropped", "without", "added", "first", "parted", "forged", "code", "unsaid", "refused"),
    *("no roots", "no facts", "early", "unseen", "no exits", "own exit", "no epoch", "own epoch"),
)
_ANY_EXIT = Exit(0xFE000000, worlds.PEOPLE[0])
_MEMBERS = sorted(room.KEYS)
_COMMITTEES = [tuple(_MEMBERS[at : at + 4]) for at in range(3)]


def _forged(record: Record) -> Record:
    """The same order or group by a proof that is none."""
    if isinstance(record, Group):
        return Group((_forged(record.legs[0]), *record.legs[1:]))
    if isinstance(record, RootedOrder):
        return RootedOrder(record.order, record.root, record.nodes[1:])
    return RootedOrder(record.order, record.id(DOMAIN), ())


def _narrow(wish: worlds.AnyWish, ahead: int) -> worlds.AnyWish:
    """As two people who pay from two accounts each would wish it, out of turn at times."""
    if isinstance(wish, worlds.GroupWish):
        first, *others = wish.legs
        legs = (_narrow(first, ahead), *(_narrow(leg, 0) for leg in others))
        return replace(wish, legs=legs)
    asset = worlds.ASSETS[wish.asset.asset_id % 2]
    return replace(wish, payer=wish.payer % 2, asset=asset, ahead=wish.ahead + ahead)


_ahead = st.sampled_from([0, 0, 0, 0, 1, 1, -1])
_turns = st.tuples(
    st.one_of(
        st.lists(worlds.any_wishes, min_size=1, max_size=8),
        st.lists(st.builds(_narrow, worlds.any_wishes, _ahead), min_size=1, max_size=8),
    ),
    st.integers(0, 3),
    st.sampled_from([0, 0, 1_000, 4_000, 12_000]),
    st.lists(
        st.tuples(
            st.sampled_from([asset.token for asset in worlds.ASSETS]),
            st.sampled_from([*worlds.PEOPLE, *worlds.STRANGERS]),
        ),
        max_size=2,
    ),
    st.sampled_from([1, 3, 8, 25]),
    st.sampled_from([0] * 6 + [1, -1_000, -5_000, -5_001]),
    st.one_of(st.just([]), st.lists(worlds.exit_wishes, max_size=3)),
    st.sampled_from([None, None, None, *_COMMITTEES]),
)


@FEW
@given(st.lists(_turns, min_size=1, max_size=5), st.data())
def test_log__random_entries_and_blocks__both_reject_or_neither_holds(turns, data):
    both = Both()
    for wished, missing, wait_ms, barred, size, ahead_ms, leaving, members in turns:
        sent = worlds.records_of(both.room.run.state, wished)
        exits = [wish.exit(both.room.run.state) for wish in leaving]
        epoch = blocks.Epoch(len(both.l1.epochs) + 2, members) if members else None
        roots = [root for root in worlds.roots_of(sent) if root not in both.room.run.state.roots]
        both.say(*sent[:1])
        new_roots = tuple(roots[missing // 3 :])
        both.happen(blocks.Body(0, (), (), (), (), new_roots, tuple(exits), epoch))
        spoilt = partial(_spoilt, others=sent, exits=exits or [_ANY_EXIT])
        for token, owner in barred:
            both.l1.barred.setdefault((token, owner), both.l1.number + missing)
        both.offer(data.draw(spoilt(both.honest(size))))
        both.offer(both.honest(size))
        both.say(*sent)
        both.room.now_ms += wait_ms
        both.offer(data.draw(spoilt(both.honest(size))), ahead_ms)
        both.offer(data.draw(spoilt(both.honest(size))))
        # As large as the sequencer's: a smaller one may leave out what the oldest record waits for.
        assert both.offer(both.honest(CHOSEN_ORDERS_MAX)) == ""


_NO_FACTS = blocks.Body(0, (), (), (), ())
_NEW_ASSETS = [
    Asset(len(worlds.ASSETS) + one, bytes([one]) * 20, 1, ZERO_ADDRESS) for one in (1, 2)
]
_FACTS = {
    "listing": replace(_NO_FACTS, listings=(_NEW_ASSETS[0],)),
    "deposit": replace(_NO_FACTS, deposits=worlds.ENDOWMENT[:1]),
    "root": replace(_NO_FACTS, roots=(Root(worlds.PEOPLE[0], DOMAIN.separator()),)),
    "exit": replace(_NO_FACTS, exits=(_ANY_EXIT,)),
    "epoch": replace(_NO_FACTS, epoch=blocks.Epoch(2, _COMMITTEES[2])),
}


@pytest.mark.parametrize("kind", _FACTS)
def test_log__fact_that_waits__both_reject_a_block_that_passes_over_it_holds(kind):
    """One that was attested after the parent was certified may still wait."""
    both = Both()
    both.happen(_FACTS[kind])
    passing = replace(_NO_FACTS, l1_block_number=both.l1.number)

    assert both.offer(passing) == ""
    assert both.offer(passing) == "the facts of L1 are left out"
    assert both.offer(both.honest(1)) == ""
    assert both.offer(passing) == ""


@pytest.mark.parametrize(("kind", "other"), permutations(_FACTS, 2))
def test_log__fact_that_waits__both_reject_a_block_with_another_kind_alone_holds(kind, other):
    both = Both()
    for one in (kind, other):
        both.happen(_FACTS[one])
    assert both.offer(replace(_NO_FACTS, l1_block_number=both.l1.number)) == ""

    alone = replace(_FACTS[other], l1_block_number=both.l1.number)

    assert both.offer(alone) == "the facts of L1 are left out"
    assert both.offer(both.honest(1)) == ""


def test_log__deposit_of_an_asset_that_waits__has_its_turn_once_listed_holds():
    both = Both()
    both.happen(replace(_NO_FACTS, listings=tuple(_NEW_ASSETS)))
    both.happen(replace(_NO_FACTS, deposits=(worlds.deposit(worlds.PEOPLE[0], _NEW_ASSETS[1], 5),)))
    nothing = replace(_NO_FACTS, l1_block_number=both.l1.number)
    assert both.offer(nothing) == ""

    assert both.offer(replace(nothing, listings=tuple(_NEW_ASSETS[:1]))) == ""
    late = replace(nothing, listings=tuple(_NEW_ASSETS[1:]))
    assert both.offer(late) == "the facts of L1 are left out"
    assert both.offer(both.honest(1)) == ""


# WHO MAY HOLD AN ASSET


_people = st.sampled_from(worlds.PEOPLE[:3])
_attestors = st.sampled_from(worlds.STRANGERS)
_happenings = st.one_of(
    st.builds(
        levels.Attested, st.just(0), _people, _attestors, st.integers(0, 3), st.integers(0, 9)
    ),
    st.builds(levels.Revoked, st.just(0), _people),
    st.builds(levels.Dismissed, st.just(0), _attestors),
)


def _their_event(one: levels.Attested | levels.Revoked | levels.Dismissed) -> events.ChainEvent:
    place = events.Place(L1Point(one.l1_block_number, bytes(32)), bytes(32), 0)
    match one:
        case levels.Attested(_, person, attestor, level, expiry):
            return events.PersonAttested(place, person, attestor, level, expiry, 0)
        case levels.Revoked(_, person):
            return events.PersonRevoked(place, person, worlds.STRANGERS[0], 0)
        case levels.Dismissed(_, attestor):
            return events.AttestorDismissed(place, attestor)


@MANY
@given(st.lists(st.tuples(_happenings, st.integers(0, 2)), max_size=12))
def test_levels__random_events__holds(happened):
    needed = {worlds.ASSETS[0].token: 1, worlds.ASSETS[1].token: 2}
    number, found = 0, []
    for one, later in happened:
        number += later
        found.append(replace(one, l1_block_number=number))
    mine, theirs = levels.Levels(found, needed), Eligibility(needed)
    for one in found:
        theirs.note(_their_event(one))

    for token in (asset.token for asset in worlds.ASSETS[:3]):
        for person in worlds.PEOPLE[:4]:
            for at in range(number + 2):
                for ts_s in (0, 4, 9):
                    shown = theirs.may_hold(token, person, to_l1_block=at, ts_s=ts_s)
                    assert mine.may_hold(token, person, at, ts_s) == shown
