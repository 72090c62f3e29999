"""What the demo shows while it runs: steps with their time, a progress bar, a table."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


class Screen:
    """The terminal."""

    def __init__(self) -> None:
        self._console = Console()

    def say(self, text: str) -> None:
        """Show a line."""
        self._console.print(f"  {text}", highlight=False)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show what is being done, and then how long it took."""
        started = time.perf_counter()
        with self._console.status(text):
            yield
        self.say(f"{text}: {time.perf_counter() - started:.1f} s")

    @contextmanager
    def bar(self, text: str, total: int) -> Iterator[Callable[[], None]]:
        """Show a progress bar; what is yielded moves it on by one."""
        columns = (
            TextColumn(f"  {text}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(text, total=total)
            yield lambda: progress.advance(task)

    def table(self, rows: dict[str, object]) -> None:
        """Show names and figures."""
        table = Table(show_header=False, box=None, padding=(0, 2))
        for name, value in rows.items():
            is_count = isinstance(value, int) and not isinstance(value, bool)
            table.add_row(name, f"{value:,}" if is_count else str(value))
        self._console.print(table)
