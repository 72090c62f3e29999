"""ABI and bytecode of our contracts, compiled once for each state of their sources.

Ape is slow to start and belongs to scripts and tests; here solc is asked directly, with the
settings of ape-config.yaml. An artifact is kept under the hash of all sources it comes from.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Final

from backend.settlement.abi import ContractAbi
from backend.toolchain import (
    CACHE_DIR,
    NODE_MODULES_DIR,
    PROJECT_ROOT,
    SOLC_PATH,
    SOLC_VERSION,
    apply_toolchain_environment,
)

CONTRACTS_DIR: Final = PROJECT_ROOT / "contracts"
ARTIFACTS_DIR: Final = CACHE_DIR / "artifacts"

# As in ape-config.yaml; a test compares them.
SETTINGS: Final[Mapping[str, Any]] = {
    "evmVersion": "osaka",
    "optimizer": {"enabled": True, "runs": 200},
    "viaIR": False,
    "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}},
}
_LIBRARY: Final = "@openzeppelin/"
_IMPORT = re.compile(r"""^\s*import\b[^;]*?["']([^"']+)["']""", re.MULTILINE)


class CompilationFailed(Exception):
    """Solc refused the sources; the message is the compiler's own."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract; `bytecode` is what creates it, without constructor arguments."""

    name: str
    abi: ContractAbi
    bytecode: bytes
    runtime: bytes  # with zeros where immutables go


@cache
def artifact(name: str) -> Artifact:
    """Return the contract called `name`, as its sources were when it was first asked for; the first
    time after a change this takes seconds.

    Raises CompilationFailed, or LookupError if no file in contracts/ has this name.
    """
    return artifacts([name])[name]


def artifacts(names: Iterable[str]) -> dict[str, Artifact]:
    """Return several contracts by name, compiled together where they have to be."""
    found = {name: _source_of(name) for name in names}
    sources = {name: _closure(path) for name, path in found.items()}
    files = {name: ARTIFACTS_DIR / f"{name}-{_key(sources[name])}.json" for name in found}
    missing = [name for name, file in files.items() if not file.exists()]
    if missing:
        _compile({name: found[name] for name in missing}, sources, files)
    return {name: _load(name, file.read_text()) for name, file in files.items()}


@cache
def _load(name: str, text: str) -> Artifact:
    kept = json.loads(text)
    code = bytes.fromhex(kept["bytecode"])
    return Artifact(name, ContractAbi(kept["abi"]), code, bytes.fromhex(kept["runtime"]))


def _source_of(name: str) -> str:
    """Return the unit name ("contracts/rollup/Rollup.sol") of a contract's file."""
    paths = sorted(CONTRACTS_DIR.rglob(f"{name}.sol"))
    if len(paths) != 1:
        raise LookupError(f"contracts/ has {len(paths)} files {name}.sol; there must be one")
    return paths[0].relative_to(PROJECT_ROOT).as_posix()


def _closure(unit: str) -> dict[str, str]:
    """Return the text of `unit` and of all that it imports, by unit name."""
    sources: dict[str, str] = {}
    waiting = [unit]
    while waiting:
        current = waiting.pop()
        if current not in sources:
            sources[current] = _read(current)
            waiting += [_resolve(current, target) for target in _imports(sources[current])]
    return sources


def _imports(source: str) -> Sequence[str]:
    return _IMPORT.findall(source)


def _resolve(importer: str, target: str) -> str:
    if not target.startswith("."):
        return target
    parts: list[str] = []
    for part in (PurePosixPath(importer).parent / target).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _read(unit: str) -> str:
    folder = NODE_MODULES_DIR if unit.startswith(_LIBRARY) else PROJECT_ROOT
    return (folder / unit).read_text(encoding="utf-8")


def _key(sources: Mapping[str, str]) -> str:
    content = json.dumps([SOLC_VERSION, SETTINGS, sorted(sources.items())])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _compile(
    units: Mapping[str, str], sources: Mapping[str, Mapping[str, str]], files: Mapping[str, Path]
) -> None:
    """Compile `units` (name → unit name) and keep each artifact in its file."""
    needed = {unit: text for name in units for unit, text in sources[name].items()}
    output = _solc(needed)
    ARTIFACTS_DIR.mkdir(parents=True, exist_ok=True)
    for name, unit in units.items():
        compiled = output["contracts"][unit][name]
        kept = {
            "abi": compiled["abi"],
            "bytecode": compiled["evm"]["bytecode"]["object"],
            "runtime": compiled["evm"]["deployedBytecode"]["object"],
        }
        # Two processes may compile at once; each renames a whole file.
        temporary = files[name].with_suffix(f".{id(kept)}.part")
        temporary.write_text(json.dumps(kept))
        temporary.replace(files[name])


def _solc(sources: Mapping[str, str]) -> Any:
    # py-solc-x reads its folder when it is imported, so the environment comes first.
    apply_toolchain_environment()
    import solcx
    from solcx.exceptions import SolcError

    request = {
        "language": "Solidity",
        "sources": {unit: {"content": text} for unit, text in sorted(sources.items())},
        "settings": SETTINGS,
    }
    try:
        return solcx.compile_standard(request, solc_binary=SOLC_PATH)
    except SolcError as error:
        raise CompilationFailed(str(error.message)) from error
