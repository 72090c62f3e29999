"""Checks of customers, and the attestations that come out. Law: docs/PROTOCOL.md, section 10.

A provider checks a person off the chain; the attestor's key then signs an address, a level and an
expiry, and nothing else about the person leaves this process. `SandboxProvider` stands in for a
real provider. As in the sandboxes of real ones, the family name chooses the outcome:

- `Reject…`: rejected at once;
- `Consider…`: stays pending, until a signed message (a webhook) brings the decision;
- any other name, or none: approved at once.

Its messages have the shape of Sumsub's: `X-Payload-Digest` is the HMAC of the raw body.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from eth_abi.abi import encode

from backend.protocol.eip712 import Domain, type_hash
from backend.protocol.errors import MalformedRequest, SignatureInvalid
from backend.protocol.hashing import Digest, keccak
from backend.protocol.types import Address, address_text

_TYPE_HASH: Final = type_hash(
    "Attestation",
    (("address", "person"), ("uint8", "level"), ("uint64", "expiry"), ("uint64", "issued")),
)

Decision = Literal["pending", "approved", "rejected"]


@dataclass(frozen=True, slots=True)
class Attestation:
    """The person is known to `level` until `expiry`; times are seconds of L1 time."""

    person: Address
    level: int
    expiry: int
    issued: int

    def digest(self, domain: Domain) -> Digest:
        """Return what is signed, in the domain of the registry (`kyc_domain`)."""
        numbers = (self.level, self.expiry, self.issued)
        return domain.digest(
            keccak(
                _TYPE_HASH
                + self.person.rjust(32, b"\0")
                + b"".join(number.to_bytes(32) for number in numbers)
            )
        )


class Signer(Protocol):
    """A key that signs digests: 65 bytes, low s."""

    @property
    def address(self) -> Address: ...

    def sign_digest(self, digest: Digest) -> bytes: ...


class Attestor:
    """Signs attestations in the registry's domain."""

    def __init__(self, domain: Domain, signer: Signer) -> None:
        self._domain = domain
        self._signer = signer

    @property
    def address(self) -> Address:
        """Who signs: the registry must have appointed it."""
        return self._signer.address

    def attest(self, person: bytes, level: int, expiry_ts_s: int, issued_ts_s: int) -> bytes:
        """Return the signature of an attestation. A repeat returns the same one."""
        attestation = Attestation(Address(person), level, expiry_ts_s, issued_ts_s)
        return self._signer.sign_digest(attestation.digest(self._domain))

    def evidence(
        self, person: bytes, level: int, expiry_ts_s: int, issued_ts_s: int, signature: bytes
    ) -> bytes:
        """Return what a deposit shows the gate: abi.encode(Attestation, signature)."""
        return encode(
            ["(address,uint8,uint64,uint64)", "bytes"],
            [(address_text(person), level, expiry_ts_s, issued_ts_s), signature],
        )


@dataclass(frozen=True, slots=True)
class ProviderResult:
    """What the provider says of an applicant now."""

    decision: Decision
    reasons: tuple[str, ...] = ()


class SandboxProvider:
    """Decides by the family name, or by a signed message. Remembers while the process lives.

    Law, for each provider: a message never decides by itself; `fetch` does.
    """

    name: Final = "sandbox"
    _ALGORITHMS: Final[Mapping[str, Any]] = {
        "HMAC_SHA256_HEX": hashlib.sha256,
        "HMAC_SHA512_HEX": hashlib.sha512,
    }

    def __init__(self, webhook_secret: str) -> None:
        if not webhook_secret:
            raise ValueError("the sandbox needs a secret for its messages")
        self._secret = webhook_secret.encode()
        self._results: dict[str, ProviderResult] = {}

    def start(self, applicant_id: str, external_id: str, person: Mapping[str, str]) -> str:
        """Begin a check; return the provider's own id. A repeat of `applicant_id` changes nothing.

        `person` (given_name, family_name, country) goes to the provider and is not kept.
        """
        reference = hashlib.sha256(f"sandbox/{applicant_id}".encode()).hexdigest()[:24]
        family_name = person.get("family_name", "").lower()
        if family_name.startswith("reject"):
            result = ProviderResult("rejected", ("SANDBOX_REJECTED",))
        elif family_name.startswith("consider"):
            result = ProviderResult("pending")
        else:
            result = ProviderResult("approved")
        self._results.setdefault(reference, result)
        return reference

    def read_message(self, raw: bytes, headers: Mapping[str, str]) -> str:
        """Return the provider's id of the applicant that a message is about. Changes nothing.

        `headers` have lower-case names. Raises SignatureInvalid or MalformedRequest.
        """
        self._check_signature(raw, headers)
        reference, _ = _message(raw)
        return reference

    def take_message(self, raw: bytes) -> None:
        """Take a message in that `read_message` has read. An old one, sent again, must not come
        here: nothing in it says when it was written.
        """
        reference, result = _message(raw)
        if result is not None:
            self._results[reference] = result

    def _check_signature(self, raw: bytes, headers: Mapping[str, str]) -> None:
        algorithm = self._ALGORITHMS.get(headers.get("x-payload-digest-alg", "HMAC_SHA256_HEX"))
        if algorithm is None:
            raise SignatureInvalid("its algorithm is not allowed")
        expected = hmac.new(self._secret, raw, algorithm).hexdigest()
        shown = headers.get("x-payload-digest", "")
        if not hmac.compare_digest(expected.encode(), shown.lower().encode()):
            raise SignatureInvalid("the message is not from the provider")

    def fetch(self, reference: str) -> ProviderResult | None:
        """Ask how a check stands; None if the provider knows nothing of it (any more)."""
        return self._results.get(reference)


def _message(raw: bytes) -> tuple[str, ProviderResult | None]:
    """Return whom a message is about, and the result it brings, if any."""
    try:
        message = json.loads(raw)
        reference = message["applicantId"]
        kind = message["type"]
    except (ValueError, KeyError, TypeError) as error:
        raise MalformedRequest("body", "it is no message of an applicant") from error
    if not isinstance(reference, str):
        raise MalformedRequest("applicantId", "it is no text")
    is_review = kind == "applicantReviewed"
    return reference, _reviewed(message.get("reviewResult")) if is_review else None


def _reviewed(result: Any) -> ProviderResult:
    if not isinstance(result, dict) or result.get("reviewAnswer") not in ("GREEN", "RED"):
        raise MalformedRequest("reviewResult.reviewAnswer", "it is neither GREEN nor RED")
    if result["reviewAnswer"] == "GREEN":
        return ProviderResult("approved")
    labels = result.get("rejectLabels")
    reasons = tuple(label for label in labels or () if isinstance(label, str) and label.isupper())
    # RETRY asks the person for something better; only FINAL ends the check.
    is_final = result.get("reviewRejectType") != "RETRY"
    return ProviderResult("rejected" if is_final else "pending", reasons)
