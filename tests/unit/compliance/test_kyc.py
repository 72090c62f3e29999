"""Customer checks: attestations as wallets and the registry read them, and the sandbox.

- an attestation: equal to an independent wallet library's; its evidence
- the sandbox: decides by name, by message; messages forged, malformed, in Sumsub's words
"""

import hashlib
import hmac
import json

import pytest
from eth_abi.abi import decode
from eth_account.messages import encode_typed_data
from eth_utils import keccak as eth_keccak

from backend.compliance.kyc import Attestation, Attestor, ProviderResult, SandboxProvider
from backend.protocol.eip712 import kyc_domain
from backend.protocol.errors import MalformedRequest, SignatureInvalid
from backend.protocol.hashing import keccak
from backend.protocol.signing import PrivateKey, recover
from backend.protocol.types import Address, address_text

REGISTRY = Address(b"\x0d" * 20)
DOMAIN = kyc_domain(31337, REGISTRY)
PERSON = Address(b"\x0e" * 20)
SECRET = "secret"

# The shapes of Sumsub's messages, with test data of its public documentation.
CREATED = {"type": "applicantCreated", "reviewStatus": "init", "levelName": "basic-kyc-level"}
GREEN = {"type": "applicantReviewed", "reviewResult": {"reviewAnswer": "GREEN"}}
RETRY = {
    "type": "applicantReviewed",
    "reviewResult": {
        "reviewAnswer": "RED",
        "rejectLabels": ["DOCUMENT_PAGE_MISSING"],
        "reviewRejectType": "RETRY",
    },
}
FINAL = {
    "type": "applicantReviewed",
    "reviewResult": {"reviewAnswer": "RED", "rejectLabels": ["FORGERY", 5, "x<y>"]},
}


def test_digest__wallet_library__is_equal_holds():
    fields = (("person", "address"), ("level", "uint8"), ("expiry", "uint64"), ("issued", "uint64"))
    typed = {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Attestation": [{"name": name, "type": kind} for name, kind in fields],
        },
        "primaryType": "Attestation",
        "domain": {
            "name": "Causeway KYC",
            "version": "1",
            "chainId": 31337,
            "verifyingContract": address_text(REGISTRY),
        },
        "message": {"person": address_text(PERSON), "level": 2, "expiry": 900, "issued": 500},
    }
    message = encode_typed_data(full_message=typed)

    expected = eth_keccak(b"\x19" + message.version + message.header + message.body)

    assert Attestation(PERSON, 2, 900, 500).digest(DOMAIN) == expected


def test_attestor__signature_and_evidence__are_what_the_gate_reads_holds():
    signer = PrivateKey(keccak(b"attestor"))
    attestor = Attestor(DOMAIN, signer)

    signature = attestor.attest(PERSON, 2, 900, 500)
    evidence = attestor.evidence(PERSON, 2, 900, 500, signature)

    assert recover(Attestation(PERSON, 2, 900, 500).digest(DOMAIN), signature) == signer.address
    assert attestor.address == signer.address
    attestation, shown = decode(["(address,uint8,uint64,uint64)", "bytes"], evidence)
    assert attestation == (address_text(PERSON).lower(), 2, 900, 500)
    assert shown == signature


@pytest.fixture
def provider():
    return SandboxProvider(SECRET)


@pytest.mark.parametrize(
    ("family_name", "decision"),
    [("", "approved"), ("Lovelace", "approved"), ("REJECTED", "rejected"), ("consider", "pending")],
)
def test_start__family_name__decides_holds(provider, family_name, decision):
    reference = provider.start("app_1", "c1", {"family_name": family_name})

    assert provider.fetch(reference).decision == decision
    assert provider.start("app_1", "c1", {"family_name": "other"}) == reference
    assert provider.fetch(reference).decision == decision
    assert provider.fetch("nobody") is None


def told(provider, message, secret=SECRET, algorithm="HMAC_SHA256_HEX", **headers):
    raw = json.dumps(message).encode() if isinstance(message, dict) else message
    function = {"HMAC_SHA512_HEX": hashlib.sha512}.get(algorithm, hashlib.sha256)
    digest = hmac.new(secret.encode(), raw, function).hexdigest()
    shown = {"x-payload-digest": digest, "x-payload-digest-alg": algorithm} | headers
    reference = provider.read_message(raw, shown)
    provider.take_message(raw)
    return reference


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (CREATED, ProviderResult("pending")),
        (GREEN, ProviderResult("approved")),
        (RETRY, ProviderResult("pending", ("DOCUMENT_PAGE_MISSING",))),
        (FINAL, ProviderResult("rejected", ("FORGERY",))),
    ],
)
@pytest.mark.parametrize("algorithm", ["HMAC_SHA256_HEX", "HMAC_SHA512_HEX"])
def test_read_message__each_kind__decides_holds(provider, message, expected, algorithm):
    reference = provider.start("app_1", "c1", {"family_name": "Consider"})

    assert told(provider, message | {"applicantId": reference}, algorithm=algorithm) == reference
    assert provider.fetch(reference) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        {"secret": "other"},
        {"algorithm": "HMAC_SHA1_HEX"},
        {"algorithm": "none"},
        {"x-payload-digest": ""},
        {"x-payload-digest": "ü"},
    ],
)
def test_read_message__forged__rejects(provider, arguments):
    with pytest.raises(SignatureInvalid):
        told(provider, GREEN | {"applicantId": "r"}, **arguments)
    assert provider.fetch("r") is None


@pytest.mark.parametrize(
    "message",
    [
        b"{",
        b"[]",
        {"type": "applicantReviewed"},
        {"applicantId": 5, "type": "x"},
        {"applicantId": "r", "type": "applicantReviewed"},
        {"applicantId": "r", "type": "applicantReviewed", "reviewResult": {"reviewAnswer": "BLUE"}},
    ],
)
def test_read_message__malformed__rejects(provider, message):
    with pytest.raises(MalformedRequest):
        told(provider, message)


def test_sandbox__no_secret__rejects():
    with pytest.raises(ValueError, match="secret"):
        SandboxProvider("")
