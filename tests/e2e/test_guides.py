"""The guides keep their word.

- each line of their shell blocks, in order, on one platform, with what earlier ones printed
- the programs that use the client, but those that need more than one person here
- a line whose comment begins with "or", "after" is for another time: its command exists
- each guide is in the README's table
"""

import asyncio
import json
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account
from pydantic import SecretStr

from backend import local
from backend.config import Settings
from backend.console.actions import PEOPLE_FOLDER, open_actions
from backend.toolchain import PROJECT_ROOT
from causeway import Leg
from tests.e2e.commands import Commands
from tests.e2e.conftest import settings_in

GUIDES = sorted((PROJECT_ROOT / "docs" / "guides").glob("*.md"))
README = (PROJECT_ROOT / "README.md").read_text()
# What stands for something that an earlier line printed, and how it looked there.
PRINTED = {
    "hold_…": r"^(hold_\w+)",
    "preq_…": r"^(preq_\w+)",
    "sch_…": r"^(sch_\w+)",
    "cwk_…": r"^(cwk_\S+)",
    "0xGROUP": r"^group: final\n(0x\w{64})",
    "0xPAYMENT": r" paid .*\n(0x\w{64})",
    "0xPAYOUT": r"^payout of .*\n(0x\w{64})",
    "0xPRIZE": r"^prize of .*\n(0x\w{64})",
    "0xPROPOSAL": r"causeway proposal approve (0x\w{64})",
    "0xROLLUP": r"^Rollup +(0x\w{40})",
    "0xSIGNER": r"^approvals weigh .*: (0x\w{40})",
    "0xTENANT": r"^tenant-7 is cus_\w+: (0x\w{40})",
    "0xTREASURY": r"^Treasury +(0x\w{40})",
    "0xWITHDRAWAL": r"^withdrawal of .*\n(0x\w{64})",
}
NEEDS_WALLET = '"signature":'
# Programs that take a second signer, a winner with a prize, a wallet with tokens.
NEEDS_OTHERS = ("payouts", "prizes", "tokenised-assets")
ASKS = ("proposal approve", "group sign")  # before they sign; here nobody answers


class Shell:
    """Runs the lines of one guide, and remembers what they printed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._commands = Commands(settings)
        self._printed = ""

    def run(self, line: str) -> None:
        """Run a line; parts of it are joined by `&&`."""
        for part in line.split(" && "):
            self._run(self._filled(part))

    def _run(self, command: str) -> None:
        words = shlex.split(command, comments=True)
        match words:
            case ["causeway", *rest]:
                yes = ["--yes"] if " ".join(rest).startswith(ASKS) else []
                self._printed += self._commands.run(*rest, *yes).stdout
            case ["export", setting]:
                name, value = setting.split("=")
                assert name == "CAUSEWAY_API_KEY"
                key = {"api_key": SecretStr(value)}
                self._commands = Commands(self.settings.model_copy(update=key))
            case ["unset", "CAUSEWAY_API_KEY"]:
                self._commands = Commands(self.settings)
            case ["printf", *_]:
                self._bash(command)
            case ["curl", *_]:
                self._bash(f"{command.strip()} --silent --show-error --fail-with-body")
            case _:
                pytest.fail(f"this shell knows causeway, curl, printf, export, unset: {command}")

    def _bash(self, command: str) -> None:
        done = subprocess.run(
            ["bash", "-c", command],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def here(self, text: str) -> str:
        """Return a guide's text with the URLs of this platform."""
        text = text.replace("http://127.0.0.1:8000", self.settings.api_url)
        return text.replace("http://127.0.0.1:8545", self.settings.rpc_url)

    def _filled(self, text: str) -> str:
        text = self.here(text)
        for sign, pattern in PRINTED.items():
            if sign in text:
                found = re.findall(pattern, self._printed, re.MULTILINE)
                assert found, f"no earlier line printed {sign}: {self._printed}"
                text = text.replace(sign, found[-1])
        return re.sub(r"0x([A-Z]{3,})", lambda name: self._address(name[1].lower()), text)

    def _address(self, name: str) -> str:
        return self._commands.json("account", "show", name)["address"]


def blocks(guide: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", guide.read_text(), re.DOTALL)


def lines_of(guide: Path) -> Iterator[str]:
    """Yield the commands of all shell blocks; a quote or a backslash may go on over line ends."""
    line = ""
    for part in "".join(blocks(guide, "sh")).splitlines():
        line += part + "\n"
        if not part.endswith("\\") and is_whole(line):
            yield line
            line = ""


def is_whole(line: str) -> bool:
    try:
        return bool(shlex.split(line, comments=True))
    except ValueError:  # a quote is open
        return False


def is_for_another_time(line: str) -> bool:
    return bool(re.search(r"# (or|after)\b", line))


def secret_of(settings: Settings, name: str) -> bytes:
    """Return a person's secret key, as his wallet reads it from his keystore."""
    keystore = json.loads((settings.data_dir / PEOPLE_FOLDER / f"{name}.json").read_text())
    return bytes(Account.decrypt(keystore, settings.keys_passphrase.get_secret_value()))


def run_program(shell: Shell, program: str) -> None:
    """Run what a guide shows of the client, with the names that it takes for granted."""
    with open_actions(shell.settings) as actions:
        people = {person.name: person.address for person in actions.people}
        keys = {name: actions.people[name].order_key for name in ("alice", "bob")}
        client = actions.client
        payment = client.payments.create(
            key=keys["alice"], payee=people["bob"], asset="USDX", amount=5_000_000, wait_final=True
        )
        names = people | {"client": client, "payment": payment, "Leg": Leg}
        names |= {"key": keys["alice"], "payee_key": keys["bob"], "ts_s": int(time.time()) + 3600}
        names["secret"] = secret_of(shell.settings, "alice")
        exec(shell.here(program), names)  # the guide's own text


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Return the settings of a platform whose people and numbers are the guides' own."""
    folder = tmp_path_factory.mktemp("guides")
    made = settings_in(folder).model_copy(update={"fee_minor_min": 0})
    try:
        asyncio.run(local.start(made))
        yield made
    finally:
        asyncio.run(local.stop(made))


@pytest.fixture
def shell(settings, tmp_path, monkeypatch):
    """Return a shell in a folder that looks like the repository's root."""
    (tmp_path / "examples").symlink_to(PROJECT_ROOT / "examples")
    (tmp_path / "var").symlink_to(settings.data_dir)
    monkeypatch.chdir(tmp_path)
    return Shell(settings)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_guide__each_line__does_what_it_says_succeeds(shell, guide):
    for line in lines_of(guide):
        if not (is_for_another_time(line) or NEEDS_WALLET in line):
            shell.run(line)
    if guide.stem not in NEEDS_OTHERS:
        run_program(shell, "".join(blocks(guide, "python")))


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_guide__other_times__are_commands_holds(settings, guide):
    for line in filter(is_for_another_time, lines_of(guide)):
        _, *words = shlex.split(line, comments=True)
        commands = [word for word in words if re.fullmatch("[a-z]+", word)][:2]

        assert Commands(settings).run(*commands, "--help").stdout


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_readme__guides__are_all_named_holds(guide):
    assert f"(docs/guides/{guide.name})" in README
