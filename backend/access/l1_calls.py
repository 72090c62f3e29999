"""The L1 transactions that bring money in and take it out, ready to be signed. Pure.

Deposits and `claimWithdrawal` as in contracts/interfaces/IRollup.sol, exits and advances as in
IExits.sol, `approve` as in ERC-20, permits as in ERC-2612, authorisations as in ERC-3009.
"""

from dataclasses import astuple
from typing import Any, Final

from eth_abi.abi import encode

from backend.access.ports import AccountProof, PermitFacts, WithdrawalProof
from backend.access.schemas import AuthorizationIn, PermitIn
from backend.access.views import header_of
from backend.protocol.advances import ADVANCE_FIELDS, Advance
from backend.protocol.batches import HEADER_ABI
from backend.protocol.deposits import VALID_AFTER_S
from backend.protocol.hashing import keccak
from backend.protocol.types import Address, Leaf, address_text

_ACCEPTED_BATCH: Final = f"({HEADER_ABI},uint64,uint256)"
_WITHDRAWAL_PROOF: Final = "(uint256,bytes,bytes32[10],address,uint16,uint64,uint64,bytes32[32])"
_LEAF_PROOF: Final = "(uint32,address,uint16,uint64,uint64,bytes32[32])"
_ADVANCE: Final = f"({','.join(kind for kind, _ in ADVANCE_FIELDS)})"
_DEPOSIT: Final = ("uint16", "address", "uint256", "bytes")
_PERMIT: Final = ("uint256", "uint8", "bytes32", "bytes32")
_AUTHORIZATION: Final = "(address,uint256,uint256,bytes32,uint8,bytes32,bytes32)"


def call_data(name: str, types: tuple[str, ...], values: tuple[Any, ...]) -> bytes:
    """Return the calldata of a function."""
    selector = keccak(f"{name}({','.join(types)})".encode())[:4]
    return selector + encode(types, values)


def transaction(
    purpose: str,
    chain_id: int,
    sender: bytes | None,
    to: bytes,
    data: bytes,
    value_wei: int = 0,
) -> Any:
    """Return a transaction as wallets take it, without gas and nonce: those are the wallet's."""
    return {
        "purpose": purpose,
        "chainId": chain_id,
        "from": None if sender is None else address_text(sender),
        "to": address_text(to),
        "value": hex(value_wei),
        "data": "0x" + data.hex(),
    }


def approve_if_needed(
    chain_id: int, token: Address, owner: Address, spender: Address, amount: int, allowed: int
) -> list[Any]:
    """Return the transaction that lets a contract take `amount` base units; none if it may."""
    if amount <= allowed:
        return []
    data = call_data("approve", ("address", "uint256"), (address_text(spender), amount))
    return [transaction("approve", chain_id, owner, token, data)]


def deposit(
    asset_id: int, owner: bytes, amount: int, evidence: bytes, permit: PermitIn | None
) -> bytes:
    """Return the calldata of a deposit, with a permit if there is one."""
    values: tuple[Any, ...] = (asset_id, address_text(owner), amount, evidence)
    if permit is None:
        return call_data("deposit", _DEPOSIT, values)
    signature = _v_r_s(permit.signature)
    return call_data(
        "depositWithPermit", (*_DEPOSIT, *_PERMIT), (*values, permit.deadline, *signature)
    )


def deposit_by_authorization(
    asset_id: int,
    owner: bytes,
    amount: int,
    evidence: bytes,
    holder: bytes,
    authorization: AuthorizationIn,
) -> bytes:
    """Return the calldata of a deposit of `holder`'s tokens, which anyone may send."""
    signed = (
        address_text(holder),
        VALID_AFTER_S,
        authorization.valid_before,
        authorization.salt,
        *_v_r_s(authorization.signature),
    )
    return call_data(
        "depositWithAuthorization",
        (*_DEPOSIT, _AUTHORIZATION),
        (asset_id, address_text(owner), amount, evidence, signed),
    )


def _v_r_s(signature: bytes) -> tuple[int, bytes, bytes]:
    return signature[64], signature[:32], signature[32:64]


def permit_typed_data(
    facts: PermitFacts,
    chain_id: int,
    token: Address,
    depositor: bytes,
    rollup: Address,
    amount: int,
    deadline_ts_s: int,
) -> dict[str, Any]:
    """Return what the depositor signs in place of an approval (ERC-2612)."""
    fields = ("owner", "spender", "value", "nonce", "deadline")
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Permit": [
                {"name": name, "type": "address" if name in fields[:2] else "uint256"}
                for name in fields
            ],
        },
        "primaryType": "Permit",
        "domain": {
            "name": facts.name,
            "version": facts.version,
            "chainId": chain_id,
            "verifyingContract": address_text(token),
        },
        "message": {
            "owner": address_text(depositor),
            "spender": address_text(rollup),
            "value": str(amount),
            "nonce": str(facts.nonce),
            "deadline": str(deadline_ts_s),
        },
    }


def claim_withdrawal(batch_row: Any, proof: WithdrawalProof) -> bytes:
    """Return the calldata that pays a withdrawal; `batch_row` is the batch as L1 accepted it."""
    chunk = (proof.slot_number, proof.chunk, list(proof.chunk_path))
    shown = (*chunk, *_leaf(proof.leaf), list(proof.leaf_path))
    types = (_ACCEPTED_BATCH, _WITHDRAWAL_PROOF)
    return call_data("claimWithdrawal", types, (_accepted(batch_row), shown))


def request_exit(batch_row: Any, proof: AccountProof) -> bytes:
    """Return the calldata that asks for all money of an account, shown under a batch."""
    shown = (proof.account_id, *_leaf(proof.leaf), list(proof.leaf_path))
    types = (_ACCEPTED_BATCH, _LEAF_PROOF)
    return call_data("requestExit", types, (_accepted(batch_row), shown))


def advance(order: Advance, signature: bytes) -> bytes:
    """Return the calldata by which its sender pays a withdrawal now, and claims it later."""
    signed = (
        address_text(order.owner),
        order.nonce,
        address_text(order.asset),
        order.amount,
        order.fee,
        order.valid_until,
    )
    return call_data("advance", (_ADVANCE, "bytes"), (signed, signature))


def _accepted(batch_row: Any) -> tuple[Any, ...]:
    header = astuple(header_of(batch_row))
    return header, batch_row.accepted_ts_s, int.from_bytes(batch_row.signers)


def _leaf(leaf: Leaf) -> tuple[Any, ...]:
    return address_text(leaf.owner), leaf.asset_id, leaf.nonce, leaf.balance_minor
