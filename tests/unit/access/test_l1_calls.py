"""Calldata of deposits and claims: what the contract's own interface says."""

import pytest
from eth_abi.abi import decode
from eth_account import Account
from eth_account.messages import encode_typed_data

from backend.access import l1_calls
from backend.access.schemas import PermitIn
from backend.protocol.types import Address, Leaf, address_text
from backend.settlement.artifacts import artifact
from tests.unit.access.scenes import PAYER, Proof, header
from tests.unit.access.world import Permit

ROLLUP = Address(b"\x0a" * 20)
TOKEN = Address(b"\x0b" * 20)


@pytest.fixture(scope="module")
def rollup_abi():
    return artifact("Rollup").abi


def arguments_of(abi, data):
    call = abi.decode_call(data)
    return call.name, list(call.values.values())


def test_deposit__both_forms__are_the_contracts_holds(rollup_abi):
    permit = PermitIn.model_validate(
        {"deadline": "77", "signature": "0x" + "11" * 32 + "22" * 32 + "1b"}
    )

    plain = arguments_of(rollup_abi, l1_calls.deposit(3, PAYER.address, 500, b"ev", None))
    permitted = arguments_of(rollup_abi, l1_calls.deposit(3, PAYER.address, 500, b"ev", permit))

    assert plain == ("deposit", [3, PAYER.address, 500, b"ev"])
    assert permitted[0] == "depositWithPermit"
    assert permitted[1][4:] == [77, 27, b"\x11" * 32, b"\x22" * 32]


def test_claim_withdrawal__any__is_the_contracts_holds(rollup_abi):
    made = header(5, 9)

    class Row:
        number, epoch, parent_hash, pre_root = 5, 1, made.parent_hash, made.pre_root
        post_root, chunks_root, chunk_count = made.post_root, made.chunks_root, 2
        data_hash, deposit_cursor, pin_number = made.data_hash, 4, 1
        pin_hash, last_block_number, last_block_hash = made.l1_block_hash, 9, made.last_block_hash
        timestamp, accepted_ts_s, signers = 1, 1_000, (7).to_bytes(32)

    leaf = Leaf(PAYER.address, 1, 8, 5)  # type: ignore[arg-type]

    name, values = arguments_of(rollup_abi, l1_calls.claim_withdrawal(Row, Proof(5, 70, leaf=leaf)))

    assert name == "claimWithdrawal"
    batch, proof = (list(value.values()) for value in values)
    assert list(batch[0].values())[0] == 5
    assert batch[1:] == [1_000, 7]
    assert proof[0] == 70
    assert proof[3:7] == [PAYER.address, 1, 8, 5]


def test_approve_if_needed__too_little_allowed__is_erc_20_holds():
    (call,) = l1_calls.approve_if_needed(31337, TOKEN, PAYER.address, ROLLUP, 500, 499)

    data = bytes.fromhex(call["data"][2:])
    assert (call["to"], call["from"]) == (address_text(TOKEN), address_text(PAYER.address))
    assert data[:4].hex() == "095ea7b3"
    assert decode(["address", "uint256"], data[4:]) == ("0x" + ROLLUP.hex(), 500)


def test_approve_if_needed__enough_allowed__changes_nothing():
    assert l1_calls.approve_if_needed(31337, TOKEN, PAYER.address, ROLLUP, 500, 500) == []


def test_permit_typed_data__signed__recovers_the_owner_holds():
    typed = l1_calls.permit_typed_data(
        Permit("USD Coin", "2", 3), 31337, ROLLUP, PAYER.address, ROLLUP, 500, 77
    )
    account = Account.create()

    signed = Account.sign_typed_data(account.key, full_message=typed)

    message = encode_typed_data(full_message=typed)
    assert Account.recover_message(message, signature=signed.signature) == account.address
    assert typed["message"]["nonce"] == "3"
