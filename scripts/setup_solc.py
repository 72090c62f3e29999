"""Put solc at .cache/solcx/, where ape and forge look: the native one, else npm's.

Both are the same compiler and make the same bytecode; the native one is faster, but its host
isn't reachable everywhere. A repeat changes nothing.
"""

import os.path
import subprocess
import sys

from rich.console import Console

from backend.toolchain import (
    PROJECT_ROOT,
    SOLC_PATH,
    SOLC_VERSION,
    SOLCX_DIR,
    apply_toolchain_environment,
)

_DOWNLOAD_TIMEOUT_S = 20
_INSTALL_NATIVE = f"import solcx; solcx.install_solc('{SOLC_VERSION}')"


def install_native_solc() -> bool:
    """Return whether py-solc-x could download a solc that runs; asks once, for a short time."""
    try:
        # A process of its own, since py-solc-x has no time-out to pass.
        subprocess.run(
            [sys.executable, "-c", _INSTALL_NATIVE],
            check=True,
            capture_output=True,
            timeout=_DOWNLOAD_TIMEOUT_S,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        SOLC_PATH.unlink(missing_ok=True)  # it may be half a file
        return False
    return SOLC_PATH.exists()


def link_npm_solc() -> None:
    """Let the Node script stand where the native solc would."""
    script = PROJECT_ROOT / "tools" / "solc" / SOLC_PATH.name
    SOLC_PATH.unlink(missing_ok=True)
    SOLC_PATH.symlink_to(os.path.relpath(script, SOLCX_DIR))


def main() -> None:
    """Install solc unless one is there, and say which."""
    apply_toolchain_environment()
    if SOLC_PATH.exists():
        return
    is_native = install_native_solc()
    if not is_native:
        link_npm_solc()
    subprocess.run([SOLC_PATH, "--version"], check=True, capture_output=True)
    Console().print(f"solc {SOLC_VERSION}: {'native' if is_native else 'from npm (WebAssembly)'}")


if __name__ == "__main__":
    main()
