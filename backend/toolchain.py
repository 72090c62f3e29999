"""Where the tools live. Law: everything is inside the checkout; nothing is installed globally.

Ape, py-solc-x, IPython and forge find one another through environment variables. They are
named here alone, and each Python of `.venv` starts with them (tools/toolchain.pth).
"""

import os
import platform
from pathlib import Path
from typing import Final

PROJECT_ROOT: Final = Path(__file__).resolve().parent.parent
CACHE_DIR: Final = PROJECT_ROOT / ".cache"
NODE_MODULES_DIR: Final = PROJECT_ROOT / "node_modules"

SOLC_VERSION: Final = "0.8.37"
SOLCX_DIR: Final = CACHE_DIR / "solcx"
SOLC_PATH: Final = SOLCX_DIR / f"solc-v{SOLC_VERSION}"

# A bare shell (`env -i`) has no PATH; node and git still have to be found.
_SYSTEM_PATH: Final = "/usr/local/bin:/usr/bin:/bin"


def foundry_bin_dir(tool: str) -> Path:
    """Return the folder of the real binary of `tool` ("anvil" or "forge").

    The wrapper in node_modules/.bin is a Node process: killing it leaves its child running.
    """
    system = platform.system().lower()
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return NODE_MODULES_DIR / "@foundry-rs" / f"{tool}-{system}-{machine}" / "bin"


def toolchain_environment() -> dict[str, str]:
    """Return the variables that a process needs to find our tools; PATH is a whole one."""
    tools = [PROJECT_ROOT / ".venv" / "bin", foundry_bin_dir("anvil"), foundry_bin_dir("forge")]
    inherited = os.environ.get("PATH") or _SYSTEM_PATH
    others = [part for part in inherited.split(os.pathsep) if Path(part) not in tools]
    return {
        "APE_DATA_FOLDER": str(CACHE_DIR / "ape"),
        "IPYTHONDIR": str(CACHE_DIR / "ipython"),
        "SOLCX_BINARY_PATH": str(SOLCX_DIR),
        "PATH": os.pathsep.join([*map(str, tools), *others]),
    }


def apply_toolchain_environment() -> None:
    """Give this process, and its children, our tools. Call it before ape is imported."""
    # py-solc-x gives up its setting when the folder doesn't exist yet.
    SOLCX_DIR.mkdir(parents=True, exist_ok=True)
    os.environ.update(toolchain_environment())


def wants_narrow_lanes() -> bool:
    """Whether vectors stay unused, as on a host that has none: CAUSEWAY_NARROW=1 says so."""
    return os.environ.get("CAUSEWAY_NARROW") == "1"
