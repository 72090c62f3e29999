"""Vectors of blocks, votes, certificates and log entries."""

from typing import Any

from backend.protocol.blocks import Block, Body, Rejection, body_hash, operations_hash
from backend.protocol.errors import NonceTooLow
from backend.protocol.hashing import keccak
from backend.protocol.log_entries import (
    BlockEntry,
    Entry,
    IdentityEntry,
    NextRoundEntry,
    OrderEntry,
    Payload,
    SeenEntry,
    TimeoutEntry,
    VoteEntry,
)
from backend.protocol.money import AmountMinor
from backend.protocol.operations import Deposit, OpenAccount, Payment, encode_all
from backend.protocol.types import (
    AccountId,
    Asset,
    AuthorisedRoot,
    DepositRecord,
    Epoch,
    ExitRequest,
    fee_account_id,
)
from backend.protocol.votes import (
    Certificate,
    NextRound,
    Proposal,
    Seen,
    Timeout,
    quorum,
    quorum_signatures,
)
from tests.vectors.common import (
    CHAIN_ID,
    DOMAIN,
    DOMAIN_VECTOR,
    ROLLUP,
    TOKEN,
    address,
    key,
    named,
)
from tests.vectors.orders import PAYMENT, WITHDRAWAL, group, legs, rooted, signed

MEMBERS = sorted((key(f"member {index}") for index in range(4)), key=lambda k: k.address)
NEXT_ROUND = NextRound(number=12, epoch=1, round=3)
TIMEOUT = Timeout(number=12, epoch=1, round=3)
SEEN = Seen(23_000_000, keccak(b"l1"))


def body() -> Body:
    """Return a body that has one of everything."""
    payer = key("payer").address
    return Body(
        l1_block_number=23_000_000,
        listings=(Asset(1, TOKEN, 10**12, address("fee owner")),),
        deposits=(DepositRecord(TOKEN, 1, payer, AmountMinor(1_000_000), 1_800_000_000),),
        roots=(AuthorisedRoot(payer, rooted([WITHDRAWAL])[0].root),),
        records=(signed(PAYMENT), signed(WITHDRAWAL), *rooted([WITHDRAWAL]), group()),
        rejections=(Rejection(legs()[0].digest(DOMAIN), NonceTooLow.number),),
        exits=(
            ExitRequest(AccountId(7 << 24), payer),
            ExitRequest(AccountId(8 << 24), address("payee")),
        ),
        epoch=Epoch(2, tuple(sorted(address(f"next member {index}") for index in range(4)))),
    )


def slots() -> bytes:
    """Return slots for the block; the vectors don't execute them."""
    payer, payee = AccountId(7 << 24), AccountId(8 << 24)
    return encode_all(
        [
            OpenAccount(fee_account_id(1), 1, address("fee owner")),
            OpenAccount(payer, 1, key("payer").address),
            Deposit(payer, AmountMinor(1_000_000)),
            Payment(payer, payee, AmountMinor(1_500_000), AmountMinor(2500)),
        ]
    )


def block() -> Block:
    """Return the block of the body and the slots."""
    return Block(
        number=12,
        epoch=1,
        round=2,
        parent_hash=keccak(b"parent"),
        operations_hash=operations_hash(slots()),
        body_hash=body_hash(body().encode()),
        operation_count=len(slots()) // 15,
        timestamp_ms=1_800_000_000_123,
    )


def certificate() -> Certificate:
    """Return the block with three of four members' votes."""
    digest = block().digest(DOMAIN)
    votes = [member.sign_digest(digest) for member in MEMBERS[1:]]
    signatures = quorum_signatures(digest, votes, [member.address for member in MEMBERS])
    assert signatures is not None
    return Certificate(block(), signatures)


def blocks() -> dict[str, Any]:
    members = [member.address for member in MEMBERS]
    digest = block().digest(DOMAIN)
    proposal = Proposal(digest)
    return {
        "domain": DOMAIN_VECTOR,
        "body": {"encoded": body().encode(), "hash": body_hash(body().encode())},
        "slots": {"encoded": slots(), "hash": operations_hash(slots())},
        "block": {"fields": named(block()), "encoded": block().encode(), "digest": digest},
        "vote": {"signer": members[0], "signature": MEMBERS[0].sign_digest(digest)},
        "next_round": named(NEXT_ROUND) | {"digest": NEXT_ROUND.digest(DOMAIN)},
        "timeout": named(TIMEOUT) | {"digest": TIMEOUT.digest(DOMAIN)},
        "proposal": named(proposal) | {"digest": proposal.digest(DOMAIN)},
        "seen": named(SEEN) | {"digest": SEEN.digest(DOMAIN)},
        "certificate": {
            "members": members,
            "quorum": quorum(len(members)),
            "digest": digest,
            "signatures": certificate().signatures,
            "signers": certificate().verify(DOMAIN, members),
            "encoded": certificate().encode(),
        },
    }


def log_entries() -> dict[str, Any]:
    digest, member = block().digest(DOMAIN), MEMBERS[0]
    payloads: list[Payload] = [
        IdentityEntry(CHAIN_ID, ROLLUP, keccak(b"code")),
        OrderEntry(signed(PAYMENT)),
        OrderEntry(signed(WITHDRAWAL)),
        OrderEntry(rooted([PAYMENT])[0]),
        OrderEntry(group()),
        SeenEntry(SEEN, member.sign_digest(SEEN.digest(DOMAIN))),
        BlockEntry(block(), member.sign_digest(Proposal(digest).digest(DOMAIN)), body().encode()),
        TimeoutEntry(TIMEOUT, member.sign_digest(TIMEOUT.digest(DOMAIN))),
        VoteEntry(digest, member.sign_digest(digest)),
        NextRoundEntry(NEXT_ROUND, member.sign_digest(NEXT_ROUND.digest(DOMAIN))),
    ]
    stamp_ms = 1_800_000_000_200
    return {
        "stamp_ms": stamp_ms,
        "entries": [
            {"kind": payload.KIND, "name": type(payload).__name__}
            | {"encoded": Entry(stamp_ms, payload).encode()}
            for payload in payloads
        ],
    }
