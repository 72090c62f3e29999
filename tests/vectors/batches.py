"""Vectors of chunks, headers, blobs and deposits."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import ckzg
import eth_account

from backend.protocol.batches import (
    BATCH_CHUNKS_MAX,
    BLOB_CHUNKS,
    BLOB_ELEMENTS,
    BatchHeader,
    Chunk,
    accepted_slot,
    blob_count,
    blobs_hash,
    calldata_hash,
    chunk_hashes,
    encode_chunks,
    genesis_header,
    pack_blobs,
    padded,
    slot_number,
    withdrawal_key,
)
from backend.protocol.deposits import deposit_nonce
from backend.protocol.hashing import ZERO_DIGEST, Digest, keccak
from backend.protocol.money import AMOUNT_MINOR_MAX, AmountMinor
from backend.protocol.operations import (
    Deposit,
    NoOp,
    OpenAccount,
    Payment,
    Withdrawal,
    encode_all,
    slot_count,
)
from backend.protocol.state_tree import chunk_path, chunks_root, genesis_tree
from backend.protocol.types import AccountId, Address, DepositRecord
from tests.vectors.common import DOMAIN, DOMAIN_VECTOR, TOKEN, address, named

_FIELD_MODULUS = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
_SETUP_PATH = Path(eth_account.__file__).parent.joinpath(
    "typed_transactions", "blob_transactions", "kzg_trusted_setup.txt"
)


def noise_chunk(index: int) -> Chunk:
    """Return a chunk of noise: keccak(index u32 ‖ k u32) for k = 0 … 30."""
    words = [keccak(index.to_bytes(4) + k.to_bytes(4)) for k in range(31)]
    return Chunk.decode(b"".join(words))


def _tricky_chunk() -> tuple[Chunk, AccountId]:
    """Return a chunk in which an owner's last 15 bytes look like the payer's withdrawal."""
    payer, payee = AccountId(7 << 24), AccountId(8 << 24)
    amount = AmountMinor(5)
    decoy = Withdrawal(payer, amount)
    owner = Address(b"\xaa" * 5 + encode_all([decoy]))
    operations = [
        Payment(payer, payee, amount),
        OpenAccount(AccountId(9 << 24), 1, owner),
        Withdrawal(payer, amount),
        NoOp(),
        Deposit(payer, amount),
        Payment(payee, payer, amount),
        Payment(payer, payee, amount, AmountMinor(1)),
    ]
    check = sum(map(slot_count, operations))
    fill: list[Any] = [NoOp()] * (63 - check)
    slots = padded(encode_all([*operations, *fill, Withdrawal(payer, amount)]))
    return Chunk(slots, keccak(b"root")), payer


def _count_from(chunk: Chunk, position: int, payer: AccountId) -> dict[str, Any]:
    read = chunk.operations()
    paid = [p for p, o in read if p >= position and getattr(o, "payer", None) == payer]
    is_operation = position in [p for p, _ in read]
    return {"position": position, "is_operation": is_operation, "count": len(paid)}


def chunks() -> dict[str, Any]:
    chunk, payer = _tricky_chunk()
    noise = [noise_chunk(index) for index in range(BATCH_CHUNKS_MAX)]
    hashes = chunk_hashes(noise)
    return {
        "second_half": {
            "chunk": chunk.encode(),
            "post_root": chunk.root,
            "operations": [
                {"position": position, "kind": type(operation).__name__, "fields": named(operation)}
                for position, operation in chunk.operations()
            ],
            "payer": payer,
            "counts": [_count_from(chunk, position, payer) for position in range(64)],
        },
        "noise": "chunk i is keccak(i u32, k u32) for k = 0 to 30, joined",
        "chunks_roots": [
            {
                "count": count,
                "root": chunks_root(hashes[:count]),
                "last_hash": hashes[count - 1],
                "last_siblings": chunk_path(hashes[:count], count - 1),
                "last_slot_number": slot_number(count - 1, 63),
                "blob_count": blob_count(count),
            }
            for count in (1, 2, 3, 120, 128, 129, BATCH_CHUNKS_MAX)
        ],
        "calldata": {
            "chunks": encode_chunks(noise[:3]),
            "hashes": hashes[:3],
            "chunks_root": chunks_root(hashes[:3]),
            "data_hash": calldata_hash(noise[:3]),
        },
    }


def header() -> BatchHeader:
    """Return a header of which no two fields are alike."""
    return BatchHeader(
        number=2**64 - 1,
        epoch=3,
        parent_hash=keccak(b"parent"),
        pre_root=genesis_tree().root,
        post_root=keccak(b"post"),
        chunks_root=keccak(b"chunks"),
        chunk_count=768,
        data_hash=keccak(b"data"),
        deposit_cursor=11,
        l1_block_number=23_000_000,
        l1_block_hash=keccak(b"l1"),
        last_block_number=987_654_321,
        last_block_hash=keccak(b"last"),
        timestamp=1_800_000_000,
    )


def batches() -> dict[str, Any]:
    digest = header().digest(DOMAIN)
    accepted = {"header_hash": digest, "accepted_ts_s": 1_800_000_012, "signers": 2**255 | 0b1011}
    withdrawal: dict[str, Any] = {
        "owner": address("payer"),
        "nonce": 42,
        "asset": TOKEN,
        "amount": 10**18,
    }
    return {
        "domain": DOMAIN_VECTOR,
        "header": {"fields": named(header()), "encoded": header().encode(), "digest": digest},
        "genesis_header": named(genesis_header(genesis_tree().root)),
        "accepted": accepted | {"slot": accepted_slot(**accepted)},
        "withdrawal": withdrawal | {"key": withdrawal_key(**withdrawal)},
    }


def deposits() -> dict[str, Any]:
    records = [
        DepositRecord(TOKEN, 1, address("payer"), AmountMinor(1_000_000), 1_800_000_000),
        DepositRecord(TOKEN, 1, address("payee"), AMOUNT_MINOR_MAX, 1_800_000_000),
        DepositRecord(address("other token"), 65535, address("payer"), AmountMinor(1), 2**64 - 1),
    ]
    vectors, previous = [], ZERO_DIGEST
    for index, record in enumerate(records):
        after = record.chain_hash(previous)
        vectors.append(
            {"index": index, "fields": named(record), "previous": previous}
            | {"encoded": record.encode(), "hash": after}
        )
        previous = after
    bound = {"asset_id": 65535, "owner": address("payer"), "salt": keccak(b"salt")}
    return {"records": vectors, "authorization": bound | {"nonce": deposit_nonce(**bound)}}


@cache
def kzg_setup() -> Any:
    """Return the public set-up; loading it takes a second and a half."""
    return ckzg.load_trusted_setup(str(_SETUP_PATH), 0)


def _element_point(index: int) -> bytes:
    """Return w^bitreverse12(index): where the blob's polynomial has its element `index`."""
    root = pow(7, (_FIELD_MODULUS - 1) // BLOB_ELEMENTS, _FIELD_MODULUS)
    exponent = int(f"{index:012b}"[::-1], 2)
    return pow(root, exponent, _FIELD_MODULUS).to_bytes(32)


def blobs() -> dict[str, Any]:
    (blob,) = pack_blobs([noise_chunk(index) for index in range(BLOB_CHUNKS)])
    commitment = ckzg.blob_to_kzg_commitment(blob, kzg_setup())
    versioned_hash = b"\x01" + sha256(commitment).digest()[1:]
    elements = []
    for index in (0, 1, BLOB_ELEMENTS - 1):
        point = _element_point(index)
        proof, value = ckzg.compute_kzg_proof(blob, point, kzg_setup())
        precompile_input = versioned_hash + point + value + commitment + proof
        elements.append(
            {"index": index, "point": point, "value": value, "proof": proof}
            | {"precompile_input": precompile_input}
        )
    return {
        "noise": "blob of the chunks 0 to 127 of chunks.json",
        "blob_hash": keccak(blob),
        "first_bytes": blob[:64],
        "commitment": commitment,
        "versioned_hash": versioned_hash,
        "data_hash": blobs_hash([versioned_hash]),
        "data_hash_of_two": blobs_hash([versioned_hash, Digest(versioned_hash)]),
        "elements": elements,
    }
