"""The command itself.

- a mistake of ours keeps its traceback; an expected error does not
- logs: stdout stays free of them, and the settings of others are put back
- a group with a default command: named, meant, asked for help
"""

import json
import sys

import pytest
import structlog
import typer
from typer.testing import CliRunner

from backend.cli.options import AsJson
from backend.cli.root import Root, WithDefault
from backend.console.errors import NoApiKey

app = typer.Typer(cls=Root)
child = typer.Typer()
app.add_typer(child, name="withdraw", cls=WithDefault)


@app.command()
def expected(as_json: AsJson = False) -> None:
    raise NoApiKey()


@app.command()
def mistake() -> None:
    raise KeyError("ours")


@app.command()
def logs() -> None:
    structlog.get_logger().info("deployed")
    structlog.get_logger().warning("careful")


@child.command()
def start(name: str) -> None:
    sys.stdout.write(f"start {name}\n")


@child.command()
def show(name: str) -> None:
    sys.stdout.write(f"show {name}\n")


def run(*words):
    return CliRunner().invoke(app, [*words])


def test_root__expected_error__has_no_traceback_rejects():
    shown, as_json = run("expected"), run("expected", "--json")

    assert (shown.exit_code, as_json.exit_code) == (1, 1)
    assert shown.stderr.startswith("NO_API_KEY There is no API key")
    assert shown.stdout == as_json.stderr == ""
    assert json.loads(as_json.stdout)["error"]["code"] == "NO_API_KEY"


def test_root__mistake_of_ours__keeps_its_traceback_rejects():
    assert isinstance(run("mistake").exception, KeyError)


def test_root__logs__leave_stdout_alone_holds():
    before = structlog.get_config()

    result = run("logs")

    assert result.stdout == ""
    assert "careful" in result.stderr
    assert "deployed" not in result.stderr
    assert structlog.get_config() == before


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("alice",), "start alice\n"),
        (("start", "show"), "start show\n"),
        (("show", "alice"), "show alice\n"),
    ],
)
def test_default_command__left_out__is_meant_succeeds(words, shown):
    assert run("withdraw", *words).stdout == shown


def test_default_command__help__is_the_groups_succeeds():
    assert "show" in run("withdraw", "--help").stdout
