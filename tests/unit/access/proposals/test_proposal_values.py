"""Values of proposals: what clients send, and how decoded arguments are shown.

- signers: an address, a verifier and its key; others are refused
- bytes: whole, even, not too many
- arguments of calls as JSON
"""

import pytest

from backend.access.proposals.schemas import bytes_of
from backend.access.proposals.views import plain
from backend.protocol.errors import MalformedRequest
from backend.protocol.hashing import keccak
from backend.protocol.proposals import Approval, in_order, signer_of_text, signer_text
from backend.protocol.types import address_text
from tests.unit.engine.committee import key

SIGNER = key("signer").address


def test_signer__address_or_passkey__succeeds():
    passkey = b"\x01" * 84

    assert signer_of_text(signer_text(SIGNER)) == SIGNER
    assert signer_text(SIGNER) == address_text(SIGNER)
    assert signer_of_text(signer_text(passkey)) == passkey


@pytest.mark.parametrize("text", ["", "0x", "0x12", "12" * 20, "0x" + "zz" * 30, "0x" + "1" * 41])
def test_signer__no_signer__rejects(text):
    with pytest.raises(MalformedRequest, match="signer"):
        signer_of_text(text)


def test_in_order__any__ascends_by_hash_holds():
    approvals = [Approval(key(f"signer-{number}").address, b"") for number in range(9)]

    hashes = [keccak(approval.signer) for approval in in_order(approvals)]

    assert hashes == sorted(hashes)


@pytest.mark.parametrize("value", ["", "12", "0x1", "0xzz", "0x12 34", 12, None, "0x" + "00" * 9])
def test_bytes_of__none__rejects(value):
    with pytest.raises(MalformedRequest, match="data"):
        bytes_of(value, "data", 8)


def test_plain__decoded_arguments__are_json_succeeds():
    values = {"to": SIGNER, "root": b"\x01" * 32, "amount": 2**200, "is_on": True, "name": "x"}

    shown = plain(values | {"tiers": [{"amount": 1}]})

    assert shown == {
        "to": address_text(SIGNER),
        "root": "0x" + "01" * 32,
        "amount": str(2**200),
        "is_on": True,
        "name": "x",
        "tiers": [{"amount": "1"}],
    }
