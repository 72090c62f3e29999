"""Every golden vector, recomputed from its inputs by the second implementation.

Branches:
- operations: slots both ways, fee bytes, malformed slots
- state: leaves, nodes, genesis, paths, the multiproof
- chunks: second halves, chunk trees, calldata; blobs: elements, commitment, proofs, data hashes
- no module but the tests imports backend
- deposits: records, hash chain
- batches: headers, the stored slot, the key of a withdrawal
- blocks: body, slots, digests, vote, certificate; entries of the log
"""

import re
from pathlib import Path
from typing import Any

import ckzg
import eth_account
import pytest

from tests.independent import blocks, chunks, log, records, typed
from tests.independent.codec import Invalid, Reader, byte_of_fee, fee_of_byte, keccak, sha256, u
from tests.independent.deposits import Deposit, read_deposit, withdrawal_key
from tests.independent.operations import NO_OP, Operation, open_account, read_operations
from tests.independent.state import (
    EMPTY,
    GENESIS_BRIDGE,
    Leaf,
    State,
    node,
    root_of_multiproof,
    root_of_path,
)
from tests.independent.vectors import domain_of, read_vector

TRUSTED_SETUP = (
    Path(eth_account.__file__).parent / "typed_transactions/blob_transactions/kzg_trusted_setup.txt"
)


def test_second_implementation__its_modules__import_no_backend_holds() -> None:
    for module in Path(__file__).parent.glob("*.py"):
        if module.name.startswith("test_"):
            continue
        imported = re.findall(r"^(?:from|import) (\w+)", module.read_text(), flags=re.MULTILINE)
        assert not {"backend", "causeway", "scripts"}.intersection(imported), module.name


# OPERATIONS


def _operation(name: str, fields: dict[str, Any]) -> Operation:
    if "account_id" in fields:
        return open_account(fields["account_id"], fields["asset_id"], fields["owner"])
    if not fields:
        return NO_OP
    kind = next(k for k in ("payment", "deposit", "withdrawal") if k in name.lower())
    sums = (fields["amount_minor"], fields.get("fee_minor", 0))
    return Operation(kind, fields.get("payer", 0), fields.get("payee", 0), *sums)


def test_operations__every_vector__holds() -> None:
    for vector in read_vector("operations")["operations"]:
        operation = _operation(vector["name"], vector["fields"])

        assert operation.slots() == vector["slots"]
        assert read_operations(vector["slots"]) == [(0, operation)]
        first = vector["first_slot"]
        ends = u(first["payer"], 4) + u(first["payee"], 4)
        ends += u(first["amount_minor"], 6) + u(first["fee_byte"], 1)
        assert ends == operation.slots()[:15]


def test_fee_bytes__every_vector__holds() -> None:
    for vector in read_vector("operations")["fee_bytes"]:
        fee_minor = fee_of_byte(vector["fee_byte"])

        assert fee_minor == vector["fee_minor"]
        assert byte_of_fee(fee_minor) == vector["smallest_exponent"]


def test_read_operations__malformed_slots__rejects() -> None:
    for vector in read_vector("operations")["malformed"]:
        with pytest.raises(Invalid):
            read_operations(vector["slots"])


# STATE


def _leaf(vector: dict[str, Any]) -> Leaf:
    names = ("owner", "asset_id", "nonce", "balance_minor")
    leaf = Leaf(*(vector[name] for name in names))
    assert leaf.hash() == vector["hash"]
    assert leaf == EMPTY or leaf.encoded() == vector["encoded"]
    return leaf


def test_leaves_and_nodes__every_vector__holds() -> None:
    vectors = read_vector("state_tree")

    assert EMPTY.hash() == vectors["empty_leaf"]
    assert _leaf(vectors["bridge_leaf"]) == GENESIS_BRIDGE
    assert State().root() == vectors["genesis_root"]
    assert all(map(_leaf, vectors["leaves"]))
    for vector in vectors["nodes"]:
        assert node(vector["left"], vector["right"]) == vector["hash"]


def _state(tree: dict[str, Any]) -> State:
    state = State()
    for account in tree["accounts"]:
        leaf = _leaf(account["leaf"])
        if leaf != EMPTY:
            state.put(account["id"], leaf)
    return state


def test_state_tree__every_vector__holds() -> None:
    tree = read_vector("state_tree")["tree"]

    state = _state(tree)

    assert state.root() == tree["root"]
    for account in tree["accounts"]:
        siblings = account["siblings"]
        assert state.path(account["id"]) == siblings
        leaf_hash = state.leaf(account["id"]).hash()
        assert root_of_path(account["id"], leaf_hash, siblings) == tree["root"]


def test_state_tree__one_leaf__holds() -> None:
    vectors = read_vector("state_tree")
    leaf_hashes = [leaf["hash"] for leaf in vectors["leaves"]]

    # The file doesn't say which leaf it is, only that it stands alone, in the last place.
    roots = [root_of_path(2**32 - 1, hashed, [bytes(32)] * 32) for hashed in leaf_hashes]

    assert vectors["one_leaf_root"] in roots


def test_multiproof__every_vector__holds() -> None:
    vectors = read_vector("state_tree")
    vector, state = vectors["multiproof"], _state(vectors["tree"])

    hashes = {account_id: state.leaf(account_id).hash() for account_id in vector["ids"]}

    assert list(hashes.values()) == vector["leaf_hashes"]
    assert state.multiproof(vector["ids"]) == vector["siblings"]
    assert root_of_multiproof(hashes, vector["siblings"]) == vector["root"]


# CHUNKS


def test_second_half__every_vector__holds() -> None:
    vector = read_vector("chunks")["second_half"]
    chunk = vector["chunk"]

    found = chunks.operations_of(chunk)

    assert found == [
        (listed["position"], _operation(listed["kind"], listed["fields"]))
        for listed in vector["operations"]
    ]
    assert chunk[-32:] == vector["post_root"]
    starts = {position for position, _ in found}
    for counted in vector["counts"]:
        position = counted["position"]
        assert counted["is_operation"] == (position in starts)
        assert counted["count"] == chunks.count_from(chunk, vector["payer"], position)


def _noise(index: int) -> bytes:
    return b"".join(keccak(u(index, 4), u(k, 4)) for k in range(31))


def test_chunks_root__every_vector__holds() -> None:
    vectors = read_vector("chunks")
    hashes = [keccak(_noise(index)) for index in range(768)]

    for vector in vectors["chunks_roots"]:
        count = vector["count"]
        siblings = chunks.chunk_siblings(hashes[:count], count - 1)
        assert chunks.chunks_root(hashes[:count]) == vector["root"]
        assert hashes[count - 1] == vector["last_hash"]
        assert siblings == vector["last_siblings"]
        assert count * 64 - 1 == vector["last_slot_number"]
        assert chunks.blob_count(count) == vector["blob_count"]

    vector = vectors["calldata"]
    split = chunks.split_chunks(vector["chunks"])
    assert split == [_noise(index) for index in range(3)]
    assert [keccak(chunk) for chunk in split] == vector["hashes"]
    assert chunks.chunks_root(vector["hashes"]) == vector["chunks_root"]
    assert chunks.calldata_hash(split) == vector["data_hash"]


def test_blobs__every_vector__holds() -> None:
    vector = read_vector("blobs")
    noise = [_noise(index) for index in range(128)]
    setup = ckzg.load_trusted_setup(str(TRUSTED_SETUP), 0)

    (blob,) = chunks.write_blobs(noise)

    assert keccak(blob) == vector["blob_hash"]
    assert blob.startswith(vector["first_bytes"])
    assert chunks.read_blobs([blob], 128) == noise
    commitment = ckzg.blob_to_kzg_commitment(blob, setup)
    versioned_hash = b"\x01" + sha256(commitment)[1:]
    assert (commitment, versioned_hash) == (vector["commitment"], vector["versioned_hash"])
    assert chunks.blobs_hash([versioned_hash]) == vector["data_hash"]
    assert chunks.blobs_hash([versioned_hash, versioned_hash]) == vector["data_hash_of_two"]
    for element in vector["elements"]:
        index = element["index"]
        point = u(chunks.point_of_element(index), 32)
        proof, value = ckzg.compute_kzg_proof(blob, point, setup)
        assert (point, value, proof) == (element["point"], element["value"], element["proof"])
        assert value == blob[32 * index : 32 * index + 32]
        shown = versioned_hash + point + value + commitment + proof
        assert shown == element["precompile_input"]


# DEPOSITS AND BATCHES


def test_deposits__every_vector__holds() -> None:
    previous = bytes(32)
    for index, vector in enumerate(read_vector("deposits")["records"]):
        deposit = Deposit(**vector["fields"])

        assert (index, previous) == (vector["index"], vector["previous"])
        assert deposit.encoded() == vector["encoded"]
        assert read_deposit(Reader(vector["encoded"])) == deposit
        previous = deposit.link(previous)
        assert previous == vector["hash"]


def test_headers__every_vector__holds() -> None:
    vectors = read_vector("batches")
    domain = domain_of(vectors)

    header = chunks.Header(**vectors["header"]["fields"])

    assert header.encoded() == vectors["header"]["encoded"]
    assert header.hash(domain) == vectors["header"]["digest"]
    assert chunks.Header(**vectors["genesis_header"]) == chunks.genesis_header()
    shown = vectors["accepted"]
    stored = chunks.stored_batch(shown["header_hash"], shown["accepted_ts_s"], shown["signers"])
    assert stored == shown["slot"]


def test_withdrawal_key__every_vector__holds() -> None:
    vector = read_vector("batches")["withdrawal"]
    fields = (vector["owner"], vector["nonce"], vector["asset"], vector["amount"])

    assert withdrawal_key(*fields) == vector["key"]


# BLOCKS


def test_body_and_block__every_vector__holds() -> None:
    vectors = read_vector("blocks")
    domain, encoded = domain_of(vectors), vectors["body"]["encoded"]

    body = blocks.read_body(encoded)

    assert body.encoded() == encoded
    assert len(body.exits) == 2
    assert body.epoch is not None
    assert (body.epoch.number, len(body.epoch.members)) == (2, 4)
    assert sha256(encoded) == vectors["body"]["hash"]
    slots = vectors["slots"]["encoded"]
    operations = [operation for _, operation in read_operations(slots)]
    assert blocks.slots_of(operations) == slots
    assert keccak(slots) == vectors["slots"]["hash"]
    block = blocks.Block(**vectors["block"]["fields"])
    assert block.operation_count * 15 == len(slots)
    assert (block.body_hash, block.operations_hash) == (sha256(encoded), keccak(slots))
    assert block.encoded() == vectors["block"]["encoded"]
    assert blocks.read_block(Reader(block.encoded())) == block
    assert block.digest(domain) == vectors["block"]["digest"]


def test_votes_and_rounds__every_vector__holds() -> None:
    vectors = read_vector("blocks")
    domain, digest = domain_of(vectors), vectors["block"]["digest"]

    vote = vectors["vote"]
    assert typed.signer_of(digest, vote["signature"]) == vote["signer"]
    types = {
        "next_round": typed.NEXT_ROUND,
        "timeout": typed.TIMEOUT,
        "proposal": typed.PROPOSAL,
        "seen": typed.SEEN,
    }
    for name, type_text in types.items():
        *values, expected = vectors[name].values()
        assert domain.digest(type_text, *values) == expected


def test_certificate__every_vector__holds() -> None:
    vectors = read_vector("blocks")
    vector = vectors["certificate"]
    members, signatures = vector["members"], vector["signatures"]

    signers = [typed.signer_of(vector["digest"], signature) for signature in signatures]

    assert vector["quorum"] == len(signers) == 2 * ((len(members) - 1) // 3) + 1
    assert signers == sorted(set(signers))
    assert sum(1 << members.index(signer) for signer in signers) == vector["signers"]
    assert vectors["block"]["encoded"] + b"".join(signatures) == vector["encoded"]


def test_log_entries__every_vector__holds() -> None:
    vectors = read_vector("log_entries")
    kinds = {
        "IdentityEntry": log.Identity,
        "OrderEntry": records.Record,
        "SeenEntry": log.Seen,
        "BlockEntry": log.ProposedBlock,
        "TimeoutEntry": log.RoundEntry,
        "VoteEntry": log.Vote,
        "NextRoundEntry": log.RoundEntry,
    }
    for vector in vectors["entries"]:
        entry = log.read_entry(vector["encoded"])

        assert vector["encoded"][0] == vector["kind"]
        assert entry.stamp_ms == vectors["stamp_ms"]
        assert isinstance(entry.payload, kinds[vector["name"]])
        assert log.write_entry(entry) == vector["encoded"]
