"""Batches of random blocks, and what a committee of liars may make of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from random import Random

from tests.independent import chunks, worlds
from tests.independent.answers import Known
from tests.independent.blocks import Body, execute_body
from tests.independent.codec import Invalid, keccak, u
from tests.independent.deposits import Deposit
from tests.independent.exits import exiting_accounts
from tests.independent.judge import Batch
from tests.independent.levels import Moment
from tests.independent.operations import (
    SLOT,
    Operation,
    Sequence64,
    Step,
    open_account,
    read_operations,
)
from tests.independent.records import Group, Record, Root, SignedOrder
from tests.independent.state import BRIDGE, FEE_PARTITION, State
from tests.independent.worlds import ASSETS, DOMAIN, PEOPLE, STRANGERS, TS_S, Turn

NO_OP_SLOT = bytes(SLOT)


@dataclass
class Draft:
    """A batch before its hashes are taken, and what is known beside it."""

    before: State
    queue: list[Deposit]
    slots: list[bytes]
    header: chunks.Header
    records: list[Record]
    authorised: set[Root]
    requests: dict[tuple[int, bytes], int | None]
    roots: list[bytes]

    def known(self) -> Known:
        return Known(DOMAIN, self.records, self.authorised, self.requests)

    def batch(self) -> Batch:
        """By calldata, with all that L1 computes itself."""
        carried = [slots + root for slots, root in zip(self.slots, self.roots, strict=True)]
        hashes = [keccak(chunk) for chunk in carried]
        sums = {"chunk_count": len(hashes), "chunks_root": chunks.chunks_root(hashes)}
        header = replace(self.header, **sums, data_hash=chunks.calldata_hash(carried))
        return Batch(header, tuple(hashes), tuple(carried))

    def close(self) -> None:
        """Fit roots and header to the slots, as if whatever is invalid had not been there."""
        state = deepcopy(self.before)
        self.roots = []
        for slots in self.slots:
            run = Sequence64(state, self.queue)
            for operation in _readable(slots):
                with _or_undone(state):
                    run.apply(operation)
            self.roots.append(state.root())
        cursor = state.leaves[BRIDGE].nonce
        self.header = replace(self.header, post_root=self.roots[-1], deposit_cursor=cursor)


def _readable(slots: bytes) -> list[Operation]:
    """The operations up to the first malformed one."""
    for end in range(len(slots), 0, -SLOT):
        try:
            return [operation for _, operation in read_operations(slots[:end])]
        except Invalid:
            continue
    return []


@contextmanager
def _or_undone(state: State) -> Iterator[None]:
    """What is invalid leaves no trace in the state."""
    kept = dict(state.leaves), dict(state.ids), list(state.exiting)
    try:
        yield
    except Invalid:
        state.leaves, state.ids, state.exiting = kept


def draft_of(turns: Sequence[Turn], steps_in_chunk: int) -> Draft:
    """A true batch of the turns' deposits, exits and of those orders that can be executed."""
    state, queue = State(), list[Deposit]()
    execute_body(state, worlds.FIRST_BODY, Moment(TS_S), DOMAIN, queue)
    before, steps, records = deepcopy(state), list[Step](), list[Record]()
    requests: dict[tuple[int, bytes], int | None] = {}
    for turn in turns:
        body = worlds.body_of(state, turn, True)
        state.roots |= set(worlds.roots_of(body.records))
        swept = exiting_accounts(state, body.exits)
        requests |= {(one, state.leaves[one].owner): None for one in swept}
        parts = [replace(body, records=())]
        parts += [Body(0, (), (), (record,), ()) for record in body.records]
        for part in parts:
            with _or_undone(state):
                steps += execute_body(state, part, Moment(TS_S), DOMAIN, queue)
                records += part.records
    asset_of = {account_id: leaf.asset_id for account_id, leaf in state.leaves.items()}
    slots = [
        packed
        for first in range(0, len(steps) or 1, steps_in_chunk)
        for packed in chunks.pack(steps[first : first + steps_in_chunk], asset_of)
    ]
    slots = slots or [NO_OP_SLOT * chunks.SLOTS]
    queue += [worlds.deposit(owner, ASSETS[0], 30) for owner in PEOPLE[:2]]
    parent = chunks.genesis_header()
    header = replace(parent, number=1, epoch=1, pre_root=before.root(), timestamp=TS_S)
    made = Draft(before, queue, slots, header, records, set(state.roots), requests, [])
    made.close()
    return made


IN_SLOTS = ("flip", "swap", "put", "repeat", "erase")
CHANGES = (*IN_SLOTS, "root", "post_root", "cursor", "record", "group", "unroot", "request", "late")


class Spoiler:
    """Does one thing to a draft, or what may look so: it may still be true."""

    def __init__(self, random: Random, draft: Draft) -> None:
        self.random = random
        self.draft = draft
        self.ids = [*draft.before.leaves, 1, 9 << 24]

    def spoil(self, change: str) -> None:
        """Do one of the changes; mostly, roots are fitted to changed slots."""
        getattr(self, change)()
        if change in IN_SLOTS and self.random.random() < 0.9:
            self.draft.close()

    def _place(self) -> tuple[int, int]:
        """A chunk and a position in it, mostly of an operation."""
        index = self.random.randrange(len(self.draft.slots))
        slots = self.draft.slots[index]
        used = [
            at for at in range(chunks.SLOTS) if slots[at * SLOT : (at + 1) * SLOT] != NO_OP_SLOT
        ]
        everywhere = range(chunks.SLOTS)
        return index, self.random.choice(
            used if used and self.random.random() < 0.8 else everywhere
        )

    def _get(self, place: tuple[int, int]) -> bytes:
        index, position = place
        return self.draft.slots[index][position * SLOT : (position + 1) * SLOT]

    def _set(self, place: tuple[int, int], written: bytes) -> None:
        """What would pass the chunk's end is cut."""
        index, position = place
        slots = bytearray(self.draft.slots[index])
        end = position * SLOT + len(written)
        slots[position * SLOT : end] = written
        self.draft.slots[index] = bytes(slots[: chunks.SLOTS * SLOT])

    def flip(self) -> None:
        place = self._place()
        slot = bytearray(self._get(place))
        slot[self.random.randrange(SLOT)] = self.random.choice([0, 1, 2, 7, 8, 16, 255])
        self._set(place, bytes(slot))

    def swap(self) -> None:
        one, other = self._place(), self._place()
        first, second = self._get(one), self._get(other)
        self._set(one, second)
        self._set(other, first)

    def put(self) -> None:
        """Any operation in place of another, or of a no-op."""
        random, ids = self.random, self.ids
        pair, amount = (random.choice(ids), random.choice(ids)), random.choice([1, 2, 25, 30])
        asset = random.choice(ASSETS)
        kinds = {
            "payment": Operation("payment", *pair, amount, random.choice([0, 0, 1])),
            "deposit": Operation("deposit", BRIDGE, pair[1], amount),
            "withdrawal": Operation("withdrawal", pair[0], BRIDGE, amount),
            "second": open_account(random.choice([9 << 24, 10 << 24]), asset.asset_id, PEOPLE[0]),
            "first": open_account(9 << 24 | 1, asset.asset_id, STRANGERS[0]),
            "of fees": open_account(FEE_PARTITION << 24 | 8, asset.asset_id, asset.fee_owner),
            "hidden": open_account(11 << 24, 1, u(7, 5) + self._get(self._place())),
        }
        self._set(self._place(), kinds[random.choice(list(kinds))].slots())

    def repeat(self) -> None:
        self._set((self._place()[0], self.random.randrange(chunks.SLOTS)), self._get(self._place()))

    def erase(self) -> None:
        self._set(self._place(), NO_OP_SLOT)

    def root(self) -> None:
        roots = self.draft.roots
        at = self.random.randrange(len(roots))
        roots[at] = self.random.choice([*roots, keccak(b"root"), self.draft.header.pre_root])

    def post_root(self) -> None:
        roots = [keccak(b"root"), self.draft.header.pre_root, self.draft.roots[0]]
        self.draft.header = replace(self.draft.header, post_root=self.random.choice(roots))

    def cursor(self) -> None:
        cursor = self.draft.header.deposit_cursor + self.random.choice([-1, 1, 2])
        self.draft.header = replace(self.draft.header, deposit_cursor=cursor)

    def record(self) -> None:
        """One that is lost, has another's signature, or expired before it was executed."""
        records, random = self.draft.records, self.random
        signed = [one for one in records if isinstance(one, SignedOrder)]
        if not signed:
            return
        record = random.choice(signed)
        expired = replace(record.order, valid_until=record.order.valid_until - 1)
        others = [
            replace(record, signature=random.choice(signed).signature),
            replace(record, order=expired),
        ]
        at = records.index(record)
        records[at : at + 1] = random.choice([[], *([other] for other in others)])

    def group(self) -> None:
        """One that is lost, has other legs or another order, or a leg that nobody signed."""
        records, random = self.draft.records, self.random
        groups = [one for one in records if isinstance(one, Group)]
        if not groups:
            return
        legs = list(random.choice(groups).legs)
        at = records.index(Group(tuple(legs)))
        forged = random.randrange(len(legs))
        unsigned = [*legs]
        unsigned[forged] = SignedOrder(legs[forged].order, bytes(65))
        shorter = legs[:-1] if len(legs) > 2 else [*legs, legs[0]]
        others = (unsigned, unsigned, legs[::-1], shorter)
        records[at : at + 1] = random.choice(
            [[], [legs[0]], *([Group(tuple(other))] for other in others)]
        )

    def unroot(self) -> None:
        """L1 knows nothing of a root."""
        if self.draft.authorised:
            self.draft.authorised.remove(
                self.random.choice(sorted(self.draft.authorised, key=repr))
            )

    def request(self) -> None:
        """An exit that nobody asked for, or whose time is over, or ends now."""
        requests = self.draft.requests
        who = self.random.choice([*requests, (self.ids[1], PEOPLE[0])])
        ends = self.random.choice([TS_S - 1, TS_S, TS_S + 1])
        requests[who] = ends
        if self.random.random() < 0.3:
            del requests[who]

    def late(self) -> None:
        self.draft.header = replace(self.draft.header, timestamp=TS_S + self.random.choice([-1, 1]))
