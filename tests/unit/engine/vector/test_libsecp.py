"""Batches by libsecp256k1, held equal to protocol/signing.py signature by signature.

- recover: every kind of honest and hostile signature, drawn bytes → the same key or refusal
- verify: the key that was recovered, and no other
- keys: points alone are parsed
- ECDSA's own verification takes either v, and is right otherwise
- rows of another shape → rejects; no rows → nothing; two threads at once → the same
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.engine.vector import libsecp
from backend.protocol import signing
from backend.protocol.errors import InvariantViolated, SignatureHighS, SignatureInvalid
from backend.protocol.hashing import Digest
from tests.unit.engine.vector.signatures import Forge, in_rows, public_key, sign

CASES = in_rows(Forge(1).cases(1_500))
_OUTCOMES = {SignatureInvalid: libsecp.INVALID, SignatureHighS: libsecp.HIGH_S}


def _by_signing(digest: bytes, signature: bytes) -> tuple[int, bytes]:
    """Return the outcome and the address, as the readable twin has them."""
    try:
        return libsecp.FINE, signing.recover(Digest(digest), signature)
    except (SignatureInvalid, SignatureHighS) as refusal:
        return _OUTCOMES[type(refusal)], b""


def _by_batch(digests: np.ndarray, signatures: np.ndarray) -> list[tuple[int, bytes]]:
    recovered = libsecp.recover_many(digests, signatures)
    addresses = libsecp.addresses_of(recovered.keys)
    return [
        (outcome, address.tobytes() if outcome == libsecp.FINE else b"")
        for outcome, address in zip(recovered.outcomes.tolist(), addresses, strict=True)
    ]


def test_recover__every_kind_of_signature__as_signing_does_holds():
    expected = [
        _by_signing(digest.tobytes(), signature.tobytes())
        for digest, signature in zip(CASES.digests, CASES.signatures, strict=True)
    ]

    assert _by_batch(CASES.digests, CASES.signatures) == expected
    assert {outcome for outcome, _ in expected} == {0, 1, 2}


@settings(max_examples=300)
@given(
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=64, max_size=64),
    st.sampled_from([27, 28]) | st.integers(0, 255),
)
def test_recover__drawn_bytes__as_signing_does_holds(digest, r_and_s, v):
    signature = r_and_s + bytes([v])
    digests = np.frombuffer(digest, np.uint8).reshape(1, 32)
    signatures = np.frombuffer(signature, np.uint8).reshape(1, 65)

    assert _by_batch(digests, signatures) == [_by_signing(digest, signature)]


def test_recover__no_key__leaves_zeros_holds():
    recovered = libsecp.recover_many(CASES.digests, CASES.signatures)

    assert not recovered.keys[recovered.outcomes != libsecp.FINE].any()


def test_verify__every_kind_of_signature__as_signing_does_holds():
    expected = [
        _by_signing(digest.tobytes(), signature.tobytes()) == (libsecp.FINE, address.tobytes())
        for digest, signature, address in zip(
            CASES.digests, CASES.signatures, libsecp.addresses_of(CASES.keys), strict=True
        )
    ]

    assert libsecp.verify_many(CASES.digests, CASES.signatures, CASES.keys).tolist() == expected
    assert 0 < sum(expected) < len(expected)


def test_verify__key_of_zeros_where_none_is_found__rejects():
    digests, signatures = np.zeros((1, 32), np.uint8), np.zeros((1, 65), np.uint8)

    assert not libsecp.verify_many(digests, signatures, np.zeros((1, 64), np.uint8)).any()


def test_parse_keys__points_and_others__tells_them_apart_holds():
    keys = np.frombuffer(public_key(5) + bytes(64) + public_key(6), np.uint8).reshape(3, 64).copy()
    keys[2, 63] ^= 1

    _, is_key = libsecp.parse_keys(keys)

    assert is_key.tolist() == [True, False, False]


@pytest.mark.parametrize(("byte", "expected"), [(None, True), (64, True), (0, False), (40, False)])
def test_verify_unrecovered__each_part_changed__all_but_v_count_holds(byte, expected):
    digest = bytes(range(32))
    signature = bytearray(sign(5, digest))
    if byte is not None:
        signature[byte] ^= 7
    parsed, _ = libsecp.parse_keys(np.frombuffer(public_key(5), np.uint8).reshape(1, 64))

    found = libsecp.verify_unrecovered(
        np.frombuffer(digest, np.uint8).reshape(1, 32),
        np.frombuffer(bytes(signature), np.uint8).reshape(1, 65),
        parsed,
    )

    assert found.tolist() == [expected]


@pytest.mark.parametrize(
    "signatures",
    [
        np.zeros((2, 65), np.uint8),
        np.zeros((1, 64), np.uint8),
        np.zeros((1, 65), np.int8),
        np.zeros((1, 130), np.uint8)[:, ::2],
    ],
)
def test_recover__rows_of_another_shape__rejects(signatures):
    with pytest.raises(InvariantViolated, match="another shape"):
        libsecp.recover_many(np.zeros((1, 32), np.uint8), signatures)


def test_recover__no_rows__holds():
    recovered = libsecp.recover_many(np.zeros((0, 32), np.uint8), np.zeros((0, 65), np.uint8))

    assert recovered.keys.shape == (0, 64)
    assert libsecp.addresses_of(recovered.keys).shape == (0, 20)


def test_recover__two_threads__give_the_same_holds():
    alone = libsecp.recover_many(CASES.digests, CASES.signatures)

    with ThreadPoolExecutor(2) as threads:
        shared = [
            threads.submit(libsecp.recover_many, CASES.digests, CASES.signatures) for _ in range(4)
        ]

    assert all((one.result().keys == alone.keys).all() for one in shared)
