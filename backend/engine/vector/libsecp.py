"""Signatures by libsecp256k1, many in one call. Law: exactly what protocol/signing.py's `recover`
says of each, on every host.

The loops are LLVM IR that calls the library coincurve brings, so they make no Python object for a
signature and hold no GIL: several threads may run them at once.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from coincurve._libsecp256k1 import ffi, lib
from numpy.typing import NDArray

from backend.engine.vector import lanes
from backend.engine.vector.keccak import hash_many
from backend.protocol.errors import check_invariant
from backend.protocol.signing import SIGNATURE_BYTES

Bytes = NDArray[np.uint8]
"""uint8[n, width]: n byte strings of one width."""

DIGEST_BYTES: Final = 32
KEY_BYTES: Final = 64
"""A public key: x and y, 32 bytes each, big-endian."""
ADDRESS_BYTES: Final = 20

# What `recover` says of a signature: fine, SignatureInvalid, SignatureHighS.
FINE: Final = 0
INVALID: Final = 1
HIGH_S: Final = 2


@dataclass(frozen=True, slots=True)
class Recovered:
    """Who signed, signature by signature."""

    keys: Bytes
    """uint8[n, 64]; zeros where there is none"""
    outcomes: Bytes
    """uint8[n]: FINE, INVALID or HIGH_S"""


def recover_many(digests: Bytes, signatures: Bytes) -> Recovered:
    """Return the key that made each signature (uint8[n, 65]) of its digest (uint8[n, 32])."""
    count = len(digests)
    keys = np.zeros((count, KEY_BYTES), np.uint8)
    outcomes = np.zeros(count, np.uint8)
    _library().recover_many(
        address(digests, count, DIGEST_BYTES),
        address(signatures, count, SIGNATURE_BYTES),
        keys.ctypes.data,
        outcomes.ctypes.data,
        count,
        _library().doors.ctypes.data,
    )
    return Recovered(keys, outcomes)


def verify_many(digests: Bytes, signatures: Bytes, keys: Bytes) -> NDArray[np.bool_]:
    """Return, as bool[n], whether `recover_many` finds each of `keys`.

    ECDSA's own verification is a little quicker, but it doesn't read v, and L1 does.
    """
    address(keys, len(digests), KEY_BYTES)
    recovered = recover_many(digests, signatures)
    is_same: NDArray[np.bool_] = (recovered.keys == keys).all(axis=1)
    is_same &= recovered.outcomes == FINE
    return is_same


def addresses_of(keys: Bytes) -> Bytes:
    """Return the address of each key, uint8[n, 20]."""
    return np.ascontiguousarray(hash_many(keys)[:, -ADDRESS_BYTES:])


def parse_keys(keys: Bytes) -> tuple[Bytes, NDArray[np.bool_]]:
    """Return the keys in the library's own form, uint8[n, 64], and which are points at all."""
    count = len(keys)
    parsed = np.zeros((count, KEY_BYTES), np.uint8)
    is_key = np.zeros(count, np.uint8)
    _library().parse_many(
        address(keys, count, KEY_BYTES),
        parsed.ctypes.data,
        is_key.ctypes.data,
        count,
        _library().doors.ctypes.data,
    )
    return parsed, is_key.astype(np.bool_)


def verify_unrecovered(digests: Bytes, signatures: Bytes, parsed: Bytes) -> NDArray[np.bool_]:
    """Return, as bool[n], what ECDSA's own verification says, with keys of `parse_keys`.

    It is no judge here, since it takes either v: it is what speed is measured against.
    """
    count = len(digests)
    is_fine = np.zeros(count, np.uint8)
    _library().verify_many(
        address(digests, count, DIGEST_BYTES),
        address(signatures, count, SIGNATURE_BYTES),
        address(parsed, count, KEY_BYTES),
        is_fine.ctypes.data,
        count,
        _library().doors.ctypes.data,
    )
    return is_fine.astype(np.bool_)


def address(strings: Bytes, count: int, width: int) -> int:
    """Return where `count` byte strings of one width begin. They must lie there in a row."""
    fits = strings.shape == (count, width) and strings.dtype == np.uint8
    check_invariant(
        fits and strings.flags.c_contiguous,
        "byte strings of another shape",
        expected=(count, width),
        actual=strings.shape,
    )
    return strings.ctypes.data


@dataclass(frozen=True, slots=True)
class _Library:
    """The compiled loops, and the doors of libsecp256k1 that they go through."""

    recover_many: lanes.Function
    parse_many: lanes.Function
    verify_many: lanes.Function
    doors: NDArray[np.uint64]


@cache
def _library() -> _Library:
    compiled = lanes.compile_module("libsecp", _LOOPS)
    return _Library(
        compiled.function("recover_many", 6),
        compiled.function("parse_many", 5),
        compiled.function("verify_many", 6),
        np.array([_number(lib.secp256k1_context_static), *map(_door, _DOORS)], np.uint64),
    )


def _door(name: str) -> int:
    return _number(ffi.addressof(lib, f"secp256k1_{name}"))


def _number(pointer: Any) -> int:
    return int(ffi.cast("uintptr_t", pointer))


# The loops find these by number, after the context, which is number 0.
_DOORS: Final = (
    "ecdsa_recoverable_signature_parse_compact",
    "ecdsa_recover",
    "ec_pubkey_serialize",
    "ec_pubkey_parse",
    "ecdsa_signature_parse_compact",
    "ecdsa_verify",
)

_HALF_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0

_LOOPS: Final = f"""
declare i256 @llvm.bswap.i256(i256)

define void @recover_many(ptr %digests, ptr %signatures, ptr %keys, ptr %outcomes,
                          i64 %count, ptr %doors) {{
entry:
  %parsed = alloca [65 x i8], align 8
  %point = alloca [64 x i8], align 8
  %bytes = alloca [65 x i8], align 8
  %size = alloca i64
  %context = load ptr, ptr %doors
  %at.parse = getelementptr ptr, ptr %doors, i64 1
  %parse = load ptr, ptr %at.parse
  %at.recover = getelementptr ptr, ptr %doors, i64 2
  %recover = load ptr, ptr %at.recover
  %at.serialize = getelementptr ptr, ptr %doors, i64 3
  %serialize = load ptr, ptr %at.serialize
  %at.xy = getelementptr i8, ptr %bytes, i64 1
  br label %head
head:
  %i = phi i64 [0, %entry], [%next, %tail]
  %is.more = icmp ult i64 %i, %count
  br i1 %is.more, label %look.at.v, label %end
look.at.v:
  %signature = getelementptr [65 x i8], ptr %signatures, i64 %i
  %at.v = getelementptr i8, ptr %signature, i64 64
  %v = load i8, ptr %at.v
  %recovery = sub i8 %v, 27
  %is.recovery = icmp ult i8 %recovery, 2
  br i1 %is.recovery, label %look.at.s, label %tail
look.at.s:
  %at.s = getelementptr i8, ptr %signature, i64 32
  %s.swapped = load i256, ptr %at.s, align 1
  %s = call i256 @llvm.bswap.i256(i256 %s.swapped)
  %is.high = icmp ugt i256 %s, {_HALF_ORDER}
  br i1 %is.high, label %tail, label %parse.it
parse.it:
  %number = zext i8 %recovery to i32
  %parses = call i32 %parse(ptr %context, ptr %parsed, ptr %signature, i32 %number)
  %is.parsed = icmp ne i32 %parses, 0
  br i1 %is.parsed, label %recover.it, label %tail
recover.it:
  %digest = getelementptr [32 x i8], ptr %digests, i64 %i
  %recovers = call i32 %recover(ptr %context, ptr %point, ptr %parsed, ptr %digest)
  %is.recovered = icmp ne i32 %recovers, 0
  br i1 %is.recovered, label %keep.it, label %tail
keep.it:
  store i64 65, ptr %size
  %written = call i32 %serialize(ptr %context, ptr %bytes, ptr %size, ptr %point, i32 2)
  %xy = load i512, ptr %at.xy, align 1
  %key = getelementptr [64 x i8], ptr %keys, i64 %i
  store i512 %xy, ptr %key, align 1
  br label %tail
tail:
  %outcome = phi i8 [{INVALID}, %look.at.v], [{HIGH_S}, %look.at.s], [{INVALID}, %parse.it],
                    [{INVALID}, %recover.it], [{FINE}, %keep.it]
  %at.outcome = getelementptr i8, ptr %outcomes, i64 %i
  store i8 %outcome, ptr %at.outcome
  %next = add i64 %i, 1
  br label %head
end:
  ret void
}}

define void @parse_many(ptr %keys, ptr %points, ptr %verdicts, i64 %count, ptr %doors) {{
entry:
  %bytes = alloca [65 x i8], align 8
  %context = load ptr, ptr %doors
  %at.parse = getelementptr ptr, ptr %doors, i64 4
  %parse = load ptr, ptr %at.parse
  %at.xy = getelementptr i8, ptr %bytes, i64 1
  store i8 4, ptr %bytes
  br label %head
head:
  %i = phi i64 [0, %entry], [%next, %body]
  %is.more = icmp ult i64 %i, %count
  br i1 %is.more, label %body, label %end
body:
  %key = getelementptr [64 x i8], ptr %keys, i64 %i
  %xy = load i512, ptr %key, align 1
  store i512 %xy, ptr %at.xy, align 1
  %point = getelementptr [64 x i8], ptr %points, i64 %i
  %parses = call i32 %parse(ptr %context, ptr %point, ptr %bytes, i64 65)
  %verdict = trunc i32 %parses to i8
  %at.verdict = getelementptr i8, ptr %verdicts, i64 %i
  store i8 %verdict, ptr %at.verdict
  %next = add i64 %i, 1
  br label %head
end:
  ret void
}}

define void @verify_many(ptr %digests, ptr %signatures, ptr %points, ptr %verdicts,
                         i64 %count, ptr %doors) {{
entry:
  %parsed = alloca [64 x i8], align 8
  %context = load ptr, ptr %doors
  %at.parse = getelementptr ptr, ptr %doors, i64 5
  %parse = load ptr, ptr %at.parse
  %at.verify = getelementptr ptr, ptr %doors, i64 6
  %verify = load ptr, ptr %at.verify
  br label %head
head:
  %i = phi i64 [0, %entry], [%next, %tail]
  %is.more = icmp ult i64 %i, %count
  br i1 %is.more, label %parse.it, label %end
parse.it:
  %signature = getelementptr [65 x i8], ptr %signatures, i64 %i
  %parses = call i32 %parse(ptr %context, ptr %parsed, ptr %signature)
  %is.parsed = icmp ne i32 %parses, 0
  br i1 %is.parsed, label %verify.it, label %tail
verify.it:
  %digest = getelementptr [32 x i8], ptr %digests, i64 %i
  %point = getelementptr [64 x i8], ptr %points, i64 %i
  %verifies = call i32 %verify(ptr %context, ptr %parsed, ptr %digest, ptr %point)
  br label %tail
tail:
  %answer = phi i32 [0, %parse.it], [%verifies, %verify.it]
  %verdict = trunc i32 %answer to i8
  %at.verdict = getelementptr i8, ptr %verdicts, i64 %i
  store i8 %verdict, ptr %at.verdict
  %next = add i64 %i, 1
  br label %head
end:
  ret void
}}
"""
