"""A whole platform in a child process, which may be killed at any moment.

Law: only the process that was started here is killed, by its id.
"""

import asyncio
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from pydantic import SecretStr

from backend.config import Settings, inherited_environment
from backend.toolchain import PROJECT_ROOT, toolchain_environment
from causeway import AsyncClient
from causeway.signing import Domain
from scripts.ports import free_port

API_KEY = "drill-key"
READY_S_MAX = 120
END_S_MAX = 60
_POLL_S = 0.03
_WORDS_SHOWN = 30


def drill_settings(folder: Path, chain_port: int, **changes: object) -> Settings:
    """Return the settings of a platform of its own: small batches, often."""
    values = {
        "data_dir": folder,
        "deployments_dir": folder / "deployments",
        "chain_port": chain_port,
        "api_port": free_port(),
        "api_key": SecretStr(API_KEY),
        "batch_age_ms_max": 200,
        "submission_stuck_ms": 5_000,
    }
    return Settings(**(values | changes))


@dataclass
class Child:
    """The platform's process. `module` is what it runs, `arguments` are its own."""

    settings: Settings
    process: "subprocess.Popen[bytes] | None" = None
    helpers: set[int] = field(default_factory=set)

    @property
    def output(self) -> Path:
        return self.settings.data_dir / "backend.log"

    def spawn(self, *arguments: str, module: str = "backend") -> None:
        """Start it; return at once."""
        assert self.process is None, "it runs"
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        environment = inherited_environment() | toolchain_environment()
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=PROJECT_ROOT,
                env=environment | self.settings.as_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    async def start(self, *arguments: str, module: str = "backend") -> float:
        """Start it, and return the seconds until it is ready."""
        began = time.monotonic()
        self.spawn(*arguments, module=module)
        await self.wait_until_ready()
        return time.monotonic() - began

    async def wait_until_ready(self) -> None:
        """Return when payments are taken."""
        async with httpx.AsyncClient(base_url=self.settings.api_url, timeout=5) as http:
            for _ in range(round(READY_S_MAX / _POLL_S)):
                assert self.is_running, f"it ended:\n{self.last_words()}"
                try:
                    if (await http.get("/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(_POLL_S)
        raise AssertionError(f"it is not ready after {READY_S_MAX} s:\n{self.last_words()}")

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL, as a power failure would."""
        if self.process is not None:
            self.helpers |= _children_of(self.process.pid)
            self.process.kill()
            self.process.wait()
            self.process = None

    async def died(self, timeout_s: float) -> bool:
        """Wait until it has died; return False if it still lives then. It stays ours to end."""
        deadline = time.monotonic() + timeout_s
        while self.is_running and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_S)
        return not self.is_running

    async def ended(self, timeout_s: float = END_S_MAX) -> int | None:
        """Wait until it has ended of itself; return its exit code, or None if it runs on."""
        assert self.process is not None
        for _ in range(round(timeout_s / _POLL_S)):
            code = self.process.poll()
            if code is not None:
                self.process = None
                return code
            self.helpers |= _children_of(self.process.pid)
            await asyncio.sleep(_POLL_S)
        return None

    async def terminate(self) -> int | None:
        """Ask it to end; return its exit code."""
        assert self.process is not None
        self.helpers |= _children_of(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    def last_words(self) -> str:
        """Return the end of what it wrote."""
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-_WORDS_SHOWN:])

    def living_helpers(self) -> set[int]:
        """Return those processes of children that ended that still live."""
        return {pid for pid in self.helpers if _parent_of(pid) is not None}

    def client(self, domain: Domain | None = None, **options: object) -> AsyncClient:
        """Return a client that sends each request once."""
        values = {"retries_max": 0, "timeout_s": 15} | options
        return AsyncClient(self.settings.api_url, API_KEY, domain=domain, **values)


def _parent_of(pid: int) -> int | None:
    """Return a process's parent; None if it is not there, or has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[1])


def _children_of(pid: int) -> set[int]:
    pids = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return {child for child in pids if _parent_of(child) == pid}
