"""What backend executes the second implementation executes the same, or both refuse it.

Branches:
- blocks: valid for one exactly if valid for the other, with the same slots and state
- rejections: justified for one exactly if for the other
- chunks: valid in sequence for one exactly if for the other
- batches: chunks, roots and headers
"""

from collections.abc import Callable
from dataclasses import astuple, replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backend.engine import ledger as engine
from backend.protocol import blocks as their_blocks
from backend.protocol import eip712, operations
from backend.protocol import orders as their_orders
from backend.protocol.errors import MalformedBytes, PaymentError
from backend.protocol.types import Leaf as TheirLeaf
from tests.independent import blocks, chunks, worlds
from tests.independent.admission import check_rejections
from tests.independent.codec import ZERO_HASH, Invalid, keccak
from tests.independent.deposits import Deposit
from tests.independent.operations import Sequence64, read_operations
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


def _apply(state: State, queue: list[Deposit], body: blocks.Body, world: World) -> bool:
    """Run a body in both; return whether it is valid. A refused one spoils `state`."""
    theirs = their_blocks.Body.decode(body.encoded())
    is_bad = is_refused(lambda: engine.execute(world.ledger, theirs, TS_S))
    found, problem = [], ""
    try:
        found = blocks.execute_body(state, body, TS_S, DOMAIN, queue)
    except Invalid as error:
        problem = str(error)
    assert is_bad == bool(problem), problem
    if is_bad:
        return False
    execution = world.run(theirs, TS_S)
    assert blocks.slots_of(found) == execution.slots
    leaves = {one: Leaf(*astuple(leaf)) for one, leaf in world.ledger.leaves.items()}
    assert state.leaves == leaves
    return True


def _begin() -> tuple[State, list[Deposit], World]:
    state, queue, world = State(), [], World()
    assert _apply(state, queue, worlds.FIRST_BODY, world)
    return state, queue, world


@FEW
@given(st.lists(st.tuples(worlds.turns, st.booleans()), min_size=1, max_size=4))
def test_blocks__random_bodies__both_reject_or_do_the_same_holds(turns):
    state, queue, world = _begin()

    for turn, is_lenient in turns:
        if not _apply(state, queue, worlds.body_of(state, turn, is_lenient), world):
            break


@st.composite
def _spoilt(draw: st.DrawFn, body: their_blocks.Body) -> their_blocks.Body:
    """The body, or one with a wrong code, a repetition, or without one of its orders."""
    left = [draw(st.booleans()) or draw(st.booleans()) for _ in body.orders]
    orders = tuple(one for one, stays in zip(body.orders, left, strict=True) if stays)
    rejections = list(body.rejections)
    if rejections and draw(st.booleans()):
        at = draw(st.integers(0, len(rejections) - 1))
        number = draw(st.sampled_from([124, 125, rejections[at].number]))
        rejections[at] = replace(rejections[at], number=number)
    if rejections and draw(st.integers(0, 4)) == 0:
        rejections.append(rejections[0])
    return replace(body, orders=orders, rejections=tuple(rejections))


@MANY
@given(st.lists(worlds.wishes, min_size=6, max_size=25), st.data())
def test_rejections__random_orders__both_reject_or_neither_holds(wished, data):
    state, _, world = _begin()
    accepted = {one.order.digest(DOMAIN): one for one in worlds.orders_of(state, wished)}
    theirs = {digest: their_orders.decode_record(one.record()) for digest, one in accepted.items()}
    selection = engine.select(world.ledger, theirs, TS_S, data.draw(st.integers(1, 25)))
    chosen = their_blocks.Body(0, (), (), tuple(selection.executable.values()))
    honest = replace(chosen, rejections=selection.rejections)
    body = data.draw(_spoilt(honest))
    # Whether the orders themselves can be executed is another test's question.
    assume(not is_refused(lambda: engine.execute(world.ledger, body, TS_S)))
    mine = blocks.read_body(body.encode())
    executed = {one.order.digest(DOMAIN): one.order for one in mine.orders}
    waiting = {digest: one.order for digest, one in accepted.items()}

    def judge() -> None:
        check_rejections(state, executed, mine.rejections, waiting, TS_S)

    is_bad = is_refused(lambda: engine.check_rejections(world.ledger, body, theirs, TS_S))

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
    for turn in turns:
        if not _apply(state, queue, worlds.body_of(state, turn, True), world):
            break
    while world.builder.draft(chunks_max) is not None:
        world.post(chunks_max)

    settled = State(assets=dict(state.assets))
    for number in range(1, world.builder.tip.number + 1):
        _check_batch(world, number, settled, queue)


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
    facts = engine.L1Facts(listed, dict(enumerate(body.deposits)), 2)
    queue = worlds.ENDOWMENT[:2]
    run = Sequence64(state, queue)

    def mine():
        for _, operation in read_operations(slots):
            run.apply(operation)

    is_bad = is_refused(lambda: engine.apply_in_sequence(theirs.get, slots, facts))

    assert is_refused(mine) == is_bad
    if not is_bad:
        theirs |= engine.apply_in_sequence(theirs.get, slots, facts)
        assert {one: Leaf(*astuple(leaf)) for one, leaf in theirs.items()} == state.leaves


@pytest.mark.parametrize("ahead", [0, 1])
def test_blocks__asset_id_not_the_next__both_reject_holds(ahead):
    state, queue, world = State(), [], World()

    is_valid = _apply(state, queue, blocks.Body(0, (worlds.ASSETS[ahead],), (), (), ()), world)

    assert is_valid == (ahead == 0)
