"""Anvil: a chain on this machine, started and stopped by us, kept in a file.

Law: only a process that this module started is ever stopped, by the id in its own file.
"""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Final

from eth_account.hdaccount import key_from_seed, seed_from_mnemonic

from backend.processes import is_running
from backend.protocol.errors import ChainUnavailable
from backend.protocol.signing import PrivateKey
from backend.settlement.client import ChainClient
from backend.toolchain import CACHE_DIR, foundry_bin_dir, toolchain_environment

LOCAL_CHAIN_IDS: Final = frozenset({1337, 31337})

# The accounts of these words hold the money of every anvil and Hardhat chain; everybody knows them.
_DEV_WORDS: Final = "test test test test test test test test test test test junk"
_DEV_PATH: Final = "m/44'/60'/0'/0/{index}"

# --mixed-mining: a block at once for a transaction, and one each second all the same, so that
# confirmations arrive on an idle chain. --enable-tx-gas-limit: EIP-7825, as on public chains.
# --prune-history: a public node has the states of the last 128 blocks; without it anvil writes
# gigabytes of old states to the disk, and leaves them there when it is killed.
_FLAGS: Final = (
    "--hardfork=osaka",
    "--block-time=1",
    "--mixed-mining",
    "--slots-in-an-epoch=1",
    "--enable-tx-gas-limit",
    "--prune-history=128",
    "--quiet",
)
_START_WAIT_S: Final = 60
_STOP_WAIT_S: Final = 15
_POLL_S: Final = 0.05


class AnvilFailed(Exception):
    """Anvil could not be started; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class AnvilProcess:
    """An anvil of ours: what its pid file says."""

    pid: int
    port: int
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


def dev_key(index: int) -> PrivateKey:
    """Return the key of the development chain's account `index`: public, worth nothing."""
    return PrivateKey(dev_secret(index))


@cache
def dev_secret(index: int) -> bytes:
    """Return the same key as 32 bytes, for wallets."""
    return bytes(key_from_seed(seed_from_mnemonic(_DEV_WORDS, ""), _DEV_PATH.format(index=index)))


async def start_anvil(
    pid_file: Path,
    *,
    port: int,
    host: str = "127.0.0.1",
    state_file: Path | None = None,
    log_file: Path | None = None,
    flags: Sequence[str] = _FLAGS,
) -> AnvilProcess:
    """Start anvil and return when it answers. If the one of `pid_file` runs, return that.

    `state_file` keeps the chain over restarts, written each second. Raises AnvilFailed.
    """
    running = running_anvil(pid_file)
    if running is not None:
        return running
    if _is_taken(host, port):
        raise AnvilFailed(
            f"{host}:{port} is taken by another program, which is no Ethereum node. Stop it, or "
            "set CAUSEWAY_CHAIN_PORT."
        )
    binary = foundry_bin_dir("anvil") / "anvil"
    if not binary.exists():
        raise AnvilFailed(f"{binary} is missing. Run `make setup`.")
    arguments = [str(binary), "--host", host, "--port", str(port), *flags]
    if state_file is not None:
        state_file.parent.mkdir(parents=True, exist_ok=True)
        arguments += ["--state", str(state_file), "--state-interval", "1"]

    process = AnvilProcess(_spawn(arguments, log_file), port, host)
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    pid_file.write_text(json.dumps(asdict(process)))
    await _wait_until_it_answers(process, pid_file, log_file)
    return process


async def stop_anvil(pid_file: Path) -> bool:
    """Stop the anvil of `pid_file`; it writes its state first. Return whether one was running."""
    process = running_anvil(pid_file)
    pid_file.unlink(missing_ok=True)
    if process is None:
        return False
    os.kill(process.pid, signal.SIGTERM)
    for _ in range(round(_STOP_WAIT_S / _POLL_S)):
        if not _is_anvil(process.pid):
            return True
        await asyncio.sleep(_POLL_S)
    os.kill(process.pid, signal.SIGKILL)
    return True


def running_anvil(pid_file: Path) -> AnvilProcess | None:
    """Return the anvil of `pid_file` if it runs; a pid that another program got is not it."""
    try:
        process = AnvilProcess(**json.loads(pid_file.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return process if _is_anvil(process.pid) else None


async def mine(client: ChainClient, count: int = 1) -> None:
    """Add blocks to a development chain."""
    await client.rpc("anvil_mine", hex(count))


async def increase_time(client: ChainClient, seconds: int) -> None:
    """Let time pass on a development chain: the next block is that much later."""
    await client.rpc("evm_increaseTime", hex(seconds))
    await client.rpc("evm_mine")


def _spawn(arguments: list[str], log_file: Path | None) -> int:
    output = os.devnull if log_file is None else str(log_file)
    home = CACHE_DIR / "anvil"
    home.mkdir(parents=True, exist_ok=True)
    mode = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        arguments[0],
        arguments,
        {**toolchain_environment(), "HOME": str(home)},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, output, mode, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setpgroup=0,  # an interrupt from the keyboard is for the command, not for the chain
    )


async def _wait_until_it_answers(
    process: AnvilProcess, pid_file: Path, log_file: Path | None
) -> None:
    client = ChainClient(process.url)
    try:
        for _ in range(round(_START_WAIT_S / _POLL_S)):
            if not _is_anvil(process.pid):
                break
            try:
                await client.chain_id()
                return
            except ChainUnavailable:
                await asyncio.sleep(_POLL_S)
    finally:
        await client.close()
    await stop_anvil(pid_file)
    where = f"see {log_file}" if log_file else "give it a log file to see why"
    raise AnvilFailed(f"anvil did not start on {process.url}; {where}.")


def _is_taken(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def _is_anvil(pid: int) -> bool:
    return is_running(pid, "anvil")
