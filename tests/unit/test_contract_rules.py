"""Keeps the house style of contracts, and what Solidity and Python say twice.

- errors: each of a contract's, and each PaymentError, is named by a test
- constants: each one in Solidity equals its twin in Python
- NatSpec: each function and event of an interface says what it is; each contract inherits it
- powers: the head comment of a contract names each role that its code asks for, and each function
  that is restricted
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from backend.engine.ledger import SUPPLY_MINOR_LIMIT
from backend.protocol import (
    advances,
    authorised,
    batches,
    blocks,
    deposits,
    money,
    operations,
    order_records,
    orders,
    proposals,
    signing,
    state_tree,
    votes,
)
from backend.protocol import types as protocol_types
from backend.protocol.errors import error_classes
from backend.protocol.hashing import keccak
from backend.settlement import bounties, building
from backend.toolchain import PROJECT_ROOT

CONTRACTS = PROJECT_ROOT / "contracts"
DEPLOYED = ("identity", "payouts", "rollup", "tokens", "treasury")

# Errors of Python that nothing raises yet, and why they exist.
NOT_RAISED: dict[str, str] = {}

# Of BLS12-381's scalars, in which blobs are committed to (EIP-4844).
FIELD_ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001

# `Contract.NAME` → what Python has for it.
CONSTANTS: dict[str, object] = {
    "BatchChain.BATCH_CHUNKS_MAX": batches.BATCH_CHUNKS_MAX,
    "BatchChain.CALLDATA_CHUNKS_MAX": batches.CALLDATA_CHUNKS_MAX,
    "BatchChain.TIMESTAMP_LEAD_S": 900,
    "Batches.HEADER_TYPEHASH": batches._HEADER_TYPE_HASH,
    "Blobs.BLOB_CHUNKS": batches.BLOB_CHUNKS,
    "BonusCampaigns.BATCH_GRANTS_MAX": 100,
    "BonusCampaigns.PAYMENT_GAS": 300_000,
    "BonusCampaigns.PAYMENT_SPARE_GAS": 50_000,
    "BonusCampaigns.TURNOVER_TYPEHASH": keccak(
        b"Turnover(uint256 grantId,uint256 turnoverMinor,uint64 upTo)"
    ),
    "BonusTerms.ATTESTORS_MAX": 32,
    "BonusTerms.BPS": 10_000,
    "BonusTerms.SIGNATURE_SIZE_BYTES": signing.SIGNATURE_BYTES,
    "BonusTerms.TIERS_MAX": 16,
    "Challenges.BOND_FACTOR": 2,
    "Challenges.FIRST_ANSWER_GAS": 110_000,
    "Challenges.LEG_GAS": 97_000,
    "Challenges.NODE_GAS": 1_100,
    "Challenges.PROOF_NODES_MAX": authorised.PROOF_NODES_MAX,
    "ChunkReading.FEE_ACCOUNTS_MAX": batches.FEE_ACCOUNTS_MAX,
    "ChunkReading.FEE_PARTITION": protocol_types.FEE_PARTITION,
    "Committee.MEMBERS_MAX": votes.MEMBERS_MAX,
    "Committee.SIGNATURE_SIZE_BYTES": signing.SIGNATURE_BYTES,
    "Deposits.AMOUNT_MINOR_MAX": money.AMOUNT_MINOR_MAX,
    "Deposits.OUTSTANDING_MINOR_MAX": SUPPLY_MINOR_LIMIT - 1,
    "Disputes.BLOCK_SIZE_BYTES": len(blocks.Block.__slots__) * 32,
    "Disputes.NEXT_ROUND_SIZE_BYTES": len(votes.NextRound.__slots__) * 32,
    "Exits.ADVANCE_TYPEHASH": advances._ADVANCE_TYPE_HASH,
    "Exits.BOUNTY_GAS": bounties._BOUNTY_GAS,
    "KycRegistry.ADDRESS_SIZE_BYTES": len(protocol_types.ZERO_ADDRESS),
    "KycRegistry.ATTESTATION_TYPEHASH": keccak(
        b"Attestation(address person,uint8 level,uint64 expiry,uint64 issued)"
    ),
    "KycRegistry.ECDSA_SIZE_BYTES": signing.SIGNATURE_BYTES,
    "KycRegistry.GUARDIAN_ROLE": keccak(b"GUARDIAN_ROLE"),
    "KycRegistry.SERVING": 2**64 - 1,
    "KzgOpenings.ANSWER_SIZE_BYTES": 64,
    "KzgOpenings.ELEMENT_INDEX_BITS": (batches.BLOB_ELEMENTS - 1).bit_length(),
    "KzgOpenings.FIELD_ORDER": FIELD_ORDER,
    "KzgOpenings.POINT_EVALUATION": 0x0A,
    "KzgOpenings.ROOT_OF_UNITY": pow(7, (FIELD_ORDER - 1) // batches.BLOB_ELEMENTS, FIELD_ORDER),
    "L1Blocks.HISTORY": int.from_bytes(building._HISTORY),
    "Operations.ASSET_ID_SIZE_BYTES": 2,
    "Operations.BRIDGE": protocol_types.BRIDGE,
    "Operations.CHUNK_SIZE_BYTES": batches.CHUNK_BYTES,
    "Operations.CHUNK_SLOTS": batches.CHUNK_SLOTS,
    "Operations.FIRST_ACCOUNT": operations._FIRST_ACCOUNT,
    "Operations.OPENING_OFFSET_BYTES": 8,
    "Operations.OPERATION_SIZE_BYTES": operations.SLOT_BYTES,
    "Operations.REGISTRY": protocol_types.REGISTRY,
    "Operations.ROOT_OFFSET_BYTES": batches.CHUNK_SLOTS_BYTES,
    "OrderFitting.GROUP_LEGS_MAX": order_records.LEGS_MAX,
    "Orders.PAYMENT_TYPEHASH": orders._PAYMENT_HEAD[:32],
    "Orders.WITHDRAWAL_TYPEHASH": orders._WITHDRAWAL_HEAD[:32],
    "Proposals.CALL_TYPEHASH": proposals._CALL_HASH,
    "Proposals.CANCELLATION_TYPEHASH": proposals._CANCELLATION_HASH,
    "Proposals.PROPOSAL_TYPEHASH": proposals._PROPOSAL_HASH,
    "Rollup.PAID": 1,
    "SpendingPolicy.NATIVE": 0,
    "SpendingPolicy.PAYEE_IS_TARGET": 255,
    "SpendingPolicy.SELECTOR_SIZE_BYTES": 4,
    "SpendingPolicy.WORD_SIZE_BYTES": 32,
    "StateTree.BRIDGE_OWNER": int.from_bytes(protocol_types.BRIDGE_OWNER),
    "StateTree.CHUNKS_DEPTH": state_tree.CHUNKS_DEPTH,
    "StateTree.STATE_DEPTH": state_tree.STATE_DEPTH,
    "Treasury.BOOL_SIZE_BYTES": 32,
    "Treasury.SIGNER_ADDRESS_SIZE_BYTES": len(protocol_types.ZERO_ADDRESS),
    "TreasurySigners.ADDRESS_SIZE_BYTES": len(protocol_types.ZERO_ADDRESS),
    "VaultRecords.DEPOSIT_TYPEHASH": deposits._DEPOSIT_TYPE_HASH,
    "Votes.BLOCK_TYPEHASH": blocks._BLOCK_TYPE_HASH,
    "Votes.NEXT_ROUND_TYPEHASH": votes._NEXT_ROUND_TYPE_HASH,
    "Votes.PROPOSAL_TYPEHASH": votes._PROPOSAL_TYPE_HASH,
    "Votes.SEEN_TYPEHASH": votes._SEEN_TYPE_HASH,
    "Votes.TIMEOUT_TYPEHASH": votes._TIMEOUT_TYPE_HASH,
}

_CONSTANT = re.compile(r"^ +[\w.]+ (?:\w+ )?constant (\w+) ?=(.*?);", re.MULTILINE | re.DOTALL)
_MEMBER = re.compile(
    r"(?P<comment>(?:^ +///.*\n)*)^ +(?P<kind>function|event|error) (?P<name>\w+)", re.M
)


def _sources(*folders: str) -> Iterator[tuple[Path, str]]:
    for folder in folders:
        for path in sorted((CONTRACTS / folder).rglob("*.sol")):
            yield path, path.read_text()


@cache
def _words_of_tests(folder: str, without: str = "") -> frozenset[str]:
    """Return all names and texts in the tests of a folder."""
    words: set[str] = set()
    for path in (PROJECT_ROOT / "tests" / folder).rglob("*.py"):
        if path.name in (without, Path(__file__).name):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Constant(value=str(text)):
                    words.add(text)
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    words.add(name)
    return frozenset(words)


def _report(findings: Iterator[str]) -> None:
    found = list(findings)
    if found:
        pytest.fail("\n".join(["", *found]), pytrace=False)


def test_errors__of_contracts__are_tested_holds():
    """`reverts` in tests/contracts asks for every value of the error that it is given."""

    def findings() -> Iterator[str]:
        words = _words_of_tests("contracts")
        for path, text in _sources("interfaces", "libraries", *DEPLOYED):
            for name in re.findall(r"^ *error (\w+)\(", text, re.MULTILINE):
                if name not in words:
                    yield f"{path.name}: no test reverts with {name}. Write one that names it."

    _report(findings())


def test_errors__of_payments__are_tested_holds():
    def findings() -> Iterator[str]:
        words = _words_of_tests("", without="test_errors.py")
        for error in error_classes():
            is_tested = error.__name__ in words or error.code in words
            if is_tested == (error.__name__ in NOT_RAISED):
                yield f"{error.__name__}: no test meets it, or NOT_RAISED names it in vain."

    _report(findings())


def _value(expression: str, others: dict[str, object]) -> object:
    """Return the value of a constant as Solidity computes it; an address as an integer."""
    text = " ".join(expression.split())
    if text.startswith("keccak256("):
        return keccak("".join(re.findall(r'"([^"]*)"', text)).encode())
    text = re.sub(r"type\(uint(\d+)\)\.max", r"(2 ** \1 - 1)", text)
    text = re.sub(r"address\((\w+)\)", r"\1", text)
    text = re.sub(r"(\d+) minutes", r"(\1 * 60)", text)
    assert re.fullmatch(r"[\w +*()-]+", text), f"teach this test to read {text!r}"
    return eval(text, {}, dict(others))


def test_constants__in_solidity_and_python__are_equal_holds():
    found: dict[str, object] = {}
    for path, text in _sources("interfaces", "libraries", *DEPLOYED):
        own: dict[str, object] = {}
        for name, expression in _CONSTANT.findall(text):
            own[name] = found[f"{path.stem}.{name}"] = _value(expression, own)

    assert found == CONSTANTS


def test_natspec__of_interfaces__is_complete_holds():
    def findings() -> Iterator[str]:
        for path, text in _sources("interfaces"):
            for member in _MEMBER.finditer(text):
                if "@notice" not in member["comment"]:
                    yield f"{path.name}: {member['kind']} {member['name']} has no @notice."

    _report(findings())


def test_natspec__of_contracts__is_inherited_holds():
    def findings() -> Iterator[str]:
        public = re.compile(
            r"(?P<comment>(?:^ +///.*\n)*)^    (?:function (?P<name>\w+)\([^{;]*?"
            r"\b(?:external|public)\b|[\w.()=> ]+ public [\w ]*?(?P<variable>\w+)(?: =|;))",
            re.MULTILINE,
        )
        for path, text in _sources(*DEPLOYED):
            for member in public.finditer(text):
                if "@inheritdoc" not in member["comment"]:
                    yield f"{path.name}: {member['name'] or member['variable']}: no @inheritdoc."

    _report(findings())


def test_powers__in_head_comments__are_listed_holds():
    def findings() -> Iterator[str]:
        for path, text in _sources(*DEPLOYED):
            head = text[: re.search(r"^(?:abstract )?contract ", text, re.MULTILINE).start()]
            roles = set(re.findall(r"onlyRole\((\w+)\)", text))
            roles |= {"owner"} if "onlyOwner" in text else set()
            roles |= set(re.findall(r"msg\.sender != (\w+)\)", text)) - {"tx"}
            roles |= set(re.findall(r"function (\w+)\([^{;]*?\brestricted\b", text))
            roles |= {"attestor"} if "_checkAttestor(msg.sender)" in text else set()
            for role in sorted(roles):
                if not re.search(rf"\b{role}\b", head):
                    yield f"{path.name}: its head comment says nothing of {role}'s powers."

    _report(findings())
