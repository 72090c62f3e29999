"""What backend writes the second implementation reads the same, and the other way round.

Branches:
- orders, blocks, bodies, entries, certificates, attestations: bytes and digests
- signatures: good ones, and bytes that are none
- operations and chunks: any bytes, good and bad; blobs; authorised roots
- the file of the log: written by either, read by the other
- the state tree: roots, paths, multiproofs
"""

from collections.abc import Callable
from dataclasses import astuple, replace

from eth_abi import encode
from eth_utils import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.compliance import kyc
from backend.engine import ledger as engine
from backend.engine.log import LocalLog
from backend.protocol import authorised, batches, eip712, operations, state_tree, votes
from backend.protocol import blocks as their_blocks
from backend.protocol import log_entries as their_log
from backend.protocol import order_records as their_records
from backend.protocol import orders as their_orders
from backend.protocol.errors import MalformedBytes, PaymentError
from backend.protocol.signing import PrivateKey, recover
from tests.independent import blocks, chunks, log, orders, records, typed, worlds
from tests.independent.codec import ZERO_HASH, Invalid, Reader, keccak, u
from tests.independent.operations import read_operations
from tests.independent.state import Leaf, State, root_of_multiproof, root_of_path
from tests.independent.worlds import DOMAIN, TS_S
from tests.property.protocol import strategies

THEIR_DOMAIN = eip712.ledger_domain(DOMAIN.chain_id, DOMAIN.contract)
FEW = settings(max_examples=60, deadline=None)
MANY = settings(max_examples=150, deadline=None)


def is_refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except (Invalid, MalformedBytes, PaymentError, engine.InvalidBlock):
        return True
    return False


# BYTES AND DIGESTS


_rooted_orders = st.builds(
    their_records.RootedOrder,
    strategies.orders,
    strategies.digests,
    st.lists(strategies.digests, max_size=32).map(tuple),
)
_legs = st.one_of(strategies.signed_orders, _rooted_orders).filter(
    lambda one: isinstance(one.order, their_orders.PaymentOrder)
)
_groups = st.builds(their_records.OrderGroup, st.lists(_legs, min_size=2, max_size=8).map(tuple))
_records = st.one_of(strategies.signed_orders, _rooted_orders, _groups)


@MANY
@given(_records)
def test_records__any__holds(theirs):
    mine = records.read_record(Reader(theirs.encode()))

    assert mine.encoded() == theirs.encode()
    assert their_records.decode_record(mine.encoded()) == theirs
    assert mine.id(DOMAIN) == theirs.record_id(THEIR_DOMAIN)
    for order, their_order in zip(mine.orders, theirs.orders, strict=True):
        assert order.digest(DOMAIN) == their_order.digest(THEIR_DOMAIN)
        assert order.is_alive(TS_S) == their_order.is_alive(TS_S)
        if order.kind == "payment":
            assert order.leg_hash() == their_orders.leg_hash(their_order)


@MANY
@given(_records, st.integers(0, 2**16), st.integers(0, 255), st.integers(-1, 1))
def test_read_record__changed_bytes__both_reject_or_neither_holds(record, at, byte, longer):
    data = bytearray(record.encode())
    data[at % len(data)] = byte
    changed = bytes(data[: len(data) + min(longer, 0)]) + bytes(max(longer, 0))

    def mine():
        reader = Reader(changed)
        records.read_record(reader)
        reader.finish()

    is_bad = is_refused(lambda: their_records.decode_record(changed))

    assert is_refused(mine) == is_bad


@MANY
@given(
    st.lists(strategies.payment_orders, min_size=2, max_size=8),
    st.lists(st.sampled_from([0, 0, 1, 2]), min_size=8, max_size=8),
    st.sampled_from(["", "", "altered", "dropped", "turned"]),
)
def test_groups__good_and_spoilt__both_reject_or_neither_holds(legs, fees, flaw):
    made = [replace(leg, fee=fee) for leg, fee in zip(legs, fees, strict=False)]
    linked = their_orders.linked(made)
    if flaw == "altered":
        linked[0] = replace(linked[0], nonce=linked[0].nonce ^ 1)
    elif flaw:
        linked = linked[::-1] if flaw == "turned" else [*linked[1:], linked[1]]
    signed = [their_records.SignedOrder(leg, bytes(65)) for leg in linked]
    theirs = their_records.OrderGroup(tuple(signed))
    mine = records.read_record(Reader(theirs.encode()))

    assert is_refused(lambda: records.check_whole(mine)) == is_refused(theirs.check)


@MANY
@given(strategies.entries)
def test_log_entries__any__holds(theirs):
    written = theirs.encode()

    mine = log.read_entry(written)

    assert log.write_entry(mine) == written
    assert their_log.Entry.decode(written) == theirs


@MANY
@given(strategies.bodies, strategies.blocks, st.binary(min_size=32, max_size=32))
def test_blocks__any__holds(body, block, digest):
    assert blocks.read_body(body.encode()).encoded() == body.encode()
    assert blocks.read_block(Reader(block.encode())).encoded() == block.encode()
    mine = blocks.Block(*astuple(block))
    assert mine.digest(DOMAIN) == block.digest(THEIR_DOMAIN)
    place = (block.number, block.epoch, block.round)
    assert DOMAIN.digest(typed.NEXT_ROUND, *place) == votes.NextRound(*place).digest(THEIR_DOMAIN)
    assert DOMAIN.digest(typed.TIMEOUT, *place) == votes.Timeout(*place).digest(THEIR_DOMAIN)
    assert DOMAIN.digest(typed.PROPOSAL, digest) == votes.Proposal(digest).digest(THEIR_DOMAIN)
    seen = (block.number, digest)
    assert DOMAIN.digest(typed.SEEN, *seen) == votes.Seen(*seen).digest(THEIR_DOMAIN)


_cut = st.tuples(st.integers(0, 2**16), st.integers(0, 255), st.booleans())


@MANY
@given(strategies.bodies, _cut)
def test_read_body__changed_bytes__both_reject_or_neither_holds(body, cut):
    at, byte, is_shorter = cut
    data = bytearray(body.encode())
    at %= len(data)
    data[at] = byte
    changed = bytes(data[:at] if is_shorter else data)

    theirs = is_refused(lambda: their_blocks.Body.decode(changed))
    mine = is_refused(lambda: blocks.read_body(changed))

    assert mine == theirs


@FEW
@given(strategies.owners, strategies.uints(1), strategies.uints(8), strategies.uints(8))
def test_attestations__any__holds(person, level, expiry, issued):
    registry = typed.Domain(31337, keccak(b"registry")[12:], "Causeway KYC")
    theirs = eip712.kyc_domain(registry.chain_id, registry.contract)
    attestor = kyc.Attestor(theirs, PrivateKey(worlds.SECRETS[0]))
    fields = (person, level, expiry, issued)

    signature = attestor.attest(*fields)

    digest = registry.digest(typed.ATTESTATION, *fields)
    assert typed.signer_of(digest, signature) == worlds.PEOPLE[0]
    shown = encode(
        ["(address,uint8,uint64,uint64)", "bytes"],
        [(to_checksum_address(person), level, expiry, issued), signature],
    )
    assert attestor.evidence(*fields, signature) == shown


@FEW
@given(
    st.sampled_from(worlds.SECRETS),
    strategies.digests,
    st.integers(0, 64),
    st.integers(0, 255),
    st.booleans(),
)
def test_signatures__good_and_changed__both_say_the_same_holds(secret, digest, at, byte, is_high):
    signature = bytearray(PrivateKey(secret).sign_digest(digest))
    assert typed.sign(secret, digest) == signature
    assert typed.signer_of(digest, bytes(signature)) == PrivateKey(secret).address
    signature[at] = byte
    if is_high:
        signature[32:64] = bytes([255]) * 32
    changed = bytes(signature)

    theirs = is_refused(lambda: recover(digest, changed))

    assert is_refused(lambda: typed.signer_of(digest, changed)) == theirs
    if not theirs:
        assert typed.signer_of(digest, changed) == recover(digest, changed)


@FEW
@given(st.lists(strategies.digests, min_size=1, max_size=9))
def test_authorised_roots__any__holds(digests):
    root = authorised.authorised_root(digests)

    for index, digest in enumerate(digests):
        proof = authorised.authorised_proof(digests, index)
        assert orders.root_of_proof(digest, proof) == root


@FEW
@given(st.lists(strategies.payment_orders, min_size=2, max_size=8))
def test_links__any__holds(legs):
    linked = their_orders.linked(legs)

    mine = [orders.read_payment(Reader(leg.encode())) for leg in linked]

    assert orders.link_of(mine) == linked[0].link == their_orders.group_link(legs)


# THE FILE OF THE LOG


_log_entries = st.binary(max_size=60) | st.integers(0, 2500).map(bytes)
_frames = st.lists(st.lists(_log_entries, min_size=1, max_size=4), max_size=5)


@FEW
@given(_frames)
def test_log_file__written_by_backend__is_read_the_same_holds(tmp_path_factory, frames):
    path = tmp_path_factory.mktemp("log") / "ledger.log"
    with LocalLog(path) as theirs:
        for frame in frames:
            theirs.append(frame)

    entries = log.read_log(path.read_bytes())

    assert entries == [entry for frame in frames for entry in frame]
    assert entries == log.read_log(path.read_bytes() + bytes(5000))


@FEW
@given(_frames)
def test_log_file__written_by_us__is_read_the_same_holds(tmp_path_factory, frames):
    path = tmp_path_factory.mktemp("log") / "ledger.log"
    data, chain_hash, position = b"", ZERO_HASH, 0
    for frame in frames:
        written, chain_hash = log.write_frame(chain_hash, position, frame)
        data, position = data + written, position + len(frame)
    path.write_bytes(data)

    with LocalLog(path) as theirs:
        entries = list(theirs.read())

    assert entries == [entry for frame in frames for entry in frame]
    assert path.read_bytes() == data


# STATE, CHUNKS, BLOBS


@FEW
@given(
    st.dictionaries(st.integers(0, 2**32 - 1), strategies.leaves, max_size=12),
    st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=4),
)
def test_state_tree__any__holds(leaves, others):
    state, theirs = State(leaves={}), state_tree.StateTree(leaves)
    for account_id, leaf in leaves.items():
        state.put(account_id, Leaf(*astuple(leaf)))
    account_ids = sorted({*leaves, *others})

    siblings = state.multiproof(account_ids)

    assert state.root() == theirs.root
    assert [state.path(one) for one in account_ids] == [theirs.path(one) for one in account_ids]
    for account_id in account_ids:
        path, leaf_hash = theirs.path(account_id), state.leaf(account_id).hash()
        assert root_of_path(account_id, leaf_hash, path) == theirs.root
    assert siblings == theirs.multiproof(account_ids)
    hashes = {one: state.leaf(one).hash() for one in account_ids}
    assert root_of_multiproof(hashes, siblings) == theirs.root


_slots = st.one_of(
    st.lists(strategies.operations, max_size=40).map(
        lambda found: b"".join(map(operations.encode, found)).ljust(960, b"\0")[:960]
    ),
    st.lists(
        st.one_of(
            st.binary(min_size=15, max_size=15),
            st.binary(min_size=7, max_size=7).map(lambda tail: u(1, 4) + u(2, 4) + tail),
            st.binary(min_size=7, max_size=7).map(lambda tail: u(7, 8) + tail),
        ),
        min_size=64,
        max_size=64,
    ).map(b"".join),
)


@MANY
@given(_slots)
def test_read_operations__any_bytes__both_reject_or_read_the_same_holds(slots):
    def theirs():
        return [(at, operations.encode(found)) for at, found in operations.iter_slots(slots)]

    is_bad = is_refused(theirs)

    assert is_refused(lambda: read_operations(slots)) == is_bad
    if not is_bad:
        mine = [(at, found.slots()) for at, found in read_operations(slots)]
        assert mine == theirs()


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 300), strategies.digests)
def test_blobs__any__holds(count, seed):
    noise = [(keccak(seed, u(index, 4)) * 31) for index in range(count)]
    theirs = [batches.Chunk.decode(chunk) for chunk in noise]

    blobs = chunks.write_blobs(noise)

    assert blobs == batches.pack_blobs(theirs)
    assert chunks.read_blobs(blobs, count) == noise
    hashes = [keccak(chunk) for chunk in noise]
    assert chunks.chunks_root(hashes) == state_tree.chunks_root(batches.chunk_hashes(theirs))
    assert chunks.calldata_hash(noise) == batches.calldata_hash(theirs)
