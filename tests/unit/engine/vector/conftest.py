"""What the kernel's tests share."""

import pytest

from backend.engine.vector import keccak, lanes

_CACHES = (lanes._host_features, lanes.has_avx512, lanes.has_ifma, keccak.library)


@pytest.fixture(params=["as the host is", "narrow"])
def width(request, monkeypatch):
    """Run the test with what vectors the host has, and once more as on a host that has none."""
    if request.param == "narrow":
        monkeypatch.setenv("CAUSEWAY_NARROW", "1")
    for cached in _CACHES:
        cached.cache_clear()
    yield request.param
    for cached in _CACHES:
        cached.cache_clear()
