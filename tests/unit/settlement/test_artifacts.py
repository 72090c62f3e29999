"""Our own compilation.

- settings: those of ape
- imports: all kinds are found; paths are resolved
- an artifact: whole; compiled once for each state of the sources
- no such contract; sources that don't compile
- ape's ABI is the same (it compiles too, so this test is in tests/contracts)
"""

import json

import pytest
import yaml

from backend.settlement import artifacts as module
from backend.settlement.artifacts import CompilationFailed, artifact, artifacts
from backend.toolchain import PROJECT_ROOT, SOLC_VERSION


def test_settings__ape__holds():
    ape = yaml.safe_load((PROJECT_ROOT / "ape-config.yaml").read_text())["solidity"]

    assert ape["version"] == SOLC_VERSION
    assert module.SETTINGS["evmVersion"] == ape["evm_version"]
    assert module.SETTINGS["viaIR"] == ape["via_ir"]
    optimizer = {"enabled": ape["optimize"], "runs": ape["optimization_runs"]}
    assert module.SETTINGS["optimizer"] == optimizer


@pytest.mark.parametrize(
    "source",
    ['import "./A.sol";', "import {A} from './A.sol';", 'import {\n  A,\n  B\n} from "./A.sol";'],
)
def test_imports__kinds__succeeds(source):
    assert module._imports(f"// import nothing\n{source}\ncontract C {{}}") == ["./A.sol"]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("./B.sol", "contracts/a/B.sol"),
        ("../b/C.sol", "contracts/b/C.sol"),
        ("@openzeppelin/contracts/D.sol", "@openzeppelin/contracts/D.sol"),
    ],
)
def test_resolve__paths__succeeds(target, expected):
    assert module._resolve("contracts/a/A.sol", target) == expected


def test_artifact__rollup__succeeds(monkeypatch):
    found = artifact("Rollup")

    def never(sources):
        raise AssertionError("compiled a second time")

    monkeypatch.setattr(module, "_solc", never)
    assert artifact("Rollup") is artifacts(["Rollup"])["Rollup"] is found
    assert found.abi.call_data("tip")
    assert 0 < len(found.runtime) < 24_576 < 2 * len(found.bytecode)


def test_artifacts__changed_sources__compiles_holds(monkeypatch, tmp_path):
    (tmp_path / "contracts").mkdir()
    source = tmp_path / "contracts" / "Tiny.sol"
    monkeypatch.setattr(module, "PROJECT_ROOT", tmp_path)
    monkeypatch.setattr(module, "CONTRACTS_DIR", tmp_path / "contracts")
    monkeypatch.setattr(module, "ARTIFACTS_DIR", tmp_path / "artifacts")
    head = "// SPDX-License-Identifier: MIT\npragma solidity 0.8.37;\ncontract Tiny "

    source.write_text(head + "{}")
    first = artifacts(["Tiny"])["Tiny"]
    source.write_text(head + "{ uint256 public one = 1; }")
    second = artifacts(["Tiny"])["Tiny"]
    source.write_text(head + "{ nonsense }")

    assert first.bytecode != second.bytecode
    assert len(list((tmp_path / "artifacts").iterdir())) == 2
    with pytest.raises(CompilationFailed):
        artifacts(["Tiny"])


def test_artifact__no_such_contract__rejects():
    with pytest.raises(LookupError, match="0 files"):
        artifact("Nonsense")


def test_solc__ours__is_json_holds():
    kept = next(module.ARTIFACTS_DIR.glob("Rollup-*.json"))

    assert set(json.loads(kept.read_text())) == {"abi", "bytecode", "runtime"}
