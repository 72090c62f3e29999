"""Calls, answers, events and errors of contracts as bytes, from their ABIs. Pure.

Addresses and byte strings are `bytes` on our side; eth_abi's text addresses stay in here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import collapse_if_tuple

from backend.protocol.hashing import keccak

Entry: TypeAlias = Mapping[str, Any]

# The errors that Solidity itself raises belong to no contract's ABI.
_BUILT_IN_ERRORS: tuple[Entry, ...] = (
    {"type": "error", "name": "Error", "inputs": [{"name": "reason", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)


@dataclass(eq=False)
class ContractError(Exception):
    """A custom error with which a contract refused; `values` are named as in Solidity."""

    name: str
    values: Mapping[str, Any]

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={_readable(value)}" for name, value in self.values.items())
        return f"{self.name}({shown})"


@dataclass(frozen=True, slots=True)
class Decoded:
    """An event or a call: its name and its values by name; structs are mappings too."""

    name: str
    values: Mapping[str, Any]


class ContractAbi:
    """One contract's ABI, or several joined (for errors that another contract passes on)."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)

    def joined(self, *others: "ContractAbi") -> "ContractAbi":
        """Return an ABI that also knows what `others` know; the first of a name counts."""
        return ContractAbi([*self.entries, *(e for other in others for e in other.entries)])

    def constructor_data(self, *arguments: Any) -> bytes:
        """Return the encoded constructor arguments, to be put after the bytecode."""
        constructors = [e for e in self.entries if e["type"] == "constructor"]
        return _encode(constructors[0]["inputs"] if constructors else [], arguments)

    def call_data(self, function: str, *arguments: Any) -> bytes:
        """Return selector and arguments of a call; structs are tuples in ABI order."""
        entry = self._functions[function]
        return _selector(entry) + _encode(entry["inputs"], arguments)

    def selector(self, function: str) -> bytes:
        """Return the first four bytes of each call of a function."""
        return _selector(self._functions[function])

    def output(self, function: str, data: bytes) -> Any:
        """Return what a call answered: one value, a tuple of several, or None."""
        outputs = self._functions[function].get("outputs", [])
        values = _decode(outputs, data)
        return values[0] if len(values) == 1 else tuple(values) or None

    def function_of(self, data: bytes) -> str | None:
        """Return the name of the function that `data` calls, whatever its arguments."""
        entry = self._functions_by_selector.get(bytes(data[:4]))
        return None if entry is None else str(entry["name"])

    def decode_call(self, data: bytes) -> Decoded | None:
        """Return which function `data` calls, with its arguments; None if it calls none."""
        entry = self._functions_by_selector.get(bytes(data[:4]))
        if entry is None:
            return None
        try:
            return Decoded(entry["name"], _named(entry["inputs"], data[4:]))
        except DecodingError:
            return None

    def topic(self, event: str) -> bytes:
        """Return the first topic of an event's logs."""
        return keccak(_signature(self._events[event]).encode())

    def decode_log(self, topics: Sequence[bytes], data: bytes) -> Decoded | None:
        """Return the event of a log; None if this ABI hasn't got it."""
        entry = self._events_by_topic.get(bytes(topics[0])) if topics else None
        if entry is None:
            return None
        indexed = [item for item in entry["inputs"] if item["indexed"]]
        others = [item for item in entry["inputs"] if not item["indexed"]]
        # Only value types are indexed in our contracts, so a topic is the encoded value.
        values = {**_named(indexed, b"".join(topics[1:])), **_named(others, data)}
        in_order = {item["name"]: values[item["name"]] for item in entry["inputs"]}
        return Decoded(entry["name"], in_order)

    def decode_error(self, data: bytes) -> ContractError | None:
        """Return the custom error that `data` of a revert stands for; None if unknown."""
        entry = self._errors_by_selector.get(bytes(data[:4]))
        if entry is None:
            return None
        try:
            return ContractError(entry["name"], _named(entry["inputs"], data[4:]))
        except DecodingError:
            return None

    @cached_property
    def _functions(self) -> dict[str, Entry]:
        return {e["name"]: e for e in reversed(self.entries) if e["type"] == "function"}

    @cached_property
    def _functions_by_selector(self) -> dict[bytes, Entry]:
        return {_selector(e): e for e in self.entries if e["type"] == "function"}

    @cached_property
    def _events(self) -> dict[str, Entry]:
        return {e["name"]: e for e in reversed(self.entries) if e["type"] == "event"}

    @cached_property
    def _events_by_topic(self) -> dict[bytes, Entry]:
        return {keccak(_signature(e).encode()): e for e in self.entries if e["type"] == "event"}

    @cached_property
    def _errors_by_selector(self) -> dict[bytes, Entry]:
        errors = [e for e in self.entries if e["type"] == "error"]
        return {_selector(e): e for e in [*_BUILT_IN_ERRORS, *errors]}


def _signature(entry: Entry) -> str:
    return f"{entry['name']}({','.join(map(collapse_if_tuple, entry['inputs']))})"


def _selector(entry: Entry) -> bytes:
    return keccak(_signature(entry).encode())[:4]


def _encode(inputs: Sequence[Any], arguments: Sequence[Any]) -> bytes:
    return encode([collapse_if_tuple(item) for item in inputs], list(arguments))


def _decode(outputs: Sequence[Any], data: bytes) -> list[Any]:
    values = decode([collapse_if_tuple(item) for item in outputs], data)
    return [_ours(item, value) for item, value in zip(outputs, values, strict=True)]


def _named(inputs: Sequence[Any], data: bytes) -> dict[str, Any]:
    values = _decode(inputs, data)
    names = [item["name"] or f"value{index}" for index, item in enumerate(inputs)]
    return dict(zip(names, values, strict=True))


def _ours(item: Entry, value: Any) -> Any:
    """Return `value` with addresses as bytes and structs as mappings."""
    kind = str(item["type"])
    if kind.endswith("]"):
        inner = {**item, "type": kind[: kind.rindex("[")]}
        return [_ours(inner, each) for each in value]
    if kind == "tuple":
        parts = zip(item["components"], value, strict=True)
        return {part["name"]: _ours(part, each) for part, each in parts}
    if kind == "address":
        return bytes.fromhex(value[2:])
    return value


def _readable(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else repr(value)
