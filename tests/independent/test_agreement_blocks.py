"""What backend executes the second implementation executes the same, or both refuse it.

Branches:
- blocks: valid for one exactly if valid for the other, with the same slots and state
- authorisation: by signature, by a root that an earlier block has brought, or by none
- rejections: justified for one exactly if for the other, of people who may hold an asset or not
- chunks: valid in sequence for one exactly if for the other
- batches: chunks, roots and headers; a group's legs side by side, or parted
"""

from collections.abc import Callable
from dataclasses import astuple, replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backend.engine import ledger as engine
from backend.engine.accepted import has_roots, is_authorised
from backend.protocol import blocks as their_blocks
from backend.protocol import eip712, operations, order_records
from backend.protocol.errors import MalformedBytes, PaymentError
from backend.protocol.transition import L1Facts, apply_in_sequence
from backend.protocol.types import AccountId, ExitRequest
from backend.protocol.types import Leaf as TheirLeaf
from tests.independent import blocks, chunks, worlds
from tests.independent.admission import check_rejections
from tests.independent.codec import ZERO_ADDRESS, ZERO_HASH, Invalid, keccak
from tests.independent.deposits import Deposit
from tests.independent.exits import Exit
from tests.independent.levels import Moment
from tests.independent.operations import (
    CHUNK_END,
    NO_OP,
    Operation,
    Sequence64,
    Step,
    read_operations,
)
from tests.independent.records import Root
from tests.independent.state import Leaf, State
from tests.independent.worlds import DOMAIN, TS_S
from tests.property.world import World

THEIR_DOMAIN = eip712.ledger_domain(DOMAIN.chain_id, DOMAIN.contract)
FEW = settings(max_examples=40, deadline=None)
MANY = settings(max_examples=120, deadline=None)


def is_refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except (Invalid, MalformedBytes, PaymentError, engine.InvalidBlock):
        return True
    return False


def _apply(
    state: State, queue: list[Deposit], body: blocks.Body, world: World
) -> list[Step] | None:
    """Run a body in both; return what it does, None if it is invalid, which spoils `state`."""
    theirs = their_blocks.Body.decode(body.encoded())
    is_bad = is_refused(lambda: engine.execute(world.ledger, theirs, TS_S)) or not all(
        has_roots(one, world.ledger) and is_authorised(THEIR_DOMAIN, one) for one in theirs.records
    )
    found, problem = [], ""
    try:
        found = blocks.execute_body(state, body, Moment(TS_S), DOMAIN, queue)
    except Invalid as error:
        problem = str(error)
    assert is_bad == bool(problem), problem
    if is_bad:
        return None
    execution = world.run(theirs, TS_S)
    assert blocks.slots_of(blocks.operations_of(found)) == execution.slots
    leaves = {one: Leaf(*astuple(leaf)) for one, leaf in world.ledger.leaves.items()}
    assert state.leaves == leaves
    assert state.exiting == list(world.ledger.exiting)
    return found


def _begin() -> tuple[State, list[Deposit], World]:
    state, queue, world = State(), [], World()
    assert _apply(state, queue, worlds.FIRST_BODY, world) is not None
    return state, queue, world


@FEW
@given(st.lists(st.tuples(worlds.turns, st.booleans()), min_size=1, max_size=4))
def test_blocks__random_bodies__both_reject_or_do_the_same_holds(turns):
    state, queue, world = _begin()

    for turn, is_lenient in turns:
        body = worlds.body_of(state, turn, is_lenient)
        early = blocks.Body(0, (), (), (), (), worlds.roots_of(body.records)[len(turn[0]) % 2 :])
        assert _apply(state, queue, early, world) == []
        if _apply(state, queue, body, world) is None:
            break


def test_blocks__root_and_its_order_in_one_block__both_reject_holds():
    state, queue, world = _begin()
    wish = worlds.Wish(0, worlds.PEOPLE[1], worlds.ASSETS[0], 1, 0, 0, "", "rooted")
    records = tuple(worlds.records_of(state, [wish]))
    roots = worlds.roots_of(records)

    assert _apply(state, queue, blocks.Body(0, (), (), records, (), roots), world) is None
    state, queue, world = _begin()
    assert _apply(state, queue, blocks.Body(0, (), (), (), (), roots), world) == []
    assert _apply(state, queue, blocks.Body(0, (), (), records, ()), world) is not None


@pytest.mark.parametrize("paid_minor", [0, 1, 5, 6])
def test_blocks__exit_of_more_than_an_operation_holds__both_sweep_twice_or_reject_holds(paid_minor):
    """The first sweep leaves 5 units, which the owner may still pay; the next takes the rest."""
    state, queue, world = _begin()
    asset, person = worlds.ASSETS[0], worlds.PEOPLE[0]
    rich = tuple(worlds.deposit(person, asset, amount) for amount in (2**48 - 25, 4))
    assert _apply(state, queue, blocks.Body(0, (), rich, (), ()), world) is not None
    account_id = state.ids[person, asset.asset_id]
    wish = worlds.Wish(0, worlds.PEOPLE[1], asset, paid_minor, 0, 1, "", "signed")
    records = tuple(worlds.records_of(state, [wish] if paid_minor else []))
    leaves = blocks.Body(0, (), (), records, (), exits=(Exit(account_id, person),))

    found = _apply(state, queue, leaves, world)

    assert (found is None) == (paid_minor == 6)
    if found is not None:
        assert (state.exiting, state.leaves[account_id].balance_minor) == (
            [account_id],
            5 - paid_minor,
        )
        assert _apply(state, queue, blocks.Body(0, (), (), (), ()), world) is not None
        assert (state.exiting, state.leaves[account_id].balance_minor) == ([], 0)


@pytest.mark.parametrize("owners", [(0, 0), (0, 1), (None,)])
def test_blocks__roots_repeated_or_of_nobody__both_reject_or_neither_holds(owners):
    state, queue, world = _begin()
    people = [ZERO_ADDRESS if one is None else worlds.PEOPLE[one] for one in owners]
    roots = tuple(Root(owner, keccak(b"root")) for owner in people)

    found = _apply(state, queue, blocks.Body(0, (), (), (), (), roots), world)

    assert (found is not None) == (owners == (0, 1))


@st.composite
def _spoilt(draw: st.DrawFn, body: their_blocks.Body) -> their_blocks.Body:
    """The body, or one with a wrong code, a repetition, or without one of its records."""
    left = [draw(st.booleans()) or draw(st.booleans()) for _ in body.records]
    records = tuple(one for one, stays in zip(body.records, left, strict=True) if stays)
    rejections = list(body.rejections)
    if rejections and draw(st.booleans()):
        at = draw(st.integers(0, len(rejections) - 1))
        number = draw(st.sampled_from([124, 125, 130, rejections[at].number]))
        rejections[at] = replace(rejections[at], number=number)
    if rejections and draw(st.integers(0, 4)) == 0:
        rejections.append(rejections[0])
    return replace(body, records=records, rejections=tuple(rejections))


_barred = st.sets(
    st.tuples(
        st.sampled_from([asset.token for asset in worlds.ASSETS]),
        st.sampled_from([*worlds.PEOPLE, *worlds.STRANGERS]),
    ),
    max_size=4,
)


@MANY
@given(
    st.lists(worlds.any_wishes, min_size=6, max_size=25),
    st.lists(worlds.exit_wishes, max_size=3),
    _barred,
    st.data(),
)
def test_rejections__random_records__both_reject_or_neither_holds(wished, leaving, barred, data):
    state, _, world = _begin()
    exits = tuple(wish.exit(state) for wish in leaving)
    their_exits = tuple(ExitRequest(AccountId(one.account_id), one.owner) for one in exits)
    accepted = {one.id(DOMAIN): one for one in worlds.records_of(state, wished)}
    theirs = {
        record_id: order_records.decode_record(one.encoded()) for record_id, one in accepted.items()
    }

    def may_hold(token: bytes, owner: bytes, *_: int) -> bool:
        return (token, owner) not in barred

    size = data.draw(st.integers(1, 25))
    selection = engine.select(world.ledger, theirs, TS_S, size, may_hold, their_exits)
    chosen = tuple(selection.executable.values())
    honest = their_blocks.Body(0, (), (), (), chosen, selection.rejections, their_exits)
    body = data.draw(_spoilt(honest))
    # Whether the records themselves can be executed is another test's question.
    assume(not is_refused(lambda: engine.execute(world.ledger, body, TS_S)))
    mine = blocks.read_body(body.encode())
    executed = {one.id(DOMAIN): one for one in mine.records}

    def judge() -> None:
        moment = Moment(TS_S, 0, may_hold)
        check_rejections(state, exits, executed, mine.rejections, accepted, moment)

    def judge_theirs() -> None:
        engine.check_rejections(world.ledger, body, theirs, TS_S, may_hold)

    is_bad = is_refused(judge_theirs)

    assert is_refused(judge) == is_bad
    assert not is_bad or body != honest


def _check_batch(world: World, number: int, state: State, queue: list[Deposit]) -> None:
    header = chunks.Header(*astuple(world.builder.header(number)))
    parent = world.builder.header(number - 1) if number > 1 else None
    made = [chunk.encode() for chunk in world.builder.chunks(number)]

    assert header.pre_root == state.root()
    found = [one for chunk in made for one in chunks.apply_chunk(state, chunk, queue)]

    first = parent.last_block_number if parent else 0
    theirs = [block.slots for block in world.blocks[first : header.last_block_number]]
    assert blocks.slots_of(found) == b"".join(theirs)
    assert header.post_root == state.root()
    assert header.deposit_cursor == state.leaves[0].nonce
    hashes = [keccak(chunk) for chunk in made]
    assert (header.chunks_root, header.chunk_count) == (chunks.chunks_root(hashes), len(made))
    assert header.data_hash == chunks.calldata_hash(made)
    assert header.parent_hash == (parent.digest(THEIR_DOMAIN) if parent else ZERO_HASH)
    assert header.hash(DOMAIN) == world.builder.header(number).digest(THEIR_DOMAIN)


@FEW
@given(st.lists(worlds.turns, min_size=1, max_size=3), st.integers(1, 4))
def test_batches__random_blocks__are_read_the_same_holds(turns, chunks_max):
    state, queue, world = _begin()
    listed = State(assets={asset.asset_id: asset for asset in worlds.ASSETS})
    steps = blocks.derive(listed, worlds.FIRST_BODY)
    for turn in turns:
        body = worlds.body_of(state, turn, True)
        early = blocks.Body(0, (), (), (), (), worlds.roots_of(body.records))
        assert _apply(state, queue, early, world) == []
        found = _apply(state, queue, body, world)
        if found is None:
            break
        steps += found
    while world.builder.draft(chunks_max) is not None:
        world.post(chunks_max)

    settled = State(assets=dict(state.assets))
    for number in range(1, world.builder.tip.number + 1):
        _check_batch(world, number, settled, queue)
    made = range(1, world.builder.tip.number + 1)
    packed = [chunk.encode() for number in made for chunk in world.builder.chunks(number)]
    chunks.check_packed(steps, packed)


@pytest.mark.parametrize(
    ("first", "gap", "is_whole"),
    [(0, 0, True), (61, 0, True), (62, 0, False), (64, 0, True), (0, 1, False), (61, 1, False)],
)
def test_check_packed__group_at_slot__holds(first, gap, is_whole):
    """`gap` no-ops stand between the group's first leg and the two others."""
    legs = tuple(Operation("payment", payer, 9 << 24, 1) for payer in (6 << 24, 7 << 24, 8 << 24))
    alone = Operation("deposit", 0, 9 << 24, 1)
    row = [*[NO_OP] * first, legs[0], *[NO_OP] * gap, *legs[1:], alone]
    slots = blocks.slots_of(row).ljust(2 * 960, b"\0")
    made = [slots[:960] + bytes(32), slots[960:] + bytes(32)]

    problem = is_refused(lambda: chunks.check_packed([legs, (alone,)], made))

    assert problem != is_whole
    chunks.check_packed([*((leg,) for leg in legs), (alone,)], made)
    assert is_refused(lambda: chunks.check_packed([legs], made))


def _sweep(account_id: int) -> Operation:
    return Operation("withdrawal", account_id, 0, 1, is_sweep=True)


_ORDERED = Operation("withdrawal", 9 << 24, 0, 1)


@pytest.mark.parametrize(
    ("operations", "chunk_count"),
    [
        ([_sweep(2), _sweep(3)], 1),
        ([_sweep(2), _sweep(2)], 2),
        ([_sweep(2), _ORDERED], 2),
        ([_ORDERED, _sweep(2), _ORDERED], 3),
        ([_sweep(one) for one in range(2, 67)], 2),
    ],
)
def test_pack__sweeps_and_others__share_no_chunk_holds(operations, chunk_count):
    steps = [(operation,) for operation in operations]

    made = [slots + bytes(32) for slots in chunks.pack(steps, {})]

    assert len(made) == chunk_count
    chunks.check_packed(steps, made)


@pytest.mark.parametrize("operations", [[_sweep(2), _sweep(2)], [_sweep(2), _ORDERED]])
def test_check_packed__sweep_beside_another__rejects(operations):
    steps = [(operation,) for operation in operations]
    slots = blocks.slots_of(operations).ljust(960, b"\0")

    with pytest.raises(Invalid, match="a sweep shares its chunk"):
        chunks.check_packed(steps, [slots + bytes(32)])


@pytest.mark.parametrize(
    ("before", "after", "chunk_count"),
    [(0, 0, 1), (0, 1, 2), (1, 0, 1), (1, 1, 2), (64, 1, 2), (65, 1, 3)],
)
def test_pack__chunk_end__stands_between_holds(before, after, chunk_count):
    steps = [*[(_ORDERED,)] * before, CHUNK_END, *[(_ORDERED,)] * after]

    made = [slots + bytes(32) for slots in chunks.pack(steps, {9 << 24: 1})]

    assert len(made) == chunk_count
    chunks.check_packed(steps, made)


@pytest.mark.parametrize("before", [0, 1, 63])
def test_check_packed__no_chunk_ends__rejects(before):
    operations = [_ORDERED] * (before + 1)
    steps = [(operation,) for operation in operations]
    slots = blocks.slots_of(operations).ljust(960, b"\0")

    with pytest.raises(Invalid, match="no chunk ends here"):
        chunks.check_packed([*steps[:before], CHUNK_END, *steps[before:]], [slots + bytes(32)])


_ids = st.sampled_from([0, 1, 2, 7 << 24, 8 << 24, 9 << 24, 255 << 24 | 1, 255 << 24 | 2])
_assets = st.sampled_from([1, 2, 3])
_owners = st.sampled_from([worlds.PEOPLE[1], worlds.PEOPLE[2], worlds.STRANGERS[0]])
_small = st.sampled_from([1, 2, 5])
_any_operation = st.one_of(
    st.builds(operations.Payment, _ids, _ids, _small, st.sampled_from([0, 0, 1])),
    st.builds(operations.Deposit, _ids, st.sampled_from([25])),
    st.builds(operations.Withdrawal, _ids, _small, st.sampled_from([0, 0, 1])),
    st.builds(operations.OpenAccount, _ids, _assets, _owners),
)


@MANY
@given(st.lists(_any_operation, max_size=6))
def test_apply_in_sequence__random_operations__both_reject_or_do_the_same_holds(wished):
    state = State(assets={asset.asset_id: asset for asset in worlds.ASSETS})
    for account_id, asset_id in ((7 << 24, 1), (8 << 24, 1), (9 << 24, 2), (255 << 24 | 1, 1)):
        state.put(
            account_id, Leaf(worlds.PEOPLE[1], asset_id, 3, 6 if asset_id == 1 else 2**64 - 2)
        )
    slots = b"".join(map(operations.encode, wished))
    theirs = {one: TheirLeaf(*astuple(leaf)) for one, leaf in state.leaves.items()}
    body = their_blocks.Body.decode(worlds.FIRST_BODY.encoded())
    listed = {asset.asset_id: asset for asset in body.listings}
    facts = L1Facts(listed, dict(enumerate(body.deposits)), 2)
    queue = worlds.ENDOWMENT[:2]
    run = Sequence64(state, queue)

    def mine():
        for _, operation in read_operations(slots):
            run.apply(operation)

    is_bad = is_refused(lambda: apply_in_sequence(theirs.get, slots, facts))

    assert is_refused(mine) == is_bad
    if not is_bad:
        theirs |= apply_in_sequence(theirs.get, slots, facts)
        assert {one: Leaf(*astuple(leaf)) for one, leaf in theirs.items()} == state.leaves


@pytest.mark.parametrize("ahead", [0, 1])
def test_blocks__asset_id_not_the_next__both_reject_holds(ahead):
    state, queue, world = State(), [], World()

    found = _apply(state, queue, blocks.Body(0, (worlds.ASSETS[ahead],), (), (), ()), world)

    assert (found is not None) == (ahead == 0)
