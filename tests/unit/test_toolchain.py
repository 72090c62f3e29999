"""The tools are there, of the pinned version, and agree with one another.

- paths: inside the checkout
- environment: given twice → the same; there in each Python of .venv, in a bare shell too
- solc: answers its version
- forge and ape: the same compiler settings
- lock files: name no host to download from
"""

import json
import re
import subprocess
import tomllib

import pytest
import yaml

from backend import toolchain
from backend.toolchain import PROJECT_ROOT, SOLC_PATH, SOLC_VERSION, toolchain_environment


@pytest.mark.parametrize("name", ["APE_DATA_FOLDER", "IPYTHONDIR", "SOLCX_BINARY_PATH"])
def test_environment__each_folder__is_inside_the_checkout__holds(name):
    assert toolchain_environment()[name].startswith(str(PROJECT_ROOT))


def test_environment__applied_twice__changes_nothing(monkeypatch):
    first = toolchain_environment()
    monkeypatch.setenv("PATH", first["PATH"])

    assert toolchain_environment() == first


def test_environment__bare_shell__is_there_in_each_python_holds():
    names = sorted(toolchain_environment())
    program = f"import os; print([os.environ.get(name) for name in {names}])"

    shown = subprocess.run(
        [PROJECT_ROOT / ".venv/bin/python", "-c", program],
        env={},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "None" not in shown
    assert str(toolchain.foundry_bin_dir("anvil")) in shown


def test_environment__empty_path__still_finds_the_system__succeeds(monkeypatch):
    monkeypatch.delenv("PATH")

    assert "/usr/bin" in toolchain_environment()["PATH"].split(":")


@pytest.mark.parametrize("tool", ["anvil", "forge"])
def test_foundry_bin_dir__each_tool__holds_the_real_binary__succeeds(tool):
    binary = toolchain.foundry_bin_dir(tool) / tool

    assert not binary.read_bytes()[:2] == b"#!", "a script stands where the binary should"


def test_solc__asked_for_its_version__succeeds():
    answer = subprocess.run([SOLC_PATH, "--version"], capture_output=True, text=True, check=True)

    assert f"Version: {SOLC_VERSION}+" in answer.stdout


def test_compiler_settings__of_forge_and_ape__are_equal__holds():
    forge = tomllib.loads((PROJECT_ROOT / "foundry.toml").read_text())["profile"]["default"]
    ape = yaml.safe_load((PROJECT_ROOT / "ape-config.yaml").read_text())
    solidity = ape["solidity"]

    assert forge["solc"] == str(SOLC_PATH.relative_to(PROJECT_ROOT))
    assert solidity["version"] == SOLC_VERSION
    assert ape["foundry"]["evm_version"] == solidity["evm_version"] == forge["evm_version"]
    assert solidity["optimize"] == forge["optimizer"]
    assert solidity["optimization_runs"] == forge["optimizer_runs"]
    assert solidity["via_ir"] == forge["via_ir"]


@pytest.mark.parametrize("lock", ["package-lock.json", "tools/hardhat/package-lock.json"])
def test_npm_lock__each_package__names_no_host__holds(lock):
    packages = json.loads((PROJECT_ROOT / lock).read_text())["packages"]

    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in packages.items() if name)


@pytest.mark.parametrize("lock", ["requirements.lock", "tools/slither/requirements.lock"])
def test_python_lock__each_package__has_a_hash_and_no_host__holds(lock):
    text = (PROJECT_ROOT / lock).read_text()
    packages = re.split(r"\n(?=\S)", text.strip())

    assert "://" not in text
    assert [package for package in packages if "--hash=sha256:" not in package] == []
