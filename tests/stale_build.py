"""Keeps ape from testing bytecode of yesterday.

Ape compiles a contract anew when its own file changed, but not when only a library changed that it
imports: the library's functions are inlined, so the old code would go on being tested.
"""

import hashlib
import shutil
from pathlib import Path

_SETTINGS = ("ape-config.yaml", "package-lock.json")


def forget_stale_build(root: Path) -> bool:
    """Remove what ape has built in `root` unless it was built of the present sources.

    Return whether something was removed. A repeat changes nothing.
    """
    build, stamp = root / ".build", root / ".cache" / "ape-build.sha256"
    present = _digest(root)
    if stamp.exists() and stamp.read_text() == present:
        return False
    is_stale = build.exists()
    shutil.rmtree(build, ignore_errors=True)
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(present)
    return is_stale


def _digest(root: Path) -> str:
    files = [*sorted((root / "contracts").rglob("*.sol")), *(root / name for name in _SETTINGS)]
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes() if file.exists() else b""
        digest.update(f"{file.relative_to(root)} {len(content)}\n".encode() + content)
    return digest.hexdigest()
