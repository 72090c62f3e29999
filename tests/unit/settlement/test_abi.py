"""Calls, events and errors as bytes.

- a call: encoded and read again, structs by name; bytes that are no call
- an event: indexed and other values in the order of Solidity
- errors: custom, of Solidity itself, unknown, cut short
- several ABIs joined
"""

import pytest
from eth_abi import encode

from backend.protocol.hashing import keccak
from backend.settlement.abi import ContractAbi

POINT = {
    "name": "point",
    "type": "tuple",
    "components": [{"name": "owner", "type": "address"}, {"name": "values", "type": "uint64[2]"}],
}
ABI = ContractAbi(
    [
        {"type": "constructor", "inputs": [{"name": "count", "type": "uint256"}]},
        {
            "type": "function",
            "name": "move",
            "inputs": [POINT, {"name": "data", "type": "bytes"}],
            "outputs": [{"name": "", "type": "address[]"}],
        },
        {"type": "function", "name": "stop", "inputs": [], "outputs": []},
        {
            "type": "event",
            "name": "Moved",
            "inputs": [
                {"name": "from", "type": "uint64", "indexed": False},
                {"name": "owner", "type": "address", "indexed": True},
                {"name": "to", "type": "uint64", "indexed": False},
            ],
        },
        {
            "type": "error",
            "name": "TooFar",
            "inputs": [{"name": "limit", "type": "uint256"}, {"name": "who", "type": "address"}],
        },
    ]
)
OWNER = bytes(range(20))


def test_call_data__struct__succeeds():
    data = ABI.call_data("move", (OWNER, [1, 2]), b"xyz")

    assert data[:4] == keccak(b"move((address,uint64[2]),bytes)")[:4]
    call = ABI.decode_call(data)
    assert call.name == "move"
    assert call.values == {"point": {"owner": OWNER, "values": [1, 2]}, "data": b"xyz"}


@pytest.mark.parametrize(
    "data", [b"", b"\1\2\3\4", ABI.call_data("move", (OWNER, [1, 2]), b"")[:9]]
)
def test_decode_call__no_call__rejects(data):
    assert ABI.decode_call(data) is None


def test_function_of__any_arguments__succeeds():
    data = ABI.call_data("move", (OWNER, [1, 2]), b"xyz")

    assert ABI.function_of(data) == "move"
    assert ABI.function_of(data[:4] + b"\xff") == "move"
    assert ABI.function_of(b"\1\2\3\4") is None


def test_output__kinds__succeeds():
    assert ABI.output("move", encode(["address[]"], [[OWNER]])) == [OWNER]
    assert ABI.output("stop", b"") is None


def test_constructor_data__with_and_without__succeeds():
    assert ABI.constructor_data(7) == (7).to_bytes(32)
    assert ContractAbi([]).constructor_data() == b""


def test_decode_log__indexed__succeeds():
    topics = [ABI.topic("Moved"), OWNER.rjust(32, b"\0")]

    event = ABI.decode_log(topics, encode(["uint64", "uint64"], [3, 4]))

    assert event.name == "Moved"
    assert list(event.values.items()) == [("from", 3), ("owner", OWNER), ("to", 4)]
    assert ABI.decode_log([bytes(32)], b"") is None
    assert ABI.decode_log([], b"") is None


@pytest.mark.parametrize(
    ("text", "types", "values", "shown"),
    [
        ("TooFar(uint256,address)", ["uint256", "address"], [9, OWNER], None),
        ("Error(string)", ["string"], ["no"], "Error(reason='no')"),
        ("Panic(uint256)", ["uint256"], [17], "Panic(code=17)"),
    ],
)
def test_decode_error__known__succeeds(text, types, values, shown):
    data = keccak(text.encode())[:4] + encode(types, values)

    error = ABI.decode_error(data)

    assert str(error) == (shown or f"TooFar(limit=9, who=0x{OWNER.hex()})")


@pytest.mark.parametrize("data", [b"", b"\1\2\3\4", keccak(b"TooFar(uint256,address)")[:4] + b"\0"])
def test_decode_error__unknown__rejects(data):
    assert ABI.decode_error(data) is None


def test_joined__errors_of_another__succeeds():
    data = keccak(b"TooFar(uint256,address)")[:4] + encode(["uint256", "address"], [9, OWNER])

    joined = ContractAbi([]).joined(ABI)

    assert joined.decode_error(data).name == "TooFar"
