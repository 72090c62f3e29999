"""Idempotency keys. Law: one key, one request, one answer; a repeat never does the work again.

The request itself is not kept: a hash of each field is enough to name the one that differs.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from backend.protocol.errors import IdempotencyKeyReused, RequestInProgress
from backend.records.tables.registers import idempotency_keys

# A process that died leaves its request in flight; after this it may be tried again. All work
# behind these keys can be repeated without harm.
IN_FLIGHT_MS_MAX: Final = 60_000
KEPT_MS: Final = 7 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """What the first request of a key was answered."""

    status_code: int
    body: str


class IdempotencyKeys:
    """The register of idempotency keys, each in the scope of one API key."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(
        self, api_key_id: str, key: str, operation: str, body: Mapping[str, Any], ts_ms: int
    ) -> Answer | None:
        """Take the key for this request; return the first answer if this is a repeat.

        Raises IdempotencyKeyReused if the first request was another one, RequestInProgress if it
        has not been answered yet.
        """
        hashes = _field_hashes(body)
        row = {
            "api_key_id": api_key_id,
            "key": key,
            "operation": operation,
            "field_hashes": json.dumps(hashes, sort_keys=True),
            "started_ts_ms": ts_ms,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(idempotency_keys).values(row))
            return None
        except IntegrityError:
            return self._repeat(row, hashes, ts_ms)

    def _repeat(
        self, row: Mapping[str, Any], hashes: Mapping[str, str], ts_ms: int
    ) -> Answer | None:
        mine = _is_key(row["api_key_id"], row["key"])
        with self._engine.begin() as connection:
            found = connection.execute(select(idempotency_keys).where(mine)).first()
            if found is None:  # pruned this instant: the client's next attempt will take it
                raise RequestInProgress()
            if found.operation != row["operation"]:
                raise IdempotencyKeyReused("path")
            differing = _first_difference(json.loads(found.field_hashes), hashes)
            if differing is not None:
                raise IdempotencyKeyReused(differing)
            if found.status_code is not None:
                return Answer(found.status_code, found.answer)
            # Only one of several late-comers gets it.
            taken = connection.execute(
                update(idempotency_keys)
                .where(mine)
                .where(idempotency_keys.c.status_code.is_(None))
                .where(idempotency_keys.c.started_ts_ms < ts_ms - IN_FLIGHT_MS_MAX)
                .values(started_ts_ms=ts_ms)
            )
        if taken.rowcount == 0:
            raise RequestInProgress()
        return None

    def finish(self, api_key_id: str, key: str, answer: Answer) -> None:
        """Keep the answer of a request that `begin` let through."""
        with self._engine.begin() as connection:
            connection.execute(
                update(idempotency_keys)
                .where(_is_key(api_key_id, key))
                .values(status_code=answer.status_code, answer=answer.body)
            )

    def release(self, api_key_id: str, key: str) -> None:
        """Let a request be sent again that was not answered for good; no other has its key.

        What it was is remembered: an order may be kept for it already.
        """
        given_up_ts_ms = idempotency_keys.c.started_ts_ms - IN_FLIGHT_MS_MAX - 1
        with self._engine.begin() as connection:
            connection.execute(
                update(idempotency_keys)
                .where(_is_key(api_key_id, key))
                .where(idempotency_keys.c.status_code.is_(None))
                .values(started_ts_ms=given_up_ts_ms)
            )

    def prune(self, ts_ms: int) -> int:
        """Forget keys older than a week; return how many there were."""
        with self._engine.begin() as connection:
            found = connection.execute(
                delete(idempotency_keys).where(idempotency_keys.c.started_ts_ms < ts_ms - KEPT_MS)
            )
        return found.rowcount


def _is_key(api_key_id: str, key: str) -> Any:
    return (idempotency_keys.c.api_key_id == api_key_id) & (idempotency_keys.c.key == key)


def _field_hashes(body: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    hashes: dict[str, str] = {}
    for name, value in body.items():
        if isinstance(value, Mapping):
            hashes |= _field_hashes(value, f"{prefix}{name}.")
        else:
            text = json.dumps(value, sort_keys=True)
            hashes[f"{prefix}{name}"] = hashlib.sha256(text.encode()).hexdigest()[:32]
    return hashes


def _first_difference(first: Mapping[str, str], second: Mapping[str, str]) -> str | None:
    names = (*second, *(name for name in first if name not in second))
    return next((name for name in names if first.get(name) != second.get(name)), None)
