"""`causeway campaign` and `causeway grant`, as people use them.

- create, list, show, fund, deposit, end, withdraw; grants by campaign and person; --json
- refused, in words and as JSON: unknown campaign, a second grant
"""

import pytest

from backend.cli import campaign, grant
from tests.e2e.commands import Commands


@pytest.fixture(scope="module")
def commands(running_platform):
    made = Commands(running_platform.settings)
    for name in ("cli-sponsor", "cli-player"):
        made.run("account", "new", name)
    made.run("kyc", "apply", "cli-player")
    return made


def test_campaign__from_creation_to_its_rest__succeeds(commands):
    terms = ("--deposit-min", "10", "--person-max", "50", "--bonus", "5", "--holding-s", "3600")
    made = commands.json("campaign", "create", "cli-sponsor", "100", "USDX", *terms)
    number = made["id"]

    funded = commands.json("campaign", "fund", number, "20")
    granted = commands.run("campaign", "deposit", number, "cli-player", "10")
    listed = commands.run("grant", "list", "--campaign", number, "--person", "cli-player")
    shown = commands.json("grant", "list", "--campaign", number)["data"][0]
    one = commands.run("grant", "show", shown["id"])
    ended = commands.run("campaign", "end", number)
    emptied = commands.json("campaign", "withdraw", number)

    assert (funded["budget"], emptied["budget"], emptied["status"]) == ("120000000", "0", "ended")
    assert "5 USDX, open, holding not over" in granted.stdout
    assert listed.stdout.splitlines()[0] in granted.stdout
    assert "holding: not met" in one.stdout
    assert "kyc level: met" in one.stdout
    shown_terms = "deposits from 10 USDX earn 5 USDX, a person at most 50 USDX"
    assert f"{shown_terms}; 115 USDX left" in ended.stdout
    assert f"campaign {number} is ended" in commands.run("campaign", "list").stdout
    assert commands.run("campaign", "show", number).stdout == ended.stdout.replace("115", "0")


def test_campaign__unknown__rejects(commands):
    refused = commands.json("campaign", "show", "9999", exit_code=1)

    assert refused["error"]["code"] == "CAMPAIGN_NOT_FOUND"
    assert "GRANT_NOT_FOUND" in commands.run("grant", "show", "9999", exit_code=1).output


@pytest.mark.parametrize("group", ["campaign", "grant"])
def test_help__each_command__says_what_it_does_succeeds(commands, group):
    app = {"campaign": campaign.app, "grant": grant.app}[group]

    for command in app.registered_commands:
        name = command.name or command.callback.__name__
        assert commands.run(group, name, "--help").stdout
