"""Whatever a proposer puts into a block, a validator refuses it or signs it: it never stops.

- bodies of anything, with amounts, ids and owners at their limits; groups of any legs, linked or
  not, by signature or a root that is known, unknown, or brought by the block itself
- bytes of a valid body, changed, with a group and an order by root in it too
- what a validator does sign, both phases and the sequence agree on
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.engine.batch.chunking import facts_of
from backend.engine.judgement import L1NotReached, judge
from backend.engine.ledger import InvalidBlock, RejectionUnjustified, execute
from backend.engine.rounds import Proposed
from backend.protocol.blocks import Block, Body, Rejection, body_hash, operations_hash
from backend.protocol.errors import AccountUnknown, NonceGap, NonceTooLow, error_classes
from backend.protocol.hashing import keccak
from backend.protocol.order_records import OrderGroup, SignedOrder
from backend.protocol.orders import PaymentOrder, WithdrawalOrder, linked
from backend.protocol.signing import PrivateKey
from backend.protocol.transition import apply_in_sequence
from backend.protocol.types import (
    BRIDGE_OWNER,
    ZERO_ADDRESS,
    Asset,
    AuthorisedRoot,
    DepositRecord,
)
from tests.unit.engine.chamber import Chamber
from tests.unit.engine.committee import (
    DOMAIN,
    FEE_OWNER,
    TOKEN,
    funded_l1,
    group,
    id_of,
    key,
    payment,
    rooted,
    sign,
)

PEOPLE = [key("payer"), key("payee"), key("stranger")]
OWNERS = st.sampled_from([*(p.address for p in PEOPLE), FEE_OWNER, ZERO_ADDRESS, BRIDGE_OWNER])
TOKENS = st.sampled_from([TOKEN, ZERO_ADDRESS, b"\x0d" * 20])


def edges(bits: int) -> st.SearchStrategy[int]:
    """Return numbers of so many bits, small ones and the largest most of all."""
    top = 2**bits - 1
    return st.one_of(st.integers(0, 3), st.sampled_from([top, top - 1]), st.integers(0, top))


ORDERS = st.one_of(
    st.builds(
        PaymentOrder,
        st.sampled_from([p.address for p in PEOPLE]),
        OWNERS,
        TOKENS,
        edges(256) | st.integers(1, 40),
        edges(256) | st.integers(0, 9),
        edges(64),
        st.sampled_from([0, 2**63, 2**64 - 1]),
        link=st.sampled_from([bytes(32), b"\1" * 32]),
    ),
    st.builds(
        WithdrawalOrder,
        st.sampled_from([p.address for p in PEOPLE]),
        TOKENS,
        edges(256) | st.integers(1, 40),
        edges(256) | st.integers(0, 9),
        edges(64),
        st.sampled_from([0, 2**63, 2**64 - 1]),
    ),
)
LISTINGS = st.builds(Asset, edges(16), TOKENS, edges(64), OWNERS)
DEPOSITS = st.builds(DepositRecord, TOKENS, edges(16), OWNERS, edges(48), edges(64))
# Most rejections are told apart only behind the right code.
NUMBERS = st.sampled_from([error.number for error in error_classes()] + [0, 2**16 - 1]) | (
    st.sampled_from([NonceGap.number, NonceTooLow.number, AccountUnknown.number])
)


# What a contract of the first person's address has authorised on L1: nonces 0 and 1.
BY_ROOT = rooted(
    *(
        PaymentOrder(PEOPLE[0].address, PEOPLE[1].address, TOKEN, 9, 0, nonce, 2**63)
        for nonce in (0, 1)
    )
)
SWAP = group(
    (PEOPLE[0], PEOPLE[1].address, 5, 1),
    (PEOPLE[1], PEOPLE[0].address, 7, 0),
    (PEOPLE[0], PEOPLE[1].address, 1, 2),
)
NEXT_ROOT = AuthorisedRoot(PEOPLE[2].address, keccak(b"next"))
ROOTS = st.one_of(
    st.just(NEXT_ROOT),
    st.builds(AuthorisedRoot, OWNERS, st.sampled_from([BY_ROOT[0].root, keccak(b"next")])),
)


def signed(order: PaymentOrder | WithdrawalOrder) -> SignedOrder:
    return sign(next(p for p in PEOPLE if p.address == order.payer), order)


def in_group(orders: list[PaymentOrder], is_linked: bool) -> OrderGroup:
    return OrderGroup(tuple(map(signed, linked(orders) if is_linked else orders)))


def strange(*payments: tuple[PrivateKey, bytes, int]) -> OrderGroup:
    """Return a group of these payers, tokens and nonces."""
    return in_group(
        [
            PaymentOrder(payer.address, FEE_OWNER, token, 1, 0, nonce, 2**63)
            for payer, token, nonce in payments
        ],
        is_linked=True,
    )


# What no honest sequencer takes in, and a lying one may: ahead, of no asset, in a circle, twice.
STRANGE = [
    strange((PEOPLE[0], TOKEN, 9), (PEOPLE[1], b"\x0d" * 20, 0)),
    strange((PEOPLE[0], TOKEN, 1), (PEOPLE[1], TOKEN, 0)),
    strange((PEOPLE[1], TOKEN, 1), (PEOPLE[0], TOKEN, 0)),
    strange((PEOPLE[0], TOKEN, 0), (PEOPLE[0], TOKEN, 0)),
    strange((PEOPLE[2], TOKEN, 0), (PEOPLE[0], ZERO_ADDRESS, 2**64 - 1)),
]

PAYMENTS = ORDERS.filter(lambda order: isinstance(order, PaymentOrder))
RECORDS = st.one_of(
    ORDERS.map(signed),
    ORDERS.map(lambda order: rooted(order)[0]),
    st.builds(in_group, st.lists(PAYMENTS, min_size=2, max_size=8), st.booleans()),
    st.sampled_from([*BY_ROOT, SWAP, *SWAP.legs, OrderGroup(SWAP.legs[:2]), *STRANGE]),
)


@pytest.fixture(scope="module")
def chamber():
    chamber = Chamber(funded_l1(*(p.address for p in PEOPLE[:2]), amount_minor=100))
    chamber.l1.authorise(PEOPLE[0].address, BY_ROOT[0].root)
    chamber.settle()
    chamber.l1.deposit(PEOPLE[1].address, 2**48 - 1)
    chamber.l1.authorise(NEXT_ROOT.owner, NEXT_ROOT.root)
    chamber.tick()
    chamber.order(*(payment(PEOPLE[0], PEOPLE[1].address, 60, n) for n in (0, 0, 1, 3)), SWAP)
    chamber.order(*STRANGE)
    assert len(chamber.replica.accepted.undecided) == 4 + len(STRANGE)
    return chamber


def verdict(chamber, body: bytes, slots: bytes = b"") -> Exception | None:
    """Return why a validator refuses the body in a block of these slots; None if it signs."""
    tip = chamber.tip
    block = Block(
        number=tip.number + 1,
        epoch=1,
        round=0,
        parent_hash=tip.block_hash,
        operations_hash=operations_hash(slots),
        body_hash=body_hash(body),
        operation_count=len(slots) // 15,
        timestamp_ms=chamber.now_ms,
    )
    position, digest = len(chamber.entries), block.digest(DOMAIN)
    attested = chamber.replica.rounds.l1_attested
    replica = chamber.validators[0].replica
    try:
        judge(
            replica,
            Proposed(position, block, body, digest, chamber.now_ms, attested),
            chamber.l1,
        )
    except (InvalidBlock, L1NotReached) as error:
        return error
    finally:
        replica._prepared.clear()
    return None


def in_sequence(chamber, body: Body, slots: bytes):
    """Return the leaves that the slots change, read one by one as L1 reads them."""
    ledger = chamber.replica.ledger
    assets = {**ledger.assets, **{listed.asset_id: listed for listed in body.listings}}
    facts = facts_of(assets, ledger.deposit_count, body.deposits)
    return apply_in_sequence(ledger.leaves.get, slots, facts)


def executed(chamber, body: Body):
    """Return what the body does, if it can be executed."""
    try:
        return execute(chamber.replica.ledger, body, chamber.now_ms // 1000)
    except InvalidBlock:
        return None


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_judge__any_body__holds(chamber, data):
    records = data.draw(st.lists(RECORDS, max_size=4))
    digests = st.sampled_from([*chamber.replica.accepted.undecided, *map(id_of, records)])
    next_deposit = st.just(chamber.l1.queue[-1][1])
    body = Body(
        data.draw(st.sampled_from([4, 5, 6, 2**64 - 1])),
        tuple(data.draw(st.lists(LISTINGS, max_size=2))),
        tuple(data.draw(st.lists(DEPOSITS | next_deposit, max_size=3))),
        tuple(data.draw(st.lists(ROOTS, max_size=2))),
        tuple(records),
        tuple(data.draw(st.lists(st.builds(Rejection, digests, NUMBERS), max_size=3))),
    )
    execution = executed(chamber, body)
    slots = execution.slots if execution is not None else b""

    refusal = verdict(chamber, body.encode(), slots)

    if refusal is None:
        assert in_sequence(chamber, body, slots) == execution.changes.leaves


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_judge__any_rejections__holds(chamber, data):
    """Of what stands in the log, beside nothing that could be wrong with the block before."""
    digests = st.sampled_from(list(chamber.replica.accepted.undecided))
    rejections = data.draw(st.lists(st.builds(Rejection, digests, NUMBERS), min_size=1, max_size=9))
    records = data.draw(st.sampled_from([(), (BY_ROOT[0],), (BY_ROOT[0], SWAP)]))
    body = Body(4, records=records, rejections=tuple(rejections))

    refusal = verdict(chamber, body.encode(), executed(chamber, body).slots)

    assert refusal is None or isinstance(refusal, RejectionUnjustified)


def test_judge__valid_body__succeeds(chamber):
    """So the examples above are not all refused for one fault of theirs."""
    body = valid_body(chamber)

    assert verdict(chamber, body.encode(), executed(chamber, body).slots) is None


def valid_body(chamber):
    """Return a body with one of everything that the ledger lets in."""
    deposit = chamber.l1.queue[-1][1]
    return Body(6, (), (deposit,), (NEXT_ROOT,), (BY_ROOT[0], SWAP))


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255), cut=st.integers(0, 3))
def test_judge__changed_bytes__rejects(chamber, place, byte, cut):
    body = valid_body(chamber)
    encoded, slots = bytearray(body.encode()), executed(chamber, body).slots
    place %= len(encoded)
    encoded[place] = byte
    changed = bytes(encoded[: len(encoded) - cut])

    is_signed = verdict(chamber, changed, slots) is None

    # Another L1 block from the deposit's to the attested one serves as well.
    assert is_signed == (changed == body.encode()) or place in range(1, 9)
