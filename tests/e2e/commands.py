"""Calls commands as a shell would, in this process: starting Python each time takes a second."""

import json
from typing import Any

from typer.testing import CliRunner, Result

from backend import config
from backend.cli import app
from backend.config import Settings


class Commands:
    """`causeway` with the settings of one platform."""

    def __init__(self, settings: Settings) -> None:
        self._environment = settings.as_environment()

    def run(self, *words: str, exit_code: int = 0) -> Result:
        """Run a command, and see that it ends as expected."""
        config.settings.cache_clear()
        try:
            result = CliRunner().invoke(app, [*words], env=self._environment, prog_name="causeway")
        finally:
            config.settings.cache_clear()
        assert result.exit_code == exit_code, (words, result.output, result.exception)
        return result

    def json(self, *words: str, exit_code: int = 0) -> Any:
        """Run a command with --json; stdout holds nothing else."""
        return json.loads(self.run(*words, "--json", exit_code=exit_code).stdout)
