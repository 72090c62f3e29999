"""Makes the golden vectors from the readable code: `python -m tests.vectors.generate`.

Bytes are hexadecimal with 0x; whole numbers past 2^53 - 1 are decimal texts, so that any JSON
reader keeps them. Keys are keccak of a word ("payer", "member 0", …) and worth nothing.
"""

import json
from pathlib import Path
from typing import Any, Final

from tests.vectors.batches import batches, blobs, chunks, deposits
from tests.vectors.blocks import blocks, log_entries
from tests.vectors.disputes import disputes
from tests.vectors.orders import orders
from tests.vectors.prizes import prizes
from tests.vectors.state import operations, state_tree

VECTORS_DIR: Final = Path(__file__).parent
_NUMBER_MAX: Final = 2**53 - 1
_MAKERS: Final = (
    state_tree,
    operations,
    chunks,
    batches,
    blobs,
    deposits,
    orders,
    blocks,
    log_entries,
    disputes,
    prizes,
)


def _json(value: Any) -> Any:
    match value:
        case bytes():
            return "0x" + value.hex()
        case bool() | str():
            return value
        case int():
            return value if value <= _NUMBER_MAX else str(value)
        case dict():
            return {key: _json(item) for key, item in value.items()}
        case list() | tuple():
            return [_json(item) for item in value]
    raise TypeError(f"no vector holds a {type(value).__name__}")


def render() -> dict[str, str]:
    """Return the text of each file by its name."""
    return {f"{make.__name__}.json": json.dumps(_json(make()), indent=1) + "\n" for make in _MAKERS}


def load(name: str) -> Any:
    """Return a file's vectors."""
    return json.loads((VECTORS_DIR / f"{name}.json").read_text())


if __name__ == "__main__":
    for name, text in render().items():
        (VECTORS_DIR / name).write_text(text)
