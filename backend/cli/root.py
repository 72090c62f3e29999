"""The command itself: errors without tracebacks, logs without noise."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from typer.core import TyperGroup
from typer.exceptions import TyperException

from backend.cli.errors import explain
from backend.cli.screen import Screen

_WARNING = 30


class Root(TyperGroup):
    """All commands. Exit codes: 0, 1 (it can't be done), 2 (it was not called so)."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command. Expected errors are shown, others are ours and keep their traceback."""
        words = list(sys.argv[1:] if args is None else args)
        screen = Screen(as_json="--json" in words)
        is_standalone = standalone_mode and not screen.as_json
        try:
            with quiet_logs():
                done = super().main(
                    words,
                    prog_name,
                    complete_var,
                    is_standalone,
                    windows_expand_args,
                    **extra,
                )
        except TyperException as error:  # not standalone: a call that we don't understand
            screen.fail("USAGE", error.format_message())
            sys.exit(error.exit_code)
        except Exception as error:
            found = explain(error)
            if found is None:
                raise
            screen.fail(*found)
            sys.exit(1)
        sys.exit(done if isinstance(done, int) else 0)


class WithDefault(TyperGroup):
    """A group with a command that is meant when none is named: `withdraw alice 5 USDX`."""

    default = "start"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command in front of what names no command."""
        if args and args[0] not in {*self.commands, "--help"}:
            args = [self.default, *args]
        return super().parse_args(ctx, args)


@contextmanager
def quiet_logs() -> Iterator[None]:
    """Log warnings alone, to stderr: stdout belongs to the result."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(_WARNING),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    try:
        yield
    finally:
        structlog.configure(**before)
