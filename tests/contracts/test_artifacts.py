"""Both compilations are of one mind.

- ape's ABI of each deployed contract is the one that settlement uses
"""

import json

import pytest

from backend.settlement.artifacts import artifact
from backend.settlement.deployment_steps import CONTRACTS


def _plain(value):
    """Return an ABI without what compilers may add or leave out."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if k != "internalType" and v is not None}
    return value


def _sorted(entries):
    return sorted(json.dumps(_plain(entry), sort_keys=True) for entry in entries)


@pytest.mark.parametrize("name", CONTRACTS)
def test_artifact__ape__holds(project, name):
    theirs = [
        entry.model_dump(mode="json", by_alias=True, exclude_none=True)
        for entry in getattr(project, name).contract_type.abi
    ]
    ours = [dict(entry) for entry in artifact(name).abi.entries]

    shown = {"type", "name", "inputs", "outputs", "stateMutability"}
    assert _sorted([{k: e[k] for k in shown & set(e)} for e in theirs]) == _sorted(
        [{k: e[k] for k in shown & set(e)} for e in ours]
    )
