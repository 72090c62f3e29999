"""Gives every test our tools, and a chain to those alone that ask for one."""

import subprocess
from collections.abc import Generator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, settings

from backend.toolchain import PROJECT_ROOT, apply_toolchain_environment
from tests.stale_build import forget_stale_build

# Before ape reads them: so a bare `.venv/bin/python -m pytest` needs no prepared shell, and tests
# the contracts as they are now.
apply_toolchain_environment()
forget_stale_build(PROJECT_ROOT)

# A test asks for a chain by one of ape's fixtures, itself or through another fixture.
_APE_FIXTURES = {"accounts", "chain", "compilers", "networks", "project"}
_ANVIL_START_S_MAX = 90  # ape's own 20 are too few on a busy machine


def _needs_chain(item: pytest.Item) -> bool:
    return not _APE_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-gas",
        action="store_true",
        help="write what the tests measure into tests/gas_snapshot.json",
    )
    parser.addoption(
        "--crash-seed",
        type=int,
        action="append",
        help="crash drills: kill the platform by these seeds alone",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Let no example be red for its time, which a busy machine would decide; and draw the same ones
    again, so that a red test is red again, but for `-m ""` and `-m long`, which look for more."""
    settings.register_profile(
        "causeway",
        deadline=None,
        derandomize="not long" in config.option.markexpr,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("causeway")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Compile once, or several processes would do it at once. If it fails, tests say why."""
    from backend.settlement.artifacts import CompilationFailed, artifacts
    from backend.settlement.deployment_steps import CONTRACTS

    subprocess.run(["ape", "compile"], cwd=PROJECT_ROOT, capture_output=True, check=False)
    with suppress(CompilationFailed):
        artifacts(CONTRACTS)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Don't let ape start anvil (about two seconds) when no selected test uses it."""
    if any(map(_needs_chain, items)):
        _start_anvil_as_we_need_it()
    else:
        config.pluginmanager.unregister(name="ape-test")


def _start_anvil_as_we_need_it() -> None:
    """Have ape start anvil with the transaction gas limit of EIP-7825, on a free port, and be
    patient while the machine is busy: it has no settings for these.

    Nor for the steps of each transaction, which nobody reads: their record makes a transaction of
    millions of gas take half a minute. Nor for the states of old blocks, gigabytes on the disk.

    Of a port that it draws itself ape may find that somebody else has it: then it waits in vain,
    or shares the chain of another run.
    """
    from ape_foundry.provider import FoundryProvider

    from scripts.ports import free_port

    build_command, connect = FoundryProvider.build_command, FoundryProvider.connect
    start = FoundryProvider.start

    def with_gas_limit(self: FoundryProvider) -> list[str]:
        parts = [part for part in build_command(self) if part != "--steps-tracing"]
        return [*parts, "--enable-tx-gas-limit", "--prune-history=32"]

    def to_free_port(self: FoundryProvider) -> None:
        self._host = self._host or f"http://127.0.0.1:{free_port()}"
        connect(self)

    def patiently(self: FoundryProvider) -> None:
        start(self, timeout=_ANVIL_START_S_MAX)

    FoundryProvider.build_command = with_gas_limit
    FoundryProvider.connect = to_free_port
    FoundryProvider.start = patiently


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Don't let ape snapshot the chain around a test that has none."""
    ape_runner = item.config.pluginmanager.get_plugin("ape-test")
    if ape_runner is not None:
        ape_runner.config_wrapper.isolation = _needs_chain(item)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_exception_interact(report: pytest.TestReport) -> Generator[None]:
    """Keep pytest's own report of a failure; ape would bury its message in local variables."""
    longrepr = report.longrepr
    result = yield
    report.longrepr = longrepr
    return result
