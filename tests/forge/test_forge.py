"""Runs `forge test`, so that one command runs all tests. Forge's own report is the message."""

import subprocess

import pytest

from backend.toolchain import PROJECT_ROOT


def _forge_test() -> None:
    result = subprocess.run(
        ["forge", "test"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        pytest.fail(result.stdout + result.stderr, pytrace=False)


@pytest.mark.timeout(600)
def test_forge__default_profile__succeeds():
    _forge_test()


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_forge__long_profile__succeeds(monkeypatch):
    monkeypatch.setenv("FOUNDRY_PROFILE", "long")

    _forge_test()
