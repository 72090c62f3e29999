"""What commands write: results on stdout, as text or JSON; progress and errors on stderr."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_COLUMNS = 400


class Screen:
    """One command's output."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def say(self, text: str) -> None:
        """Tell what is going on."""
        _console(sys.stderr).print(Text(f"… {printable(text)}", style="dim"))

    def show(self, data: Any, *lines: str | Table) -> None:
        """Show the result: `data` for machines, lines and tables for people."""
        if self.as_json:
            sys.stdout.write(json.dumps(data, indent=2) + "\n")
            return
        for line in lines:
            # Names and addresses are no markup.
            shown = Text(printable(line)) if isinstance(line, str) else line
            _console(sys.stdout).print(shown)

    def show_list(self, found: Sequence[Any], shown: str | Table, empty: str) -> None:
        """Show objects of the API: as the API lists them, or as a table; `empty` if none."""
        data = {"object": "list", "data": [one.raw for one in found]}
        self.show(data, shown if found else empty)

    def fail(self, code: str, message: str) -> None:
        """Show why it can't be done."""
        if self.as_json:
            sys.stdout.write(json.dumps({"error": {"code": code, "message": message}}) + "\n")
            return
        console = _console(sys.stderr)
        console.print(Text.assemble((code, "bold red"), " ", printable(message)))


def printable(text: str) -> str:
    """Return a text with its control characters spelt out: a purpose or a name that somebody else
    chose must not move the cursor, hide what stands above it, or add a line of its own.
    """
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def table(*columns: str, rows: Sequence[Sequence[str]]) -> Table:
    """Return a table; columns that begin with ">" are figures."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        is_figure = column.startswith(">")
        name = column.removeprefix(">")
        made.add_column(name, justify="right" if is_figure else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(printable(cell)) for cell in row))
    return made


def _console(file: Any) -> Console:
    """Return a console that breaks no line of a pipe: ids stay whole."""
    width = None if file.isatty() else _PIPE_COLUMNS
    return Console(file=file, highlight=False, soft_wrap=True, width=width)
