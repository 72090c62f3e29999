"""Who asks. Law: keys are known by hash; nothing tells an unknown key from a revoked one."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from backend.protocol.errors import ApiKeyInvalid, PermissionDenied, RateLimited
from backend.records.registers.api_keys import ApiKey, ApiKeys

# How long a key revoked by another process may go on.
_CACHED_MS: Final = 5_000
_CACHED_MAX: Final = 10_000
_MARK_USED_MS: Final = 60_000


@dataclass(slots=True)
class _Seen:
    key: ApiKey
    read_ts_ms: int
    marked_ts_ms: int
    tokens: int  # thousandths of a request that it may send at once
    counted_ts_ms: int


class Gatekeeper:
    """Lets in who holds a key, and counts what he asks. The database is asked now and then."""

    def __init__(
        self, api_keys: ApiKeys, clock_ms: Callable[[], int], requests_per_s_max: int
    ) -> None:
        self._api_keys = api_keys
        self._clock_ms = clock_ms
        self._rate = requests_per_s_max
        self._seen: dict[bytes, _Seen] = {}

    async def let_in(self, authorization: str | None, scope: str) -> ApiKey:
        """Return the caller's key. Raises ApiKeyInvalid, PermissionDenied or RateLimited."""
        kind, _, text = (authorization or "").partition(" ")
        if kind.lower() != "bearer" or not text or len(text) > 200:
            raise ApiKeyInvalid()
        ts_ms = self._clock_ms()
        seen = await self._find(text, ts_ms)
        if not seen.key.allows(scope):
            raise PermissionDenied(scope)
        if self._rate:
            self._count(seen, ts_ms)
        if ts_ms - seen.marked_ts_ms > _MARK_USED_MS:
            seen.marked_ts_ms = ts_ms
            await run_in_threadpool(self._api_keys.mark_used, seen.key.id, ts_ms)
        return seen.key

    def forget(self) -> None:
        """Forget what was read: a key was revoked."""
        self._seen.clear()

    async def _find(self, text: str, ts_ms: int) -> _Seen:
        digest = hashlib.sha256(text.encode()).digest()
        seen = self._seen.get(digest)
        if seen is not None and abs(ts_ms - seen.read_ts_ms) <= _CACHED_MS:  # clocks are set back
            return seen
        key = await run_in_threadpool(self._api_keys.find, text)
        if key is None:
            self._seen.pop(digest, None)
            raise ApiKeyInvalid()
        if seen is None:
            if len(self._seen) >= _CACHED_MAX:
                self._seen.clear()
            seen = _Seen(key, ts_ms, 0, self._rate * 1000, ts_ms)
            self._seen[digest] = seen
        seen.key, seen.read_ts_ms = key, ts_ms
        return seen

    def _count(self, seen: _Seen, ts_ms: int) -> None:
        """Take one request out of a bucket that refills all the time and holds a second's worth."""
        refill = max(ts_ms - seen.counted_ts_ms, 0) * self._rate
        seen.tokens = min(seen.tokens + refill, self._rate * 1000)
        seen.counted_ts_ms = ts_ms
        if seen.tokens < 1000:
            raise RateLimited(-(-(1000 - seen.tokens) // self._rate))
        seen.tokens -= 1000


def needs(scope: str) -> Callable[[Request], Any]:
    """Return the dependency of a call that only keys with `scope` may make."""

    async def caller(request: Request) -> ApiKey:
        gatekeeper: Gatekeeper = request.app.state.services.gatekeeper
        return await gatekeeper.let_in(request.headers.get("authorization"), scope)

    return caller
