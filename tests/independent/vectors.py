"""Reads tests/vectors/*.json."""

import json
from pathlib import Path
from typing import Any

from tests.independent import typed

VECTORS = Path(__file__).parents[1] / "vectors"


def vector_text(name: str) -> str:
    return (VECTORS / f"{name}.json").read_text()


def _value(value: Any) -> Any:
    """Bytes of hexadecimal text, integers of decimal text, the same inside lists and maps."""
    if isinstance(value, dict):
        return {key: _value(inside) for key, inside in value.items()}
    if isinstance(value, list):
        return [_value(inside) for inside in value]
    if isinstance(value, str) and value.startswith("0x"):
        return bytes.fromhex(value[2:])
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def read_vector(name: str) -> dict[str, Any]:
    return _value(json.loads(vector_text(name)))


def domain_of(vector: dict[str, Any]) -> typed.Domain:
    found = vector["domain"]
    domain = typed.Domain(found["chain_id"], found["verifying_contract"])
    assert domain.separator() == found["separator"]
    return domain
