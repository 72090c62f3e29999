"""A real platform for tests that use one from outside: chain, contracts, backend, API key."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from backend import local
from backend.config import Settings, inherited_environment
from backend.toolchain import toolchain_environment
from scripts.ports import free_port

_HOUR_MS = 3_600_000


@dataclass(frozen=True)
class RunningPlatform:
    """Where it is, and how to reach it from another process."""

    settings: Settings
    started: local.Started

    @property
    def environment(self) -> dict[str, str]:
        """What a child process needs to find it, and our tools."""
        return environment_of(self.settings)


def environment_of(settings: Settings) -> dict[str, str]:
    return {**inherited_environment(), **toolchain_environment(), **settings.as_environment()}


def settings_in(folder) -> Settings:
    """Return the settings of a platform apart from all others; batches are posted when asked."""
    return Settings(
        data_dir=folder,
        deployments_dir=folder / "deployments",
        chain_port=free_port(),
        api_port=free_port(),
        batch_age_ms_max=_HOUR_MS,
        fee_minor_min=10_000,
    )


@contextmanager
def platform_in(folder) -> Iterator[RunningPlatform]:
    """Run a platform in a folder of its own."""
    settings = settings_in(folder)
    try:
        yield RunningPlatform(settings, asyncio.run(local.start(settings)))
    finally:
        asyncio.run(local.stop(settings))


@pytest.fixture(scope="session")
def running_platform(tmp_path_factory) -> Iterator[RunningPlatform]:
    """Yield a platform that all tests share: they add people of their own names to it, and leave
    the chain's clock within minutes of ours."""
    with platform_in(tmp_path_factory.mktemp("platform")) as platform:
        yield platform
