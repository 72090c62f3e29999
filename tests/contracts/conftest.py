"""What tests of contracts share.

- `reverts` names the expected error and its values
- `sign_typed` signs a message of a contract as any wallet would
- `issue` deploys a token of an issuer who may do everything
"""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from ape.exceptions import VirtualMachineError
from ape_ethereum.trace import Trace
from eth_abi import decode
from eth_account import Account
from eth_utils import keccak

from backend.toolchain import PROJECT_ROOT

# The errors that Solidity itself raises belong to no contract's ABI.
_BUILT_IN_ERRORS = {"Error": ["string reason"], "Panic": ["uint256 code"]}


def _error_inputs(contract, error_name: str) -> dict[str, str]:
    """Return {input: canonical type} of the one error of this name in the contract's ABI."""
    if error_name == "":
        return {}
    if error_name in _BUILT_IN_ERRORS:
        return {text.split()[1]: text.split()[0] for text in _BUILT_IN_ERRORS[error_name]}
    errors = {error.name: error for error in contract.contract_type.errors}
    if error_name not in errors:
        raise AssertionError(
            f"{contract.contract_type.name} has no error {error_name}; it has {sorted(errors)}"
        )
    inputs = errors[error_name].inputs
    return {item.name or f"value{i}": item.canonical_type for i, item in enumerate(inputs)}


def _revert_data(error: VirtualMachineError) -> bytes:
    """Return the bytes with which a transaction, or else a call, reverted."""
    cause: BaseException | None = error
    while cause is not None:
        data = getattr(cause, "data", None)
        if isinstance(data, str) and data.startswith("0x"):
            return bytes.fromhex(data[2:])
        cause = cause.__cause__
    data = error.trace.return_value if error.trace is not None else None
    return bytes.fromhex(data[2:]) if isinstance(data, str) else b""


def _comparable(value):
    """Return addresses, byte strings and accounts in one spelling."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list | tuple):
        return tuple(map(_comparable, value))
    value = getattr(value, "address", value)
    return value.lower() if isinstance(value, str) else value


@contextmanager
def _reverts(contract, error_name: str, **values) -> Generator[None]:
    inputs = _error_inputs(contract, error_name)
    if set(inputs) != set(values):
        raise AssertionError(f"{error_name} has the values {list(inputs)}, not {list(values)}")

    try:
        # Ape prints a trace of every revert; for a constructor it may fail to decode one.
        with patch.object(Trace, "show"):
            yield
    except VirtualMachineError as error:
        data = _revert_data(error)
        selector = keccak(text=f"{error_name}({','.join(inputs.values())})")[:4]
        if data[:4] != (selector if error_name else b""):
            expected_error = error_name or "a revert without data"
            raise AssertionError(
                f"expected {expected_error}, got {error!r} 0x{data.hex()}"
            ) from error
        actual = dict(zip(inputs, decode(list(inputs.values()), data[4:]), strict=True))
        for name, expected in values.items():
            if expected is not ... and _comparable(expected) != _comparable(actual[name]):
                raise AssertionError(
                    f"{error_name}.{name}: expected {expected}, got {actual[name]}"
                ) from error
    else:
        raise AssertionError(f"expected {error_name}, but nothing reverted")


@pytest.fixture(scope="session")
def reverts():
    """`with reverts(contract, "StaleRoot", expected=a, actual=b): …` for one custom error.

    `contract` is an instance or container whose ABI has the error (or any, for "Error" and
    "Panic"). The name "" means a revert without data, as the ABI decoder's. Every value is named;
    `...` stands for any. Stricter than `ape.reverts`, which accepts a misspelt name, a value the
    error does not have, and a plain revert.
    """
    return _reverts


@pytest.fixture(scope="session", autouse=True)
def _a_second_each_block(chain):
    """Have each block come a second after the one before. Anvil goes by our clock otherwise, and a
    busy machine would decide whether two transactions share a second: then times change, and gas.
    """
    chain.provider.make_request("anvil_setBlockTimestampInterval", [1])


@pytest.fixture
def issue(project):
    """`issue(issuer, …)` deploys a token with an authority of its own, and returns the token.

    The issuer is the authority's admin, may call what is restricted, and may mint 2^255.
    """

    def _issue(issuer, kind="Stablecoin", decimals=6, vaults=(), arguments=()):
        authority = issuer.deploy(project.TokenAuthority, issuer)
        common = ("Causeway Dollar", "CUSD", decimals, authority, list(vaults))
        token = issuer.deploy(getattr(project, kind), *common, *arguments)
        token.configureMinter(issuer, 2**255, sender=issuer)
        return token

    return _issue


@pytest.fixture
def sign_typed(chain):
    """`sign_typed(key, contract, domain_name, type_string, values)` signs by EIP-712.

    `key` is an eth-account key, `type_string` is what the contract hashes. Returns (v, r, s),
    r and s as 32 bytes.
    """

    def _sign(key, contract, domain_name, type_string, values):
        type_name, _, fields = type_string.removesuffix(")").partition("(")
        kinds_and_names = [field.split(" ") for field in fields.split(",")]
        signed = Account.sign_typed_data(
            key.key,
            {
                "name": domain_name,
                "version": "1",
                "chainId": chain.chain_id,
                "verifyingContract": str(contract.address),
            },
            {type_name: [{"name": name, "type": kind} for kind, name in kinds_and_names]},
            dict(zip([name for _, name in kinds_and_names], values, strict=True)),
        )
        return signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")

    return _sign


_SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.fixture(scope="session")
def with_high_s():
    """`with_high_s(v, r, s)` is the other signature that the curve accepts for the message."""

    def _with_high_s(v, r, s):
        return 55 - v, r, (_SECP256K1_ORDER - int.from_bytes(s, "big")).to_bytes(32, "big")

    return _with_high_s


GAS_SNAPSHOT_PATH = PROJECT_ROOT / "tests" / "gas_snapshot.json"
# Hashes and signatures differ from run to run, and a zero byte of calldata costs less than another.
_GAS_TOLERANCE_PERMILLE = 5


@pytest.fixture(scope="session")
def gas_snapshot(request) -> Generator[Callable[[str, int], None]]:
    """`gas_snapshot("Contract.function: case", receipt.gas_used)` compares with the snapshot.

    `pytest --update-gas` writes what was measured instead, and keeps all other entries.
    """
    snapshot = json.loads(GAS_SNAPSHOT_PATH.read_text())
    is_update = request.config.getoption("--update-gas")

    def _compare(name: str, gas: int) -> None:
        expected = snapshot.get(name, 0)
        if abs(gas - expected) * 1000 <= expected * _GAS_TOLERANCE_PERMILLE:
            return
        if not is_update:
            pytest.fail(
                f"{name} used {gas} gas, not {expected}. If that is meant, run "
                f"`.venv/bin/python -m pytest tests/contracts --update-gas` and commit the file."
            )
        snapshot[name] = gas

    yield _compare
    if is_update:
        GAS_SNAPSHOT_PATH.write_text(json.dumps(snapshot, indent=2, sort_keys=True) + "\n")
