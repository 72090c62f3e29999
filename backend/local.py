"""A platform on this machine: starts chain, contracts and backend, and stops what it started.

Law: only processes that we started are stopped, by the id in our own files; a repeat of either
changes nothing.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from backend.api_key import key_file
from backend.app import clock_ms
from backend.assembly import open_api_keys
from backend.config import Settings, inherited_environment
from backend.deploying import deploy_platform
from backend.files import write_atomically
from backend.processes import is_running
from backend.protocol.errors import ChainUnavailable
from backend.records.registers.api_keys import ALL_SCOPES
from backend.settlement.anvil import start_anvil, stop_anvil
from backend.settlement.client import ChainClient
from backend.settlement.deployment import Deployed
from backend.toolchain import PROJECT_ROOT, toolchain_environment

_START_WAIT_S: Final = 180
_STOP_WAIT_S: Final = 20
_POLL_S: Final = 0.1

Progress = Callable[[str], None]


class StartFailed(Exception):
    """The platform did not start; the message says where to look."""


@dataclass(frozen=True, slots=True)
class Started:
    """A running platform. `first_api_key` is there only the first time: it is shown once."""

    api_url: str
    rpc_url: str
    deployed: Deployed
    first_api_key: str | None
    was_running: bool


async def start(settings: Settings, progress: Progress = lambda _: None) -> Started:
    """Start what isn't running yet, and return when payments are taken.

    Raises AnvilFailed, DeploymentFailed (NoNode if the chain is somebody else's and silent) or
    StartFailed.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    client = ChainClient(settings.rpc_url)
    try:
        await _ensure_chain(settings, client, progress)
        progress("deploying contracts")
        deployed = await deploy_platform(client, settings)
    finally:
        await client.close()
    was_running = running_backend(settings) is not None
    if not was_running:
        await _need_free_port(settings)
        progress(f"starting the backend at {settings.api_url}")
        _spawn(settings)
    await _wait_until_ready(settings)
    first_api_key = _ensure_api_key(settings)
    return Started(settings.api_url, settings.rpc_url, deployed, first_api_key, was_running)


async def stop(settings: Settings) -> list[str]:
    """Stop backend and chain; return what was stopped. The data stays."""
    stopped = []
    pid = running_backend(settings)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        if not await _has_ended(pid):
            os.kill(pid, signal.SIGKILL)
        stopped.append("backend")
    _backend_file(settings).unlink(missing_ok=True)
    if await stop_anvil(_anvil_file(settings)):
        stopped.append("chain")
    return stopped


def running_backend(settings: Settings) -> int | None:
    """Return the process id of our backend if it runs."""
    try:
        pid = int(json.loads(_backend_file(settings).read_text())["pid"])
    except (FileNotFoundError, ValueError, KeyError):
        return None
    return pid if _is_backend(pid) else None


async def _ensure_chain(settings: Settings, client: ChainClient, progress: Progress) -> None:
    is_ours = settings.rpc_url == f"http://{settings.chain_host}:{settings.chain_port}"
    try:
        await client.chain_id()
        return
    except ChainUnavailable:
        if not is_ours:
            return  # deploying says that there is no node, and what to do
    progress(f"starting anvil at {settings.rpc_url}")
    await start_anvil(
        _anvil_file(settings),
        port=settings.chain_port,
        host=settings.chain_host,
        state_file=settings.data_dir / "chain.json",
        log_file=settings.data_dir / "anvil.log",
    )


def _ensure_api_key(settings: Settings) -> str | None:
    """Make the first API key, if there is none, and keep a copy for the command line."""
    api_keys, close = open_api_keys(settings)
    try:
        if settings.api_key.get_secret_value() or api_keys.list(None, 1):
            return None
        _, text = api_keys.create("first key", ALL_SCOPES, clock_ms())
    finally:
        close()
    path = key_file(settings)
    write_atomically(path, [f"{text}\n".encode()], mode=0o600)
    return text


def _spawn(settings: Settings) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    with os.fdopen(os.open(_log_file(settings), flags, 0o600), "ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "backend"],
            cwd=PROJECT_ROOT,
            env={**inherited_environment(), **toolchain_environment(), **settings.as_environment()},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # an interrupt from the keyboard is for the command
        )
    _backend_file(settings).write_text(json.dumps({"pid": process.pid}))


async def _need_free_port(settings: Settings) -> None:
    """Raise StartFailed if a program listens there already: it might well answer "ready"."""
    try:
        _, writer = await asyncio.open_connection(settings.api_host, settings.api_port)
    except OSError:
        return
    writer.close()
    raise StartFailed(
        f"another program listens on {settings.api_host}:{settings.api_port}. "
        "Stop it, or set CAUSEWAY_API_PORT."
    )


async def _wait_until_ready(settings: Settings) -> None:
    """Wait until payments are taken, or never will be: a frozen platform can still be read.

    Raises StartFailed.
    """
    problems: list[str] = []
    async with httpx.AsyncClient(base_url=settings.api_url, timeout=2) as http:
        for _ in range(round(_START_WAIT_S / _POLL_S)):
            if running_backend(settings) is None:
                break
            try:
                answer = await http.get("/readyz")
                shown = answer.json()
                if answer.status_code == 200 or shown.get("frozen_ts_s") is not None:
                    return
                problems = shown["problems"]
            except httpx.TransportError:
                pass  # it doesn't listen yet
            await asyncio.sleep(_POLL_S)
    log_file = _log_file(settings)
    if problems and running_backend(settings) is not None:
        told = ", ".join(problems)
        raise StartFailed(f"the backend runs, but is not ready: {told}. More is in {log_file}")
    raise StartFailed(f"the backend did not start{_last_words(log_file)} More is in {log_file}")


def _last_words(log_file: Path) -> str:
    """Return what the backend said of its end in a line for people; the others are JSON."""
    lines = log_file.read_text(errors="replace").splitlines()
    said = lines[-1].removeprefix("causeway: ") if lines else ""
    return "." if not said or said.startswith("{") else f": {said}"


async def _has_ended(pid: int) -> bool:
    for _ in range(round(_STOP_WAIT_S / _POLL_S)):
        if not _is_backend(pid):
            return True
        await asyncio.sleep(_POLL_S)
    return False


def _is_backend(pid: int) -> bool:
    return is_running(pid, "backend")


def _anvil_file(settings: Settings) -> Path:
    return settings.data_dir / "anvil.pid"


def _backend_file(settings: Settings) -> Path:
    return settings.data_dir / "backend.pid"


def _log_file(settings: Settings) -> Path:
    return settings.data_dir / "backend.log"
