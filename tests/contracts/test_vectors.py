"""Solidity agrees with the golden vectors, byte for byte.

- state tree: leaves, nodes, genesis, each account's path
- operations: slots both ways, fee bytes
- chunks: second halves, hashes, roots and paths of 1 to 768 chunks
- L1's records: batch slot, deposit chain, nonce of a deposit by signature, claim key
- digests: domain, header, orders, group, block, votes, certificate
"""

import pytest

from backend.protocol.batches import BatchHeader, chunk_hashes
from tests.contracts.core import deploy_core
from tests.vectors.batches import noise_chunk
from tests.vectors.generate import load


def ints(values):
    """Return the values with the texts of large numbers read as numbers."""
    return [
        int(value) if isinstance(value, str) and not value.startswith("0x") else value
        for value in values
    ]


def unhex(text):
    return bytes.fromhex(text[2:])


@pytest.fixture
def harness(project, accounts):
    return accounts[0].deploy(project.ProtocolHarness)


@pytest.fixture(scope="module")
def state():
    return load("state_tree")


def test_leaf__vectors__holds(harness, state):
    leaves = [state["bridge_leaf"], *state["leaves"]]
    for leaf in leaves:
        fields = ints([leaf["owner"], leaf["asset_id"], leaf["nonce"], leaf["balance_minor"]])
        assert harness.leaf(*fields) == unhex(leaf["hash"])

    assert harness.leaf("0x" + "00" * 20, 7, 7, 7) == unhex(state["empty_leaf"])


def test_node__vectors__holds(harness, state):
    for node in state["nodes"]:
        assert harness.node(node["left"], node["right"]) == unhex(node["hash"])


def test_state_root__vectors__holds(harness, state):
    assert harness.genesisRoot() == unhex(state["genesis_root"])

    for account in state["tree"]["accounts"]:
        leaf_hash = account["leaf"]["hash"]
        root = harness.stateRootFrom(leaf_hash, account["id"], account["siblings"])
        assert root == unhex(state["tree"]["root"])


def test_operation__vectors__holds(harness):
    for operation in load("operations")["operations"]:
        first_slot = unhex(operation["slots"])[:15]
        fields = tuple(operation["first_slot"].values())
        assert tuple(harness.decodeOperation(first_slot)) == fields
        assert harness.encodeOperation(fields) == first_slot


def test_fee_minor__each_byte__holds(harness):
    for vector in load("operations")["fee_bytes"]:
        assert harness.feeMinor(vector["fee_byte"]) == vector["fee_minor"]
        assert harness.feeMinor(vector["smallest_exponent"]) == vector["fee_minor"]


def test_count_from__second_half__holds(harness):
    vector = load("chunks")["second_half"]
    chunk = unhex(vector["chunk"])

    assert harness.postRoot(chunk) == unhex(vector["post_root"])
    for count in vector["counts"]:
        counted = harness.countFrom(chunk, count["position"], vector["payer"])
        assert tuple(counted) == (count["is_operation"], count["count"])
        start = 15 * count["position"]
        assert harness.slotAt(chunk, count["position"]) == chunk[start : start + 15]


def test_chunks_root__vectors__holds(harness):
    vectors = load("chunks")["chunks_roots"]
    hashes = chunk_hashes([noise_chunk(i) for i in range(vectors[-1]["count"])])

    for vector in vectors:
        count, root = vector["count"], unhex(vector["root"])
        assert harness.chunksRoot(hashes[:count]) == root
        path = (vector["last_hash"], count - 1, vector["last_siblings"])
        assert harness.chunksRootFrom(*path) == root
        assert harness.blobCountFor(count) == vector["blob_count"]


def test_hash_chunks__vector__holds(harness):
    vector = load("chunks")["calldata"]

    data_hash, hashes = harness.hashChunks(vector["chunks"])

    assert data_hash == unhex(vector["data_hash"])
    assert hashes == [unhex(each) for each in vector["hashes"]]
    assert harness.chunksRoot(hashes) == unhex(vector["chunks_root"])


def test_batch_slot__vector__holds(harness):
    vector = load("batches")["accepted"]
    header_hash, accepted_ts_s, signers, slot = ints(vector.values())

    assert harness.batchSlot(header_hash, accepted_ts_s, signers) == unhex(slot)


def test_claim_key__vector__holds(harness):
    *fields, key = ints(load("batches")["withdrawal"].values())

    assert harness.claimKey(*fields) == unhex(key)


def test_deposit_hash__vectors__holds(harness):
    for record in load("deposits")["records"]:
        fields = ints(record["fields"].values())
        assert harness.depositHash(record["previous"], *fields) == unhex(record["hash"])


def test_deposit_nonce__vector__holds(harness):
    *fields, nonce = ints(load("deposits")["authorization"].values())

    assert harness.depositNonce(*fields) == unhex(nonce)


def test_domain_separator__vector__holds(harness):
    domain = load("batches")["domain"]

    separator = harness.domainSeparator(domain["chain_id"], domain["verifying_contract"])

    assert separator == unhex(domain["separator"])


def test_header_digest__vector__holds(harness):
    vectors = load("batches")
    header = vectors["header"]

    assert list(header["fields"]) == list(BatchHeader.__dataclass_fields__)
    digest = harness.headerDigest(
        vectors["domain"]["separator"], tuple(ints(header["fields"].values()))
    )
    assert digest == unhex(header["digest"])


def test_order_digest__vectors__holds(harness):
    vectors = load("orders")
    domain = vectors["domain"]["separator"]

    for order in [*vectors["orders"], *vectors["group"]["legs"]]:
        fields = tuple(ints(order["fields"].values()))
        is_payment = "payee" in order["fields"]
        digest_of = harness.paymentOrderDigest if is_payment else harness.withdrawalOrderDigest
        assert digest_of(domain, fields) == unhex(order["digest"])


def test_group_link__vector__holds(harness):
    group = load("orders")["group"]
    legs = [tuple(ints(leg["fields"].values())) for leg in group["legs"]]

    assert harness.groupLink(legs) == unhex(group["link"])


def test_vote_digests__vectors__holds(harness):
    vectors = load("blocks")
    domain = vectors["domain"]["separator"]

    block = tuple(ints(vectors["block"]["fields"].values()))
    assert harness.blockDigest(domain, block) == unhex(vectors["block"]["digest"])
    for name, digest_of in [
        ("next_round", harness.nextRoundDigest),
        ("timeout", harness.timeoutDigest),
        ("proposal", harness.proposalDigest),
        ("seen", harness.seenDigest),
    ]:
        *fields, digest = ints(vectors[name].values())
        assert digest_of(domain, *fields) == unhex(digest)


def test_require_quorum__certificate_vector__holds(project, accounts):
    certificate = load("blocks")["certificate"]
    gate = accounts[0].deploy(project.SwitchGate)
    committee = deploy_core(project, accounts[0], gate, certificate["members"]).committee

    signers = committee.requireQuorum(
        1, certificate["digest"], b"".join(map(unhex, certificate["signatures"]))
    )

    assert signers == certificate["signers"]
    assert committee.quorumOf(1) == certificate["quorum"]
