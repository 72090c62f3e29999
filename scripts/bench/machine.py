"""The machine that figures come from."""

import os
import platform
from pathlib import Path

# What the vector code or its libraries make use of.
_FEATURES = ("avx2", "avx512f", "avx512ifma", "avx512vl", "bmi2", "adx", "sha_ni")


def facts() -> dict[str, str | float | list[str]]:
    """Return the machine's facts."""
    cpu = _values(Path("/proc/cpuinfo"))
    memory_kb = _values(Path("/proc/meminfo")).get("MemTotal", "0").split()[0]
    flags = cpu.get("flags", "").split()
    return {
        "cpu": cpu.get("model name", platform.machine()),
        "cores": len(os.sched_getaffinity(0)),
        "cpu_features": [name for name in _FEATURES if name in flags],
        "memory_mb": int(memory_kb) // 1024,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 1),  # before we began
    }


def _values(path: Path) -> dict[str, str]:
    """Return a file of names and values; of what stands there for each core, the last."""
    if not path.exists():
        return {}
    pairs = (line.partition(":") for line in path.read_text().splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
