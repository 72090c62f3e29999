"""The README keeps its word.

- the two commands that set all up are the ones that CI runs
- a day's use: each command of the block, in order, on a platform of its own
- the deployment by ape, the console's lines, and the program with the client
- each step of a payment's life names a function that exists
- it fits two screens
"""

import os
import re
import subprocess
from pathlib import Path

import pytest
from eth_account import Account

from backend.config import DEVELOPMENT_SECRET, inherited_environment
from backend.toolchain import PROJECT_ROOT, toolchain_environment
from causeway import Client, Key
from scripts.ports import free_port

README = (PROJECT_ROOT / "README.md").read_text()
SHELL, DAY = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
CONSOLE, PROGRAM = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
LINES_MAX = 100


def commands(block):
    return [line.split("#")[0].strip() for line in block.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Return the variables of a shell whose platform is apart from all others; stop it after."""
    folder = tmp_path_factory.mktemp("readme")
    variables = _bare_shell() | {
        "CAUSEWAY_DATA_DIR": str(folder / "var"),
        "CAUSEWAY_DEPLOYMENTS_DIR": str(folder / "deployments"),
        "CAUSEWAY_CHAIN_PORT": str(free_port()),
        "CAUSEWAY_API_PORT": str(free_port()),
    }
    yield variables
    shell("make down", variables)


def _bare_shell():
    """Return the variables of a shell that knows nothing of our tools."""
    variables = inherited_environment()
    path = variables["PATH"].split(os.pathsep)
    tools = toolchain_environment()
    elsewhere = [part for part in path if not Path(part).is_relative_to(PROJECT_ROOT)]
    bare = {name: value for name, value in variables.items() if name not in tools}
    return bare | {"PATH": os.pathsep.join(elsewhere)}


@pytest.fixture(scope="module")
def day(environment):
    """Return what each command of the day printed, in order."""
    script = "\n".join(f"echo '$ {line}'\n{line}" for line in commands(DAY))
    return shell(f"set -e\n{script}", environment)


def shell(script, variables):
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=PROJECT_ROOT,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_readme__two_commands__are_what_ci_runs_holds():
    steps = (PROJECT_ROOT / ".ci" / "run").read_text().splitlines()

    assert commands(SHELL) == ["make demo", "make test"]
    assert set(commands(SHELL)) <= set(steps)


def test_readme__day__each_command_succeeds(day):
    assert day.count("$ ") >= len(commands(DAY))
    assert "cwk_" in day  # the first API key, shown once
    assert "settled" in day


@pytest.mark.parametrize("network", ["ethereum:local:foundry", "http://HOST:PORT"])
def test_readme__deploy__finds_the_running_chain_s_changes_nothing(day, environment, network):
    assert f"--network {network}`" in README
    here = network.replace("HOST", "127.0.0.1").replace("PORT", environment["CAUSEWAY_CHAIN_PORT"])
    command = f"source .venv/bin/activate\nape run deploy --network {here}"

    printed = shell(command, environment)

    assert "KycRegistry" in printed
    assert "[info" not in printed  # our own log lines
    assert printed.splitlines()[-1].endswith("nothing changed.")


def test_readme__console__settles_succeeds(day, environment):
    port = environment["CAUSEWAY_CHAIN_PORT"]
    console = re.search(r"`(ape console --network \S+)`", README).group(1).replace("8545", port)

    activated = f"source .venv/bin/activate\n{console} --code '{CONSOLE}'"
    printed = shell(activated, environment)

    number, status = re.search(r"^(\d+) (settled)", printed, re.MULTILINE).groups()
    assert f"{number} " in printed.splitlines()[-2]
    assert status == "settled"


def test_readme__program__pays_succeeds(day, environment):
    folder = Path(environment["CAUSEWAY_DATA_DIR"])
    url = f"http://127.0.0.1:{environment['CAUSEWAY_API_PORT']}"
    program = PROGRAM.replace("http://127.0.0.1:8000", url)
    api_key = (folder / "api-key").read_text().strip()
    shown = shell(".venv/bin/causeway account show bob --json", environment)
    bob = re.search(r"0x[0-9a-fA-F]{40}", shown).group()
    with Client(url, api_key) as client:
        payer = _payer_with_money(folder, client)

    names = {"api_key": api_key, "secret": payer, "bob": bob}
    exec(program, names)  # the README's own text

    assert names["payment"].is_final


def _payer_with_money(folder, client):
    """Return Alice's secret from her file, as any wallet would read it."""
    keystore = (folder / "people/alice.json").read_text()
    secret = bytes(Account.decrypt(keystore, DEVELOPMENT_SECRET))
    assert client.accounts.get(Key(secret).address, "USDX").balance > 1_500_000
    return secret


@pytest.mark.parametrize("step", re.findall(r"`([a-zA-Z/_]+\.(?:py|sol)):(\w+)`", README))
def test_readme__life_of_a_payment__names_functions_holds(step):
    path, function = step

    source = (PROJECT_ROOT / path).read_text()

    assert re.search(rf"\b(def|function) {function}\(", source)


def test_readme__length__fits_two_screens_holds():
    assert README.count("\n") <= LINES_MAX
