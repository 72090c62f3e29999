"""Bytes and hashes: the conventions at the head of the page, and the fee byte of section 2."""

import hashlib

from eth_utils import keccak as _keccak

ZERO_HASH = bytes(32)
ZERO_ADDRESS = bytes(20)


class Invalid(Exception):
    """Some bytes break a rule of the protocol; the text says which."""


def require(claim: bool, rule: str) -> None:
    if not claim:
        raise Invalid(rule)


def keccak(*parts: bytes) -> bytes:
    return _keccak(b"".join(parts))


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def u(value: int, size_bytes: int) -> bytes:
    """An unsigned big-endian integer; Invalid if it needs more bytes."""
    require(0 <= value < 1 << 8 * size_bytes, f"{value} is no u{8 * size_bytes}")
    return value.to_bytes(size_bytes, "big")


class Reader:
    """Takes fields off the front of some bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, size_bytes: int) -> bytes:
        end = self.position + size_bytes
        require(end <= len(self.data), "the bytes end too early")
        part = self.data[self.position : end]
        self.position = end
        return part

    def number(self, size_bytes: int) -> int:
        return int.from_bytes(self.take(size_bytes), "big")

    def rest(self) -> bytes:
        return self.take(len(self.data) - self.position)

    def finish(self) -> None:
        require(self.position == len(self.data), "there are bytes after the end")


def fee_of_byte(fee_byte: int) -> int:
    """Minor units."""
    return (fee_byte >> 3) * 10 ** (fee_byte & 7)


def byte_of_fee(fee_minor: int) -> int:
    """The byte with the smallest exponent; Invalid if no byte has exactly this value."""
    for exponent in range(8):
        mantissa, remainder = divmod(fee_minor, 10**exponent)
        if remainder == 0 and mantissa < 32:
            return mantissa << 3 | exponent
    raise Invalid(f"no fee byte is worth {fee_minor}")
