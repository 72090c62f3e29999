"""The console's names, as people use them.

- `ape run settle`: makes two people, pays, settles
- the same five lines pasted into `ape console`, by URL and as ethereum:local:foundry; its names
- the other names: kyc, record, deposit, withdraw, claim, ask, refund, status
- no platform: the console opens and says what to do
- another chain: it says which one is the platform's
"""

import subprocess

import pytest

from backend.toolchain import PROJECT_ROOT
from tests.e2e.conftest import environment_of, settings_in

APE = PROJECT_ROOT / ".venv" / "bin" / "ape"
SCRIPT = PROJECT_ROOT / "scripts" / "settle.py"


def ape(environment, *words, stdin=""):
    return subprocess.run(
        [APE, *words],
        cwd=PROJECT_ROOT,
        env={**environment, "NO_COLOR": "1"},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )


def five_lines() -> str:
    """Return what the script's main does, as it would be pasted."""
    lines = SCRIPT.read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("    pay("))
    return "".join(line.strip() + "\n" for line in lines[first : first + 5])


@pytest.fixture(scope="module")
def ran(running_platform):
    return ape(
        running_platform.environment,
        "run",
        "settle",
        "--network",
        running_platform.settings.rpc_url,
    )


def test_settle__as_a_script__succeeds(ran):
    assert ran.returncode == 0, ran.stderr
    assert "settled" in ran.stdout
    assert "moving the local chain's clock" in ran.stderr


def test_settle__pasted_into_the_console__succeeds(ran, running_platform):
    url = running_platform.settings.rpc_url
    environment = running_platform.environment | {"APE_FOUNDRY_HOST": url}

    result = ape(environment, "console", "--network", "ethereum:local:foundry", stdin=five_lines())

    assert result.returncode == 0, result.stderr
    assert "Error" not in result.stdout
    assert " settled" in result.stdout
    assert "at hand: platform, people" in result.stderr


def test_console__all_names__succeeds(ran, running_platform):
    code = """
    people.new("dora"); kyc("dora").id; record("dora").status
    deposit("dora", "20", "USDX").status
    w = withdraw(people["dora"], 4, "USDX")
    settle().operation_count
    settle(wait=True).status
    "claim " + claim(w).status
    "vault %d" % tokens["USDX"].balanceOf(rollup)
    "wallet %d" % tokens["USDX"].balanceOf(people["dora"].address)
    "ledger %d" % platform.accounts.get(people["dora"].address, "USDX").balance
    p = pay("dora", people.new("elmo"), "2.50", "USDX")
    "asked " + ask("elmo", 1, "USDX").status
    "back " + refund(p, "1.50").status
    wish = CampaignWish("USDX", "5", deposit_min="9000", person_max="5", bonus="1")
    "campaign " + bonuses.create(people.new("fred"), wish).status
    "treasury %d" % len(treasury.treasury)
    status()["backend"]["status"]
    """
    pasted = "".join(line.strip() + "\n" for line in code.strip().splitlines())

    result = ape(
        running_platform.environment,
        "console",
        "--network",
        running_platform.settings.rpc_url,
        stdin=pasted,
    )

    assert "Error" not in result.stdout, result.stdout
    for shown in ("approved", "credited", "settled", "claim claimed", "asked open", "back final"):
        assert f"'{shown}'" in result.stdout
    assert "'campaign running'" in result.stdout
    assert "'treasury 20'" in result.stdout
    assert "'ready'" in result.stdout
    assert "'wallet 4000000'" in result.stdout
    assert "'ledger 15990000'" in result.stdout


def test_console__no_platform__says_what_to_do_rejects(tmp_path, running_platform):
    settings = settings_in(tmp_path)
    (tmp_path / "api-key").write_text("cwk_x_y\n")
    words = ("console", "--network", running_platform.settings.rpc_url)

    result = ape(environment_of(settings), *words, stdin="people\n1 + 1\n")

    assert "causeway up" in result.stderr
    assert "2" in result.stdout


def test_console__another_chain__says_which_rejects(running_platform):
    words = ("console", "--network", "ethereum:local:foundry")

    result = ape(running_platform.environment, *words, stdin="people\n")

    assert f"--network {running_platform.settings.rpc_url}" in result.stderr
