"""How the process serves and ends: its port, its signals.

Law: a signal to end closes all parts in order. Nothing is cut off, and no helper process is left.
"""

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

_GRACE_S: Final = 5  # for requests that are being answered


class PortTaken(Exception):
    """Another program listens where the API should."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"the API can't listen on {host}:{port} ({reason}). "
            "Stop the program that does, or set CAUSEWAY_API_PORT."
        )
        self.host, self.port = host, port


class ApiServer(uvicorn.Server):
    """Serves until `end` is called. Signals are the whole platform's: uvicorn would end the
    process by them once the API is down, with all other parts still open."""

    def __init__(self, api: FastAPI, on_end: Callable[[], None] = lambda: None) -> None:
        """`on_end` is called first: whoever streams for ever has to leave, or he is cut off."""
        config = uvicorn.Config(
            api, log_config=None, access_log=False, timeout_graceful_shutdown=_GRACE_S
        )
        super().__init__(config)
        self._on_end = on_end

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave them to `end_by_signal`."""
        yield

    def end(self) -> None:
        """Answer what was asked, then stop; a repeat stops at once."""
        self._on_end()
        self.force_exit = self.should_exit
        self.should_exit = True


def calm_collector() -> None:
    """Let Python look for dead cycles more rarely. A look at all objects stops everything, 0.2 s
    for 100 MB; what is here lives long, and we make few cycles. Call it when all is open.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 5, 1_000)


@contextmanager
def bind(host: str, port: int) -> Iterator[socket.socket]:
    """Take the API's port before anything else is opened; nobody can connect yet.

    Raises PortTaken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Said outright, or asyncio leaves Nagle's algorithm on: 40 ms for each answer.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise PortTaken(host, port, error.strerror or str(error)) from error
        yield listener


@contextmanager
def end_by_signal() -> Iterator[list[Callable[[], None]]]:
    """Let SIGTERM and SIGINT end the task that runs this.

    They call the newest function of the list that this gives; while it is empty they cancel the
    task, which then leaves this without an error.
    """
    ending: list[Callable[[], None]] = []
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    is_cancelled = False

    def end() -> None:
        nonlocal is_cancelled
        if ending:
            ending[-1]()
        elif task is not None:
            is_cancelled = True
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    try:
        yield ending
    except asyncio.CancelledError:
        if not is_cancelled:
            raise
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
